/** @file Reference implementations of the elementwise ops. Numbers are computed in f64 and rounded by the array that takes them. */
import { TacitError } from "../../errors.ts";
import type { DType, TypedArray } from "../../program/dtype.ts";
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

/** Float to integer truncates towards zero and then wraps; NaN and infinities give 0 (C leaves them open). To bool: not zero. */
export const castReference: Reference = ([x], _avals, _attrs, out) => {
  const y = allocate(out);
  if (out.dtype === "bool") {
    const flags = numbers(y);
    for (let i = 0; i < flags.length; i++) flags[i] = x![i] === 0 || x![i] === 0n ? 0 : 1;
    return flags;
  }
  if (isBig(y)) return toBig(x!, y);
  if (isBig(x!)) {
    for (let i = 0; i < y.length; i++)
      y[i] = Number(out.dtype === "f32" || out.dtype === "f64" ? x[i]! : BigInt.asIntN(32, x[i]!));
    return y;
  }
  y.set(numbers(x));
  return y;
};

function toBig(x: TypedArray, y: BigInt64Array | BigUint64Array): TypedArray {
  for (let i = 0; i < y.length; i++) {
    const v = x[i]!;
    y[i] = typeof v === "bigint" ? v : Number.isFinite(v) ? BigInt(Math.trunc(v)) : 0n;
  }
  return y;
}

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
