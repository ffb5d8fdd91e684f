/** @file Dimensions as people write them (negative, single, listed) made canonical: non-negative, ascending, checked. */
import { expected } from "../errors.ts";
import { type Shape, showShape, sizeOf } from "../program/aval.ts";

/** One number or a list of them, as variadic methods take it: `reshape(2, 3)` or `reshape([2, 3])`. */
export type Ints = readonly number[] | readonly [readonly number[]];

export function ints(list: Ints): readonly number[] {
  const first = list[0];
  return typeof first === "object" ? first : (list as readonly number[]);
}

/** A dimension in 0..rank-1; -1 is the last. @throws AXIS_OUT_OF_RANGE */
export function axisOf(where: string, dim: number, rank: number): number {
  const axis = dim < 0 ? dim + rank : dim;
  if (!Number.isInteger(axis) || axis < 0 || axis >= rank) {
    expected("AXIS_OUT_OF_RANGE", where, `a dimension in ${-rank}..${rank - 1}`, `${dim}`);
  }
  return axis;
}

/** Dimensions, ascending and distinct; all of them when none are given. @throws AXIS_OUT_OF_RANGE, AXIS_REPEATED */
export function axesOf(where: string, dim: number | readonly number[] | undefined, rank: number): number[] {
  if (dim === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = typeof dim === "number" ? [dim] : dim;
  // PyTorch reduces a scalar over dim 0 or -1 as over nothing.
  if (rank === 0 && list.every((d) => d === 0 || d === -1)) return [];
  const axes = list.map((d) => axisOf(where, d, rank)).sort((a, b) => a - b);
  for (let i = 1; i < axes.length; i++) {
    if (axes[i] === axes[i - 1]) expected("AXIS_REPEATED", where, "distinct dimensions", showShape(list));
  }
  return axes;
}

/** A shape with at most one -1 filled in so that it holds as many elements as `from`. @throws SHAPE_MISMATCH */
export function inferShape(where: string, shape: readonly number[], from: Shape): number[] {
  const n = sizeOf(from);
  const unknown = shape.indexOf(-1);
  const wrong = (): never =>
    expected("SHAPE_MISMATCH", where, `a shape of ${n} elements`, showShape(shape), `the tensor is ${showShape(from)}`);
  if (unknown < 0) return sizeOf(shape) === n ? [...shape] : wrong();
  const rest = sizeOf(shape.filter((_, i) => i !== unknown));
  if (rest <= 0 || n % rest !== 0) wrong();
  return shape.map((d, i) => (i === unknown ? n / rest : d));
}

/** A size for both spatial dimensions. */
export type Pair = number | readonly [number, number];
export const pairOf = (p: Pair): readonly [number, number] => (typeof p === "number" ? [p, p] : p);
