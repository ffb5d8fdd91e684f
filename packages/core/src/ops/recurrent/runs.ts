/** @file Runs: which sequences are alive at each step, and where their rows lie. Sequences stand by falling length, as PyTorch packs them. */
import { expected } from "../../errors.ts";
import type { Expr } from "../../expr.ts";
import { checkInt } from "../check.ts";
import { cat, slice } from "../emit.ts";

/** Rows first..first+count of a packed value: one for each sequence that is that long. */
export interface Step {
  readonly first: number;
  readonly count: number;
}

/** Steps from..to (not included) with `count` sequences each; rows from `first`. */
export interface Run {
  readonly count: number;
  readonly from: number;
  readonly to: number;
  readonly first: number;
}

/** Sequences of packed rows: step after step, and in a step sequence after sequence. */
export class Runs {
  readonly runs: readonly Run[];
  /** Number of sequences. */
  readonly sequences: number;
  /** Number of rows. */
  readonly rows: number;

  constructor(runs: readonly Run[]) {
    const last = runs.at(-1)!;
    this.runs = runs;
    this.sequences = runs[0]!.count;
    this.rows = last.first + last.count * (last.to - last.from);
  }

  /** From attributes: pairs of a number of sequences and the number of steps that so many are alive. */
  static of(attrs: readonly number[], at: number): Runs {
    const runs: Run[] = [];
    let from = 0;
    let first = 0;
    for (let i = at; i < attrs.length; i += 2) {
      const [count, steps] = [attrs[i]!, attrs[i + 1]!];
      runs.push({ count, from, to: from + steps, first });
      from += steps;
      first += count * steps;
    }
    return new Runs(runs);
  }

  get steps(): readonly Step[] {
    return this.runs.flatMap((r) =>
      Array.from({ length: r.to - r.from }, (_, i) => ({ first: r.first + i * r.count, count: r.count })),
    );
  }

  /** The pairs, with `factor` times as many sequences. */
  attrs(factor = 1): number[] {
    return this.runs.flatMap((r) => [r.count * factor, r.to - r.from]);
  }

  /** The rows of step 0, or of the last step of every sequence: [sequences, columns]. */
  edge(x: Expr, end: boolean): Expr {
    if (!end) return rows(x, 0, this.sequences);
    const parts = this.runs.map((r, i) => {
      const longer = this.runs[i + 1]?.count ?? 0;
      const last = r.first + (r.to - r.from - 1) * r.count;
      return rows(x, last + longer, last + r.count);
    });
    return cat(parts.reverse(), 0);
  }

  /** For every row the state before its step: the row of the step before (`reverse`: after), or the initial state. */
  before(x: Expr, initial: Expr, reverse: boolean): Expr {
    const parts: Expr[] = [];
    this.runs.forEach((r, i) => {
      const end = r.first + (r.to - r.from) * r.count;
      if (reverse) {
        const longer = this.runs[i + 1]?.count ?? 0;
        parts.push(rows(x, r.first + r.count, end), rows(x, end, end + longer), rows(initial, longer, r.count));
      } else {
        const previous = this.runs[i - 1]?.count ?? 0;
        parts.push(i === 0 ? initial : rows(x, r.first - previous, r.first - previous + r.count));
        parts.push(rows(x, r.first, end - r.count));
      }
    });
    return cat(
      parts.filter((p) => p.shape[0]! > 0),
      0,
    );
  }
}

/** Rows from..to of a matrix. */
export const rows = (x: Expr, from: number, to: number): Expr =>
  from === 0 && to === x.shape[0] ? x : slice(x, [from, 0], [to, x.shape[1]!]);

/** Columns from..to of a matrix. */
export const columns = (x: Expr, from: number, to: number): Expr =>
  from === 0 && to === x.shape[1] ? x : slice(x, [0, from], [x.shape[0]!, to]);

/** Checks the pairs: at least one, numbers of sequences falling, at least one step each. */
export function checkRuns(op: string, attrs: readonly number[], at: number): Runs {
  if (attrs.length < at + 2 || (attrs.length - at) % 2 !== 0) {
    expected("ATTR_INVALID", op, `${at} attributes and pairs of sequences and steps`, `${attrs.length} attributes`);
  }
  let most = Number.POSITIVE_INFINITY;
  for (let i = at; i < attrs.length; i += 2) {
    const count = checkInt(op, "sequences", attrs[i], 1);
    checkInt(op, "steps", attrs[i + 1], 1);
    if (count >= most) expected("ATTR_INVALID", op, "numbers of sequences that fall", `${count} after ${most}`);
    most = count;
  }
  return Runs.of(attrs, at);
}
