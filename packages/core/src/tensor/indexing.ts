/** @file Indexing: `index`, `indexPut`, `take`, `scatter`, `indexFill`; and what would have a shape that depends on data, refused. */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { broadcastShapes, sameShape, showAval, showShape, sizeOf } from "../program/aval.ts";
import { ArrangeTensor } from "./arrange.ts";
import { axisOf } from "./axes.ts";
import type { TensorBase } from "./base.ts";
import { type Index, indexed, refuseMask, wrapped } from "./index-spec.ts";
import { trimmed } from "./linear.ts";
import { type Operand, pair } from "./operand.ts";
import type { Tensor } from "./tensor.ts";

const flatten = (x: Expr): Expr => op.reshape(x, [sizeOf(x.shape)]);
const asIndex = (x: TensorBase): Expr => op.cast(x.expr, "i32");

/** A literal or a tensor in the dtype of x. */
function valueFor(where: string, x: Expr, value: Operand): Expr {
  const [a, b] = pair(where, x, value);
  if (a.dtype !== x.dtype)
    expected("DTYPE_MISMATCH", where, `a value that fits ${x.dtype}`, typeof value === "object" ? showAval(value) : typeof value);
  return b;
}

/** Whether a place of [n] is named by a vector of indices. */
function named(where: string, index: TensorBase, n: number): Expr {
  if (index.ndim > 1) expected("SHAPE_MISMATCH", where, "a vector of indices", showShape(index.shape));
  const places = wrapped(flatten(asIndex(index)), n);
  const none = op.full([n], "f32", 0);
  return op.gt(op.indexAdd(none, places, op.full(places.shape, "f32", 1), 0), op.constant("f32", 0));
}

/** A vector along `axis` of a tensor of this rank. */
const along = (v: Expr, axis: number, rank: number): Expr =>
  op.reshape(
    v,
    Array.from({ length: rank }, (_, d) => (d === axis ? v.shape[0]! : 1)),
  );

/** Python's indexing, and writing by index without changing the tensor. */
export abstract class IndexTensor extends ArrangeTensor {
  /**
   * Python's `x[...]`: `x.index([1, 3], ":", 0)` is `x[1:3, :, 0]`, `x.index([null, null, -1])` is `x[::-1]`, `x.index("...", null)`
   * adds a dimension, `x.index(rows, columns)` picks by integer tensors, which broadcast together.
   * @throws INDEX_INVALID (for tensors when it runs), SHAPE_DATA_DEPENDENT for boolean masks, SHAPE_MISMATCH
   */
  index(...indices: readonly Index[]): Tensor {
    return this.derive(indexed("index", this.expr, indices));
  }
  /**
   * A copy with `values` (that broadcast) in the places of an index: PyTorch's `x[...] = values` without changing x. Of several values
   * for one place the last counts, or all are added with `accumulate`. @throws as `index`
   */
  indexPut(indices: readonly Index[], values: Operand, options: { readonly accumulate?: boolean } = {}): Tensor {
    const x = this.expr;
    const n = this.numel;
    const numbers = op.reshape(op.iota("i32", 0, [n]), this.shape);
    const places = indexed("indexPut", numbers, indices);
    const given = valueFor("indexPut", x, values);
    if (!sameShape(broadcastShapes("indexPut", given.shape, places.shape), places.shape))
      expected("SHAPE_MISMATCH", "indexPut", `values that broadcast to ${showShape(places.shape)}`, showShape(given.shape));
    const src = flatten(op.expand(given, places.shape));
    const put = options.accumulate ? op.scatterAdd : op.scatter;
    return this.derive(op.reshape(put(flatten(x), flatten(places), src, 0), this.shape));
  }
  /** Elements of the flattened tensor, in the shape of the index. */
  take(index: TensorBase): Tensor {
    const places = wrapped(flatten(asIndex(index)), this.numel);
    return this.derive(op.reshape(op.indexSelect(flatten(this.expr), places, 0), index.shape));
  }
  /** As `gather`, with the other dimensions broadcast; what argsort and argmax (with keepdim) return fits. */
  takeAlongDim(index: TensorBase, dim: number): Tensor {
    const axis = axisOf("takeAlongDim", dim, this.ndim);
    if (index.ndim !== this.ndim)
      expected("SHAPE_MISMATCH", "takeAlongDim", `an index of ${this.ndim} dimensions`, showShape(index.shape));
    const without = (shape: readonly number[]): number[] => shape.map((n, d) => (d === axis ? 1 : n));
    const common = broadcastShapes("takeAlongDim", without(this.shape), without(index.shape));
    const wide = (x: Expr): Expr =>
      op.expand(
        x,
        common.map((n, d) => (d === axis ? x.shape[axis]! : n)),
      );
    return this.derive(op.gather(wide(this.expr), wide(wrapped(asIndex(index), this.shape[axis]!)), axis));
  }
  /** This, with src (or one value) in the places that index names along `dim`: of several for one place the last counts. */
  scatter(dim: number, index: TensorBase, src: Operand): Tensor {
    const axis = axisOf("scatter", dim, this.ndim);
    const given = valueFor("scatter", this.expr, src);
    const values = typeof src === "object" ? trimmed("scatter", given, index.shape) : op.expand(given, index.shape);
    return this.derive(op.scatter(this.expr, asIndex(index), values, axis));
  }
  /** This, with `value` in the slices along `dim` that a vector of indices names. */
  indexFill(dim: number, index: TensorBase, value: Operand): Tensor {
    const axis = axisOf("indexFill", dim, this.ndim);
    const given = valueFor("indexFill", this.expr, value);
    if (given.shape.length > 0) expected("SHAPE_MISMATCH", "indexFill", "one value", showAval(given));
    const mask = along(named("indexFill", index, this.shape[axis]!), axis, this.ndim);
    return this.derive(op.where(mask, given, this.expr));
  }
  /** This, with the slices of src in the places along `dim` that a vector of indices names: of several for one place the last counts. */
  indexCopy(dim: number, index: TensorBase, src: TensorBase): Tensor {
    const axis = axisOf("indexCopy", dim, this.ndim);
    if (index.ndim !== 1) expected("SHAPE_MISMATCH", "indexCopy", "a vector of indices", showShape(index.shape));
    const places = along(wrapped(asIndex(index), this.shape[axis]!), axis, this.ndim);
    return this.derive(op.scatter(this.expr, op.expand(places, src.shape), valueFor("indexCopy", this.expr, src), axis));
  }
  /** Refused: the size of the result would depend on the values. @throws SHAPE_DATA_DEPENDENT, with what to do instead */
  maskedSelect(_mask: TensorBase): never {
    return refuseMask("maskedSelect");
  }
  /** Refused as `maskedSelect`. @throws SHAPE_DATA_DEPENDENT */
  nonzero(): never {
    return refuseMask("nonzero");
  }
}
