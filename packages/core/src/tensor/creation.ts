/** @file Creation: tensors from values, constants, ranges and generators. What does not depend on data is public on every device. */
import { checkOptions, expected } from "../errors.ts";
import { type Shape, sizeOf } from "../program/aval.ts";
import { DTYPE, type DType, type TypedArray } from "../program/dtype.ts";
import type { Random } from "../random.ts";
import { checkDType, checkGenerator, checkShape, fromData, type Scalar, type TensorData, toArray } from "./data.ts";
import { Tensor, type TensorOptions } from "./tensor.ts";

const NAMED: Readonly<Record<keyof TensorOptions, true>> = { dtype: true, device: true, requiresGrad: true, public: true };
const OPTIONS = Object.keys(NAMED);
const SHAPE_HINT = "for a shape write tensor(values).reshape(2, 3), or nest the values";

/**
 * A tensor of nested arrays, a typed array or a number. Numbers are f32, booleans bool, bigints i64, unless `dtype` says otherwise.
 * @throws ARGUMENT_INVALID for unknown options, VALUE_INVALID
 */
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  // Plain JavaScript gets here with a shape, or with another library's options.
  checkOptions("ARGUMENT_INVALID", "tensor", options, OPTIONS, { object: SHAPE_HINT, names: { shape: SHAPE_HINT } });
  const { values, shape, dtype } = fromData(data, options.dtype);
  return Tensor.adopt(values, shape, dtype, options);
}

/** A tensor of `shape` filled by `fill`, known to everyone. */
function made(where: string, shape: Shape, options: TensorOptions, fill: (out: TypedArray) => TypedArray): Tensor {
  checkShape(where, shape);
  const dtype = options.dtype ?? "f32";
  checkDType(where, dtype);
  return Tensor.adopt(fill(DTYPE[dtype].make(sizeOf(shape))), [...shape], dtype, { public: true, ...options });
}

/** Every element 0; f32 unless `dtype` says otherwise. @throws SHAPE_MISMATCH for sizes that are no counts */
export const zeros = (shape: Shape, options: TensorOptions = {}): Tensor => made("zeros", shape, options, (out) => out);
/** Every element 1; f32 unless `dtype` says otherwise. @throws as `zeros` */
export const ones = (shape: Shape, options: TensorOptions = {}): Tensor => full(shape, 1, options);
/** Every element `value`; f32 for a number, bool for a boolean, i64 for a bigint, unless `dtype` says otherwise. */
export function full(shape: Shape, value: Scalar, options: TensorOptions = {}): Tensor {
  const one = fromData(value, options.dtype);
  return made("full", shape, { ...options, dtype: one.dtype }, (out) => fillWith(out, one.values));
}
function fillWith(out: TypedArray, one: TypedArray): TypedArray {
  if (out instanceof BigInt64Array || out instanceof BigUint64Array) return out.fill(BigInt(one[0]!));
  return out.fill(Number(one[0]!));
}

type LikeOptions = Omit<TensorOptions, "public">;
/** Options of a tensor that looks like `x`. */
const like = (x: Tensor, options: LikeOptions): TensorOptions => ({ dtype: x.dtype, ...options });
/** Zeros in the shape, dtype and on the device of x, unless the options say otherwise. */
export const zerosLike = (x: Tensor, options: LikeOptions = {}): Tensor => zeros(x.shape, like(x, options));
/** Ones as `zerosLike`. */
export const onesLike = (x: Tensor, options: LikeOptions = {}): Tensor => ones(x.shape, like(x, options));
/** Every element `value`, as `zerosLike`. */
export const fullLike = (x: Tensor, value: Scalar, options: LikeOptions = {}): Tensor => full(x.shape, value, like(x, options));

/** `values` in the dtype of the options; numbers into i64 and u64 as bigints. */
function listed(values: readonly number[], dtype: DType, options: TensorOptions): Tensor {
  return Tensor.adopt(toArray(values, dtype), [values.length], dtype, { public: true, ...options });
}

/** `arange(end)` or `arange(start, end, step)`: start, start + step, ... below end. i32 where all three are integers, else f32. */
export function arange(start: number, end?: number, step = 1, options: TensorOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  if (!(Number.isFinite(from) && Number.isFinite(to) && Number.isFinite(step)) || step === 0) {
    expected("ARGUMENT_INVALID", "arange", "finite limits and a step that is not 0", `${from}, ${to}, ${step}`);
  }
  const count = Math.max(0, Math.ceil((to - from) / step));
  checkShape("arange", [count]);
  const integral = Number.isInteger(from) && Number.isInteger(to) && Number.isInteger(step);
  return listed(
    Array.from({ length: count }, (_, i) => from + i * step),
    options.dtype ?? (integral ? "i32" : "f32"),
    options,
  );
}
/** `steps` values from start to end, both included. */
export function linspace(start: number, end: number, steps: number, options: TensorOptions = {}): Tensor {
  if (!(Number.isInteger(steps) && steps >= 0)) expected("ARGUMENT_INVALID", "linspace", "a count", `${steps}`);
  checkShape("linspace", [steps]);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // Counted from the nearer end, so that both ends are exact.
  const at = (i: number): number => (i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step);
  return listed(
    Array.from({ length: steps }, (_, i) => at(i)),
    options.dtype ?? "f32",
    options,
  );
}
/** The identity matrix, or n×m with ones on the diagonal. */
export function eye(n: number, m: number = n, options: TensorOptions = {}): Tensor {
  return made("eye", [n, m], options, (out) => {
    for (let i = 0; i < Math.min(n, m); i++) fillWith(out.subarray(i * m + i, i * m + i + 1), Float64Array.of(1));
    return out;
  });
}

/** Uniform in [0, 1), from the generator. */
export function rand(shape: Shape, random: Random, options: TensorOptions = {}): Tensor {
  return drawn("rand", shape, random, (n) => random.uniform(n), options);
}
/** Standard normal, from the generator. */
export function randn(shape: Shape, random: Random, options: TensorOptions = {}): Tensor {
  return drawn("randn", shape, random, (n) => random.normal(n), options);
}
/** Integers in [low, high), from the generator; i32 unless `dtype` says otherwise. */
export function randint(low: number, high: number, shape: Shape, random: Random, options: TensorOptions = {}): Tensor {
  return drawn("randint", shape, random, (n) => Float64Array.from({ length: n }, () => random.integer(low, high)), {
    dtype: "i32",
    ...options,
  });
}
/** A random order of 0..n-1 (i32), from the generator. */
export function randperm(n: number, random: Random, options: TensorOptions = {}): Tensor {
  return drawn("randperm", [n], random, () => random.permutation(n), { dtype: "i32", ...options });
}
function drawn(where: string, shape: Shape, random: Random, draw: (n: number) => TypedArray, options: TensorOptions): Tensor {
  checkShape(where, shape);
  checkGenerator(where, random);
  const dtype = options.dtype ?? "f32";
  const values = draw(sizeOf(shape));
  return Tensor.adopt(dtype === "f64" ? Float64Array.from(values, Number) : toArray(values, dtype), [...shape], dtype, options);
}
