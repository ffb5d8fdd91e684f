/** @file Host values: nested arrays and typed arrays to checked typed arrays, and back. */
import { expected, kindOf } from "../errors.ts";
import { type Shape, showShape, sizeOf } from "../program/aval.ts";
import { DTYPE, DTYPES, type DType, isDType, type TypedArray } from "../program/dtype.ts";
import { Random } from "../random.ts";

export type Scalar = number | bigint | boolean;
export type Nested<T> = T | readonly Nested<T>[];
/** What `tensor()` accepts. */
export type TensorData = Nested<Scalar> | TypedArray;

const TYPED: readonly (readonly [new (n: number) => TypedArray, DType])[] = [
  [Float32Array, "f32"],
  [Int32Array, "i32"],
  [BigInt64Array, "i64"],
  [Uint8Array, "u8"],
  [Uint32Array, "u32"],
  [BigUint64Array, "u64"],
  [Float64Array, "f64"],
];

/** The dtype that a typed array holds; Uint8Array is u8. */
export function dtypeOfArray(values: TypedArray): DType {
  for (const [type, dtype] of TYPED) if (values instanceof type) return dtype;
  return expected("DTYPE_UNSUPPORTED", "tensor", "a typed array of a dtype", Object.prototype.toString.call(values));
}

export const isTypedArray = (x: unknown): x is TypedArray => TYPED.some(([type]) => x instanceof type);

/** The dtype for JavaScript values: bool for booleans, i64 for bigints, f32 for numbers. */
const dtypeOfScalar = (x: Scalar | undefined): DType => (typeof x === "boolean" ? "bool" : typeof x === "bigint" ? "i64" : "f32");

/** One value in a dtype. Integers must be in range. @throws VALUE_INVALID */
function store(to: TypedArray, at: number, value: Scalar, dtype: DType): void {
  if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "boolean") {
    // Plain JavaScript gets here: undefined and text would silently become NaN.
    expected("VALUE_INVALID", "tensor", `numbers, bigints or booleans for ${dtype}`, value === null ? "null" : typeof value);
  }
  if (to instanceof BigInt64Array || to instanceof BigUint64Array) {
    if (typeof value === "number" && !Number.isInteger(value))
      expected("VALUE_INVALID", "tensor", `integers for ${dtype}`, `${value}`);
    const big = BigInt(value);
    to[at] = big;
    if (to[at] !== big) expected("VALUE_INVALID", "tensor", `integers in the range of ${dtype}`, `${value}`);
    return;
  }
  const x = Number(value);
  to[at] = dtype === "bool" ? (x === 0 ? 0 : 1) : x;
  if (!DTYPE[dtype].float && dtype !== "bool" && to[at] !== x) {
    expected("VALUE_INVALID", "tensor", `integers in the range of ${dtype}`, `${value}`);
  }
}

/** Values in the array type of `dtype`: a copy, also when they are in it already. @throws VALUE_INVALID */
export function toArray(values: readonly Scalar[] | TypedArray, dtype: DType): TypedArray {
  checkDType("tensor", dtype);
  if (isTypedArray(values) && dtype !== "bool" && dtypeOfArray(values) === dtype) return values.slice();
  const out = DTYPE[dtype].make(values.length);
  for (let i = 0; i < values.length; i++) store(out, i, values[i]!, dtype);
  return out;
}

/** Nested arrays flattened, with their shape. @throws SHAPE_MISMATCH when they are ragged */
function flatten(data: Nested<Scalar>): { values: Scalar[]; shape: number[] } {
  const shape: number[] = [];
  for (let level: Nested<Scalar> | undefined = data; Array.isArray(level); level = level[0]) shape.push(level.length);
  const values: Scalar[] = [];
  const walk = (x: Nested<Scalar>, depth: number): void => {
    const length = Array.isArray(x) ? x.length : undefined;
    if (length !== shape[depth])
      expected("SHAPE_MISMATCH", "tensor", `nested arrays of shape ${showShape(shape)}`, `a part of length ${length}`);
    if (Array.isArray(x)) for (const part of x as readonly Nested<Scalar>[]) walk(part, depth + 1);
    else values.push(x as Scalar);
  };
  walk(data, 0);
  return { values, shape };
}

/** A typed array and shape for whatever `tensor()` was given. */
export function fromData(data: TensorData, dtype?: DType): { values: TypedArray; shape: Shape; dtype: DType } {
  if (isTypedArray(data)) {
    const type = dtype ?? dtypeOfArray(data);
    return { values: toArray(data, type), shape: [data.length], dtype: type };
  }
  const { values, shape } = flatten(data);
  const type = dtype ?? dtypeOfScalar(values[0]);
  return { values: toArray(values, type), shape, dtype: type };
}

/** Sizes stand in 32-bit keys and attributes; no typed array holds more than 2^32 bytes everywhere. */
const MAX_SIZE = 2 ** 31 - 1;

/** @throws SHAPE_MISMATCH unless every size is in 0..2^31-1 and the whole has fewer than 2^31 elements */
export function checkShape(where: string, shape: Shape): void {
  if (!Array.isArray(shape)) expected("ARGUMENT_INVALID", where, "a shape", kindOf(shape), `write ${where}([2, 3])`);
  for (const d of shape) {
    if (!Number.isInteger(d) || d < 0 || d > MAX_SIZE)
      expected("SHAPE_MISMATCH", where, "non-negative integer sizes below 2^31", showShape(shape));
  }
  if (sizeOf(shape) > MAX_SIZE) expected("SHAPE_MISMATCH", where, "fewer than 2^31 elements", showShape(shape));
}

/** Plain JavaScript gets here without a generator. There is no hidden one: draws can be repeated. @throws ARGUMENT_INVALID */
export function checkGenerator(where: string, random: Random): void {
  if (random instanceof Random) return;
  expected("ARGUMENT_INVALID", where, "a generator", kindOf(random), "make one, new Random(0), and hand it to every draw");
}

/** @throws DTYPE_UNSUPPORTED for a name that is not one of ours */
export function checkDType(where: string, dtype: DType): void {
  if (isDType(dtype)) return;
  const got = typeof dtype === "string" ? JSON.stringify(dtype) : kindOf(dtype);
  expected("DTYPE_UNSUPPORTED", where, `a dtype (${DTYPES.join(", ")})`, got);
}

/** @throws SHAPE_MISMATCH when the sizes do not fit, or a size is not a non-negative integer */
export function checkSize(where: string, shape: Shape, length: number): void {
  checkShape(where, shape);
  if (sizeOf(shape) !== length) expected("SHAPE_MISMATCH", where, `${sizeOf(shape)} values for ${showShape(shape)}`, `${length}`);
}

/** Row-major values as nested arrays; bool as booleans. */
export function toNested(values: TypedArray, shape: Shape, dtype: DType): Nested<Scalar> {
  const at = (i: number): Scalar => (dtype === "bool" ? values[i] !== 0 : values[i]!);
  const build = (depth: number, start: number, size: number): Nested<Scalar> => {
    if (depth === shape.length) return at(start);
    const n = shape[depth]!;
    const part = n === 0 ? 0 : size / n;
    return Array.from({ length: n }, (_, i) => build(depth + 1, start + i * part, part));
  };
  return build(0, 0, values.length);
}
