/**
 * @file Whether a Program's results on shares are those in the clear.
 *
 * How far off may they be? Every op has a stated error (functions/README.md), and every value is rounded to a unit of 2^-16. What this makes of a result is found by
 * evaluating the Program in f64 with errors of that size at every node: rounded only (to the nearest, down, up), all upwards, all downwards, then of random signs. `MARGIN` times the
 * largest deviation of an element is allowed, and `FLOOR` of results that are floats. An element that takes another value under such noise (an
 * argument of a comparison that is within rounding of the other) may take any.
 */
import { type Aval, OPS, type TypedArray } from "@tacit/core/program";
import type { ProtocolOptions, RunCounters } from "../../../../src/protocols/protocol.ts";
import { replicated3 } from "../../../../src/protocols/replicated3/index.ts";
import { isKnown } from "../../../../src/protocols/replicated3/intervals.ts";
import { makePlan, type Plan } from "../../../../src/protocols/replicated3/lower/plan.ts";
import { analyse } from "../../../../src/protocols/replicated3/ranges.ts";
import { Dice } from "../../../fuzz/dice.ts";
import type { Parties } from "../parties.ts";
import type { Trial } from "./make.ts";

const UNIT = 2 ** -16;
const MARGIN = 8;
/** Two values of which one was rounded are equal, or not, by chance where they are this close, or `MARGIN` times their errors. */
const NEAR = 64 * UNIT;
const FLOOR = 4 * UNIT;
/** Evaluations with noise. */
const ROUNDS = 9;
/** Where a result seems wrong. */
const MORE = 40;
/** Of the first ones: rounded only, in three ways; all upwards, all downwards. */
const FIXED: readonly Signs[] = [
  { sign: () => 0, round: Math.round },
  { sign: () => 0, round: Math.floor },
  { sign: () => 0, round: Math.ceil },
  { sign: () => 1, round: Math.round },
  { sign: () => -1, round: Math.round },
];

/** Errors of ops: absolute, relative. */
interface Noise {
  readonly absolute: number;
  readonly relative: number;
}
const rows = (names: string, absolute: number, relative: number): [string, Noise][] =>
  names.split(" ").map((op) => [op, { absolute, relative }]);
const NOISE: ReadonlyMap<string, Noise> = new Map([
  ...rows("reshape permute expand slice pad flip cat neg add sub relu reluGrad abs where cast gather indexSelect sort sum", 0, 0),
  ...rows("maximum minimum amax amin maxPool2d maxPool2dGrad cumsum scatter scatterAdd indexAdd oneHot constant iota", 0, 0),
  ...rows("exp log sqrt rsqrt reciprocal div tanh sigmoid erf softmax logSoftmax", 2 ** -14, 2 ** -14),
  ...rows("pow prod", 2 ** -13, 2 ** -12),
  ...rows("softmaxCrossEntropy softmaxCrossEntropyGrad", 2 ** -14, 2 ** -13),
]);
const DEFAULT: Noise = { absolute: UNIT, relative: 2 ** -14 };
const ONE: Noise = { absolute: UNIT, relative: 0 };
const EXACT: Noise = { absolute: 0, relative: 0 };

const wide = (aval: Aval): Aval => ({ shape: aval.shape, dtype: aval.dtype === "f32" ? "f64" : aval.dtype });
const f64 = (x: TypedArray): TypedArray => (x instanceof Float32Array ? Float64Array.from(x) : x);
/** Of the noise, and how a value becomes whole units. */
interface Signs {
  readonly sign: () => number;
  readonly round: (x: number) => number;
  /** Whether values that may be equal by chance are taken to be, or not to be: where one of them has a tie, that hides what the tie does. */
  readonly flips?: boolean;
}

const largest = (x: TypedArray): number => {
  let m = 0;
  for (let i = 0; i < x.length; i++) m = Math.max(m, Math.abs(Number(x[i])));
  return m;
};

/** The largest difference. */
function furthest(x: TypedArray, y: TypedArray): number {
  let m = 0;
  for (let i = 0; i < x.length; i++) m = Math.max(m, Math.abs(Number(x[i]) - Number(y[i])));
  return m;
}

function disturbed(x: TypedArray, noise: Noise, signs: Signs): TypedArray {
  if (!(x instanceof Float64Array) || noise === EXACT) return x;
  const grid = noise.absolute > 0 ? UNIT : 0;
  return x.map((v) => {
    const y = v + signs.sign() * (noise.absolute + noise.relative * Math.abs(v));
    return grid === 0 ? y : signs.round(y / grid) * grid;
  });
}

/** How a public argument is rounded: an array becomes whole units, and so does the inverse of one; a scalar factor waits. */
function roundingOf(plan: Plan, op: string, i: number, id: number, x: TypedArray): Noise {
  if ((op === "mul" || op === "div") && plan.uniform[id]) return { absolute: 0, relative: 2 ** -14 };
  if (op === "div" && i === 1) return { absolute: UNIT * largest(x) ** 2, relative: 0 };
  return { absolute: UNIT, relative: 0 };
}

/** All values in f64. With `signs` every secret node is disturbed, and so is what its readers read: each rounds by itself. */
export function evaluate(t: Trial, plan: Plan, signs?: Signs, clear?: readonly TypedArray[]): TypedArray[] {
  const { program } = t;
  const values: TypedArray[] = t.inputs.map(f64);
  for (const [i, node] of program.nodes.entries()) {
    const secret = plan.knowledge[program.inputs.length + i] === "secret";
    const own = node.args.map((a) => values[a]!);
    const inexact = (id: number): boolean => clear !== undefined && values[id]!.some((v, k) => v !== clear[id]![k]);
    const rounding = (id: number, k: number): Noise =>
      plan.knowledge[id] !== "secret" ? roundingOf(plan, node.op, k, id, values[id]!) : inexact(id) ? ONE : EXACT;
    const args = signs && secret ? own.map((x, k) => disturbed(x, rounding(node.args[k]!, k), signs)) : own;
    const avals = node.args.map((a) => wide(program.aval(a)));
    const reference = OPS.get(node.op)!.reference;
    // What all parties know they compute in f32.
    const made = secret
      ? reference(args, avals, node.attrs, wide(node.aval))
      : f64(
          reference(
            args,
            node.args.map((k) => program.aval(k)),
            node.attrs,
            node.aval,
          ),
        );
    if (signs?.flips && secret && (node.op === "eq" || node.op === "ne") && node.args.some(inexact)) {
      const near = NEAR + MARGIN * Math.max(...node.args.map((a) => furthest(values[a]!, clear![a]!)));
      const apart = OPS.get("sub")!.reference(own, avals, [], { shape: node.aval.shape, dtype: "f64" }) as Float64Array;
      values.push((made as Uint8Array).map((v, k) => (Math.abs(apart[k]!) < near ? 1 - v : v)));
      continue;
    }
    const { absolute, relative } = NOISE.get(node.op) ?? DEFAULT;
    // A row's target has a mass; gelu multiplies its argument with a gate of whole units.
    const mass = node.op.startsWith("softmaxCross") ? 1 + largest(args[1]!) * avals[0]!.shape[1]! : 1;
    const gate = node.op === "gelu" ? 2 ** -12.5 + UNIT * largest(args[0]!) : 0;
    const noise = {
      absolute: gate + absolute * mass * (node.op.endsWith("Grad") && args[2] ? 1 + largest(args[2]) : 1),
      relative,
    };
    values.push(signs && secret ? disturbed(made, noise, signs) : made);
  }
  return values;
}

/** A result and what it may differ by, element by element. */
export interface Allowed {
  readonly want: TypedArray;
  readonly by: Float64Array;
}

/** Of every value of the Program. */
export function allowed(t: Trial, plan: Plan, rounds: number = ROUNDS): Allowed[] {
  const clear = evaluate(t, plan);
  const by = clear.map((x) => new Float64Array(x.length));
  const dice = new Dice(rounds);
  for (let round = 0; round < rounds; round++) {
    const size = round < 7 ? 1 : 3;
    const random = (): number => size * (dice.once(2) ? 1 : -1) * (0.5 + dice.below(1024) / 2048);
    const signs = { ...(FIXED[round] ?? { sign: random, round: Math.round }), flips: round % 2 === 0 };
    evaluate(t, plan, signs, clear).forEach((values, id) => {
      for (let i = 0; i < values.length; i++) {
        const d = Math.abs(Number(values[i]) - Number(clear[id]![i]));
        by[id]![i] = Math.max(by[id]![i]!, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
      }
    });
  }
  return clear.map((want, id) => ({
    want,
    by: by[id]!.map((d) => MARGIN * d + (want instanceof Float64Array ? FLOOR : 0)),
  }));
}

export interface Wrong {
  /** Of the Program's outputs. */
  readonly output: number;
  readonly element: number;
  readonly want: number;
  readonly got: number;
  readonly by: number;
}
export type Verdict =
  | { readonly kind: "right"; readonly vague: boolean }
  | { readonly kind: "warned" | "unknown" | "refused"; readonly why: string }
  | {
      readonly kind: "wrong";
      readonly first: Wrong;
      readonly outside?: string;
      /** A run that did not cost what was estimated. */
      readonly cost?: string;
      /** Of fresh runs after the wrong one. */
      readonly rightAgain?: string;
    };

/** Values outside the intervals that `ranges` gives them: it would be wrong about what it warns of. */
export function outsideOf(t: Trial, values: readonly TypedArray[], options: ProtocolOptions): string | undefined {
  const { intervals } = analyse(t.program, t.bindings, t.bounds, options);
  for (const [id, x] of values.entries()) {
    const [lo, hi] = intervals[id]!;
    const room = 2 ** -20 * (1 + Math.max(Math.abs(lo), Math.abs(hi)));
    for (const v of x as Float64Array) {
      if (!(Number(v) >= lo - room && Number(v) <= hi + room)) return `%${id}: ${v} is outside [${lo}, ${hi}]`;
    }
  }
  return undefined;
}

/** Whether `ranges` says nothing, and knows what it says nothing about. */
export function warnedOf(t: Trial, options: ProtocolOptions): Verdict | undefined {
  const { intervals, warnings } = analyse(t.program, t.bindings, t.bounds, options);
  if (warnings.length > 0) return { kind: "warned", why: warnings[0]!.message };
  const at = intervals.findIndex((x) => !isKnown(x));
  return at < 0 ? undefined : { kind: "unknown", why: `%${at}` };
}

function compare(t: Trial, got: readonly TypedArray[], may: readonly Allowed[]): Wrong | undefined {
  for (const [output, id] of t.program.outputs.entries()) {
    const { want, by } = may[id]!;
    for (let element = 0; element < want.length; element++) {
      const [w, g] = [Number(want[element]), Number(got[output]![element])];
      if (!Number.isFinite(w) || Number.isNaN(by[element]!)) continue;
      // What is read is f32.
      const f32 = want instanceof Float64Array ? 2 ** -23 * Math.abs(w) : 0;
      if (!(Math.abs(w - g) <= by[element]! + f32)) return { output, element, want: w, got: g, by: by[element]! };
    }
  }
  return undefined;
}

/** What is unlike between a run and its estimate. */
async function dearer(t: Trial, options: ProtocolOptions, counters: readonly RunCounters[]): Promise<string | undefined> {
  const cost = await replicated3.estimate(t.program, t.bindings, options);
  const said = [[cost.rounds], cost.bytesPerParty, cost.framesPerParty];
  const ran = [[Math.max(...counters.map((c) => c.rounds))], counters.map((c) => c.bytesSent), counters.map((c) => c.framesSent)];
  const texts = [said, ran].map((x) => JSON.stringify(x));
  return texts[0] === texts[1] ? undefined : `estimated ${texts[0]}, ran ${texts[1]} (rounds, bytes, frames)`;
}

/** What the judge needs of three parties. */
export type Runner = Pick<Parties, "options" | "compute">;
const NOWHERE: Wrong = { output: -1, element: 0, want: 0, got: 0, by: 0 };
/** Fresh runs of a Program that was wrong once. */
const AGAIN = 5;

/**
 * Runs a Program on shares, once, and compares: its cost with the estimate, its results with the clear ones. What seems wrong is held against more evaluations
 * with noise, never forgiven by another run: those only say whether it is so every time.
 */
export async function judge(t: Trial, parties: Runner): Promise<Verdict> {
  const { options } = parties;
  const said = warnedOf(t, options);
  const plan = makePlan(t.program, t.bindings);
  const may = said ? [] : allowed(t, plan);
  const clear = may.map((x) => x.want);
  const outside = said ? undefined : outsideOf(t, clear, options);
  if (outside) return { kind: "wrong", first: NOWHERE, outside };
  const run = (): ReturnType<Runner["compute"]> => parties.compute(t.program, t.bindings, t.inputs);
  let got: readonly TypedArray[];
  try {
    const { values, counters } = await run();
    const cost = await dearer(t, options, counters);
    if (cost) return { kind: "wrong", first: NOWHERE, cost };
    got = values;
  } catch (error) {
    return said ?? { kind: "refused", why: String(error) };
  }
  if (said) return said;
  const seems = compare(t, got, may);
  if (!seems) return { kind: "right", vague: isVague(t, may) };
  const widest = allowed(t, plan, MORE).map((x, id) => ({ ...x, by: x.by.map((d, i) => Math.max(d, may[id]!.by[i]!)) }));
  const first = compare(t, got, widest);
  if (!first) return { kind: "right", vague: false };
  let rightAgain = 0;
  for (let k = 0; k < AGAIN; k++) if (!compare(t, (await run()).values, widest)) rightAgain++;
  return { kind: "wrong", first, rightAgain: `${rightAgain} of ${AGAIN}` };
}

/** Whether no float result says much. */
function isVague(t: Trial, may: readonly Allowed[]): boolean {
  return t.program.outputs.every((id) => {
    const { want, by } = may[id]!;
    return want.every((w: number | bigint, i: number) => !(by[i]! < 0.125 * (1 + Math.abs(Number(w)))));
  });
}
