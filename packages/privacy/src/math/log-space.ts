/** @file Sums and differences of numbers that are known by their logarithms. */

/** log(e^a + e^b). */
export function logAdd(a: number, b: number): number {
  const high = Math.max(a, b);
  if (high === Number.NEGATIVE_INFINITY || high === Number.POSITIVE_INFINITY) return high;
  return high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/** log(e^a - e^b) for a ≥ b. */
export function logSubtract(a: number, b: number): number {
  if (b === Number.NEGATIVE_INFINITY) return a;
  if (a === b) return Number.NEGATIVE_INFINITY;
  return a + log1mExp(a - b);
}

/** log(1 - e^-x) for x > 0 (Mächler 2012: the two branches meet at log 2, where both are exact to the last digits). */
export const log1mExp = (x: number): number => (x <= Math.LN2 ? Math.log(-Math.expm1(-x)) : Math.log1p(-Math.exp(-x)));

/** log of the sum of e^x over `terms`. */
export function logSum(terms: readonly number[]): number {
  const high = terms.reduce((x, y) => Math.max(x, y), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(high)) return high;
  return high + Math.log(terms.reduce((sum, x) => sum + Math.exp(x - high), 0));
}
