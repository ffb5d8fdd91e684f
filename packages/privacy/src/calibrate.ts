/** @file From (ε, δ) to noise: the least noise whose events stay within both, by halving. */
import { type AccountOptions, epsilonOf } from "./accountants/index.ts";
import { checkDelta, checkEpsilon, positive, refuse, whole } from "./check.ts";
import type { PrivacyEvent } from "./events.ts";
import { logNormalCdf } from "./math/normal.ts";

/** ε and δ that may be spent. */
export interface Target {
  readonly epsilon: number;
  readonly delta: number;
}

/** Above this much noise nothing is left of any signal. */
const MOST_NOISE = 1e12;

/**
 * The least noise (to a relative 1e-4, rounded up) with which `events(noise)` cost at most the target. Costs must fall as noise grows.
 * @throws TacitError PRIVACY_PARAMETER where no noise below 1e12 is enough
 */
export function calibrate(
  events: (noise: number) => readonly PrivacyEvent[],
  target: Target,
  options: AccountOptions = {},
): number {
  checkEpsilon("calibrate", target.epsilon);
  checkDelta("calibrate", target.delta);
  const fits = (noise: number): boolean => epsilonOf(events(noise), { ...options, delta: target.delta }) <= target.epsilon;
  let hi = 1;
  while (!fits(hi)) {
    hi *= 2;
    if (hi > MOST_NOISE) refuse("calibrate", "events that some noise makes private enough", "events that none does");
  }
  let lo = hi / 2;
  while (lo > 1e-12 && fits(lo)) [lo, hi] = [lo / 2, lo];
  while (hi / lo > 1 + 1e-4) {
    const mid = Math.sqrt(lo * hi);
    if (fits(mid)) hi = mid;
    else lo = mid;
  }
  return hi;
}

/**
 * δ(ε) of n Gaussian releases of sensitivity Δ and deviation σ, exactly: they are one of μ = Δ √n / σ (Balle, Wang 2018, theorem 8).
 * @throws TacitError PRIVACY_PARAMETER
 */
export function gaussianDelta(mu: number, epsilon: number): number {
  positive("gaussianDelta", "mu", mu);
  checkEpsilon("gaussianDelta", epsilon);
  const first = Math.exp(logNormalCdf(mu / 2 - epsilon / mu));
  return Math.max(0, first - Math.exp(epsilon + logNormalCdf(-mu / 2 - epsilon / mu)));
}

/** The least σ for sensitivity Δ and `releases`, to the last digits. @throws TacitError PRIVACY_PARAMETER */
export function gaussianStdDev(target: Target, sensitivity: number, releases = 1): number {
  checkEpsilon("gaussianStdDev", target.epsilon);
  checkDelta("gaussianStdDev", target.delta);
  positive("gaussianStdDev", "a sensitivity", sensitivity);
  whole("gaussianStdDev", "releases", releases);
  const top = sensitivity * Math.sqrt(releases);
  let [lo, hi] = [1e-12, 1e12];
  for (let i = 0; i < 200; i++) {
    const mid = Math.sqrt(lo * hi);
    if (gaussianDelta(1 / mid, target.epsilon) > target.delta) lo = mid;
    else hi = mid;
  }
  return hi * top;
}
