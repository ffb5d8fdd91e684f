/** @file Order statistics, running products and distances: kthvalue, median, quantile, topk, cumprod, logcumsumexp, cdist. */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { showShape } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";
import { axisOf } from "./axes.ts";
import { IndexTensor } from "./indexing.ts";
import { floating } from "./operand.ts";
import type { ReduceOptions, ValuesAndIndices } from "./reduce.ts";
import type { Tensor } from "./tensor.ts";

export interface TopkOptions {
  /** The largest (default) or the smallest. */
  readonly largest?: boolean;
  /** Whether the result must be in order; it always is. */
  readonly sorted?: boolean;
}
export interface QuantileOptions extends ReduceOptions {
  /** Between two elements: in proportion (default), or the lower, higher, nearest one or their mean. */
  readonly interpolation?: "linear" | "lower" | "higher" | "nearest" | "midpoint";
}

/** Running totals in log2(n) rounds (Hillis and Steele 1986): in each, every place takes in the one 1, 2, 4, ... before it. */
function scanned(x: Expr, axis: number, neutral: number, f: (a: Expr, b: Expr) => Expr): Expr {
  const n = x.shape[axis]!;
  let y = x;
  for (let step = 1; step < n; step *= 2) {
    const start = x.shape.map(() => 0);
    const kept = x.shape.map((size, d) => (d === axis ? step : size));
    const before = op.slice(
      y,
      start,
      x.shape.map((size, d) => (d === axis ? n - step : size)),
    );
    y = f(op.cat([op.full(kept, x.dtype, neutral), before], axis), y);
  }
  return y;
}

/** Where a quantile lies among n sorted elements: the one below, the one above, and the share of the upper one. */
function position(q: number, n: number, how: NonNullable<QuantileOptions["interpolation"]>): readonly [number, number, number] {
  const at = q * (n - 1);
  const [low, high] = [Math.floor(at), Math.ceil(at)];
  switch (how) {
    case "lower":
      return [low, low, 0];
    case "higher":
      return [high, high, 0];
    case "nearest": {
      // Halves to the even place, as PyTorch rounds.
      const near = at - low === 0.5 ? low + (low % 2) : Math.round(at);
      return [near, near, 0];
    }
    case "midpoint":
      return [low, high, low === high ? 0 : 0.5];
    default:
      return [low, high, at - low];
  }
}

/** Order statistics, running products, distances. @throws AXIS_OUT_OF_RANGE */
export abstract class OrderTensor extends IndexTensor {
  /** The k largest (or smallest) along `dim`, in order, and their places. @throws ARGUMENT_INVALID unless k is in 0..n */
  topk(k: number, dim = -1, options: TopkOptions = {}): ValuesAndIndices {
    const axis = axisOf("topk", dim, this.ndim);
    const n = this.shape[axis]!;
    if (!Number.isInteger(k) || k < 0 || k > n) expected("ARGUMENT_INVALID", "topk", `k in 0..${n}`, `${k}`);
    const order = op.argsort(this.expr, axis, options.largest ?? true);
    const indices = this.derive(order).narrow(axis, 0, k);
    return { values: this.derive(op.gather(this.expr, indices.expr, axis)), indices };
  }
  /** The k-th smallest along `dim` (k from 1) and its place. */
  kthvalue(k: number, dim = -1, options: ReduceOptions = {}): ValuesAndIndices {
    const axis = axisOf("kthvalue", dim, this.ndim);
    const n = this.shape[axis]!;
    if (!Number.isInteger(k) || k < 1 || k > n) expected("ARGUMENT_INVALID", "kthvalue", `k in 1..${n}`, `${k}`);
    const at = this.derive(op.argsort(this.expr, axis)).narrow(axis, k - 1, 1);
    return this.chosen(at, axis, options);
  }
  private chosen(at: Tensor, axis: number, options: ReduceOptions): ValuesAndIndices {
    const values = this.derive(op.gather(this.expr, at.expr, axis));
    return options.keepdim ? { values, indices: at } : { values: values.squeeze(axis), indices: at.squeeze(axis) };
  }
  /** `median()`: of all elements; `median(dim)`: values and places. Of an even number the lower one; NaN where there is one. */
  median(): Tensor;
  median(dim: number, options?: ReduceOptions): ValuesAndIndices;
  median(dim?: number, options: ReduceOptions = {}): Tensor | ValuesAndIndices {
    if (dim === undefined) return this.reshape(this.numel).median(0).values;
    const axis = axisOf("median", dim, this.ndim);
    const n = this.shape[axis]!;
    if (n === 0) expected("SHAPE_MISMATCH", "median", "a dimension that is not empty", showShape(this.shape));
    const sorted = this.derive(op.argsort(this.expr, axis));
    const middle = sorted.narrow(axis, (n - 1) >> 1, 1);
    if (!DTYPE[this.dtype].float) return this.chosen(middle, axis, options);
    // NaN is sorted last: if there is one it stands at the end.
    const last = sorted.narrow(axis, n - 1, 1);
    const nan = this.derive(op.gather(this.expr, last.expr, axis)).isnan();
    return this.chosen(last.where(nan, middle), axis, options);
  }
  /**
   * The quantile q in [0, 1] along `dim`, or of all elements; a list of quantiles gives a new first dimension. NaN where there is one.
   * @throws ARGUMENT_INVALID for q outside
   */
  quantile(q: number | readonly number[], dim?: number, options: QuantileOptions = {}): Tensor {
    if (!DTYPE[this.dtype].float) expected("DTYPE_UNSUPPORTED", "quantile", "a float dtype", this.dtype, "convert with float()");
    if (dim === undefined) {
      const y = this.reshape(this.numel).quantile(q, 0, { ...options, keepdim: false });
      return options.keepdim ? y.reshape([...(typeof q === "number" ? [] : [q.length]), ...this.shape.map(() => 1)]) : y;
    }
    const list = typeof q === "number" ? [q] : q;
    if (list.length === 0 || !list.every((v) => v >= 0 && v <= 1))
      expected("ARGUMENT_INVALID", "quantile", "quantiles in 0..1", showShape(list));
    const axis = axisOf("quantile", dim, this.ndim);
    const n = this.shape[axis]!;
    if (n === 0) expected("SHAPE_MISMATCH", "quantile", "a dimension that is not empty", showShape(this.shape));
    const { values } = this.sort(axis);
    const at = (k: number): Tensor => (options.keepdim ? values.narrow(axis, k, 1) : values.select(axis, k));
    const bad = at(n - 1).isnan();
    const parts = list.map((v) => {
      const [low, high, share] = position(v, n, options.interpolation ?? "linear");
      const y = low === high ? at(low) : at(low).lerp(at(high), share);
      return y.maskedFill(bad, Number.NaN);
    });
    if (typeof q === "number") return parts[0]!;
    return this.derive(
      op.cat(
        parts.map((p) => p.unsqueeze(0).expr),
        0,
      ),
    );
  }
  /** Running products along `dim`; exact gradients also at zeros. Takes log2(n) passes. */
  cumprod(dim: number): Tensor {
    const x = this.dtype === "bool" ? op.cast(this.expr, "i32") : this.expr;
    return this.derive(scanned(x, axisOf("cumprod", dim, this.ndim), 1, op.mul));
  }
  /** Logarithm of running sums of exponentials along `dim`, without overflow. Takes log2(n) passes. */
  logcumsumexp(dim: number): Tensor {
    const x = floating(this.expr);
    const join = (a: Expr, b: Expr): Expr => this.derive(a).logaddexp(this.derive(b)).expr;
    return this.derive(scanned(x, axisOf("logcumsumexp", dim, this.ndim), Number.NEGATIVE_INFINITY, join));
  }
  /** Distances of every row of this [..., P, M] from every row of other [..., R, M]: [..., P, R], by the p-norm. */
  cdist(other: Tensor, p = 2): Tensor {
    if (this.ndim < 2 || other.ndim < 2 || this.shape.at(-1) !== other.shape.at(-1))
      expected(
        "SHAPE_MISMATCH",
        "cdist",
        "[..., P, M] and [..., R, M]",
        `${showShape(this.shape)} and ${showShape(other.shape)}`,
      );
    return this.unsqueeze(-2).sub(other.unsqueeze(-3)).norm(p, -1);
  }
}
