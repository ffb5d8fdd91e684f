/** @file Row-major walks over typed arrays: what the reference implementations share. */
import { type Aval, type Shape, sizeOf, stridesOf } from "../program/aval.ts";
import { DTYPE, type TypedArray } from "../program/dtype.ts";

export type BigArray = BigInt64Array | BigUint64Array;
export type NumberArray = Exclude<TypedArray, BigArray>;

export const isBig = (x: TypedArray): x is BigArray => x instanceof BigInt64Array || x instanceof BigUint64Array;

/** The array as numbers. Rows check dtypes first, so this fails only on a wrong array behind an Aval. */
export function numbers(x: TypedArray | undefined): NumberArray {
  if (x === undefined || isBig(x)) throw new TypeError("reference: expected an array of numbers, got one of bigints");
  return x;
}

export function bigs(x: TypedArray | undefined): BigArray {
  if (x === undefined || !isBig(x)) throw new TypeError("reference: expected an array of bigints, got one of numbers");
  return x;
}

/** A zeroed array for a value. */
export const allocate = (aval: Aval): TypedArray => DTYPE[aval.dtype].make(sizeOf(aval.shape));

/** For each element of `shape` in row-major order, start + Σ index[d] * strides[d]. */
export function offsets(shape: Shape, strides: readonly number[], start = 0): Int32Array {
  const n = sizeOf(shape);
  const at = new Int32Array(n);
  const rank = shape.length;
  const index = new Int32Array(rank);
  let offset = start;
  for (let i = 0; i < n; i++) {
    at[i] = offset;
    for (let d = rank - 1; d >= 0; d--) {
      offset += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      offset -= shape[d]! * strides[d]!;
      index[d] = 0;
    }
  }
  return at;
}

/** Strides that read a value of shape `from` as if it were broadcast to `to`. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const lead = to.length - from.length;
  return to.map((_, d) => (d < lead || from[d - lead] === 1 ? 0 : strides[d - lead]!));
}

/** out[i] = x[at[i]] */
export function take(x: TypedArray, at: Int32Array, out: Aval): TypedArray {
  const y = allocate(out);
  if (isBig(y)) {
    const from = bigs(x);
    for (let i = 0; i < y.length; i++) y[i] = from[at[i]!]!;
    return y;
  }
  const from = numbers(x);
  for (let i = 0; i < y.length; i++) y[i] = from[at[i]!]!;
  return y;
}

/** y[at[i]] = x[i] */
export function put(y: TypedArray, at: Int32Array, x: TypedArray): void {
  if (isBig(y)) {
    const from = bigs(x);
    for (let i = 0; i < from.length; i++) y[at[i]!] = from[i]!;
    return;
  }
  const from = numbers(x);
  for (let i = 0; i < from.length; i++) y[at[i]!] = from[i]!;
}

/** y[at[i]] += x[i], in the dtype of y for integers, in f64 for floats. */
export function putAdd(y: TypedArray, at: Int32Array, x: TypedArray): TypedArray {
  if (isBig(y)) {
    const from = bigs(x);
    for (let i = 0; i < from.length; i++) y[at[i]!]! += from[i]!;
    return y;
  }
  const from = numbers(x);
  if (!(y instanceof Float32Array)) {
    for (let i = 0; i < from.length; i++) y[at[i]!]! += from[i]!;
    return y;
  }
  const sum = Float64Array.from(y);
  for (let i = 0; i < from.length; i++) sum[at[i]!]! += from[i]!;
  return Float32Array.from(sum);
}

/** Offsets that read a value of shape `from` broadcast to `to`; null where they are the identity. */
export function broadcastOffsets(from: Shape, to: Shape): Int32Array | null {
  if (from.length === to.length && from.every((d, i) => d === to[i])) return null;
  return offsets(to, broadcastStrides(from, to));
}

/** [outer, n, inner] of a shape seen along one axis. */
export function split(shape: Shape, axis: number): { outer: number; n: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), n: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}
