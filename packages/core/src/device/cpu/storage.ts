/** @file CpuStorage: a value on the cpu device. A typed array until an update in place makes it resident in WASM memory. */

import { TacitError } from "../../errors.ts";
import type { Aval } from "../../program/aval.ts";
import { DTYPE, type DType, type TypedArray } from "../../program/dtype.ts";
import type { Storage } from "../device.ts";
import { bytesOf } from "./graph.ts";

export class CpuStorage {
  readonly dtype: DType;
  readonly byteLength: number;
  /** null once resident. */
  values: TypedArray | null;
  /** The same memory as `values`, as bytes. */
  bytes: Uint8Array | null;
  /** Byte address in WASM memory, 0 while the value is a typed array. */
  address = 0;
  /** Number of the last run that replaced this value in place. */
  replaced = 0;
  /** How often a run has copied the value into its arena. */
  copies = 0;

  constructor(dtype: DType, values: TypedArray) {
    this.dtype = dtype;
    this.byteLength = values.byteLength;
    this.values = values;
    this.bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}

/** The storage as one of this device. @throws TacitError DEVICE_MISMATCH when it is another device's. */
export function own(storage: Storage | undefined): CpuStorage {
  if (storage instanceof CpuStorage) return storage;
  throw new TacitError("DEVICE_MISMATCH", "cpu: expected a storage of the cpu device, got one of another device", {
    hint: "move the tensor with `to(device)` first",
  });
}

/** A storage over a fresh array that holds `bytes` (ownership passes). */
export function fromBytes(aval: Aval, bytes: Uint8Array<ArrayBuffer>): CpuStorage {
  return new CpuStorage(aval.dtype, typed(aval.dtype, bytes));
}

/** The array of `dtype` over the whole of `bytes`, which start at their buffer's beginning. */
export function typed(dtype: DType, bytes: Uint8Array<ArrayBuffer>): TypedArray {
  switch (dtype) {
    case "f32":
      return new Float32Array(bytes.buffer);
    case "i32":
      return new Int32Array(bytes.buffer);
    case "u32":
      return new Uint32Array(bytes.buffer);
    case "i64":
      return new BigInt64Array(bytes.buffer);
    case "u64":
      return new BigUint64Array(bytes.buffer);
    case "f64":
      return new Float64Array(bytes.buffer);
    default:
      return bytes;
  }
}

/** The same bits as another dtype of the same width. */
export function retyped(dtype: DType, x: TypedArray): TypedArray {
  if (dtype === "i32" && x instanceof Uint32Array) return new Int32Array(x.buffer, x.byteOffset, x.length);
  if (dtype === "u32" && x instanceof Int32Array) return new Uint32Array(x.buffer, x.byteOffset, x.length);
  return x;
}

/** Checks what `put` is given: an array of the dtype's class with one element per element of the shape. */
export function checkValues(values: TypedArray, aval: Aval): void {
  const want = DTYPE[aval.dtype].make(0);
  if (values.constructor === want.constructor && values.byteLength === bytesOf(aval)) return;
  const n = bytesOf(aval) / DTYPE[aval.dtype].bytes;
  throw new TacitError(
    "SHAPE_MISMATCH",
    `cpu: expected ${want.constructor.name} of ${n} elements, got ${values.constructor.name} of ${values.length}`,
  );
}
