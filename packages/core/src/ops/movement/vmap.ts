/** @file Batching of the movement ops: the new leading axis stays where it is. */
import { cat, expand, flip, pad, permute, reshape, slice } from "../emit.ts";
import type { BatchRule } from "../row.ts";

export const batchReshape: BatchRule = ([x], _batched, shape, size) => reshape(x!, [size, ...shape]);

export const batchPermute: BatchRule = ([x], _batched, axes) => permute(x!, [0, ...axes.map((a) => a + 1)]);

export const batchExpand: BatchRule = ([x], _batched, shape, size) => {
  const missing = shape.length - (x!.shape.length - 1);
  return expand(reshape(x!, [size, ...new Array<number>(missing).fill(1), ...x!.shape.slice(1)]), [size, ...shape]);
};

/** The three per-axis lists of slice and pad. */
function thirds(attrs: readonly number[]): [readonly number[], readonly number[], readonly number[]] {
  const rank = attrs.length / 3;
  return [attrs.slice(0, rank), attrs.slice(rank, 2 * rank), attrs.slice(2 * rank)];
}

export const batchSlice: BatchRule = ([x], _batched, attrs, size) => {
  const [start, stop, step] = thirds(attrs);
  return slice(x!, [0, ...start], [size, ...stop], [1, ...step]);
};

export const batchPad: BatchRule = ([x], _batched, attrs) => {
  const [lo, hi, interior] = thirds(attrs);
  return pad(x!, [0, ...lo], [0, ...hi], [0, ...interior]);
};

export const batchCat: BatchRule = (xs, batched, [axis], size) =>
  cat(
    xs.map((x, i) => (batched[i] ? x : expand(reshape(x, [1, ...x.shape]), [size, ...x.shape]))),
    axis! + 1,
  );

export const batchFlip: BatchRule = ([x], _batched, axes) =>
  flip(
    x!,
    axes.map((a) => a + 1),
  );
