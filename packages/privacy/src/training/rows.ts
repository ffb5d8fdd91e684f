/** @file Which rows a step reads: a true Poisson sample, or the next part of a pass over all. */
import type { Batch, Dataset } from "@tacit/core/data";
import { refuse } from "../check.ts";
import { poissonSample } from "../samplers/index.ts";

/** Rows of the data set, step by step. */
export interface Rows {
  /** Steps that make an epoch. */
  readonly stepsPerEpoch: number;
  /** Indices that step `step` (from 0) reads. Called once for each step, in order. */
  at(step: number): Int32Array;
}

/**
 * Each row by itself with probability `rate`, by coins of the platform's CSPRNG: nobody is told who is in. The rows are those of the data
 * set's first order, so that `shuffle` then `take` means the same rows at every step.
 * @throws TacitError PRIVACY_PARAMETER where a row comes twice: it would count twice in a sum
 */
export function poissonRows<T extends Batch>(data: Dataset<T>, rate: number): Rows {
  const rows = distinct(data.order(0));
  const draw = poissonSample(rows.length, rate);
  return { stepsPerEpoch: Math.max(1, Math.round(1 / rate)), at: () => draw().map((i) => rows[i]!) };
}

/** The data set's own order (`data.shuffle({ seed })` gives another for each pass), `batch` rows a step; each row once in a pass. */
export function passRows<T extends Batch>(data: Dataset<T>, batch: number): Rows {
  const stepsPerEpoch = Math.ceil(data.length / batch);
  let pass: { readonly epoch: number; readonly order: Int32Array } = { epoch: -1, order: new Int32Array() };
  return {
    stepsPerEpoch,
    at(step): Int32Array {
      const epoch = Math.floor(step / stepsPerEpoch);
      if (pass.epoch !== epoch) pass = { epoch, order: distinct(data.order(epoch)) };
      const start = (step % stepsPerEpoch) * batch;
      return pass.order.slice(start, start + batch);
    },
  };
}

/** Refuses an order in which a row comes twice: the account counts it once. */
function distinct(order: Int32Array): Int32Array {
  if (new Set(order).size !== order.length)
    refuse("makePrivate", "a data set that visits each row once in a pass", "one that repeats rows");
  return order;
}
