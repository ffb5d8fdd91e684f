/** @file Kolmogorov's test: how far a sample lies from a law. */

/** A distance and how often a sample of the law itself would lie further off. */
export interface Kolmogorov {
  readonly distance: number;
  readonly pValue: number;
}

/** Terms of Kolmogorov's series; the hundredth is below 1e-300 for every argument at which it is used. */
const TERMS = 100;
/** Below, the series of alternating signs has no digits and the chance is 1 to 1e-9. */
const NEAR = 0.3;

/** The largest distance between the steps of a sample and a law. @param cdf the law's chances at the sample's points, ascending */
export function kolmogorov(cdf: Float64Array): Kolmogorov {
  const n = cdf.length;
  let distance = 0;
  for (let i = 0; i < n; i++) distance = Math.max(distance, (i + 1) / n - cdf[i]!, cdf[i]! - i / n);
  return { distance, pValue: distanceTail(n, distance) };
}

/** How often n samples of a continuous law lie at least so far from it. */
export function distanceTail(n: number, distance: number): number {
  // Stephens (1970): the correction of the argument makes the limit law good from n = 5 on.
  const t = distance * (Math.sqrt(n) + 0.12 + 0.11 / Math.sqrt(n));
  if (t < NEAR) return 1;
  let p = 0;
  for (let k = 1; k <= TERMS; k++) p += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * t * t);
  return Math.min(1, Math.max(0, p));
}
