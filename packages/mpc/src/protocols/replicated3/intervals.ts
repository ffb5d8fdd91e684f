/** @file Interval arithmetic (Moore 1966), for the range analysis: bounds that hold whatever the values inside. */
import type { TypedArray } from "@tacit/core/program";

export type Interval = readonly [lo: number, hi: number];

export const UNKNOWN: Interval = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
export const UNIT: Interval = [0, 1];
export const ZERO: Interval = [0, 0];

export const magnitude = ([lo, hi]: Interval): number => Math.max(Math.abs(lo), Math.abs(hi));
export const isKnown = ([lo, hi]: Interval): boolean => Number.isFinite(lo) && Number.isFinite(hi);
export const symmetric = (m: number): Interval => [-m, m];
export const hull = (...xs: readonly Interval[]): Interval => [
  Math.min(...xs.map((x) => x[0])),
  Math.max(...xs.map((x) => x[1])),
];
export const times = ([a, b]: Interval, [c, d]: Interval): Interval => {
  const all = [a * c, a * d, b * c, b * d].map((v) => (Number.isNaN(v) ? 0 : v));
  return [Math.min(...all), Math.max(...all)];
};
export const plus = (x: Interval, y: Interval): Interval => [x[0] + y[0], x[1] + y[1]];
export const minus = (x: Interval, y: Interval): Interval => [x[0] - y[1], x[1] - y[0]];

/** Of any number of summands from 0 to `count`. */
export const upTo = (count: number, x: Interval): Interval => hull(ZERO, times([count, count], x));

/** x^k, k a whole number from 0 on. */
export function power(x: Interval, k: number): Interval {
  if (k === 0) return [1, 1];
  const ends: Interval = [x[0] ** k, x[1] ** k];
  if (k % 2 === 1) return ends;
  return x[0] <= 0 && x[1] >= 0 ? [0, Math.max(...ends)] : hull([ends[0], ends[0]], [ends[1], ends[1]]);
}

/** Of a function that only grows, or only falls. */
export function monotone(f: (x: number) => number, [lo, hi]: Interval): Interval {
  const [a, b] = [f(lo), f(hi)];
  return [Math.min(a, b), Math.max(a, b)];
}

/** The least magnitude; 0 where 0 is inside. */
export const nearest = ([lo, hi]: Interval): number => (lo > 0 || hi < 0 ? Math.min(Math.abs(lo), Math.abs(hi)) : 0);

export function intervalOf(values: TypedArray): Interval {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    lo = Math.min(lo, Number(values[i]));
    hi = Math.max(hi, Number(values[i]));
  }
  return values.length === 0 ? ZERO : [lo, hi];
}
