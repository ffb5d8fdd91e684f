/** @file Initial values with structure: orthogonal, identity and sparse matrices, kernels that pass through, truncated normals. */
import { expected } from "../../errors.ts";
import { erfOf } from "../../ops/elementwise/scalar.ts";
import { showShape, sizeOf } from "../../program/aval.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { defaultRandom } from "../generator.ts";
import { type InitOptions, set } from "./set.ts";

function checkMatrix(where: string, target: Tensor): [number, number] {
  if (target.ndim !== 2) expected("SHAPE_MISMATCH", where, "a matrix", showShape(target.shape));
  return [target.shape[0]!, target.shape[1]!];
}

/** Ones on the diagonal of a matrix, else zeros. @throws SHAPE_MISMATCH */
export function eye_<T extends Tensor>(target: T): T {
  const [, columns] = checkMatrix("eye_", target);
  return set(target, (i) => (Math.floor(i / columns) === i % columns ? 1 : 0));
}

/**
 * Kernels [out, in, ...] that pass channel i on as channel i of each group, as far as there are such. @throws SHAPE_MISMATCH, ARGUMENT_INVALID
 */
export function dirac_<T extends Tensor>(target: T, options: { readonly groups?: number } = {}): T {
  const { groups = 1 } = options;
  const { shape } = target;
  if (shape.length < 3 || shape.length > 5)
    expected("SHAPE_MISMATCH", "dirac_", "a kernel of 3 to 5 dimensions", showShape(shape));
  if (!Number.isInteger(groups) || groups < 1 || shape[0]! % groups !== 0) {
    expected("ARGUMENT_INVALID", "dirac_", `groups that divide ${shape[0]} channels`, `${groups}`);
  }
  const perGroup = shape[0]! / groups;
  const kernel = shape.slice(2);
  const field = sizeOf(kernel);
  const centre = kernel.reduce((at, k) => at * k + Math.floor(k / 2), 0);
  return set(target, (i) => {
    const [out, inner] = [Math.floor(i / (shape[1]! * field)), Math.floor(i / field) % shape[1]!];
    return i % field === centre && out % perGroup === inner ? 1 : 0;
  });
}

/** Normal with mean 0, with this share of each column 0 (Martens 2010). @throws SHAPE_MISMATCH, ARGUMENT_INVALID */
export function sparse_<T extends Tensor>(target: T, sparsity: number, std = 0.01, options: InitOptions = {}): T {
  const [rows, columns] = checkMatrix("sparse_", target);
  if (!(sparsity >= 0 && sparsity <= 1)) expected("ARGUMENT_INVALID", "sparse_", "a sparsity in 0..1", `${sparsity}`);
  const random = options.random ?? defaultRandom();
  const zeros = Math.ceil(sparsity * rows);
  const values = Float64Array.from({ length: rows * columns }, () => std * random.gaussian());
  for (let c = 0; c < columns; c++) {
    for (const r of random.permutation(rows).subarray(0, zeros)) values[r * columns + c] = 0;
  }
  return set(target, (i) => values[i]!);
}

/** Rows (or columns, where there are fewer) that are orthonormal, times gain (Saxe et al. 2014): [n, ...] as a matrix. @throws SHAPE_MISMATCH */
export function orthogonal_<T extends Tensor>(target: T, options: InitOptions & { readonly gain?: number } = {}): T {
  if (target.ndim < 2) expected("SHAPE_MISMATCH", "orthogonal_", "2 dimensions or more", showShape(target.shape));
  const random = options.random ?? defaultRandom();
  const rows = target.shape[0]!;
  const columns = sizeOf(target.shape.slice(1));
  const [count, length] = rows < columns ? [rows, columns] : [columns, rows];
  const vectors: Float64Array[] = [];
  while (vectors.length < count) {
    const v = orthonormal(random.normal(length), vectors);
    if (v !== null) vectors.push(v);
  }
  const { gain = 1 } = options;
  return set(target, (i) => {
    const [r, c] = [Math.floor(i / columns), i % columns];
    return gain * (rows < columns ? vectors[r]![c]! : vectors[c]![r]!);
  });
}

/** Gram and Schmidt, twice: the second pass takes off what rounding left. null for a vector that depends on the others. */
function orthonormal(v: Float64Array, others: readonly Float64Array[]): Float64Array | null {
  const before = norm(v);
  for (let pass = 0; pass < 2; pass++) {
    for (const u of others) {
      let dot = 0;
      for (let i = 0; i < v.length; i++) dot += u[i]! * v[i]!;
      for (let i = 0; i < v.length; i++) v[i]! -= dot * u[i]!;
    }
  }
  const size = norm(v);
  return size > 1e-10 * before ? v.map((x) => x / size) : null;
}

function norm(v: Float64Array): number {
  let sum = 0;
  for (const x of v) sum += x * x;
  return Math.sqrt(sum);
}

/** Solves erf(x) = y by Newton's steps from Winitzki's closed form (2008), good to 2e-3; three steps reach f64 where erf is not flat. */
function inverseErf(y: number): number {
  const a = 0.147;
  const l = Math.log(1 - y * y);
  const b = 2 / (Math.PI * a) + l / 2;
  let x = Math.sign(y) * Math.sqrt(Math.sqrt(b * b - l / a) - b);
  for (let i = 0; i < 3; i++) x -= ((erfOf(x) - y) * Math.sqrt(Math.PI) * Math.exp(x * x)) / 2;
  return x;
}

/**
 * Normal with this mean and standard deviation, limited to [a, b] by leaving out what lies beyond: the inverse of its distribution at
 * uniform numbers. @throws ARGUMENT_INVALID unless a < b and std > 0
 */
export function truncNormal_<T extends Tensor>(target: T, mean = 0, std = 1, a = -2, b = 2, options: InitOptions = {}): T {
  if (!(a < b && std > 0)) expected("ARGUMENT_INVALID", "truncNormal_", "a < b and std > 0", `${a}, ${b} and ${std}`);
  const random = options.random ?? defaultRandom();
  const [low, high] = [erfOf((a - mean) / (std * Math.SQRT2)), erfOf((b - mean) / (std * Math.SQRT2))];
  return set(target, () => {
    const y = low + (high - low) * random.next();
    const x = Math.abs(y) < 1 ? mean + std * Math.SQRT2 * inverseErf(y) : y < 0 ? a : b;
    return Math.min(b, Math.max(a, x));
  });
}
