/** @file Reductions, norms, softmax, sorting. `dim` may be negative, a list, or absent (all dimensions). */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { DTYPE, type DType } from "../program/dtype.ts";
import { axesOf, axisOf } from "./axes.ts";
import type { TensorBase } from "./base.ts";
import { floating } from "./operand.ts";
import { SpecialTensor } from "./special.ts";
import type { Tensor } from "./tensor.ts";

export interface ReduceOptions {
  /** Keep reduced dimensions with size 1. */
  readonly keepdim?: boolean;
}
type Dim = number | readonly number[];
/** What `max(dim)`, `min(dim)` and `sort(dim)` return. Indices are i32. */
export interface ValuesAndIndices {
  readonly values: Tensor;
  readonly indices: Tensor;
}
type Reduction = (x: Expr, axes: readonly number[], keepdim?: boolean) => Expr;

/** bool sums as i32. */
const countable = (x: Expr): Expr => (x.dtype === "bool" ? op.cast(x, "i32") : x);

/** Square root whose gradient at zero is zero, not infinite: what PyTorch's norm and standard deviation have there. */
function rootOf(x: Tensor): Tensor {
  const zero = x.eq(0);
  return x.maskedFill(zero, 1).sqrt().maskedFill(zero, 0);
}

/** (Σ m^p)^(1/p). Zeros stand beside both powers, whose slopes there are infinite, below p = 1 or above: theirs is 0, as in PyTorch. */
function rootOfPowers(m: Tensor, p: number, sum: (x: Tensor) => Tensor): Tensor {
  const zero = m.eq(0);
  const total = sum(
    m
      .maskedFill(zero, 1)
      .pow(p)
      .maskedFill(zero, p > 0 ? 0 : Number.POSITIVE_INFINITY),
  );
  if (p < 0) return total.pow(1 / p);
  const none = total.eq(0);
  return total
    .maskedFill(none, 1)
    .pow(1 / p)
    .maskedFill(none, 0);
}

/** Reductions over `dim` (one, several, or all without) and sorting. @throws AXIS_OUT_OF_RANGE, AXIS_REPEATED; SHAPE_MISMATCH for an extreme of nothing */
export abstract class ReduceTensor extends SpecialTensor {
  private reduce(f: Reduction, where: string, x: Expr, dim: Dim | undefined, options: ReduceOptions): Tensor {
    return this.derive(f(x, axesOf(where, dim, x.shape.length), options.keepdim ?? false));
  }

  /** Number of elements that a reduction over `dim` folds into one. */
  private folded(where: string, dim: Dim | undefined): number {
    return axesOf(where, dim, this.ndim).reduce((n, a) => n * this.shape[a]!, 1);
  }

  /** Sum; bool sums as i32. */
  sum(dim?: Dim, options: ReduceOptions = {}): Tensor {
    return this.reduce(op.sum, "sum", countable(this.expr), dim, options);
  }
  /** Product; exact gradients at zeros. */
  prod(dim?: Dim, options: ReduceOptions = {}): Tensor {
    return this.reduce(op.prod, "prod", countable(this.expr), dim, options);
  }
  /** Mean of a float tensor. */
  mean(dim?: Dim, options: ReduceOptions = {}): Tensor {
    this.needFloat("mean");
    return this.sum(dim, options).div(this.folded("mean", dim));
  }
  /** Variance; divides by n - correction, 1 by default as in PyTorch. */
  var(dim?: Dim, options: ReduceOptions & { readonly correction?: number } = {}): Tensor {
    this.needFloat("var");
    const centred = this.sub(this.mean(dim, { keepdim: true }));
    return centred
      .square()
      .sum(dim, options)
      .div(Math.max(0, this.folded("var", dim) - (options.correction ?? 1)));
  }
  /** Standard deviation; divides by n - correction, 1 by default. */
  std(dim?: Dim, options: ReduceOptions & { readonly correction?: number } = {}): Tensor {
    return rootOf(this.var(dim, options));
  }
  /** Maximum over `dim`; the gradient is shared evenly among ties. */
  amax(dim?: Dim, options: ReduceOptions = {}): Tensor {
    return this.reduce(op.amax, "amax", this.expr, dim, options);
  }
  /** Minimum over `dim`; the gradient is shared evenly among ties. */
  amin(dim?: Dim, options: ReduceOptions = {}): Tensor {
    return this.reduce(op.amin, "amin", this.expr, dim, options);
  }
  /** `max()`: the largest element; `max(dim)`: `{ values, indices }`; `max(other)`: elementwise. */
  max(): Tensor;
  max(other: TensorBase): Tensor;
  max(dim: number, options?: ReduceOptions): ValuesAndIndices;
  max(what?: number | TensorBase, options: ReduceOptions = {}): Tensor | ValuesAndIndices {
    if (what === undefined) return this.amax();
    return typeof what === "number" ? this.extreme(op.argmax, "max", what, options) : this.maximum(what);
  }
  /** `min()`: the smallest element; `min(dim)`: `{ values, indices }`; `min(other)`: elementwise. */
  min(): Tensor;
  min(other: TensorBase): Tensor;
  min(dim: number, options?: ReduceOptions): ValuesAndIndices;
  min(what?: number | TensorBase, options: ReduceOptions = {}): Tensor | ValuesAndIndices {
    if (what === undefined) return this.amin();
    return typeof what === "number" ? this.extreme(op.argmin, "min", what, options) : this.minimum(what);
  }
  private extreme(arg: typeof op.argmax, where: string, dim: number, options: ReduceOptions): ValuesAndIndices {
    const axis = axisOf(where, dim, this.ndim);
    const indices = arg(this.expr, axis, true);
    const values = op.gather(this.expr, indices, axis);
    const shape = options.keepdim ? values.shape : values.shape.filter((_, i) => i !== axis);
    return { values: this.derive(op.reshape(values, shape)), indices: this.derive(op.reshape(indices, shape)) };
  }
  /** Index (i32) of the first maximum along `dim`, or in the flattened tensor. */
  argmax(dim?: number, options: ReduceOptions = {}): Tensor {
    return this.argument(op.argmax, "argmax", dim, options);
  }
  /** Index (i32) of the first minimum along `dim`, or in the flattened tensor. */
  argmin(dim?: number, options: ReduceOptions = {}): Tensor {
    return this.argument(op.argmin, "argmin", dim, options);
  }
  private argument(f: typeof op.argmax, where: string, dim: number | undefined, options: ReduceOptions): Tensor {
    if (dim !== undefined) return this.derive(f(this.expr, axisOf(where, dim, this.ndim), options.keepdim ?? false));
    const index = f(op.reshape(this.expr, [this.numel]), 0, false);
    return this.derive(
      options.keepdim
        ? op.reshape(
            index,
            this.shape.map(() => 1),
          )
        : index,
    );
  }
  /** Whether every element is non-zero. */
  all(dim?: Dim, options: ReduceOptions = {}): Tensor {
    return this.reduce(op.all, "all", op.cast(this.expr, "bool"), dim, options);
  }
  /** Whether some element is non-zero. */
  any(dim?: Dim, options: ReduceOptions = {}): Tensor {
    return this.reduce(op.any, "any", op.cast(this.expr, "bool"), dim, options);
  }
  /**
   * The p-norm of the elements, p = 2 by default: `Infinity` and `-Infinity` give the largest and smallest magnitude, 0 the number of
   * elements that are not 0, `"fro"` is 2. The gradient at zero is zero.
   */
  norm(p: number | "fro" = 2, dim?: Dim, options: ReduceOptions = {}): Tensor {
    this.needFloat("norm");
    if (p === 2 || p === "fro") return rootOf(this.square().sum(dim, options));
    const magnitude = this.abs();
    if (p === 0) return this.ne(0).cast(this.dtype).sum(dim, options);
    if (p === 1) return magnitude.sum(dim, options);
    if (p === Number.POSITIVE_INFINITY) return magnitude.amax(dim, options);
    if (p === Number.NEGATIVE_INFINITY) return magnitude.amin(dim, options);
    if (Number.isNaN(p) || typeof p !== "number") expected("ARGUMENT_INVALID", "norm", 'a number or "fro"', `${p}`);
    return rootOfPowers(magnitude, p, (x) => x.sum(dim, options));
  }
  /** Running sums along `dim`; bool as i32. */
  cumsum(dim: number): Tensor {
    return this.derive(op.cumsum(countable(this.expr), axisOf("cumsum", dim, this.ndim)));
  }
  /** log Σ exp along `dim`, without overflow. */
  logsumexp(dim: Dim, options: ReduceOptions = {}): Tensor {
    // Of nothing: -∞.
    if (this.folded("logsumexp", dim) === 0) return this.exp().sum(dim, options).log();
    const top = this.amax(dim, { keepdim: true }).detach();
    const finite = top.maskedFill(top.abs().eq(Number.POSITIVE_INFINITY), 0);
    const axes = axesOf("logsumexp", dim, this.ndim);
    const y = this.sub(finite).exp().sum(dim, { keepdim: true }).log().add(finite);
    return options.keepdim ? y : y.reshape(this.shape.filter((_, i) => !axes.includes(i)));
  }
  /** e^x / Σ e^x along `dim`. */
  softmax(dim: number): Tensor {
    return this.derive(op.softmax(floating(this.expr), axisOf("softmax", dim, this.ndim)));
  }
  /** log(softmax) without overflow. */
  logSoftmax(dim: number): Tensor {
    return this.derive(op.logSoftmax(floating(this.expr), axisOf("logSoftmax", dim, this.ndim)));
  }
  /** Losses [N] of logits [N,C] against probabilities [N,C]. */
  softmaxCrossEntropy(target: TensorBase): Tensor {
    return this.derive(op.softmaxCrossEntropy(this.expr, target.expr));
  }
  /** Stable sort along `dim`. */
  sort(dim = -1, options: { readonly descending?: boolean } = {}): ValuesAndIndices {
    const axis = axisOf("sort", dim, this.ndim);
    const indices = op.argsort(this.expr, axis, options.descending ?? false);
    return { values: this.derive(op.gather(this.expr, indices, axis)), indices: this.derive(indices) };
  }
  /** Indices (i32) that sort `dim`; stable. */
  argsort(dim = -1, options: { readonly descending?: boolean } = {}): Tensor {
    return this.derive(op.argsort(this.expr, axisOf("argsort", dim, this.ndim), options.descending ?? false));
  }
  private needFloat(where: string): void {
    const dtype: DType = this.dtype;
    if (!DTYPE[dtype].float) expected("DTYPE_UNSUPPORTED", where, "a float dtype", dtype, "convert with float()");
  }
}
