/** @file Movement: reshape, permute, expand, slice, cat, stack, pad, flip, triangles. Dimensions may be negative. */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { showShape } from "../program/aval.ts";
import { axesOf, axisOf, type Ints, inferShape, ints } from "./axes.ts";
import type { TensorBase } from "./base.ts";
import { type Padding, type PadOptions, padded } from "./padding.ts";
import { ReduceTensor } from "./reduce.ts";
import type { Tensor } from "./tensor.ts";

/** A range along one dimension as Python writes it: `[start, stop, step]`, null for everything, a number to select (and drop). */
export type Range = number | null | readonly [start?: number | null, stop?: number | null, step?: number];

const clampIndex = (i: number, n: number): number => Math.min(n, Math.max(0, i < 0 ? i + n : i));

/** Shapes, views and parts; no copy in the sense of PyTorch, for tensors are values. @throws SHAPE_MISMATCH, AXIS_OUT_OF_RANGE */
export abstract class MovementTensor extends ReduceTensor {
  /** The same elements in row-major order in another shape; one size may be -1. */
  reshape(...shape: Ints): Tensor {
    return this.derive(op.reshape(this.expr, inferShape("reshape", ints(shape), this.shape)));
  }
  /** As `reshape`: tensors are values, so a view is no different. */
  view(...shape: Ints): Tensor {
    return this.derive(op.reshape(this.expr, inferShape("view", ints(shape), this.shape)));
  }
  /** Merges dimensions start..end into one. */
  flatten(start = 0, end = -1): Tensor {
    if (this.ndim === 0) return this.reshape(1);
    const [a, b] = [axisOf("flatten", start, this.ndim), axisOf("flatten", end, this.ndim)];
    if (a > b) expected("AXIS_OUT_OF_RANGE", "flatten", "start before end", `${start} and ${end}`);
    const merged = this.shape.slice(a, b + 1).reduce((n, d) => n * d, 1);
    return this.derive(op.reshape(this.expr, [...this.shape.slice(0, a), merged, ...this.shape.slice(b + 1)]));
  }
  /** Drops dimensions of size 1: the named ones, or all. */
  squeeze(dim?: number | readonly number[]): Tensor {
    const axes = axesOf("squeeze", dim, this.ndim);
    return this.derive(
      op.reshape(
        this.expr,
        this.shape.filter((d, i) => d !== 1 || !axes.includes(i)),
      ),
    );
  }
  /** Inserts a dimension of size 1 at `dim`. */
  unsqueeze(dim: number): Tensor {
    const axis = axisOf("unsqueeze", dim, this.ndim + 1);
    return this.derive(op.reshape(this.expr, [...this.shape.slice(0, axis), 1, ...this.shape.slice(axis)]));
  }
  /** The dimensions in another order. @throws AXIS_REPEATED unless each is there once */
  permute(...dims: Ints): Tensor {
    const list = ints(dims);
    const axes = list.map((d) => axisOf("permute", d, this.ndim));
    if (axes.length !== this.ndim || new Set(axes).size !== axes.length) {
      expected("AXIS_REPEATED", "permute", `each of ${this.ndim} dimensions once`, showShape(list));
    }
    return this.derive(op.permute(this.expr, axes));
  }
  /** Swaps two dimensions. */
  transpose(a: number, b: number): Tensor {
    const axes = this.shape.map((_, i) => i);
    const [x, y] = [axisOf("transpose", a, this.ndim), axisOf("transpose", b, this.ndim)];
    axes[x] = y;
    axes[y] = x;
    return this.derive(op.permute(this.expr, axes));
  }
  /** All dimensions reversed; the transpose of a matrix. */
  get T(): Tensor {
    return this.derive(
      op.permute(
        this.expr,
        this.shape.map((_, i) => this.ndim - 1 - i),
      ),
    );
  }
  /** The last two dimensions swapped. */
  get mT(): Tensor {
    return this.transpose(-2, -1);
  }
  /** Repeats dimensions of size 1 up to `shape`; -1 keeps a size. */
  expand(...shape: Ints): Tensor {
    const list = ints(shape);
    const lead = list.length - this.ndim;
    return this.derive(
      op.expand(
        this.expr,
        list.map((d, i) => (d === -1 && i >= lead ? this.shape[i - lead]! : d)),
      ),
    );
  }
  /** `expand` to the shape of another tensor. */
  expandAs(other: TensorBase): Tensor {
    return this.expand(other.shape);
  }
  /** As `expand`. */
  broadcastTo(...shape: Ints): Tensor {
    return this.expand(ints(shape));
  }
  /** Tiles the tensor `counts[d]` times along dimension d; more counts than dimensions add leading ones. */
  repeat(...counts: Ints): Tensor {
    const reps = ints(counts);
    if (reps.length < this.ndim) expected("SHAPE_MISMATCH", "repeat", `at least ${this.ndim} counts`, showShape(reps));
    const shape = [...new Array<number>(reps.length - this.ndim).fill(1), ...this.shape];
    const split = op.reshape(
      this.expr,
      shape.flatMap((d) => [1, d]),
    );
    const tiled = op.expand(
      split,
      shape.flatMap((d, i) => [reps[i]!, d]),
    );
    return this.derive(
      op.reshape(
        tiled,
        shape.map((d, i) => d * reps[i]!),
      ),
    );
  }

  /** Python's `x[ranges]`: `x.slice([1, 3], null, 0)` is `x[1:3, :, 0]`. Steps are at least 1. @throws INDEX_INVALID */
  slice(...ranges: readonly Range[]): Tensor {
    if (ranges.length > this.ndim) expected("INDEX_INVALID", "slice", `at most ${this.ndim} ranges`, `${ranges.length}`);
    const start: number[] = [];
    const stop: number[] = [];
    const step: number[] = [];
    this.shape.forEach((n, d) => {
      const r = ranges[d] ?? null;
      const [a, b, s] = typeof r === "number" ? this.one(r, n, d) : [r?.[0] ?? 0, r?.[1] ?? n, r?.[2] ?? 1];
      if (!Number.isInteger(s) || s < 1) expected("INDEX_INVALID", "slice", "a step of at least 1", `${s}`, "reverse with flip");
      start.push(clampIndex(a, n));
      stop.push(Math.max(clampIndex(a, n), clampIndex(b, n)));
      step.push(s);
    });
    const y = op.slice(this.expr, start, stop, step);
    return this.derive(
      op.reshape(
        y,
        y.shape.filter((_, d) => typeof ranges[d] !== "number"),
      ),
    );
  }
  private one(index: number, n: number, dim: number): [number, number, number] {
    if (!Number.isInteger(index) || index < -n || index >= n) {
      expected("INDEX_INVALID", "select", `an index in ${-n}..${n - 1} of dimension ${dim}`, `${index}`);
    }
    const i = index < 0 ? index + n : index;
    return [i, i + 1, 1];
  }
  /** `length` elements from `start` along `dim`. @throws INDEX_INVALID */
  narrow(dim: number, start: number, length: number): Tensor {
    const axis = axisOf("narrow", dim, this.ndim);
    const n = this.shape[axis]!;
    const from = start < 0 ? start + n : start;
    if (from < 0 || length < 0 || from + length > n) {
      expected("INDEX_INVALID", "narrow", `a range within ${n} elements`, `start ${start}, length ${length}`);
    }
    return this.slice(...this.shape.map((_, d): Range => (d === axis ? [from, from + length] : null)));
  }
  /** Element `index` along `dim`, without the dimension. */
  select(dim: number, index: number): Tensor {
    const axis = axisOf("select", dim, this.ndim);
    return this.slice(...this.shape.map((_, d): Range => (d === axis ? index : null)));
  }
  /** Parts of `size` elements along `dim` (the last may be smaller), or of the sizes listed. */
  split(size: number | readonly number[], dim = 0): Tensor[] {
    const n = this.shape[axisOf("split", dim, this.ndim)]!;
    if (typeof size === "number" && !(Number.isInteger(size) && size > 0))
      expected("SHAPE_MISMATCH", "split", "a positive size", `${size}`);
    const sizes =
      typeof size === "number"
        ? Array.from({ length: Math.max(1, Math.ceil(n / size)) }, (_, i) => Math.min(size, n - i * size))
        : size;
    if (sizes.reduce((a, b) => a + b, 0) !== n)
      expected("SHAPE_MISMATCH", "split", `sizes that add up to ${n}`, showShape(sizes));
    let at = 0;
    return sizes.map((s) => this.narrow(dim, (at += s) - s, s));
  }
  /** At most `chunks` parts of equal size along `dim`; the last may be smaller. */
  chunk(chunks: number, dim = 0): Tensor[] {
    if (!(Number.isInteger(chunks) && chunks > 0)) expected("ARGUMENT_INVALID", "chunk", "a positive count", `${chunks}`);
    return this.split(Math.max(1, Math.ceil(this.shape[axisOf("chunk", dim, this.ndim)]! / chunks)), dim);
  }
  /** The slices along `dim`. */
  unbind(dim = 0): Tensor[] {
    return Array.from({ length: this.shape[axisOf("unbind", dim, this.ndim)]! }, (_, i) => this.select(dim, i));
  }
  /**
   * Pads with a value or by a mode: [left, right] of the last dimension, then of the one before, as PyTorch's `F.pad`; negative
   * widths cut off. `x.pad([1, 1], { mode: "reflect" })`. @throws ARGUMENT_INVALID, SHAPE_MISMATCH
   */
  pad(padding: Padding, how: number | PadOptions = 0): Tensor {
    return this.derive(padded(this.expr, padding, typeof how === "number" ? { value: how } : how));
  }
  /** Reverses the order along the dimensions. */
  flip(...dims: Ints): Tensor {
    return this.derive(op.flip(this.expr, axesOf("flip", ints(dims), this.ndim)));
  }
  /** The lower triangle of the last two dimensions, up to the given diagonal; the rest 0. */
  tril(diagonal = 0): Tensor {
    return this.triangle("tril", (row, column) => op.le(column, op.add(row, op.constant("i32", diagonal))));
  }
  /** The upper triangle of the last two dimensions, from the given diagonal; the rest 0. */
  triu(diagonal = 0): Tensor {
    return this.triangle("triu", (row, column) => op.ge(column, op.add(row, op.constant("i32", diagonal))));
  }
  private triangle(where: string, keep: (row: Expr, column: Expr) => Expr): Tensor {
    if (this.ndim < 2) expected("SHAPE_MISMATCH", where, "at least 2 dimensions", showShape(this.shape));
    const matrix = this.shape.slice(-2);
    const mask = keep(op.iota("i32", 0, matrix), op.iota("i32", 1, matrix));
    return this.derive(op.where(mask, this.expr, op.lit(this.expr, 0)));
  }
}
