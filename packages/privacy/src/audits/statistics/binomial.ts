/** @file Binomial laws by their ratios, and the exact interval for a chance (Clopper and Pearson 1934). */

/** Masses of a binomial law where they are above 1e-60 of the largest; `masses[i]` is that of `from + i`. */
export interface Masses {
  readonly from: number;
  readonly masses: Float64Array;
}

/** Relative to the largest mass; what lies below is taken for 0. */
const TINY = 1e-60;

/**
 * Binomial masses with `trials` trials and success at `odds` to 1. Odds instead of a chance: a chance near 1 has lost its digits.
 * Built from the mode outwards by P(k+1)/P(k) = (n-k)/(k+1) · odds and normalised by their sum, so no factorial is needed; the relative
 * error is about 2^-52 per step away from the mode.
 */
export function binomialMasses(trials: number, odds: number): Masses {
  if (odds === 0) return { from: 0, masses: Float64Array.of(1) };
  const mode = Math.min(trials, Math.floor((trials + 1) / (1 + 1 / odds)));
  const below: number[] = [];
  for (let k = mode, w = 1; k > 0 && (w *= k / ((trials - k + 1) * odds)) > TINY; k--) below.push(w);
  const above: number[] = [];
  for (let k = mode, w = 1; k < trials && (w *= ((trials - k) / (k + 1)) * odds) > TINY; k++) above.push(w);
  const masses = Float64Array.from([...below.reverse(), 1, ...above]);
  const sum = masses.reduce((a, b) => a + b, 0);
  return { from: mode - below.length, masses: masses.map((w) => w / sum) };
}

/** P[at least `k`]; small tails keep their digits. */
export function tailOf({ from, masses }: Masses, k: number): number {
  if (k <= from) return 1;
  let sum = 0;
  for (let i = masses.length - 1; i >= k - from; i--) sum += masses[i]!;
  return sum;
}

/** P[Binomial(trials, odds to 1) ≥ k]. */
export const binomialTail = (trials: number, k: number, odds: number): number => tailOf(binomialMasses(trials, odds), k);

const SMALL = new Float64Array(256);
for (let n = 2; n < SMALL.length; n++) SMALL[n] = SMALL[n - 1]! + Math.log(n);

/** log n!, by a table and by Stirling's series, whose next term is below 1e-15 from 256 on. */
function logFactorial(n: number): number {
  if (n < SMALL.length) return SMALL[n]!;
  return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3);
}

/** P[Binomial(trials, p) ≥ k] to about 1e-10, from k outwards: for intervals, which ask for many tails of large samples. */
function quickTail(trials: number, k: number, p: number): number {
  if (k <= 0 || p >= 1) return 1;
  if (p <= 0) return 0;
  // Outwards, away from the mode, masses fall at once; from the other side the tail is 1 less what is left of it.
  if (k < trials * p) return 1 - quickTail(trials, trials - k + 1, 1 - p);
  const [log, log1] = [Math.log(p), Math.log1p(-p)];
  let mass = Math.exp(logFactorial(trials) - logFactorial(k) - logFactorial(trials - k) + k * log + (trials - k) * log1);
  let sum = 0;
  const odds = p / (1 - p);
  for (let j = k; j <= trials && mass > 1e-17 * sum; j++) {
    sum += mass;
    mass *= ((trials - j) / (j + 1)) * odds;
  }
  return sum;
}

/** A two-sided interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Halvings of (0, 1): beyond 60 a double has no more digits. */
const HALVINGS = 60;

/** The largest chance at which `hits` or more of `trials` are still at most `level` likely. */
function lowerChance(hits: number, trials: number, level: number): number {
  if (hits === 0) return 0;
  let [low, high] = [0, 1];
  for (let i = 0; i < HALVINGS; i++) {
    const p = (low + high) / 2;
    if (quickTail(trials, hits, p) <= level) low = p;
    else high = p;
  }
  return low;
}

/**
 * The exact interval of Clopper and Pearson (Biometrika 26, 1934) for a chance that gave `hits` of `trials`: it covers the chance with
 * at least `confidence`, whatever the chance is.
 */
export function clopperPearson(hits: number, trials: number, confidence: number): Interval {
  const level = (1 - confidence) / 2;
  return { low: lowerChance(hits, trials, level), high: 1 - lowerChance(trials - hits, trials, level) };
}
