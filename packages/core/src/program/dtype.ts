/** @file The element types: codes as they stand in canonical bytes, sizes, and the typed arrays that hold them. */

/** Element types in the order of their codes. */
export const DTYPES = ["f32", "i32", "i64", "u8", "bool", "u32", "u64", "f64"] as const;
export type DType = (typeof DTYPES)[number];

export type TypedArray = Float32Array | Int32Array | BigInt64Array | Uint8Array | Uint32Array | BigUint64Array | Float64Array;

interface DTypeRow {
  readonly code: number;
  readonly bytes: number;
  readonly float: boolean;
  readonly integer: boolean;
  /** Values are bigint in JavaScript. */
  readonly big: boolean;
  make(length: number): TypedArray;
}

/** `bool` is stored as one byte, 0 or 1. */
export const DTYPE: Readonly<Record<DType, DTypeRow>> = {
  f32: { code: 0, bytes: 4, float: true, integer: false, big: false, make: (n) => new Float32Array(n) },
  i32: { code: 1, bytes: 4, float: false, integer: true, big: false, make: (n) => new Int32Array(n) },
  i64: { code: 2, bytes: 8, float: false, integer: true, big: true, make: (n) => new BigInt64Array(n) },
  u8: { code: 3, bytes: 1, float: false, integer: true, big: false, make: (n) => new Uint8Array(n) },
  bool: { code: 4, bytes: 1, float: false, integer: false, big: false, make: (n) => new Uint8Array(n) },
  u32: { code: 5, bytes: 4, float: false, integer: true, big: false, make: (n) => new Uint32Array(n) },
  u64: { code: 6, bytes: 8, float: false, integer: true, big: true, make: (n) => new BigUint64Array(n) },
  f64: { code: 7, bytes: 8, float: true, integer: false, big: false, make: (n) => new Float64Array(n) },
};

export const isDType = (x: unknown): x is DType => typeof x === "string" && Object.hasOwn(DTYPE, x);

/** The dtype with this code, or undefined. */
export const dtypeOf = (code: number): DType | undefined => DTYPES[code];

/** PyTorch's promotion for the pairs that elementwise ops accept: equal types, or bool/int with a wider type or a float. */
export function promote(a: DType, b: DType): DType | undefined {
  if (a === b) return a;
  const rank = PROMOTION[a];
  const other = PROMOTION[b];
  if (rank === undefined || other === undefined) return undefined;
  return rank > other ? a : b;
}
const PROMOTION: Partial<Record<DType, number>> = { bool: 0, u8: 1, i32: 2, i64: 3, f32: 4, f64: 5 };
