/** @file Rearranging: roll, tile, diagonals, windows, moved and split dimensions. */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { type Shape, showShape } from "../program/aval.ts";
import { axesOf, axisOf, type Ints, inferShape, ints, type Pair, pairOf } from "./axes.ts";
import { SpatialTensor } from "./spatial.ts";
import type { Tensor } from "./tensor.ts";

export interface Im2colOptions {
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
}

const replaced = (shape: Shape, axis: number, ...sizes: number[]): number[] => shape.toSpliced(axis, 1, ...sizes);

/** Places first, first + step, ... below last along `axis`. */
function part(x: Expr, axis: number, first: number, last: number, step = 1): Expr {
  const only = (here: number, else_: (d: number) => number): number[] => x.shape.map((_, d) => (d === axis ? here : else_(d)));
  return op.slice(
    x,
    only(first, () => 0),
    only(last, (d) => x.shape[d]!),
    only(step, () => 1),
  );
}

function rolled(x: Expr, axis: number, shift: number): Expr {
  const n = x.shape[axis]!;
  if (!Number.isInteger(shift)) expected("ARGUMENT_INVALID", "roll", "integer shifts", `${shift}`);
  const cut = n === 0 ? 0 : ((-shift % n) + n) % n;
  return cut === 0 ? x : op.cat([part(x, axis, cut, n), part(x, axis, 0, cut)], axis);
}

/** Dimensions `from`, in their order, moved to the places `to`. */
function moved(x: Expr, from: readonly number[], to: readonly number[]): Expr {
  const rest = x.shape.map((_, d) => d).filter((d) => !from.includes(d));
  const order = new Array<number>(x.shape.length).fill(-1);
  to.forEach((place, i) => {
    order[place] = from[i]!;
  });
  return op.permute(
    x,
    order.map((d) => (d < 0 ? rest.shift()! : d)),
  );
}

/** Where diagonal `offset` of an n x m matrix begins in row-major order, and how many elements it has. */
function diagonalPlace(n: number, m: number, offset: number): { readonly first: number; readonly length: number } {
  const [row, column] = offset < 0 ? [-offset, 0] : [0, offset];
  return { first: row * m + column, length: Math.max(0, Math.min(n - row, m - column)) };
}

/** A diagonal of two dimensions, which leave; it comes last. Of a row-major matrix it is every (m + 1)-th element. */
export function diagonalOf(where: string, x: Expr, offset: number, dim1: number, dim2: number): Expr {
  const rank = x.shape.length;
  if (rank < 2) expected("SHAPE_MISMATCH", where, "at least 2 dimensions", showShape(x.shape));
  if (!Number.isInteger(offset)) expected("ARGUMENT_INVALID", where, "an integer offset", `${offset}`);
  const [a, b] = [axisOf(where, dim1, rank), axisOf(where, dim2, rank)];
  if (a === b) expected("AXIS_REPEATED", where, "two different dimensions", `${dim1} and ${dim2}`);
  const y = moved(x, [a, b], [rank - 2, rank - 1]);
  const [n, m] = [y.shape[rank - 2]!, y.shape[rank - 1]!];
  const { first, length } = diagonalPlace(n, m, offset);
  const lead = y.shape.slice(0, -2);
  if (length === 0) return op.reshape(part(y, rank - 2, 0, 0), [...lead, 0]);
  return part(op.reshape(y, [...lead, n * m]), rank - 2, first, first + (length - 1) * (m + 1) + 1, m + 1);
}

/** Vectors along the last dimension as diagonals of square matrices that are 0 elsewhere. */
function embedded(x: Expr, offset: number): Expr {
  const rank = x.shape.length;
  const length = x.shape[rank - 1]!;
  const n = length + Math.abs(offset);
  const shape = [...x.shape.slice(0, -1), n, n];
  if (length === 0) return op.full(shape, x.dtype, 0);
  const { first } = diagonalPlace(n, n, offset);
  const last = (value: number): number[] => x.shape.map((_, d) => (d === rank - 1 ? value : 0));
  const after = n * n - first - ((length - 1) * (n + 1) + 1);
  return op.reshape(op.pad(x, last(first), last(after), last(n)), shape);
}

/** The elements of all windows, one strided slice for each place of the kernel: [N,C,H,W] -> [N, C·KH·KW, OH·OW]. */
function columns(x: Expr, kernel: Pair, options: Im2colOptions): Expr {
  const [[kh, kw], [sh, sw], [ph, pw], [dh, dw]] = [
    pairOf(kernel),
    pairOf(options.stride ?? 1),
    pairOf(options.padding ?? 0),
    pairOf(options.dilation ?? 1),
  ];
  if (
    ![kh, kw, sh, sw, dh, dw].every((s) => Number.isInteger(s) && s >= 1) ||
    ![ph, pw].every((p) => Number.isInteger(p) && p >= 0)
  )
    expected(
      "ARGUMENT_INVALID",
      "im2col",
      "positive sizes, strides and dilations, padding of at least 0",
      showShape([kh, kw, sh, sw, ph, pw, dh, dw]),
    );
  const image = op.pad(x, [0, 0, ph, pw], [0, 0, ph, pw]);
  const [n, c, h, w] = image.shape as [number, number, number, number];
  const [oh, ow] = [Math.floor((h - dh * (kh - 1) - 1) / sh) + 1, Math.floor((w - dw * (kw - 1) - 1) / sw) + 1];
  if (oh < 1 || ow < 1)
    expected("SHAPE_MISMATCH", "im2col", "a window that fits into the padded image", `${kh}x${kw} in ${h}x${w}`);
  const taps: Expr[] = [];
  for (let p = 0; p < kh; p++) {
    for (let q = 0; q < kw; q++) {
      const stop = [n, c, p * dh + (oh - 1) * sh + 1, q * dw + (ow - 1) * sw + 1];
      taps.push(op.reshape(op.slice(image, [0, 0, p * dh, q * dw], stop, [1, 1, sh, sw]), [n, c, 1, oh * ow]));
    }
  }
  return op.reshape(op.cat(taps, 2), [n, c * kh * kw, oh * ow]);
}

/** Rearrangements: rolled, tiled, unfolded, diagonals. @throws SHAPE_MISMATCH, AXIS_OUT_OF_RANGE */
export abstract class ArrangeTensor extends SpatialTensor {
  /** Shifts elements along the dimensions, those that fall off coming in at the other end; without `dims` in the flattened tensor. */
  roll(shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
    const list = typeof shifts === "number" ? [shifts] : shifts;
    if (dims === undefined) {
      if (list.length !== 1) expected("ARGUMENT_INVALID", "roll", "one shift, or a dimension for each", `${list.length} shifts`);
      return this.derive(op.reshape(rolled(op.reshape(this.expr, [this.numel]), 0, list[0]!), this.shape));
    }
    const axes = typeof dims === "number" ? [dims] : dims;
    if (axes.length !== list.length) expected("ARGUMENT_INVALID", "roll", `${list.length} dimensions`, `${axes.length}`);
    return this.derive(axes.reduce((x, d, i) => rolled(x, axisOf("roll", d, this.ndim), list[i]!), this.expr));
  }
  /** As `repeat`; fewer counts than dimensions repeat the last ones. */
  tile(...counts: Ints): Tensor {
    const list = ints(counts);
    return this.repeat([...new Array<number>(Math.max(0, this.ndim - list.length)).fill(1), ...list]);
  }
  /** Each element `times` times in a row (or its own number of times) along `dim`, or in the flattened tensor. */
  repeatInterleave(times: number | readonly number[], dim?: number): Tensor {
    const x = dim === undefined ? op.reshape(this.expr, [this.numel]) : this.expr;
    const axis = axisOf("repeatInterleave", dim ?? 0, x.shape.length);
    const n = x.shape[axis]!;
    const list = typeof times === "number" ? [times] : times;
    if (!list.every((t) => Number.isInteger(t) && t >= 0) || (typeof times !== "number" && list.length !== n))
      expected("ARGUMENT_INVALID", "repeatInterleave", `a count, or ${n} of them`, showShape(list));
    const spread = (y: Expr, t: number): Expr => {
      const size = y.shape[axis]!;
      const wide = op.expand(op.reshape(y, replaced(y.shape, axis, size, 1)), replaced(y.shape, axis, size, t));
      return op.reshape(wide, replaced(y.shape, axis, size * t));
    };
    if (typeof times === "number") return this.derive(spread(x, times));
    if (n === 0) return this.derive(x);
    return this.derive(
      op.cat(
        list.map((t, i) => spread(part(x, axis, i, i + 1), t)),
        axis,
      ),
    );
  }
  /** Moves dimensions to other places; the others keep their order. */
  movedim(from: number | readonly number[], to: number | readonly number[]): Tensor {
    const [a, b] = [from, to].map((d) => (typeof d === "number" ? [d] : d).map((i) => axisOf("movedim", i, this.ndim)));
    if (a!.length !== b!.length || new Set(a).size !== a!.length || new Set(b).size !== b!.length)
      expected("AXIS_REPEATED", "movedim", "as many distinct dimensions as places", `${showShape(a!)} and ${showShape(b!)}`);
    return this.derive(moved(this.expr, a!, b!));
  }
  /** Splits a dimension into several; one size may be -1. */
  unflatten(dim: number, sizes: readonly number[]): Tensor {
    const axis = axisOf("unflatten", dim, this.ndim);
    return this.derive(op.reshape(this.expr, replaced(this.shape, axis, ...inferShape("unflatten", sizes, [this.shape[axis]!]))));
  }

  /** The elements (i, i + offset) of two dimensions, which leave; the diagonal is the last dimension of the result. */
  diagonal(offset = 0, dim1 = 0, dim2 = 1): Tensor {
    return this.derive(diagonalOf("diagonal", this.expr, offset, dim1, dim2));
  }
  /** Of a matrix its diagonal; of a vector the matrix with that diagonal. */
  diag(offset = 0): Tensor {
    if (this.ndim !== 1 && this.ndim !== 2) expected("SHAPE_MISMATCH", "diag", "a vector or a matrix", showShape(this.shape));
    return this.ndim === 1 ? this.diagEmbed(offset) : this.diagonal(offset);
  }
  /** The matrices whose diagonals are the vectors along the last dimension. */
  diagEmbed(offset = 0): Tensor {
    if (this.ndim < 1) expected("SHAPE_MISMATCH", "diagEmbed", "at least 1 dimension", showShape(this.shape));
    if (!Number.isInteger(offset)) expected("ARGUMENT_INVALID", "diagEmbed", "an integer offset", `${offset}`);
    return this.derive(embedded(this.expr, offset));
  }
  /** Sum of a matrix's diagonal. */
  trace(): Tensor {
    if (this.ndim !== 2) expected("SHAPE_MISMATCH", "trace", "a matrix", showShape(this.shape));
    return this.diagonal().sum();
  }

  /** Windows of `size` elements along `dim`, every `step`: the windows stand along `dim`, their elements in a new last dimension. */
  unfold(dim: number, size: number, step: number): Tensor {
    const axis = axisOf("unfold", dim, this.ndim);
    const n = this.shape[axis]!;
    if (!Number.isInteger(size) || size < 1 || size > n || !Number.isInteger(step) || step < 1)
      expected("ARGUMENT_INVALID", "unfold", `a size in 1..${n} and a step of at least 1`, `${size} and ${step}`);
    const count = Math.floor((n - size) / step) + 1;
    const taps = Array.from({ length: size }, (_, k) => part(this.expr, axis, k, k + (count - 1) * step + 1, step));
    return this.derive(
      op.cat(
        taps.map((t) => op.reshape(t, [...t.shape, 1])),
        this.ndim,
      ),
    );
  }
  /** PyTorch's `F.unfold`: the windows of [N,C,H,W] as columns, [N, C·KH·KW, OH·OW]. @throws ARGUMENT_INVALID, SHAPE_MISMATCH */
  im2col(kernel: Pair, options: Im2colOptions = {}): Tensor {
    if (this.ndim === 3) return this.unsqueeze(0).im2col(kernel, options).squeeze(0);
    if (this.ndim !== 4) expected("SHAPE_MISMATCH", "im2col", "3 or 4 dimensions", showShape(this.shape));
    return this.derive(columns(this.expr, kernel, options));
  }
  /** Reverses the order of columns. */
  fliplr(): Tensor {
    if (this.ndim < 2) expected("SHAPE_MISMATCH", "fliplr", "at least 2 dimensions", showShape(this.shape));
    return this.flip(1);
  }
  /** Reverses the order of rows. */
  flipud(): Tensor {
    return this.flip(axesOf("flipud", 0, Math.max(1, this.ndim)));
  }
}
