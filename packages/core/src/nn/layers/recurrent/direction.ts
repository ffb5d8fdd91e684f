/** @file One recurrent layer in one direction: the input's product for all steps at once, then the sequence op. */
import { expected } from "../../../errors.ts";
import type { Expr } from "../../../expr.ts";
import * as op from "../../../ops/emit.ts";
import { type Cell, GRU, LSTM, RNN } from "../../../ops/recurrent/cells.ts";
import { columns, type Runs } from "../../../ops/recurrent/runs.ts";
import { unroll } from "../../../ops/recurrent/unroll.ts";
import { Tensor } from "../../../tensor/tensor.ts";

/** The parameters of one layer and direction: PyTorch's weight_ih, weight_hh, bias_ih, bias_hh, weight_hr. */
export interface Weights {
  /** [gates * hidden, inputs]. */
  readonly ih: Expr;
  /** [gates * hidden, width of h]. */
  readonly hh: Expr;
  /** Both [gates * hidden], or both null. */
  readonly biasIh: Expr | null;
  readonly biasHh: Expr | null;
  /** [width of h, hidden], or null. */
  readonly hr: Expr | null;
}

/** What a kind of layer is made of. */
export interface Kind {
  readonly cell: Cell;
  /** Attributes of its op between `reverse` and the runs. */
  readonly options: readonly number[];
}

export const KINDS: Readonly<Record<"lstm" | "gru" | "tanh" | "relu", Kind>> = {
  lstm: { cell: LSTM, options: [] },
  gru: { cell: GRU, options: [] },
  tanh: { cell: RNN, options: [0] },
  relu: { cell: RNN, options: [1] },
};

/** The bias of the input's product and, where the cell keeps it apart, that of the recurrent candidate. */
function biases({ biasIh, biasHh, hh }: Weights, cell: Cell): { readonly input: Expr | null; readonly own: Expr | null } {
  if (cell.extra !== "bias") return { input: biasIh === null ? null : op.add(biasIh, biasHh!), own: null };
  const hidden = hh.shape[0]! / cell.gates;
  if (biasIh === null) return { input: null, own: op.full([hidden], hh.dtype, 0) };
  const shared = (cell.gates - 1) * hidden;
  const input = op.add(biasIh, op.pad(op.slice(biasHh!, [0], [shared]), [0], [hidden]));
  return { input, own: op.slice(biasHh!, [shared], [shared + hidden]) };
}

/** h of every step [rows, width of h], and the last states of every sequence, [sequences, ...] each. */
export interface DirectionResult {
  readonly output: Expr;
  readonly last: readonly Expr[];
}

/** x [rows, inputs] packed as `runs` say; `states` are h (and c) before the first step. */
export function runDirection(
  { cell, options }: Kind,
  x: Expr,
  weights: Weights,
  states: readonly Expr[],
  runs: Runs,
  reverse: boolean,
): DirectionResult {
  const { input, own } = biases(weights, cell);
  const product = op.matmul(x, weights.ih, false, true);
  const gx = input === null ? product : op.add(product, input);
  const attrs = [reverse ? 1 : 0, ...options, ...runs.attrs()];
  const [h0, c0] = states as [Expr, Expr | undefined];
  const hidden = weights.hh.shape[0]! / cell.gates;
  const width = weights.hr?.shape[0] ?? hidden;
  const out =
    weights.hr === null && runs.rows > 0
      ? op.recurrent(cell.name, [gx, weights.hh, h0, ...[c0 ?? own ?? []].flat()], attrs)
      : unroll(gx, { cell, attrs, w: weights.hh, initial: states, bias: own, projection: weights.hr });
  const part = (i: number): Expr => columns(out, i * hidden, i * hidden + (i === cell.states[0] ? width : hidden));
  return { output: part(cell.states[0]!), last: cell.states.map((i) => runs.edge(part(i), !reverse)) };
}

/** A state as the list that its kind has: h, or [h, c]; undefined: zeros. @throws ARGUMENT_INVALID for anything else */
export function stateList(where: string, { cell }: Kind, state: unknown): readonly Tensor[] | undefined {
  if (state === undefined) return undefined;
  const pair = cell.states.length === 2;
  const list: readonly unknown[] = pair && Array.isArray(state) ? state : [state];
  if (list.length !== cell.states.length || !list.every((t) => t instanceof Tensor)) {
    expected(
      "ARGUMENT_INVALID",
      where,
      pair ? "a state [h, c]" : "a state h, one tensor",
      Array.isArray(state) ? `a list of ${state.length}` : state instanceof Tensor ? "one tensor" : typeof state,
    );
  }
  return list;
}
