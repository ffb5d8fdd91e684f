/** @file Unrolling: a sequence op and its gradient step by step, in terms of other ops. What a device without kernels for them runs. */
import type { Expr } from "../../expr.ts";
import { add, cat, matmul, pad } from "../emit.ts";
import type { Cell } from "./cells.ts";
import { columns, Runs, rows, type Step } from "./runs.ts";

/** A row of hidden sizes, cut. */
const cut = (x: Expr, hidden: number, from: number, to: number): Expr[] =>
  Array.from({ length: to - from }, (_, k) => columns(x, (from + k) * hidden, (from + k + 1) * hidden));

const join = (parts: readonly Expr[]): Expr => cat(parts, 1);

/** With more rows of zeros below. */
const padded = (x: Expr, count: number): Expr => (x.shape[0] === count ? x : pad(x, [0, 0], [count - x.shape[0]!, 0]));

/** The states that step `step` starts from: those of the step before it in time, and the initial ones of sequences that begin there. */
function enter(step: Step, before: readonly Expr[] | null, initial: readonly Expr[]): Expr[] {
  return initial.map((start, k) => {
    const x = before?.[k];
    if (x === undefined) return rows(start, 0, step.count);
    const old = x.shape[0]!;
    return old >= step.count ? rows(x, 0, step.count) : cat([x, rows(start, old, step.count)], 0);
  });
}

interface Unrolled {
  readonly cell: Cell;
  readonly attrs: readonly number[];
  /** [gates * hidden, width of h]. */
  readonly w: Expr;
  /** h [sequences, width], and c [sequences, hidden] for lstm. */
  readonly initial: readonly Expr[];
  readonly bias: Expr | null;
  /** [width of h, hidden] where h is projected (Sak et al. 2014). */
  readonly projection?: Expr | null;
}

/** All parts of all steps: gx [rows, gates * hidden] -> [rows, parts * hidden]; with a projection the last part is as wide as h. */
export function unroll(gx: Expr, { cell, attrs, w, initial, bias, projection }: Unrolled): Expr {
  const { steps } = Runs.of(attrs, cell.attrs.length);
  const reverse = attrs[0] === 1;
  const hidden = w.shape[0]! / cell.gates;
  const out = new Array<Expr>(steps.length);
  let before: readonly Expr[] | null = null;
  for (let k = 0; k < steps.length; k++) {
    const t = reverse ? steps.length - 1 - k : k;
    const step = steps[t]!;
    const states = enter(step, before, initial);
    const parts = cell.step({
      x: cut(rows(gx, step.first, step.first + step.count), hidden, 0, cell.gates),
      r: cut(matmul(states[0]!, w, false, true), hidden, 0, cell.gates),
      states,
      bias,
      attrs,
    });
    if (projection) parts.push(matmul(parts.pop()!, projection, false, true));
    before = cell.states.map((i) => parts[i]!);
    out[t] = join(parts);
  }
  return cat(out, 0);
}

/** The states before each step, read from the result. */
function statesBefore(
  cell: Cell,
  out: Expr,
  initial: readonly (Expr | null)[],
  hidden: number,
  runs: Runs,
  reverse: boolean,
): (Expr | null)[] {
  return cell.states.map((i, k) => {
    const start = initial[k];
    return start ? runs.before(columns(out, i * hidden, (i + 1) * hidden), start, reverse) : null;
  });
}

interface UnrolledGrad {
  readonly cell: Cell;
  readonly attrs: readonly number[];
  readonly w: Expr;
  /** The initial states that the gradient reads; null for those it does not. */
  readonly initial: readonly (Expr | null)[];
}

/**
 * g, out [rows, parts * hidden] -> [rows, ...] of: the gradients by the recurrent product, by the input's product where it differs, by
 * the states before the step (c, then h).
 */
export function unrollGrad(g: Expr, out: Expr, { cell, attrs, w, initial }: UnrolledGrad): Expr {
  const runs = Runs.of(attrs, cell.attrs.length);
  const { steps } = runs;
  const reverse = attrs[0] === 1;
  const hidden = w.shape[1]!;
  const old = statesBefore(cell, out, initial, hidden, runs, reverse);
  const result = new Array<Expr>(steps.length);
  let later: readonly Expr[] | null = null;
  for (let k = 0; k < steps.length; k++) {
    const t = reverse ? k : steps.length - 1 - k;
    const { first, count } = steps[t]!;
    const at = (x: Expr): Expr => rows(x, first, first + count);
    const grads = cut(at(g), hidden, 0, cell.parts);
    cell.states.forEach((i, s) => {
      const x = later?.[s];
      if (x !== undefined) grads[i] = add(grads[i]!, padded(rows(x, 0, Math.min(count, x.shape[0]!)), count));
    });
    const states = old.map((x) => (x === null ? grads[0]! : at(x)));
    const d = cell.grad({ g: grads, parts: cut(at(out), hidden, 0, cell.parts), states, attrs });
    const product = matmul(join(d.r), w);
    const [direct, ...others] = d.states as [Expr | null, ...Expr[]];
    const dh = direct === null ? product : add(direct, product);
    later = [dh, ...others];
    result[t] = join([...d.r, ...d.x, ...others, dh]);
  }
  return cat(result, 0);
}
