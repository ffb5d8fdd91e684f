/** @file Tests of fit. Every call states how often it would fail on a sound sampler. */
import { distanceTail } from "../../src/audits/statistics/kolmogorov.ts";
import { normalCdf } from "../../src/math/normal.ts";

/** Chance that a χ² of `free` degrees exceeds `x`: Wilson and Hilferty's cube root, good to some percent far out. */
export function chiSquaredTail(x: number, free: number): number {
  const v = 2 / (9 * free);
  return normalCdf(-((Math.cbrt(x / free) - (1 - v)) / Math.sqrt(v)));
}

/** p-value of counts against expected counts, cells of fewer than 10 expected joined. */
export function fit(counts: readonly number[], expected: readonly number[]): number {
  let [x, cells, have, want] = [0, 0, 0, 0];
  counts.forEach((n, i) => {
    have += n;
    want += expected[i]!;
    if (want < 10 && i < counts.length - 1) return;
    x += (have - want) ** 2 / want;
    cells++;
    [have, want] = [0, 0];
  });
  return cells < 2 ? 1 : chiSquaredTail(x, cells - 1);
}

/** p-value of the largest distance between the samples' distribution and `cdf` (Kolmogorov). */
export function kolmogorov(samples: Float64Array, cdf: (x: number) => number): number {
  const sorted = samples.slice().sort();
  const n = sorted.length;
  let most = 0;
  for (let i = 0; i < n; i++) {
    // Steps of a law on integers: compared at the last of equal samples.
    if (i + 1 < n && sorted[i + 1] === sorted[i]) continue;
    most = Math.max(most, Math.abs((i + 1) / n - cdf(sorted[i]!)));
  }
  return distanceTail(n, most);
}
