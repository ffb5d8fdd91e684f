/** @file The Gaussian mechanism exactly: δ for ε, and the least σ for both (Balle, Wang 2018, "Improving the Gaussian Mechanism"). */
import { checkTarget, type Target } from "./calibrate.ts";
import { checkEpsilon, positive, refuse, whole } from "./check.ts";
import { logNormalDensity, millsRatio, normalCdf } from "./math/normal.ts";

/** Beyond this many deviations δ is below 1e-298, where doubles lose digits. */
const FAR = 37;
/** Panels of the quadrature, of length 1/64 at most. */
const PANELS = 64;
/** Gauss and Legendre on three points of [-1, 1]. */
const NODE = Math.sqrt(0.6);

/** 1 - x M(x), M the ratio of Mills: what M loses at x. */
const loss = (x: number): number => 1 - x * millsRatio(x);

/** M(a) - M(a + width) for width at most 1 and a ≥ -1/2. The terms are positive: nothing cancels. */
function millsDrop(a: number, width: number): number {
  const half = width / (2 * PANELS);
  let sum = 0;
  for (let i = 0; i < PANELS; i++) {
    const mid = a + (2 * i + 1) * half;
    sum += 5 * (loss(mid - NODE * half) + loss(mid + NODE * half)) + 8 * loss(mid);
  }
  return (sum * half) / 9;
}

/**
 * δ(ε) of n Gaussian releases of sensitivity Δ and deviation σ: they are one of μ = Δ √n / σ (theorem 8), with a = ε/μ - μ/2, b = ε/μ + μ/2,
 *
 *     δ = Φ(-a) - e^ε Φ(-b) = φ(a) (M(a) - M(b)),   M(x) = Φ(-x) / φ(x), as e^ε = φ(a) / φ(b)
 *
 * Relative error below 1e-10, as if μ were off by 1e-15 of itself:
 *  1. μ ≥ 1: by Φ(-a) - φ(a) M(b), each to 2e-13 for a ≤ 37; the difference is at least 0.9 / (a + 2) of Φ(-a), so it loses a factor of 44.
 *  2. μ < 1: the two would cancel. M' = x M - 1, so M(a) - M(b) is the integral of 1 - x M(x) = ∫ t e^(-t²/2 - xt) dt > 0 from a to b. Its sixth
 *     derivative is at most 102 times itself there: a panel of length h errs by h^6 102 / 2e6 of its part, 1e-15. The difference in
 *     1 - x M(x), which is near x^-2, loses a factor of x²: 1e-15 becomes 2e-12 at 37.
 *  3. Rounding of a and b is that of μ, as ∂a/∂log μ = -b.
 * 0 where δ is below 1e-298.
 * @throws TacitError PRIVACY_PARAMETER
 */
export function gaussianDelta(mu: number, epsilon: number): number {
  positive("gaussianDelta", "mu", mu);
  checkEpsilon("gaussianDelta", epsilon);
  const a = epsilon / mu - mu / 2;
  if (a > FAR) return 0;
  const density = Math.exp(logNormalDensity(a));
  if (mu < 1) return density * millsDrop(a, mu);
  return normalCdf(-a) - density * millsRatio(epsilon / mu + mu / 2);
}

/** Errors of `gaussianDelta`, in δ and in μ, rounded up. */
const [DELTA_ERROR, MU_ERROR] = [1e-10, 2 ** -48];
/** The least δ that `gaussianDelta` tells apart from 0, with room. */
const LEAST_DELTA = 1e-290;

/**
 * The least σ for sensitivity Δ and `releases`: δ, with the error of its computation added (1e-10 of it), is at most the target's.
 * @throws TacitError PRIVACY_PARAMETER, for δ below 1e-290 and for a σ that is no double, too
 */
export function gaussianStdDev(target: Target, sensitivity: number, releases = 1): number {
  const { epsilon, delta } = checkTarget("gaussianStdDev", target);
  if (delta < LEAST_DELTA) refuse("gaussianStdDev", `delta of at least ${LEAST_DELTA}`, `${delta}`, "doubles end there");
  positive("gaussianStdDev", "a sensitivity", sensitivity);
  whole("gaussianStdDev", "releases", releases);
  const fits = (mu: number): boolean => gaussianDelta(mu, epsilon) * (1 + DELTA_ERROR) <= delta;
  // Both ends are found: δ rises with μ, from 0 to 1.
  let lo = 1;
  while (fits(lo)) lo *= 2;
  while (!fits(lo)) lo /= 2;
  let hi = 2 * lo;
  for (let i = 0; i < 50; i++) {
    const mid = (lo + hi) / 2;
    if (fits(mid)) lo = mid;
    else hi = mid;
  }
  return positive("gaussianStdDev", "a deviation", ((sensitivity * Math.sqrt(releases)) / lo) * (1 + MU_ERROR));
}
