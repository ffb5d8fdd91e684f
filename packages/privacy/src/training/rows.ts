/** @file Which rows a step reads: a true Poisson sample, or the next part of a pass over all. */
import type { Batch, Dataset } from "@tacit/core/data";
import { refuse } from "../check.ts";
import { poissonSample } from "../samplers/index.ts";

/** Rows of the data set, step by step. */
export interface Rows {
  /** All rows of the first epoch. */
  readonly first: Int32Array;
  /** Steps that make an epoch. */
  readonly stepsPerEpoch: number;
  /** Indices that step `step` (from 0) reads. Called once for each step, in order. */
  at(step: number): Int32Array;
}

/**
 * Each row by itself with probability `rate`, by coins of the platform's CSPRNG: nobody is told who is in. The rows are those of the data
 * set's first order, so that `shuffle` then `take` means the same rows at every step, and no others.
 * @throws TacitError PRIVACY_PARAMETER where a row comes twice: it would count twice in a sum
 */
export function poissonRows<T extends Batch>(data: Dataset<T>, rate: number): Rows {
  const rows = distinctRows(data, 0);
  const draw = poissonSample(rows.length, rate);
  return { first: rows, stepsPerEpoch: Math.max(1, Math.round(1 / rate)), at: () => draw().map((i) => rows[i]!) };
}

/**
 * The data set's own order (`data.shuffle({ seed })` gives another for each pass), `batch` rows a step; each row once in a pass.
 * @throws TacitError PRIVACY_PARAMETER as `poissonRows`; for a later pass when that begins
 */
export function passRows<T extends Batch>(data: Dataset<T>, batch: number): Rows {
  const stepsPerEpoch = Math.ceil(data.length / batch);
  let pass = { epoch: 0, order: distinctRows(data, 0) };
  return {
    first: pass.order,
    stepsPerEpoch,
    at(step): Int32Array {
      const epoch = Math.floor(step / stepsPerEpoch);
      if (pass.epoch !== epoch) pass = { epoch, order: distinctRows(data, epoch) };
      const start = (step % stepsPerEpoch) * batch;
      return pass.order.slice(start, start + batch);
    },
  };
}

/**
 * The rows of an epoch, as indices to read. Refuses a sample that comes twice, under two indices too (subset, concat): the account counts it
 * once, and its person would move a sum by many K. Copies of a sample in another place cannot be seen.
 */
export function distinctRows<T extends Batch>(data: Dataset<T>, epoch: number): Int32Array {
  const order = data.order(epoch);
  if (order.length !== data.length)
    refuse("makePrivate", `a data set whose epochs visit its ${data.length} rows`, `one of ${order.length}`);
  const seen = new Map<object, Set<number>>();
  for (const { source, rows } of data.origins(order)) {
    const known = seen.get(source) ?? new Set();
    const before = known.size;
    for (const r of rows) known.add(r);
    seen.set(source, known);
    if (known.size !== before + rows.length) refuseRepeats();
  }
  // For data sets whose origins say less than their order.
  if (new Set(order).size !== order.length) refuseRepeats();
  return order;
}

function refuseRepeats(): never {
  refuse(
    "makePrivate",
    "a data set that has each row once",
    "one that repeats rows",
    "give each person one row: a row that comes k times moves a step k times as far as is accounted for; no indices twice in subset, no data set twice in concat",
  );
}
