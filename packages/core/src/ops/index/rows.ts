/** @file Rows of the indexing ops: gather, scatter, one-hot, sort. */
import type { Expr } from "../../expr.ts";
import { ANY, NUMBER } from "../check.ts";
import * as op from "../emit.ts";
import type { OpRow } from "../row.ts";
import * as infer from "./infer.ts";
import * as ref from "./reference.ts";
import * as batch from "./vmap.ts";

const gather: OpRow = {
  name: "gather",
  arity: 2,
  attrs: ["axis"],
  refuses: true,
  infer: infer.gatherInfer,
  grad: ({ args, attrs, grad }) => [op.scatterAdd(op.zeros(args[0]!), args[1]!, grad, attrs[0]!), null],
  vmap: batch.batchGather,
  reference: ref.gatherReference,
};

const scatterAdd: OpRow = {
  name: "scatterAdd",
  arity: 3,
  attrs: ["axis"],
  refuses: true,
  infer: infer.scatterInfer("scatterAdd", NUMBER),
  grad: ({ args, attrs, grad, needs }) => [grad, null, needs(2) ? op.gather(grad, args[1]!, attrs[0]!) : null],
  vmap: batch.batchScatter("scatterAdd"),
  reference: ref.scatterAddReference,
};

/** Which elements of src stand in the result: those whose place still carries their number. */
function winners(base: Expr, index: Expr, axis: number): Expr {
  const number = op.iota("i32", axis, index.shape);
  const order = op.scatter(op.full(base.shape, "i32", 0), index, number, axis);
  return op.eq(op.gather(order, index, axis), number);
}

const scatter: OpRow = {
  name: "scatter",
  arity: 3,
  attrs: ["axis"],
  infer: infer.scatterInfer("scatter", ANY),
  grad({ args, attrs, grad, needs }) {
    const [base, index] = args as [Expr, Expr];
    const [axis] = attrs as [number];
    const none = op.full(index.shape, grad.dtype, 0);
    return [
      needs(0) ? op.scatter(grad, index, none, axis) : null,
      null,
      needs(2) ? op.where(winners(base, index, axis), op.gather(grad, index, axis), none) : null,
    ];
  },
  vmap: batch.batchScatter("scatter"),
  reference: ref.scatterReference,
};

const indexSelect: OpRow = {
  name: "indexSelect",
  arity: 2,
  attrs: ["axis"],
  refuses: true,
  infer: infer.indexSelectInfer,
  grad: ({ args, attrs, grad }) => [op.indexAdd(op.zeros(args[0]!), args[1]!, grad, attrs[0]!), null],
  vmap: batch.batchIndexSelect,
  reference: ref.indexSelectReference,
};

const indexAdd: OpRow = {
  name: "indexAdd",
  arity: 3,
  attrs: ["axis"],
  refuses: true,
  infer: infer.indexAddInfer,
  grad: ({ args, attrs, grad, needs }) => [grad, null, needs(2) ? op.indexSelect(grad, args[1]!, attrs[0]!) : null],
  vmap: batch.batchIndexAdd,
  reference: ref.indexAddReference,
};

const oneHot: OpRow = {
  name: "oneHot",
  arity: 1,
  attrs: ["classes", "dtype"],
  refuses: true,
  infer: infer.oneHotInfer,
  vmap: batch.batchOneHot,
  reference: ref.oneHotReference,
};

const sort: OpRow = {
  name: "sort",
  arity: 1,
  attrs: ["axis", "descending"],
  infer: infer.sortInfer("sort", null),
  grad({ args, attrs, grad }) {
    const x = args[0]!;
    const order = op.argsort(x, attrs[0]!, attrs[1] === 1);
    return [op.scatterAdd(op.zeros(x), order, grad, attrs[0]!)];
  },
  vmap: batch.batchSort("sort"),
  reference: ref.sortReference,
};

const argsort: OpRow = {
  name: "argsort",
  arity: 1,
  attrs: ["axis", "descending"],
  infer: infer.sortInfer("argsort", "i32"),
  vmap: batch.batchSort("argsort"),
  reference: ref.argsortReference,
};

export const INDEX_ROWS: readonly OpRow[] = [gather, scatterAdd, scatter, indexSelect, indexAdd, oneHot, sort, argsort];
