/** @file Reference layerNorm and its gradient, in f64, row by row. */
import { type Aval, sizeOf } from "../../program/aval.ts";
import { numberOf } from "../number.ts";
import type { Reference } from "../row.ts";
import { allocate, type NumberArray, numbers } from "../walk.ts";

interface Row {
  /** x less its mean, times 1/σ. */
  readonly y: Float64Array;
  readonly inverse: number;
}

function normalise(x: NumberArray, attrs: readonly number[]): Row {
  const n = x.length;
  let mean = 0;
  if (attrs[1] === 1) {
    for (const v of x) mean += v;
    mean /= n;
  }
  let variance = 0;
  for (const v of x) variance += (v - mean) ** 2;
  const inverse = 1 / Math.sqrt(variance / n + numberOf(attrs[2], attrs[3]));
  return { y: Float64Array.from(x, (v) => (v - mean) * inverse), inverse };
}

/** Elements of one row. */
const width = (aval: Aval, attrs: readonly number[]): number => sizeOf(aval.shape.slice(aval.shape.length - attrs[0]!));

export const layerNormReference: Reference = ([x], [aval], attrs, out) => {
  const y = numbers(allocate(out));
  const n = width(aval!, attrs);
  for (let i = 0; i < y.length; i += n) y.set(normalise(numbers(x).subarray(i, i + n), attrs).y, i);
  return y;
};

export const layerNormGradReference: Reference = ([g, x], [, aval], attrs, out) => {
  const dx = numbers(allocate(out));
  const n = width(aval!, attrs);
  for (let i = 0; i < dx.length; i += n) {
    const { y, inverse } = normalise(numbers(x).subarray(i, i + n), attrs);
    const row = numbers(g).subarray(i, i + n);
    let mean = 0;
    let along = 0;
    for (let k = 0; k < n; k++) {
      if (attrs[1] === 1) mean += row[k]! / n;
      along += (row[k]! * y[k]!) / n;
    }
    for (let k = 0; k < n; k++) dx[i + k] = inverse * (row[k]! - mean - y[k]! * along);
  }
  return dx;
};
