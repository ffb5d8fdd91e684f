/** @file Free functions, where PyTorch has them: `add(a, b)`, `matmul(a, b)`, `where(c, a, b)`, `cat([...])`, `stack([...])`. */
import { expected } from "../errors.ts";
import * as op from "../ops/emit.ts";
import { broadcastShapes, type Shape, showShape } from "../program/aval.ts";
import { axisOf } from "./axes.ts";
import { tensor } from "./creation.ts";
import { commonDType, type Operand } from "./operand.ts";
import type { TopkOptions } from "./order.ts";
import type { ReduceOptions, ValuesAndIndices } from "./reduce.ts";
import type { CloseOptions } from "./special.ts";
import { Tensor } from "./tensor.ts";

const operand = (x: Tensor | number): Tensor => (x instanceof Tensor ? x : tensor(x, { public: true }));
type Binary = (a: Tensor, b: Operand) => Tensor;

export const add: Binary = (a, b) => a.add(b);
export const sub: Binary = (a, b) => a.sub(b);
export const mul: Binary = (a, b) => a.mul(b);
export const div: Binary = (a, b) => a.div(b);
export const pow: Binary = (a, b) => a.pow(b);
export const maximum: Binary = (a, b) => a.maximum(b);
export const minimum: Binary = (a, b) => a.minimum(b);
export const eq: Binary = (a, b) => a.eq(b);
export const ne: Binary = (a, b) => a.ne(b);
export const lt: Binary = (a, b) => a.lt(b);
export const le: Binary = (a, b) => a.le(b);
export const gt: Binary = (a, b) => a.gt(b);
export const ge: Binary = (a, b) => a.ge(b);
export const exp = (x: Tensor): Tensor => x.exp();
export const log = (x: Tensor): Tensor => x.log();
export const sqrt = (x: Tensor): Tensor => x.sqrt();
export const relu = (x: Tensor): Tensor => x.relu();
export const sigmoid = (x: Tensor): Tensor => x.sigmoid();
export const tanh = (x: Tensor): Tensor => x.tanh();
export const softmax = (x: Tensor, dim: number): Tensor => x.softmax(dim);
export const logSoftmax = (x: Tensor, dim: number): Tensor => x.logSoftmax(dim);
export const matmul = (a: Tensor, b: Tensor): Tensor => a.matmul(b);

/** `a` where `condition` holds, else `b`; shapes broadcast. */
export function where(condition: Tensor, a: Tensor | number, b: Operand): Tensor {
  if (a instanceof Tensor) return a.where(condition, b);
  // A literal takes the dtype of the other branch.
  if (b instanceof Tensor) return b.where(condition.logicalNot(), a);
  return operand(a).where(condition, b);
}

/** Joins tensors along an existing dimension; dtypes are promoted. */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  const first = tensors[0];
  if (first === undefined) expected("ARGUMENT_INVALID", "cat", "at least one tensor", "none");
  const dtype = tensors.reduce((d, t) => (d === t.dtype ? d : commonDType("cat", op.cast(first.expr, d), t.expr)), first.dtype);
  const axis = axisOf("cat", dim, first.ndim);
  return new Tensor(
    op.cat(
      tensors.map((t) => op.cast(t.expr, dtype)),
      axis,
    ),
  );
}

/** Joins tensors of one shape along a new dimension. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  const first = tensors[0];
  if (first === undefined) expected("ARGUMENT_INVALID", "stack", "at least one tensor", "none");
  for (const t of tensors) {
    if (showShape(t.shape) !== showShape(first.shape))
      expected("SHAPE_MISMATCH", "stack", `shapes ${showShape(first.shape)}`, showShape(t.shape));
  }
  const axis = axisOf("stack", dim, first.ndim + 1);
  return cat(
    tensors.map((t) => t.unsqueeze(axis)),
    axis,
  );
}

type Unary = (x: Tensor) => Tensor;
export const neg: Unary = (x) => x.neg();
export const abs: Unary = (x) => x.abs();
export const sin: Unary = (x) => x.sin();
export const cos: Unary = (x) => x.cos();
export const tan: Unary = (x) => x.tan();
export const erf: Unary = (x) => x.erf();
export const log1p: Unary = (x) => x.log1p();
export const expm1: Unary = (x) => x.expm1();
export const log2: Unary = (x) => x.log2();
export const log10: Unary = (x) => x.log10();
export const isfinite: Unary = (x) => x.isfinite();
export const isinf: Unary = (x) => x.isinf();
export const isnan: Unary = (x) => x.isnan();
export const atan2: Binary = (a, b) => a.atan2(b);
export const hypot: Binary = (a, b) => a.hypot(b);
export const logaddexp: Binary = (a, b) => a.logaddexp(b);
export const xlogy: Binary = (a, b) => a.xlogy(b);
export const bmm = (a: Tensor, b: Tensor): Tensor => a.bmm(b);
export const mm = (a: Tensor, b: Tensor): Tensor => a.mm(b);
export const outer = (a: Tensor, b: Tensor): Tensor => a.outer(b);
export const cdist = (a: Tensor, b: Tensor, p = 2): Tensor => a.cdist(b, p);
export const clamp = (x: Tensor, min?: Operand, max?: Operand): Tensor => x.clamp(min, max);
export const lerp = (a: Tensor, b: Operand, weight: Operand): Tensor => a.lerp(b, weight);
export const cumsum = (x: Tensor, dim: number): Tensor => x.cumsum(dim);
export const cumprod = (x: Tensor, dim: number): Tensor => x.cumprod(dim);
export const logsumexp = (x: Tensor, dim: number | readonly number[]): Tensor => x.logsumexp(dim);
export const roll = (x: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor =>
  x.roll(shifts, dims);
export const flip = (x: Tensor, dims: readonly number[]): Tensor => x.flip(dims);
export const diag = (x: Tensor, offset = 0): Tensor => x.diag(offset);
export const diagonal = (x: Tensor, offset = 0, dim1 = 0, dim2 = 1): Tensor => x.diagonal(offset, dim1, dim2);
export const trace = (x: Tensor): Tensor => x.trace();
export const tril = (x: Tensor, diagonal = 0): Tensor => x.tril(diagonal);
export const triu = (x: Tensor, diagonal = 0): Tensor => x.triu(diagonal);
/** Whether all elements are close; computes. */
export const allclose = (a: Tensor, b: Tensor, options: CloseOptions = {}): Promise<boolean> => a.allclose(b, options);
/** Whether shapes and all elements are equal; computes. */
export const equal = (a: Tensor, b: Tensor): Promise<boolean> => a.equal(b);

type Dims = number | readonly number[];
export const sum = (x: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => x.sum(dim, options);
export const mean = (x: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => x.mean(dim, options);
export const prod = (x: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => x.prod(dim, options);
export const std = (x: Tensor, dim?: Dims, options?: ReduceOptions & { readonly correction?: number }): Tensor =>
  x.std(dim, options);
export const amax = (x: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => x.amax(dim, options);
export const amin = (x: Tensor, dim?: Dims, options?: ReduceOptions): Tensor => x.amin(dim, options);
export const norm = (x: Tensor, p?: number | "fro", dim?: Dims, options?: ReduceOptions): Tensor => x.norm(p, dim, options);
export const argmax = (x: Tensor, dim?: number, options?: ReduceOptions): Tensor => x.argmax(dim, options);
export const argmin = (x: Tensor, dim?: number, options?: ReduceOptions): Tensor => x.argmin(dim, options);
export const sort = (x: Tensor, dim?: number, options?: { readonly descending?: boolean }): ValuesAndIndices =>
  x.sort(dim, options);
export const argsort = (x: Tensor, dim?: number, options?: { readonly descending?: boolean }): Tensor => x.argsort(dim, options);
export const topk = (x: Tensor, k: number, dim?: number, options?: TopkOptions): ValuesAndIndices => x.topk(k, dim, options);
export const gather = (x: Tensor, dim: number, index: Tensor): Tensor => x.gather(dim, index);
export const dot = (a: Tensor, b: Tensor): Tensor => a.dot(b);
export const kron = (a: Tensor, b: Tensor): Tensor => a.kron(b);
export const cross = (a: Tensor, b: Tensor, dim?: number): Tensor => a.cross(b, dim);
export const flatten = (x: Tensor, start?: number, end?: number): Tensor => x.flatten(start, end);
export const reshape = (x: Tensor, shape: readonly number[]): Tensor => x.reshape(shape);
export const squeeze = (x: Tensor, dim?: Dims): Tensor => x.squeeze(dim);
export const unsqueeze = (x: Tensor, dim: number): Tensor => x.unsqueeze(dim);
export const transpose = (x: Tensor, a: number, b: number): Tensor => x.transpose(a, b);
export const permute = (x: Tensor, dims: readonly number[]): Tensor => x.permute(dims);
export const split = (x: Tensor, size: Dims, dim?: number): Tensor[] => x.split(size, dim);
export const chunk = (x: Tensor, chunks: number, dim?: number): Tensor[] => x.chunk(chunks, dim);
export const floor: Unary = (x) => x.floor();
export const ceil: Unary = (x) => x.ceil();
export const round: Unary = (x) => x.round();
export const sign: Unary = (x) => x.sign();
export const square: Unary = (x) => x.square();
export const rsqrt: Unary = (x) => x.rsqrt();

/** At least so many dimensions, new ones in front. */
const atLeast = (x: Tensor, rank: number): Tensor =>
  x.ndim >= rank ? x : x.reshape([...Array<number>(rank - x.ndim).fill(1), ...x.shape]);
/** Side by side: along dimension 1, vectors along their only one. */
export function hstack(tensors: readonly Tensor[]): Tensor {
  const parts = tensors.map((t) => atLeast(t, 1));
  return cat(parts, parts[0]?.ndim === 1 ? 0 : 1);
}
/** One above the other: along dimension 0, vectors as rows. */
export const vstack = (tensors: readonly Tensor[]): Tensor => cat(tensors.map((t) => atLeast(t, 2)));
/** All of them in their common shape. @throws SHAPE_MISMATCH */
export function broadcastTensors(...tensors: readonly Tensor[]): Tensor[] {
  const shape = tensors.reduce<Shape>((s, t) => broadcastShapes("broadcastTensors", s, t.shape), []);
  return tensors.map((t) => t.expand(shape));
}
