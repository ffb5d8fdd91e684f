/** @file Rows of rnn, lstm and gru over whole sequences, and of their gradients: composites that unroll. */
import { expected } from "../../errors.ts";
import { type Expr, emit } from "../../expr.ts";
import { type Aval, showAval } from "../../program/aval.ts";
import { checkFlag, checkKind, checkRank, checkSameDType, checkShape, FLOAT } from "../check.ts";
import { cat, expand, matmul, permute, recurrentGrad, reshape, sum } from "../emit.ts";
import type { BatchRule, GradContext, OpRow } from "../row.ts";
import { type Cell, GRU, LSTM, RNN } from "./cells.ts";
import { batchOf, type Decomposition, gradOf, referenceOf } from "./composite.ts";
import { checkRuns, columns, Runs } from "./runs.ts";
import { unroll, unrollGrad } from "./unroll.ts";

/** Parts of a row of the gradient op: by both products, by the old states. */
export const gradParts = (cell: Cell): number => cell.gates + cell.own + cell.states.length;

/** How an argument is laid out: packed rows, one row per sequence, or the same for all. */
type Layout = "rows" | "state" | "shared";

const checkHead = (name: string, cell: Cell, attrs: readonly number[]): Runs => {
  for (const [i, a] of cell.attrs.entries()) checkFlag(name, a, attrs[i]);
  return checkRuns(name, attrs, cell.attrs.length);
};

/** Checks w [gates * hidden, hidden] and the dtypes; returns hidden. */
function checkWeight(name: string, cell: Cell, args: readonly Aval[], w: Aval): number {
  checkKind(name, w, FLOAT);
  for (const a of args) checkSameDType(name, w, a);
  checkRank(name, w, 2);
  const hidden = w.shape[1]!;
  if (hidden === 0 || w.shape[0] !== cell.gates * hidden) {
    expected("SHAPE_MISMATCH", name, `a recurrent weight [${cell.gates} * hidden, hidden]`, showAval(w));
  }
  return hidden;
}

/** (gx [rows, gates * hidden], w, h0 [sequences, hidden], c0 or bias) -> [rows, parts * hidden]. */
function sequence(cell: Cell): OpRow {
  const { name } = cell;
  const decompose: Decomposition = ([gx, w, h0, extra], attrs) =>
    unroll(gx!, {
      cell,
      attrs,
      w: w!,
      initial: cell.extra === "state" ? [h0!, extra!] : [h0!],
      bias: cell.extra === "bias" ? extra! : null,
    });
  return {
    name,
    arity: cell.extra === null ? 3 : 4,
    attrs: [...cell.attrs, "runs..."],
    infer(args, attrs) {
      const runs = checkHead(name, cell, attrs);
      const [gx, w, h0, extra] = args as [Aval, Aval, Aval, Aval | undefined];
      const hidden = checkWeight(name, cell, args, w);
      checkShape(name, gx, [runs.rows, cell.gates * hidden]);
      checkShape(name, h0, [runs.sequences, hidden]);
      if (extra) checkShape(name, extra, cell.extra === "state" ? [runs.sequences, hidden] : [hidden]);
      return { shape: [runs.rows, cell.parts * hidden], dtype: gx.dtype };
    },
    grad: sequenceGrad(cell),
    vmap: fold(cell, name, ["rows", "shared", "state", cell.extra === "state" ? "state" : "shared"], decompose),
    reference: referenceOf(decompose),
    decompose,
  };
}

function sequenceGrad(cell: Cell): (context: GradContext) => readonly (Expr | null)[] {
  return ({ args, attrs, out, grad, needs }) => {
    const [, w, h0, extra] = args as [Expr, Expr, Expr, Expr | undefined];
    const runs = Runs.of(attrs, cell.attrs.length);
    const reverse = attrs[0] === 1;
    const hidden = w.shape[1]!;
    const { reads } = cell;
    const d = recurrentGrad(cell.name, [grad, out, w, ...(reads === null ? [] : [reads === 0 ? h0 : extra!])], attrs);
    const part = (from: number, to = from + 1): Expr => columns(d, from * hidden, to * hidden);
    const { gates, own } = cell;
    const product = part(0, gates);
    const begin = (i: number): Expr => runs.edge(part(gates + own + i), reverse);
    const before = (): Expr => runs.before(columns(out, cell.states[0]! * hidden, (cell.states[0]! + 1) * hidden), h0, reverse);
    return [
      needs(0) ? (own === 0 ? product : cat([part(0, gates - own), part(gates, gates + own)], 1)) : null,
      needs(1) ? matmul(product, before(), true) : null,
      needs(2) ? begin(cell.states.length - 1) : null,
      extra && needs(3) ? (cell.extra === "state" ? begin(0) : sum(part(gates - 1), [0])) : null,
    ];
  };
}

/** (g, out [rows, parts * hidden], w, the initial state that it reads) -> [rows, gradParts * hidden]. */
function sequenceGradRow(cell: Cell): OpRow {
  const name = `${cell.name}Grad`;
  const { reads } = cell;
  const decompose: Decomposition = ([g, out, w, initial], attrs) =>
    unrollGrad(g!, out!, { cell, attrs, w: w!, initial: cell.states.map((_, k) => (k === reads ? initial! : null)) });
  return {
    name,
    arity: reads === null ? 3 : 4,
    attrs: [...cell.attrs, "runs..."],
    infer(args, attrs) {
      const runs = checkHead(name, cell, attrs);
      const [g, out, w, initial] = args as [Aval, Aval, Aval, Aval | undefined];
      const hidden = checkWeight(name, cell, args, w);
      checkShape(name, g, [runs.rows, cell.parts * hidden]);
      checkShape(name, out, g.shape);
      if (initial) checkShape(name, initial, [runs.sequences, hidden]);
      return { shape: [runs.rows, gradParts(cell) * hidden], dtype: g.dtype };
    },
    grad: gradOf(decompose),
    vmap: fold(cell, name, ["rows", "rows", "shared", "state"], decompose),
    reference: referenceOf(decompose),
    decompose,
  };
}

/**
 * Slices become more sequences: row n of a step becomes rows n * size .. n * size + size - 1, so that those that end first stay last.
 * Where each slice has weights of its own, the decomposition is batched.
 */
function fold(cell: Cell, name: string, layouts: readonly Layout[], decompose: Decomposition): BatchRule {
  return (args, batched, attrs, size) => {
    if (args.some((_, i) => batched[i] && layouts[i] === "shared")) return batchOf(decompose)(args, batched, attrs, size);
    const folded = args.map((x, i) => {
      if (layouts[i] === "shared") return x;
      const [n, c] = x.shape.slice(-2) as [number, number];
      const full = batched[i] ? permute(x, [1, 0, 2]) : expand(reshape(x, [n, 1, c]), [n, size, c]);
      return reshape(full, [n * size, c]);
    });
    const head = attrs.slice(0, cell.attrs.length);
    const out = emit(name, folded, [...head, ...Runs.of(attrs, head.length).attrs(size)]);
    return permute(reshape(out, [out.shape[0]! / size, size, out.shape[1]!]), [1, 0, 2]);
  };
}

export const RECURRENT_ROWS: readonly OpRow[] = [RNN, LSTM, GRU].flatMap((cell) => [sequence(cell), sequenceGradRow(cell)]);
