/**
 * @file Range analysis: intervals through a Program from bounds on its inputs, and warnings where a raw product can reach 2^62, a lazily
 * scaled value its bound, or a function's argument leaves its stated range. Sound for the intervals that it is given (interval
 * arithmetic, Moore 1966), pessimistic about values that depend on each other. An unknown input is unbounded and warns of nothing:
 * what follows from it is unknown too, until an op bounds it again (softmax, sigmoid, ...).
 */
import type { Binding } from "@tacit/core/device";
import { DTYPE, type Node, type Program, type TypedArray } from "@tacit/core/program";
import type { ProtocolOptions, RangeWarning } from "../protocol.ts";
import { DIVISOR, EXP_TOP, GELU_BITS, POSITIVE, ROOT_BITS } from "./bounds.ts";
import { makePlan, type Plan } from "./lower/plan.ts";
import { foldedOf, isCoarse, productsOf } from "./lower/size.ts";
import { COMPARED, rangeOf, widthOf } from "./range.ts";

export type Interval = readonly [lo: number, hi: number];

const UNKNOWN: Interval = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
const UNIT: Interval = [0, 1];
const RAW_LIMIT_BITS = 62;
/** Largest magnitude of a fixed-point value that comparisons and exports take for granted. */
const VALUE_LIMIT_BITS = 62;

const magnitude = ([lo, hi]: Interval): number => Math.max(Math.abs(lo), Math.abs(hi));
const isKnown = ([lo, hi]: Interval): boolean => Number.isFinite(lo) && Number.isFinite(hi);
const symmetric = (m: number): Interval => [-m, m];
const hull = (...xs: readonly Interval[]): Interval => [Math.min(...xs.map((x) => x[0])), Math.max(...xs.map((x) => x[1]))];
const times = ([a, b]: Interval, [c, d]: Interval): Interval => {
  const all = [a * c, a * d, b * c, b * d].map((v) => (Number.isNaN(v) ? 0 : v));
  return [Math.min(...all), Math.max(...all)];
};
const plus = (x: Interval, y: Interval): Interval => [x[0] + y[0], x[1] + y[1]];
const minus = (x: Interval, y: Interval): Interval => [x[0] - y[1], x[1] - y[0]];

/** What of a value is not yet plain fixed point: products by their fraction bits, and whether a factor stands beside it. */
interface Waiting {
  readonly products: ReadonlySet<number>;
  readonly factor: boolean;
}
const NOTHING: Waiting = { products: new Set(), factor: false };

/** What a rule sees. `warn` adds a warning for the node. */
interface Site {
  readonly plan: Plan;
  readonly node: Node;
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

const power2 = (x: number): string => `2^${Math.log2(x).toFixed(1)}`;

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
  const square = s.node.args[0] === s.node.args[1];
  const scalar = [0, 1].some((i) => !s.secret[i] && s.plan.uniform[s.node.args[i]!]);
  if (scalar) {
    if (!isExact(s, s.secret[0] ? 1 : 0)) checkLazy(s, s.secret[0] ? 0 : 1);
  } else checkProduct(s, 1, a, b);
  const out = times(a, b);
  return square ? [0, out[1]] : out;
};

/** A constant that is an integer, 1/2 or 1/4: applied exactly, to values of any size. */
function isExact(s: Site, i: number): boolean {
  const v = Math.abs(Number(s.plan.fixed.get(s.node.args[i]!)?.[0] ?? Number.NaN));
  return Number.isInteger(4 * v);
}

/** A value that waits for its factor is bounded by the place that the factor's bits take. */
function checkLazy(s: Site, i: number): void {
  const m = magnitude(s.args[i]!);
  const limit = Math.min(s.plan.sizes[s.node.args[i]!]!.before, RAW_LIMIT_BITS - 2 * s.f);
  if (Number.isFinite(m) && m >= 2 ** limit) {
    s.warn(`a value of ${power2(m)} waits for a public factor, which takes less than ${power2(2 ** limit)}`);
  }
}

const MOVES_FACTOR = new Set("permute expand slice pad flip reluGrad maxPool2dGrad avgPool2d avgPool2dGrad".split(" "));
const CONTRACTIONS = new Set("matmul conv2d conv2dGradInput conv2dGradWeight".split(" "));
const LINEAR = new Set("add sub sum neg reshape cast".split(" "));

/** What of a node's result waits: as the executor's terms, pessimistic about who reads. */
function waitingOf(s: Site): Waiting {
  const { op } = s.node;
  const factor = s.waiting.some((w) => w.factor);
  const made = { products: new Set([2 * s.f]), factor };
  if (CONTRACTIONS.has(op)) return made;
  if (op === "mul" || (op === "div" && !s.secret[1])) {
    const known = s.secret.indexOf(false);
    if (known < 0 || !s.plan.uniform[s.node.args[known]!]) return made;
    const { products } = s.waiting[1 - known]!;
    const c = Math.abs(Number(s.plan.fixed.get(s.node.args[known]!)?.[0] ?? Number.NaN));
    if (op === "mul" && (c === 1 / 2 || c === 1 / 4) && !factor && products.size > 0)
      return { products: new Set([...products].map((scale) => scale - Math.log2(c))), factor };
    return { products, factor: factor || op === "div" || !Number.isInteger(c) };
  }
  if (LINEAR.has(op)) return { products: new Set(s.waiting.flatMap((w) => [...w.products])), factor };
  return MOVES_FACTOR.has(op) ? { products: NOTHING.products, factor: factor || op.startsWith("avg") } : NOTHING;
}

/** Warns where products, summed before their truncation, can leave it, or are too large for the scale at which they meet a factor. */
function checkSum(s: Site, out: Interval): void {
  const { products, factor } = waitingOf(s);
  if (products.size === 0) return;
  const most = RAW_LIMIT_BITS - Math.max(...products);
  if (isKnown(out) && magnitude(out) >= 2 ** most)
    s.warn(`a sum of products can reach ${power2(magnitude(out))}, fixed point takes less than ${power2(2 ** most)}`);
  if (!factor && products.size === 1) return;
  for (const [i, w] of s.waiting.entries()) {
    // With a factor of its own it was looked at where that came to it.
    if (w.factor || w.products.size === 0) continue;
    const { before } = s.plan.sizes[s.node.args[i]!]!;
    const m = magnitude(s.args[i]!);
    if (!isKnown(s.args[i]!) || isCoarse(2 * s.f, before) || m < 2 ** before) continue;
    s.warn(`a product of ${power2(m)} is added to a value that waits for a public factor, which takes less than 2^${before}`);
  }
}

const divide: Rule = (s) => {
  const [x, v] = s.args as [Interval, Interval];
  if (!s.secret[1]) {
    if (s.plan.uniform[s.node.args[1]!]) checkLazy(s, 0);
    const least = v[0] > 0 || v[1] < 0 ? Math.min(Math.abs(v[0]), Math.abs(v[1])) : 0;
    return least === 0 ? UNKNOWN : symmetric(magnitude(x) / least);
  }
  return symmetric(magnitude(x) / divisor(s, v));
};

/** The least magnitude of a divisor; warns about its range. */
function divisor(s: Site, v: Interval): number {
  const [least, most] = [2 ** DIVISOR.lo, 2 ** DIVISOR.hi];
  const near = v[0] > 0 || v[1] < 0 ? Math.min(Math.abs(v[0]), Math.abs(v[1])) : 0;
  if (isKnown(v) && near < least) s.warn(`a divisor can be smaller than 2^${DIVISOR.lo}; the quotient is then 0`);
  if (isKnown(v) && magnitude(v) >= most)
    s.warn(`a divisor can reach ${power2(magnitude(v))}, the range ends at 2^${DIVISOR.hi}`);
  return Math.max(near, least);
}

/** Roots and logarithms: [2^-16, 2^14). */
const positive =
  (zero: boolean, f: (x: number) => number): Rule =>
  (s) => {
    const x = s.args[0]!;
    const least = 2 ** (s.plan.fine.has(s.node.args[0]!) ? -ROOT_BITS : POSITIVE.lo);
    if (isKnown(x) && x[0] < (zero ? 0 : least)) s.warn(`an argument can be ${x[0] < 0 ? "negative" : "0"}`);
    if (isKnown(x) && x[1] >= 2 ** POSITIVE.hi)
      s.warn(`an argument can reach ${power2(x[1])}, the range ends at 2^${POSITIVE.hi}`);
    const [lo, hi] = [x[0], x[1]].map((v) => f(Math.min(Math.max(v, least), 2 ** POSITIVE.hi))) as [number, number];
    return hull([lo, hi], [hi, lo]);
  };

const exponential: Rule = (s) => {
  const [, hi] = s.args[0]!;
  if (Number.isFinite(hi) && hi > EXP_TOP) s.warn(`an argument can reach ${hi.toPrecision(3)}, the range ends at ${EXP_TOP}`);
  return [0, Math.exp(Math.min(hi, EXP_TOP))];
};

/** Above 2^11 the cube in the one by tanh leaves what fixed point takes. */
const gelu: Rule = (s) => {
  const m = magnitude(s.args[0]!);
  if (s.node.attrs[0] === 1 && Number.isFinite(m) && m >= 2 ** GELU_BITS)
    s.warn(`an argument can reach ${power2(m)}, the range ends at 2^${GELU_BITS}`);
  return [-0.2, Math.max(s.args[0]![1], 0)];
};

const same: Rule = (s) => hull(...s.args);
const first: Rule = (s) => s.args[0]!;
const withZero: Rule = (s) => hull(s.args[0]!, [0, 0]);
const bounded =
  (x: Interval): Rule =>
  () =>
    x;

const perResult = (s: Site): number => foldedOf(s.plan.program, s.node);

const crossEntropy: Rule = (s) => {
  const spread = s.args[0]![1] - s.args[0]![0];
  return [0, magnitude(s.args[1]!) * (spread + Math.log(shape(s, 0)[1]!)) * shape(s, 0)[1]!];
};
const crossEntropyGrad: Rule = (s) => symmetric(2 * magnitude(s.args[1]!) * magnitude(s.args[2]!));
const windows: Rule = (s) => times(s.args[0]!, [0, s.node.attrs[0]! * s.node.attrs[1]!]);

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>(
  Object.entries({
    add: (s: Site) => plus(s.args[0]!, s.args[1]!),
    sub: (s: Site) => minus(s.args[0]!, s.args[1]!),
    neg: (s: Site) => minus([0, 0], s.args[0]!),
    mul: multiply,
    div: divide,
    reciprocal: (s: Site) => symmetric(1 / divisor(s, s.args[0]!)),
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
    abs: (s: Site) => [0, magnitude(s.args[0]!)],
    maximum: same,
    minimum: same,
    where: (s: Site) => hull(s.args[1]!, s.args[2]!),
    cat: same,
    softmaxCrossEntropy: crossEntropy,
    softmaxCrossEntropyGrad: crossEntropyGrad,
    avgPool2dGrad: windows,
    maxPool2dGrad: windows,
    reluGrad: withZero,
    pad: withZero,
    logSoftmax: (s: Site) => [s.args[0]![0] - s.args[0]![1] - Math.log(shape(s, 0)[s.node.attrs[0]!]!), 0],
    ...Object.fromEntries("softmax sigmoid gt ge lt le eq ne bitNot".split(" ").map((op) => [op, bounded(UNIT)])),
    ...Object.fromEntries("tanh erf sign sin cos".split(" ").map((op) => [op, bounded([-1, 1])])),
    ...Object.fromEntries(
      "reshape permute expand slice flip cast maxPool2d avgPool2d amax amin gather indexSelect"
        .split(" ")
        .map((op) => [op, first]),
    ),
  }),
);

function intervalOf(values: TypedArray): Interval {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    lo = Math.min(lo, Number(values[i]));
    hi = Math.max(hi, Number(values[i]));
  }
  return values.length === 0 ? [0, 0] : [lo, hi];
}

/** Possible overflows of the secret nodes that results need. `bounds[i]`: |input i| at most; undefined: unknown. */
export function ranges(
  program: Program,
  bindings: readonly Binding[],
  bounds: readonly (number | undefined)[],
  options: ProtocolOptions,
): readonly RangeWarning[] {
  const plan = makePlan(program, bindings);
  const f = options.fractionBits;
  const intervals: Interval[] = program.inputs.map((_, i) => (bounds[i] === undefined ? UNKNOWN : symmetric(bounds[i])));
  const warnings: RangeWarning[] = [];
  const waits: Waiting[] = program.inputs.map(() => NOTHING);
  program.nodes.forEach((node, i) => {
    const id = program.inputs.length + i;
    const fixed = plan.fixed.get(id);
    if (fixed) {
      intervals.push(intervalOf(fixed));
      waits.push(NOTHING);
      return;
    }
    const isSecret = plan.knowledge[id] === "secret" && plan.uses[id] !== 0;
    const warn = (message: string): void => {
      if (isSecret) warnings.push({ node: i, op: node.op, message: `${node.op}: ${message}` });
    };
    const args = node.args.map((a) => intervals[a]!);
    const secret = node.args.map((a) => plan.knowledge[a] === "secret");
    const waiting = node.args.map((a) => waits[a]!);
    const site = { plan, node, args, waiting, secret, f, warn };
    checkCompared(site, options);
    const out = RULES.get(node.op)?.(site) ?? UNKNOWN;
    if (node.op === "add" || node.op === "sub" || node.op === "sum") checkSum(site, out);
    const left = isSecret ? waitingOf(site) : NOTHING;
    // Several readers read one truncated sharing; what is returned has no factor left.
    const settled = plan.uses[id]! > 1 ? { products: NOTHING.products, factor: left.factor && !plan.returned[id] } : left;
    waits.push(settled);
    if (Number.isFinite(magnitude(out)) && magnitude(out) >= 2 ** (VALUE_LIMIT_BITS - f)) {
      warn(`a value can reach ${power2(magnitude(out))}, fixed point ends at 2^${VALUE_LIMIT_BITS - f}`);
    }
    intervals.push(out);
  });
  return warnings;
}
