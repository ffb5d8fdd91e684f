/** @file What the tests of the op table share: seeded values, running Exprs on the reference interpreter, comparing arrays. */
import { expect } from "vitest";
import { interpret, type Precision } from "../../src/device/reference/index.ts";
import { Expr } from "../../src/expr.ts";
import { type Aval, sizeOf } from "../../src/program/aval.ts";
import { DTYPE, type DType, type TypedArray } from "../../src/program/dtype.ts";
import { trace } from "../../src/transform/index.ts";

/** Uniform in [0, 1), from an xorshift generator (Marsaglia 2003). */
export function generator(seed: number): () => number {
  let s = (seed * 2654435761) >>> 0 || 1;
  return () => {
    s ^= s << 13;
    s >>>= 0;
    s ^= s >>> 17;
    s ^= s << 5;
    s >>>= 0;
    return s / 2 ** 32;
  };
}

/**
 * How an argument is filled. `normal`: both signs, about 1. `positive`: 0.3 to 2. `distinct`: no two closer than 0.05, none near 0.
 * `mask`: true at even places, so that no row of an even width is without one. `ties`: small integers, many equal. `probability`: rows
 * that need not sum to 1. `unit`: -0.8 to 0.8. `aboveOne`: 1.3 to 3. A number n: indices in 0..n-1.
 */
export type Fill = "normal" | "positive" | "distinct" | "ties" | "bool" | "mask" | "probability" | "unit" | "aboveOne" | number;

export interface Arg {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly fill: Fill;
}

export const f = (...shape: number[]): Arg => ({ shape, dtype: "f32", fill: "normal" });
export const filled = (fill: Fill, ...shape: number[]): Arg => ({ shape, dtype: "f32", fill });
export const typed = (dtype: DType, fill: Fill, ...shape: number[]): Arg => ({ shape, dtype, fill });
export const index = (n: number, ...shape: number[]): Arg => ({ shape, dtype: "i32", fill: n });

function draw(fill: Fill, random: () => number, i: number, n: number): number {
  switch (fill) {
    case "normal":
      return (random() + random() + random() - 1.5) * 2;
    case "positive":
      return 0.3 + 1.7 * random();
    case "distinct":
      // Steps of 0.1 visited in a scattered order (7919 is prime), shifted off zero.
      return (((i * 7919) % n) - n / 2) * 0.1 + 0.027;
    case "ties":
      return Math.floor(random() * 4) - 1;
    case "bool":
      return random() < 0.5 ? 0 : 1;
    case "mask":
      return i % 2 === 0 ? 1 : random() < 0.5 ? 0 : 1;
    case "probability":
      return random();
    case "unit":
      return 1.6 * random() - 0.8;
    case "aboveOne":
      return 1.3 + 1.7 * random();
    default:
      return Math.floor(random() * fill);
  }
}

/** f32 arguments are drawn in f64: the tests run at the precision of f64 unless they say otherwise. */
export function values(arg: Arg, seed: number, lead = 1): TypedArray {
  const n = sizeOf(arg.shape) * lead;
  const random = generator(seed + 1);
  const out = arg.dtype === "f32" ? new Float64Array(n) : DTYPE[arg.dtype].make(n);
  for (let i = 0; i < n; i++) {
    const v = draw(arg.fill, random, i, n);
    const whole = Math.round(typeof arg.fill === "number" || arg.fill === "bool" || arg.fill === "mask" ? v : v * 3);
    if (out instanceof BigInt64Array || out instanceof BigUint64Array) out[i] = BigInt(whole);
    else out[i] = DTYPE[arg.dtype].float ? v : whole;
  }
  return out;
}

export const placeholders = (args: readonly Aval[]): Expr[] => args.map((a) => Expr.placeholder(a));

/** Computes Exprs from values of their placeholders. */
export function run(
  outputs: readonly Expr[],
  inputs: readonly Expr[],
  given: readonly TypedArray[],
  precision: Precision = "f64",
): TypedArray[] {
  return interpret(trace(outputs, inputs).program, given, precision);
}

/** Largest |a - b| / max(1, |b|) at most `tolerance`; NaN equals NaN; bigints exactly. */
export function expectClose(got: TypedArray, want: TypedArray | readonly number[], tolerance: number, what = ""): void {
  expect(got.length, `${what}: length`).toBe(want.length);
  for (let i = 0; i < want.length; i++) {
    const [a, b] = [got[i]!, want[i]!];
    if (typeof a === "bigint" || typeof b === "bigint") {
      if (a !== b) expect.fail(`${what}: element ${i} is ${a}, expected ${b}`);
      continue;
    }
    const close = Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));
    if (!close) expect.fail(`${what}: element ${i} is ${a}, expected ${b} within ${tolerance}`);
  }
}
