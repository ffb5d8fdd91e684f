/** @file Free functions, where PyTorch has them: `add(a, b)`, `matmul(a, b)`, `where(c, a, b)`, `cat([...])`, `stack([...])`. */
import { expected } from "../errors.ts";
import * as op from "../ops/emit.ts";
import { showShape } from "../program/aval.ts";
import { axisOf } from "./axes.ts";
import { tensor } from "./creation.ts";
import { commonDType, type Operand } from "./operand.ts";
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
