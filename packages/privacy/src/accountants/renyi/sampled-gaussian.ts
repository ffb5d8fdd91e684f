/**
 * @file log E_Q[(M/Q)^α] of the Gaussian under Poisson sampling, Q = N(0, σ²), M = (1 - r) Q + r N(1, σ²). This direction is the larger
 * one (Mironov, Talwar, Zhang 2019, "Rényi differential privacy of the sampled Gaussian mechanism", theorem 5).
 *
 * Integer α: their finite sum (section 3.3). Other α: the integral itself by the trapezoidal rule, whose error falls as
 * e^(-2πd/h) in the distance d of the integrand's nearest singularity: the zero of 1 - r + r e^((2z-1)/(2σ²)) at Im z = πσ². A step of
 * min(σ, σ²)/4 leaves less than 1e-30, where the usual bound by splitting the series is off by 3 % (order 1.5 at r 0.01, σ 2.5).
 */
import { logAdd, logSum } from "../../math/log-space.ts";

/** Integers with binomials in doubles: C(64, 32) = 1.8e18. */
const MOST_FAST = 64;
const BINOMIALS: readonly Float64Array[] = pascal(MOST_FAST);
/** 2^d for d from -LEAST to 1023. */
const LEAST = 1022;
const POWERS: Float64Array = Float64Array.from({ length: LEAST + 1024 }, (_, i) => 2 ** (i - LEAST));
/**
 * How far below and above its scale the largest term of a sum may lie, in powers of two. With 65 binomials below 2^61 no sum passes
 * 2^(900 + 61 + 7), and terms that fall under 2^-1022 are together less than 2^(-1022 + 800 + 61 + 7) of it: nothing.
 */
const BELOW = 800;
const ABOVE = 900;

function pascal(n: number): Float64Array[] {
  const rows = [Float64Array.of(1)];
  for (let i = 1; i <= n; i++) {
    const before = rows[i - 1]!;
    rows.push(Float64Array.from({ length: i + 1 }, (_, k) => (before[k - 1] ?? 0) + (before[k] ?? 0)));
  }
  return rows;
}

/** log C(n, k) for k = 0..n. */
function logBinomials(n: number): number[] {
  const out = [0];
  for (let k = 1; k <= n; k++) out.push(out[k - 1]! + Math.log(n - k + 1) - Math.log(k));
  return out;
}

/** At all `orders`, integers of 2 and more. */
export function atIntegers(noiseMultiplier: number, rate: number, orders: readonly number[]): number[] {
  const v = 1 / (2 * noiseMultiplier * noiseMultiplier);
  const odds = Math.log(rate) - Math.log1p(-rate);
  const stay = Math.log1p(-rate);
  smallTerms(odds, v);
  const log = (k: number): number => k * odds + (k * k - k) * v;
  return orders.map((n) => n * stay + (n <= MOST_FAST ? smallSum(n) : logSum(logBinomials(n).map((b, k) => b + log(k)))));
}

/**
 * e^(k odds + (k² - k) v) for k ≤ 64, which all small orders share: fractions and powers of two, and both together on one scale,
 * 2^scale. Kept between calls: arrays of their own took as long as the sums.
 */
const fractions = new Float64Array(MOST_FAST + 1);
const powers = new Float64Array(MOST_FAST + 1);
const terms = new Float64Array(MOST_FAST + 1);
let scale = 0;

function smallTerms(odds: number, v: number): void {
  for (let k = 0; k <= MOST_FAST; k++) {
    const log = k * odds + (k * k - k) * v;
    powers[k] = Math.round(log / Math.LN2);
    fractions[k] = Math.exp(log - powers[k]! * Math.LN2);
  }
  setScale(0);
}

/** Terms of 2^1024 and more are left at 0: `smallSum` moves the scale before it needs one. */
function setScale(to: number): void {
  scale = to;
  for (let k = 0; k <= MOST_FAST; k++) {
    const power = powers[k]! - to;
    terms[k] = power < -LEAST || power > 1023 ? 0 : fractions[k]! * POWERS[power + LEAST]!;
  }
}

/** log Σ C(n, k) e^(k odds + (k² - k) v) for n ≤ 64, of what `smallTerms` computed. */
function smallSum(n: number): number {
  const choose = BINOMIALS[n]!;
  // The exponents are convex in k: the largest stands at an end.
  const most = Math.max(powers[0]!, powers[n]!);
  if (most < scale - BELOW || most > scale + ABOVE) setScale(most);
  // Two sums: one alone waits for each addition before the next.
  let [even, odd] = [0, 0];
  let k = 0;
  for (; k < n; k += 2) {
    even += choose[k]! * terms[k]!;
    odd += choose[k + 1]! * terms[k + 1]!;
  }
  if (k === n) even += choose[k]! * terms[k]!;
  return scale * Math.LN2 + Math.log(even + odd);
}

/** At one order, by quadrature. */
export function atOrder(noiseMultiplier: number, rate: number, order: number): number {
  const s2 = noiseMultiplier * noiseMultiplier;
  const h = Math.min(noiseMultiplier, s2) / 4;
  const [stay, go] = [Math.log1p(-rate), Math.log(rate)];
  // The integrand lies between N(0, σ²) and N(α, σ²), times constants: 10 deviations past either leave 1e-22.
  const from = Math.floor((-10 * noiseMultiplier) / h);
  const to = Math.ceil((order + 10 * noiseMultiplier) / h);
  const logs: number[] = [];
  for (let i = from; i <= to; i++) {
    const z = i * h;
    logs.push((-z * z) / (2 * s2) + order * logAdd(stay, go + (2 * z - 1) / (2 * s2)));
  }
  return logSum(logs) + Math.log(h / noiseMultiplier) - 0.5 * Math.log(2 * Math.PI);
}
