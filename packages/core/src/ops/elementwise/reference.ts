/** @file Reference implementations of the elementwise ops. Numbers are computed in f64 and rounded by the array that takes them. */
import { TacitError } from "../../errors.ts";
import { DTYPE, type DType, type TypedArray } from "../../program/dtype.ts";
import type { Reference } from "../row.ts";
import { allocate, bigs, broadcastOffsets, isBig, numbers } from "../walk.ts";

export type Unary = (x: number) => number;
export type UnaryBig = (x: bigint) => bigint;
export type Binary = (a: number, b: number, dtype: DType) => number;
export type BinaryBig = (a: bigint, b: bigint, dtype: DType) => bigint;

export const mapUnary =
  (f: Unary, big?: UnaryBig): Reference =>
  ([x], _avals, _attrs, out) => {
    const y = allocate(out);
    if (isBig(y)) {
      const from = bigs(x);
      for (let i = 0; i < y.length; i++) y[i] = big!(from[i]!);
      return y;
    }
    const from = numbers(x);
    for (let i = 0; i < y.length; i++) y[i] = f(from[i]!);
    return y;
  };

export const mapBinary =
  (f: Binary, big?: BinaryBig): Reference =>
  ([a, b], avals, _attrs, out) => {
    const y = allocate(out);
    const ia = broadcastOffsets(avals[0]!.shape, out.shape);
    const ib = broadcastOffsets(avals[1]!.shape, out.shape);
    if (isBig(y)) {
      const p = bigs(a);
      const q = bigs(b);
      for (let i = 0; i < y.length; i++) y[i] = big!(p[ia === null ? i : ia[i]!]!, q[ib === null ? i : ib[i]!]!, out.dtype);
      return y;
    }
    const p = numbers(a);
    const q = numbers(b);
    for (let i = 0; i < y.length; i++) y[i] = f(p[ia === null ? i : ia[i]!]!, q[ib === null ? i : ib[i]!]!, out.dtype);
    return y;
  };

/** Comparison of two numbers or two bigints: JavaScript's operators do both. */
export const mapCompare =
  (f: (a: number | bigint, b: number | bigint) => boolean): Reference =>
  ([a, b], avals, _attrs, out) => {
    const y = numbers(allocate(out));
    const ia = broadcastOffsets(avals[0]!.shape, out.shape);
    const ib = broadcastOffsets(avals[1]!.shape, out.shape);
    for (let i = 0; i < y.length; i++) y[i] = f(a![ia === null ? i : ia[i]!]!, b![ib === null ? i : ib[i]!]!) ? 1 : 0;
    return y;
  };

export const whereReference: Reference = ([c, a, b], avals, _attrs, out) => {
  const [ic, ia, ib] = avals.map((v) => broadcastOffsets(v.shape, out.shape));
  const condition = numbers(c);
  const pick = (i: number): number => condition[ic ? ic[i]! : i]!;
  const y = allocate(out);
  if (isBig(y)) {
    const p = bigs(a);
    const q = bigs(b);
    for (let i = 0; i < y.length; i++) y[i] = pick(i) ? p[ia ? ia[i]! : i]! : q[ib ? ib[i]! : i]!;
    return y;
  }
  const p = numbers(a);
  const q = numbers(b);
  for (let i = 0; i < y.length; i++) y[i] = pick(i) ? p[ia ? ia[i]! : i]! : q[ib ? ib[i]! : i]!;
  return y;
};

/** Where a float that is too large or too small for an integer ends. u8 takes the low 8 bits of an i32, as PyTorch on x86 does. */
const SATURATE: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u8: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
};
const SATURATE_BIG: Readonly<Partial<Record<DType, readonly [bigint, bigint]>>> = {
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
  u64: [0n, 2n ** 64n - 1n],
};

/**
 * Float to integer truncates towards zero and saturates, NaN gives 0: one rule for every device (C and PyTorch leave it open).
 * Integer to integer keeps the low bits. To bool: not zero.
 */
export const castReference: Reference = ([x], avals, _attrs, out) => {
  const y = allocate(out);
  const fromFloat = DTYPE[avals[0]!.dtype].float;
  if (out.dtype === "bool") {
    const flags = numbers(y);
    for (let i = 0; i < flags.length; i++) flags[i] = x![i] === 0 || x![i] === 0n ? 0 : 1;
    return flags;
  }
  if (isBig(y)) return toBig(x!, y, SATURATE_BIG[out.dtype]!);
  if (isBig(x!)) {
    for (let i = 0; i < y.length; i++)
      y[i] = Number(out.dtype === "f32" || out.dtype === "f64" ? x[i]! : BigInt.asIntN(32, x[i]!));
    return y;
  }
  const range = fromFloat ? SATURATE[out.dtype] : undefined;
  const from = numbers(x);
  if (range === undefined) y.set(from);
  else for (let i = 0; i < y.length; i++) y[i] = Math.min(Math.max(from[i]!, range[0]), range[1]);
  return y;
};

function toBig(x: TypedArray, y: BigInt64Array | BigUint64Array, [low, high]: readonly [bigint, bigint]): TypedArray {
  for (let i = 0; i < y.length; i++) {
    const v = x[i]!;
    if (typeof v === "bigint") y[i] = v;
    else if (Number.isFinite(v)) {
      const whole = BigInt(Math.trunc(v));
      // Also an i32 of -1 becomes u64's 2^64 - 1: integers keep their low bits.
      y[i] = x instanceof Float32Array || x instanceof Float64Array ? clamped(whole, low, high) : whole;
    } else y[i] = v > 0 ? high : v < 0 ? low : 0n;
  }
  return y;
}
const clamped = (v: bigint, low: bigint, high: bigint): bigint => (v < low ? low : v > high ? high : v);

/** C's fmod; integers divide towards zero. */
export const remOf: Binary = (a, b, dtype) => {
  if (b === 0 && dtype !== "f32" && dtype !== "f64") throw divisionByZero();
  return a % b;
};
export const remBig: BinaryBig = (a, b) => {
  if (b === 0n) throw divisionByZero();
  return a % b;
};
const divisionByZero = (): TacitError =>
  new TacitError("DIVISION_BY_ZERO", "rem: expected an integer divisor that is not zero, got zero");

/** Bits of a shift amount: shifts by the width or more, or by a negative amount, give 0 (or the sign, to the right). */
const WIDTH: Readonly<Partial<Record<DType, number>>> = { i32: 32, u8: 8, u32: 32 };
export const shiftLeftOf: Binary = (a, b, dtype) => (b >= 0 && b < WIDTH[dtype]! ? a << b : 0);
export const shiftRightOf: Binary = (a, b, dtype) => {
  const inside = b >= 0 && b < WIDTH[dtype]!;
  if (dtype === "i32") return a >> (inside ? b : 31);
  return inside ? a >>> b : 0;
};
export const shiftLeftBig: BinaryBig = (a, b) => (b >= 0n && b < 64n ? a << b : 0n);
export const shiftRightBig: BinaryBig = (a, b, dtype) => (b >= 0n && b < 64n ? a >> b : dtype === "i64" && a < 0n ? -1n : 0n);
