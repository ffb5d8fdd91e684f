/** @file Batching of the indexing ops: an index per example turns a selection of lines into a gather of elements. */
import { type Expr, emit } from "../../expr.ts";
import type { Shape } from "../../program/aval.ts";
import { expand, gather, indexAdd, indexSelect, reshape, scatterAdd } from "../emit.ts";
import type { BatchRule } from "../row.ts";

const everywhere = (x: Expr, batched: boolean | undefined, size: number): Expr =>
  batched ? x : expand(reshape(x, [1, ...x.shape]), [size, ...x.shape]);

const all = (args: readonly Expr[], batched: readonly boolean[], size: number): Expr[] =>
  args.map((x, i) => everywhere(x, batched[i], size));

export const batchGather: BatchRule = (args, batched, attrs, size) => {
  const [x, index] = all(args, batched, size);
  return gather(x!, index!, attrs[0]! + 1);
};

export const batchScatter =
  (name: "scatter" | "scatterAdd"): BatchRule =>
  (args, batched, attrs, size) =>
    emit(name, all(args, batched, size), [attrs[0]! + 1]);

/** Indices [B,K] as indices of elements: [B, 1.., K, ..1] expanded to `shape`, K standing at `axis` (counted with B). */
function spread(index: Expr, shape: Shape, axis: number): Expr {
  const full = shape.map((d, i) => (i === axis ? index.shape[1]! : d));
  return expand(
    reshape(
      index,
      full.map((d, i) => (i === 0 || i === axis ? d : 1)),
    ),
    full,
  );
}

export const batchIndexSelect: BatchRule = ([x, index], [bx, bi], attrs, size) => {
  const axis = attrs[0]! + 1;
  if (!bi) return indexSelect(x!, index!, axis);
  const full = everywhere(x!, bx, size);
  return gather(full, spread(index!, full.shape, axis), axis);
};

export const batchIndexAdd: BatchRule = ([base, index, src], [bb, bi, bs], attrs, size) => {
  const axis = attrs[0]! + 1;
  const [into, from] = [everywhere(base!, bb, size), everywhere(src!, bs, size)];
  if (!bi) return indexAdd(into, index!, from, axis);
  return scatterAdd(into, spread(index!, into.shape, axis), from, axis);
};

export const batchOneHot: BatchRule = ([index], _batched, attrs) => emit("oneHot", [index!], attrs);

export const batchSort =
  (name: string): BatchRule =>
  ([x], _batched, [axis, descending]) =>
    emit(name, [x!], [axis! + 1, descending!]);
