/**
 * @file Range analysis: intervals through a Program from bounds on its inputs, and warnings where a raw product can reach 2^62, a lazily
 * scaled value its bound, or a function's argument leaves its stated range. Sound for the intervals that it is given (interval
 * arithmetic, Moore 1966), pessimistic about values that depend on each other. An unknown input is unbounded and warns of nothing:
 * what follows from it is unknown too, until an op bounds it again (softmax, sigmoid, ...).
 */
import type { Binding } from "@tacit/core/device";
import { DTYPE, fractionOf, type Node, type Program } from "@tacit/core/program";
import type { ProtocolOptions, RangeWarning } from "../protocol.ts";
import { DIVISOR, EXP_TOP, GELU_BITS, POSITIVE, ROOT_BITS } from "./bounds.ts";
import {
  hull,
  type Interval,
  intervalOf,
  isKnown,
  magnitude,
  minus,
  monotone,
  nearest,
  plus,
  power,
  symmetric,
  times,
  UNIT,
  UNKNOWN,
  upTo,
  ZERO,
} from "./intervals.ts";
import { makePlan, type Plan } from "./lower/plan.ts";
import { foldedOf, overlapOf, productsOf } from "./lower/size.ts";
import { COMPARED, rangeOf, widthOf } from "./range.ts";
import { checkWaiting, power2, RAW_LIMIT_BITS, settled, type Waiting, waitingOf } from "./waiting.ts";

/** Largest magnitude of a fixed-point value that comparisons and exports take for granted. */
const VALUE_LIMIT_BITS = 62;

/** What a rule sees. `warn` adds a warning for the node. */
export interface Site {
  readonly plan: Plan;
  readonly node: Node;
  readonly id: number;
  readonly args: readonly Interval[];
  /** Of the arguments. */
  readonly waiting: readonly Waiting[];
  readonly secret: readonly boolean[];
  readonly f: number;
  warn(message: string): void;
}

type Rule = (s: Site) => Interval;

/** Warns where a session's range is what a comparison on 32 bits relies on, for it does not follow from the bounds. */
function checkCompared(s: Site, options: ProtocolOptions): void {
  if (widthOf(options) === 64) return;
  const range = rangeOf(options);
  for (const i of COMPARED.get(s.node.op) ?? []) {
    const id = s.node.args[i]!;
    if (!DTYPE[s.plan.program.aval(id).dtype].float || !s.secret[i]) continue;
    const m = magnitude(s.args[i]!);
    if (m < 2 ** range) continue;
    const reach = Number.isFinite(m) ? `can reach ${power2(m)}` : "is not known to be bounded";
    s.warn(`a compared value ${reach}; the session agreed that it stays below 2^${range}`);
  }
}

/** Warns where `count` products a b added up can leave what fixed point can truncate. */
function checkProduct(s: Site, count: number, a: Interval, b: Interval): void {
  const most = count * magnitude(a) * magnitude(b);
  if (!Number.isFinite(most)) return;
  const limit = 2 ** (RAW_LIMIT_BITS - 2 * s.f);
  if (most >= limit) s.warn(`a product can reach ${power2(most)}, fixed point takes less than ${power2(limit)}`);
}

function shape(s: Site, i: number): readonly number[] {
  return s.plan.program.aval(s.node.args[i]!).shape;
}

/** A sum of products of arguments 0 and 1. */
const contraction: Rule = (s) => {
  const n = productsOf(s.plan.program, s.node)!;
  const [a, b] = s.args as [Interval, Interval];
  if (s.secret[0] || s.secret[1]) checkProduct(s, n, a, b);
  return times([n, n], times(a, b));
};

const multiply: Rule = (s) => {
  const [a, b] = s.args as [Interval, Interval];
  const scalar = [0, 1].some((i) => !s.secret[i] && s.plan.uniform[s.node.args[i]!]);
  if (!scalar && (s.secret[0] || s.secret[1])) checkProduct(s, 1, a, b);
  return s.node.args[0] === s.node.args[1] ? power(a, 2) : times(a, b);
};

const divide: Rule = (s) => {
  const [x, v] = s.args as [Interval, Interval];
  if (!s.secret[1]) {
    if (!s.plan.uniform[s.node.args[1]!]) checkProduct(s, 1, x, symmetric(1 / nearest(v)));
    return quotient(x, v, nearest(v));
  }
  return quotient(x, v, divisor(s, v));
};

/** x / v, |v| at least `least`. */
function quotient(x: Interval, v: Interval, least: number): Interval {
  if (least === 0) return UNKNOWN;
  if (v[0] > 0) return times(x, [1 / v[1], 1 / least]);
  return v[1] < 0 ? times(x, [-1 / least, 1 / v[0]]) : symmetric(magnitude(x) / least);
}

/** The least magnitude of a divisor; warns about its range. */
function divisor(s: Site, v: Interval): number {
  const [least, most] = [2 ** DIVISOR.lo, 2 ** DIVISOR.hi];
  const near = nearest(v);
  if (isKnown(v) && near < least) s.warn(`a divisor can be smaller than 2^${DIVISOR.lo}; the quotient is then 0`);
  if (isKnown(v) && magnitude(v) >= most)
    s.warn(`a divisor can reach ${power2(magnitude(v))}, the range ends at 2^${DIVISOR.hi}`);
  return Math.max(near, least);
}

/** What is left of an argument of roots and logarithms, [2^-16, 2^14); warns of the rest. */
function positiveArgument(s: Site, x: Interval, zero: boolean, least: number): Interval {
  if (isKnown(x) && x[0] < (zero ? 0 : least)) s.warn(`an argument can be ${x[0] < 0 ? "negative" : "0"}`);
  if (isKnown(x) && x[1] >= 2 ** POSITIVE.hi) s.warn(`an argument can reach ${power2(x[1])}, the range ends at 2^${POSITIVE.hi}`);
  const inside = (v: number): number => Math.min(Math.max(v, zero ? 0 : least), 2 ** POSITIVE.hi);
  return [inside(x[0]), inside(x[1])];
}

const positive =
  (zero: boolean, f: (x: number) => number): Rule =>
  (s) => {
    const least = 2 ** (s.plan.fine.has(s.node.args[0]!) ? -ROOT_BITS : POSITIVE.lo);
    return monotone(f, positiveArgument(s, s.args[0]!, zero, least));
  };

const exponential: Rule = (s) => {
  const [, hi] = s.args[0]!;
  if (Number.isFinite(hi) && hi > EXP_TOP) s.warn(`an argument can reach ${hi.toPrecision(3)}, the range ends at ${EXP_TOP}`);
  return [Math.exp(Math.min(s.args[0]![0], EXP_TOP)), Math.exp(Math.min(hi, EXP_TOP))];
};

/** Above 2^11 the cube in the one by tanh leaves what fixed point takes. */
const gelu: Rule = (s) => {
  const m = magnitude(s.args[0]!);
  if (s.node.attrs[0] === 1 && Number.isFinite(m) && m >= 2 ** GELU_BITS)
    s.warn(`an argument can reach ${power2(m)}, the range ends at 2^${GELU_BITS}`);
  return [-0.2, Math.max(s.args[0]![1], 0)];
};

const perResult = (s: Site): number => foldedOf(s.plan.program, s.node);
const same: Rule = (s) => hull(...s.args);
const first: Rule = (s) => s.args[0]!;
const withZero: Rule = (s) => hull(s.args[0]!, ZERO);
const bounded =
  (x: Interval): Rule =>
  () =>
    x;

/** Its products are added up before they are truncated. */
const crossEntropy: Rule = (s) => {
  const [z, t] = s.args as [Interval, Interval];
  const classes = shape(s, 0)[1]!;
  const [spread, log] = [z[1] - z[0], Math.log(classes)];
  checkProduct(s, classes, t, [0, spread + log]);
  return times(t, [0, classes * (spread + log)]);
};

/** (p m - t) g for probabilities p and the mass m of a row's target t. */
const crossEntropyGrad: Rule = (s) => {
  const [, t, g] = s.args as [Interval, Interval, Interval];
  const residual = minus(upTo(shape(s, 0)[1]!, t), t);
  if (!s.plan.uniform[s.node.args[2]!]) checkProduct(s, 1, residual, g);
  return times(residual, g);
};

/** Products of squarings, each truncated. */
const integerPower = (s: Site, x: Interval, k: number): Interval => {
  const out = power(x, k);
  if (k > 1) checkProduct(s, 1, symmetric(Math.max(magnitude(x), 1)), symmetric(Math.max(magnitude(x), 1) ** (k - 1)));
  return out;
};

const raised: Rule = (s) => {
  const [x, exponent] = s.args as [Interval, Interval];
  const k = exponent[0];
  if (k !== exponent[1]) return UNKNOWN;
  if (Number.isInteger(k) && k >= 0) return integerPower(s, x, k);
  if (!s.secret[0]) return x[0] > 0 ? monotone((v) => v ** k, x) : UNKNOWN;
  if (k === -1) return quotient([1, 1], x, divisor(s, x));
  const least = positiveArgument(s, x, k === 0.5, 2 ** POSITIVE.lo);
  const out = monotone((v) => v ** k, least);
  if (Math.abs(k) !== 0.5 && isKnown(x) && Math.log(out[1]) > EXP_TOP)
    s.warn(`a power can reach ${power2(out[1])}, the range ends at e^${EXP_TOP}`);
  return out;
};

const product: Rule = (s) => {
  const n = perResult(s);
  const [x] = s.args as [Interval];
  const m = magnitude(x);
  if (s.secret[0] && n > 1) checkProduct(s, 1, symmetric(Math.max(m, 1)), symmetric(Math.max(m, 1) ** (n - 1)));
  return x[0] >= 0 ? power(x, n) : symmetric(m ** n);
};

/** A place gets the gradients of all windows that it lies in. */
const windows: Rule = (s) => upTo(overlapOf(s.node.attrs), s.args[0]!);

/** A window that counts its padding has zeros in it. */
const average: Rule = (s) => (s.node.attrs[4] === 0 && s.node.attrs[5] === 0 ? s.args[0]! : hull(s.args[0]!, ZERO));

/** A secret place outside selects 0. */
const selected: Rule = (s) => (s.secret[1] ? hull(s.args[0]!, ZERO) : s.args[0]!);

/** Places of argument i along the op's axis. */
const along = (s: Site, i: number): number => shape(s, i)[s.node.attrs[0]!]!;

const converted: Rule = (s) => {
  const kind = s.node.aval.dtype;
  if (DTYPE[kind].float) return s.args[0]!;
  if (kind === "bool") return UNIT;
  const x: Interval = [Math.floor(s.args[0]![0]), Math.ceil(s.args[0]![1])];
  const [least, most] = kind === "i32" ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 31 - 1];
  return kind === "i64" || (x[0] >= least && x[1] <= most) ? x : UNKNOWN;
};

const bits: Rule = (s) => (s.node.aval.dtype === "bool" ? UNIT : UNKNOWN);

/** Rows of a 2-norm of at most the bound. */
const clipped: Rule = (s) => symmetric(fractionOf("clippedSum", s.node.attrs) * shape(s, 0)[0]!);

/** Noise beyond 14 deviations is left out: of three parties' each is that large with probability e^-98. */
const noised: Rule = (s) => plus(s.args[0]!, symmetric(42 * fractionOf("partyNoise", s.node.attrs)));

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>(
  Object.entries({
    add: (s: Site) => plus(s.args[0]!, s.args[1]!),
    sub: (s: Site) => minus(s.args[0]!, s.args[1]!),
    neg: (s: Site) => minus(ZERO, s.args[0]!),
    mul: multiply,
    div: divide,
    reciprocal: (s: Site) => quotient([1, 1], s.args[0]!, s.secret[0] ? divisor(s, s.args[0]!) : nearest(s.args[0]!)),
    pow: raised,
    prod: product,
    matmul: contraction,
    conv2d: contraction,
    conv2dGradInput: contraction,
    conv2dGradWeight: contraction,
    sum: (s: Site) => times([perResult(s), perResult(s)], s.args[0]!),
    exp: exponential,
    gelu,
    log: positive(false, Math.log),
    sqrt: positive(true, Math.sqrt),
    rsqrt: positive(false, (x) => 1 / Math.sqrt(x)),
    relu: (s: Site) => [Math.max(s.args[0]![0], 0), Math.max(s.args[0]![1], 0)],
    abs: (s: Site) => [nearest(s.args[0]!), magnitude(s.args[0]!)],
    maximum: (s: Site) => [Math.max(s.args[0]![0], s.args[1]![0]), Math.max(s.args[0]![1], s.args[1]![1])],
    minimum: (s: Site) => [Math.min(s.args[0]![0], s.args[1]![0]), Math.min(s.args[0]![1], s.args[1]![1])],
    where: (s: Site) => hull(s.args[1]!, s.args[2]!),
    cat: same,
    softmaxCrossEntropy: crossEntropy,
    softmaxCrossEntropyGrad: crossEntropyGrad,
    avgPool2d: average,
    avgPool2dGrad: windows,
    maxPool2dGrad: windows,
    reluGrad: withZero,
    pad: withZero,
    gather: selected,
    indexSelect: selected,
    cast: converted,
    cumsum: (s: Site) => hull(s.args[0]!, times([along(s, 0), along(s, 0)], s.args[0]!)),
    scatter: (s: Site) => hull(s.args[0]!, s.args[2]!),
    scatterAdd: (s: Site) => plus(s.args[0]!, upTo(along(s, 1), s.args[2]!)),
    indexAdd: (s: Site) => plus(s.args[0]!, upTo(shape(s, 1)[0]!, s.args[2]!)),
    argsort: (s: Site) => [0, along(s, 0) - 1],
    argmax: (s: Site) => [0, along(s, 0) - 1],
    argmin: (s: Site) => [0, along(s, 0) - 1],
    iota: (s: Site) => [0, Math.max(...s.node.aval.shape, 1) - 1],
    clippedSum: clipped,
    partyNoise: noised,
    randomBits: () => [0, 2 ** 32 - 1],
    bitAnd: bits,
    bitOr: bits,
    bitXor: bits,
    bitNot: bits,
    logSoftmax: (s: Site) => [s.args[0]![0] - s.args[0]![1] - Math.log(shape(s, 0)[s.node.attrs[0]!]!), 0],
    ...Object.fromEntries("softmax sigmoid gt ge lt le eq ne all any oneHot".split(" ").map((op) => [op, bounded(UNIT)])),
    ...Object.fromEntries("tanh erf sign sin cos".split(" ").map((op) => [op, bounded([-1, 1])])),
    ...Object.fromEntries("reshape permute expand slice flip maxPool2d amax amin sort".split(" ").map((op) => [op, first])),
  }),
);

/** What follows from bounds on inputs: an interval for every value, and warnings. */
export interface Analysis {
  readonly intervals: readonly Interval[];
  readonly warnings: readonly RangeWarning[];
}

/** Possible overflows of the secret nodes that results need. `bounds[i]`: |input i| at most; undefined: unknown. */
export function ranges(
  program: Program,
  bindings: readonly Binding[],
  bounds: readonly (number | undefined)[],
  options: ProtocolOptions,
): readonly RangeWarning[] {
  return analyse(program, bindings, bounds, options).warnings;
}

/** The same, with the intervals. */
export function analyse(
  program: Program,
  bindings: readonly Binding[],
  bounds: readonly (number | undefined)[],
  options: ProtocolOptions,
): Analysis {
  const plan = makePlan(program, bindings);
  const f = options.fractionBits;
  const intervals: Interval[] = program.inputs.map((_, i) => (bounds[i] === undefined ? UNKNOWN : symmetric(bounds[i])));
  const warnings: RangeWarning[] = [];
  const waits: Waiting[] = program.inputs.map(() => []);
  program.nodes.forEach((node, i) => {
    const id = program.inputs.length + i;
    const fixed = plan.fixed.get(id);
    if (fixed) {
      intervals.push(intervalOf(fixed));
      waits.push([]);
      return;
    }
    const isSecret = plan.knowledge[id] === "secret" && plan.uses[id] !== 0;
    const warn = (message: string): void => {
      if (isSecret) warnings.push({ node: i, op: node.op, message: `${node.op}: ${message}` });
    };
    const args = node.args.map((a) => intervals[a]!);
    const secret = node.args.map((a) => plan.knowledge[a] === "secret");
    const waiting = node.args.map((a) => waits[a]!);
    const site = { plan, node, id, args, waiting, secret, f, warn };
    checkCompared(site, options);
    const out = RULES.get(node.op)?.(site) ?? UNKNOWN;
    waits.push(isSecret ? settled(checkWaiting(site, waitingOf(site, out), out), site) : []);
    if (Number.isFinite(magnitude(out)) && magnitude(out) >= 2 ** (VALUE_LIMIT_BITS - f)) {
      warn(`a value can reach ${power2(magnitude(out))}, fixed point ends at 2^${VALUE_LIMIT_BITS - f}`);
    }
    intervals.push(out);
  });
  return { intervals, warnings };
}
