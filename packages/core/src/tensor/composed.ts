/** @file What PyTorch has beside the methods below and what is made of them in a line or two: addmm, nansum, diff, kron, rot90, ... */
import { expected } from "../errors.ts";
import { showShape } from "../program/aval.ts";
import { axisOf } from "./axes.ts";
import type { TensorBase } from "./base.ts";
import type { Operand } from "./operand.ts";
import { OrderTensor } from "./order.ts";
import type { ReduceOptions } from "./reduce.ts";
import type { Tensor } from "./tensor.ts";

export interface AddmmOptions {
  /** Factor of the tensor itself; 1 unless said. */
  readonly beta?: number;
  /** Factor of the product; 1 unless said. */
  readonly alpha?: number;
}

const scaled = (x: Tensor, by = 1): Tensor => (by === 1 ? x : x.mul(by));

/** Methods that are made of the ones below. */
export abstract class ComposedTensor extends OrderTensor {
  /** The transpose of a matrix; vectors and scalars stay. @throws SHAPE_MISMATCH above 2 dimensions (use mT) */
  t(): Tensor {
    if (this.ndim > 2)
      expected("SHAPE_MISMATCH", "t", "at most 2 dimensions", showShape(this.shape), "use mT or transpose(a, b)");
    return this.T;
  }
  /** All elements in one dimension. */
  ravel(): Tensor {
    return this.reshape(-1);
  }
  reshapeAs(other: TensorBase): Tensor {
    return this.reshape(other.shape);
  }
  viewAs(other: TensorBase): Tensor {
    return this.reshape(other.shape);
  }
  /** In the dtype of `other`. */
  typeAs(other: TensorBase): Tensor {
    return this.cast(other.dtype);
  }
  /** Turned by k quarters from the first of the dimensions towards the second. @throws AXIS_OUT_OF_RANGE, ARGUMENT_INVALID for one dimension twice */
  rot90(k = 1, dims: readonly [number, number] = [0, 1]): Tensor {
    const [a, b] = [axisOf("rot90", dims[0], this.ndim), axisOf("rot90", dims[1], this.ndim)];
    if (a === b) expected("ARGUMENT_INVALID", "rot90", "two different dimensions", `${dims}`);
    const turns = ((k % 4) + 4) % 4;
    if (turns === 2) return this.flip(a, b);
    if (turns === 0) return this.derive(this.expr);
    return turns === 1 ? this.flip(b).transpose(a, b) : this.transpose(a, b).flip(b);
  }
  /** Matrix [M,K] times vector [K]. @throws SHAPE_MISMATCH */
  mv(vector: TensorBase): Tensor {
    if (this.ndim !== 2 || vector.ndim !== 1)
      expected("SHAPE_MISMATCH", "mv", "a matrix and a vector", `${showShape(this.shape)} and ${showShape(vector.shape)}`);
    return this.matmul(vector);
  }
  /** beta · this + alpha · a b, matrices [M,K] and [K,N]. @throws SHAPE_MISMATCH */
  addmm(a: Tensor, b: TensorBase, { beta, alpha }: AddmmOptions = {}): Tensor {
    return scaled(this.derive(this.expr), beta).add(scaled(a.mm(b), alpha));
  }
  /** beta · this + alpha · a b for batches [B,M,K] and [B,K,N]. @throws SHAPE_MISMATCH */
  baddbmm(a: Tensor, b: TensorBase, { beta, alpha }: AddmmOptions = {}): Tensor {
    return scaled(this.derive(this.expr), beta).add(scaled(a.bmm(b), alpha));
  }
  /** Kronecker product: every element of this times the whole of other; the one with fewer dimensions gets leading ones. */
  kron(other: Tensor): Tensor {
    const rank = Math.max(this.ndim, other.ndim);
    const led = (shape: readonly number[]): number[] => [...Array<number>(rank - shape.length).fill(1), ...shape];
    const [a, b] = [led(this.shape), led(other.shape)];
    const left = this.reshape(a.flatMap((d) => [d, 1]));
    const right = other.reshape(b.flatMap((d) => [1, d]));
    return left.mul(right).reshape(a.map((d, i) => d * b[i]!));
  }
  /** Cross products of vectors of 3 along `dim`; shapes broadcast. @throws SHAPE_MISMATCH */
  cross(other: Tensor, dim = -1): Tensor {
    const axes = [axisOf("cross", dim, this.ndim), axisOf("cross", dim, other.ndim)] as const;
    if (this.shape[axes[0]] !== 3 || other.shape[axes[1]] !== 3)
      expected("SHAPE_MISMATCH", "cross", "3 elements along dim", `${showShape(this.shape)} and ${showShape(other.shape)}`);
    const next = (x: Tensor, axis: number, by: number): Tensor => x.roll(-by, axis);
    const self = this.derive(this.expr);
    return next(self, axes[0], 1)
      .mul(next(other, axes[1], 2))
      .sub(next(self, axes[0], 2).mul(next(other, axes[1], 1)));
  }
  /** The p-norm of this - other, over all elements; shapes broadcast. */
  dist(other: Operand, p = 2): Tensor {
    return this.sub(other).norm(p);
  }
  /** Differences of neighbours along `dim`, n times: n elements fewer. @throws ARGUMENT_INVALID unless n is in 0, 1, 2, … */
  diff(n = 1, dim = -1): Tensor {
    if (!Number.isInteger(n) || n < 0) expected("ARGUMENT_INVALID", "diff", "n in 0, 1, 2, …", `${n}`);
    const axis = axisOf("diff", dim, this.ndim);
    let x = this.derive(this.expr);
    for (let i = 0; i < n && x.shape[axis]! > 0; i++) {
      const size = x.shape[axis]! - 1;
      x = x.narrow(axis, 1, size).sub(x.narrow(axis, 0, size));
    }
    return x;
  }

  clampMin(min: Operand): Tensor {
    return this.clamp(min);
  }
  clampMax(max: Operand): Tensor {
    return this.clamp(undefined, max);
  }
  /** The larger one; where one is NaN, the other. */
  fmax(other: Tensor): Tensor {
    return this.maximum(other).where(this.isnan().logicalOr(other.isnan()).logicalNot(), this.where(other.isnan(), other));
  }
  /** The smaller one; where one is NaN, the other. */
  fmin(other: Tensor): Tensor {
    return this.minimum(other).where(this.isnan().logicalOr(other.isnan()).logicalNot(), this.where(other.isnan(), other));
  }
  isposinf(): Tensor {
    return this.eq(Number.POSITIVE_INFINITY);
  }
  isneginf(): Tensor {
    return this.eq(Number.NEGATIVE_INFINITY);
  }
  /** Degrees to radians. */
  deg2rad(): Tensor {
    return this.mul(Math.PI / 180);
  }
  /** Radians to degrees. */
  rad2deg(): Tensor {
    return this.mul(180 / Math.PI);
  }

  /** How many elements are not 0 (i32), over `dim` or all. */
  countNonzero(dim?: number | readonly number[]): Tensor {
    return this.ne(0).sum(dim);
  }
  /** Sum of what is not NaN. */
  nansum(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    return this.maskedFill(this.isnan(), 0).sum(dim, options);
  }
  /** Mean of what is not NaN; NaN where nothing is. */
  nanmean(dim?: number | readonly number[], options?: ReduceOptions): Tensor {
    const there = this.isnan().logicalNot();
    return this.nansum(dim, options).div(there.cast(this.dtype).sum(dim, options));
  }
  /** Smallest and largest, over `dim` or all. */
  aminmax(dim?: number, options?: ReduceOptions): { readonly min: Tensor; readonly max: Tensor } {
    return { min: this.amin(dim, options), max: this.amax(dim, options) };
  }
}
