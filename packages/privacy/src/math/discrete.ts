/** @file Masses of the discrete Gaussian and the discrete Laplace law on runs of integers, in the time of a few exponentials at any scale. */
import { normalMass } from "./normal.ts";

/** Mass of the integers lo..hi, both included; ends may be infinite. */
export type RunMass = (lo: number, hi: number) => number;

/** Up to here masses are added up one by one; above, by the formula. */
const SUMMED = 4096;
/** Deviations beyond which less than 1e-300 lies. */
const FAR = 38;
/** Differences of running sums lose the digits of short runs: those are added up anew. */
const SHORT = 64;

/**
 * Integers with mass ∝ e^(-x²/(2σ²)).
 *
 * Large σ by Euler and Maclaurin's formula at midpoints, f the mass as a function of a real number:
 * Σ_{a..b} f = ∫_{a-1/2}^{b+1/2} f - (f'(b+1/2) - f'(a-1/2))/24 + R with |R| ≤ (7/5760) ∫ |f''''|. Where |x| ≤ 10 σ this is at most
 * 2 (10/σ)^4 · 7/5760 of the mass itself: 9e-14 of it at σ 4096, and less for larger ones. The total of all masses differs from σ √(2π) by
 * a factor 1 + 2 e^(-2π²σ²): nothing (Canonne, Kamath, Steinke 2020, fact 18).
 */
export function discreteGaussianMass(stdDev: number): RunMass {
  if (stdDev <= SUMMED) return summed((x) => Math.exp((-x * x) / (2 * stdDev * stdDev)), Math.ceil(FAR * stdDev) + 1);
  const slope = (x: number): number =>
    Number.isFinite(x) ? ((x / stdDev) * Math.exp((-x * x) / (2 * stdDev * stdDev))) / Math.sqrt(2 * Math.PI) : 0;
  const part = 1 / (24 * stdDev * stdDev);
  return (lo, hi) => {
    if (lo > hi) return 0;
    const [from, to] = [lo - 0.5, hi + 0.5];
    return Math.max(0, normalMass(from / stdDev, to / stdDev) + part * (slope(to) - slope(from)));
  };
}

/** Masses ∝ f(|x|), f(0) = 1 falling, which beyond `far` are nothing. */
function summed(f: (x: number) => number, far: number): RunMass {
  // tails[x]: Σ of f from x on, added from the small end.
  const tails = new Float64Array(far + 2);
  for (let x = far; x >= 0; x--) tails[x] = tails[x + 1]! + f(x);
  const total = 2 * tails[1]! + f(0);
  const tail = (x: number): number => (x > far ? 0 : tails[x]!);
  const right = (lo: number, hi: number): number => {
    if (lo > hi || lo > far) return 0;
    if (hi - lo > SHORT) return (tail(lo) - tail(hi + 1)) / total;
    let sum = 0;
    for (let x = Math.min(hi, far); x >= lo; x--) sum += f(x);
    return sum / total;
  };
  return mirrored(right);
}

/** A symmetric law from its masses on runs of 0, 1, 2, ... */
function mirrored(right: RunMass): RunMass {
  return (lo, hi) => {
    if (lo > hi || lo === Number.POSITIVE_INFINITY || hi === Number.NEGATIVE_INFINITY) return 0;
    if (lo >= 0) return right(lo, hi);
    if (hi <= 0) return right(-hi, -lo);
    return right(1, -lo) + right(0, hi);
  };
}

/** Integers with mass ∝ e^(-|x|/b): a geometric series. */
export function discreteLaplaceMass(scale: number): RunMass {
  const r = Math.exp(-1 / scale);
  /** Σ of r^x over lo..hi, 1 ≤ lo, times (1 - r)/(1 + r). */
  const run = (lo: number, hi: number): number => (Math.exp(-lo / scale) * -Math.expm1(-(hi + 1 - lo) / scale)) / (1 + r);
  const zero = Math.tanh(1 / (2 * scale));
  return mirrored((lo, hi) => {
    if (lo > hi) return 0;
    if (lo > 0) return run(lo, hi);
    return zero + (hi >= 1 ? run(1, hi) : 0);
  });
}
