/** @file HostArray: values in the memory of this process with their shape and dtype; what files hold and datasets are made of. */
import { expected } from "../errors.ts";
import type { Aval, Shape } from "../program/aval.ts";
import { showShape, sizeOf } from "../program/aval.ts";
import type { DType, TypedArray } from "../program/dtype.ts";
import { DTYPE } from "../program/dtype.ts";

/** Row-major values; `bool` is one byte per value, 0 or 1. */
export interface HostArray extends Aval {
  readonly values: TypedArray;
}

/** Checks that `values` fit shape and dtype. Throws SHAPE_MISMATCH or DTYPE_MISMATCH. */
export function hostArray(values: TypedArray, shape: Shape, dtype: DType): HostArray {
  if (values.length !== sizeOf(shape)) {
    expected("SHAPE_MISMATCH", "hostArray", `${sizeOf(shape)} values for shape ${showShape(shape)}`, `${values.length}`);
  }
  const want = DTYPE[dtype].make(0).constructor.name;
  if (values.constructor.name !== want) expected("DTYPE_MISMATCH", "hostArray", `${want} for ${dtype}`, values.constructor.name);
  return { values, shape, dtype };
}

/** A copy of some bytes in a buffer of their own. (`slice` is no copy where the bytes are a Node Buffer.) */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(end - start);
  out.set(bytes.subarray(start, end));
  return out;
}

/** Copies typed values, bigints included. */
export function setValues(to: TypedArray, from: TypedArray, at: number): void {
  if (to instanceof BigInt64Array || to instanceof BigUint64Array) to.set(from as BigInt64Array, at);
  else to.set(from as Float32Array, at);
}
