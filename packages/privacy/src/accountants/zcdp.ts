/** @file The zCDP accountant: ρ adds up (Bun, Steinke 2016), and turns into (ε, δ) at the best order. */
import { TacitError } from "@tacit/core/errors";
import type { Mechanism, PrivacyEvent } from "../events.ts";
import { distributedRho } from "./distributed.ts";

/** ρ of one release, or what it fails with. */
function rhoOf(m: Mechanism): number {
  switch (m.kind) {
    case "gaussian":
      return 1 / (2 * m.noiseMultiplier ** 2);
    // Canonne, Kamath, Steinke 2020, theorem 4.
    case "discrete-gaussian":
      return m.sensitivity ** 2 / (2 * m.stdDev ** 2);
    case "distributed-discrete-gaussian":
      return distributedRho(m);
    case "concentrated":
      return m.rho;
    // ε-DP is (ε²/2)-zCDP (Bun, Steinke 2016, proposition 3.3); (ε, δ) with its δ aside.
    case "laplace":
      return 1 / (2 * m.scale ** 2);
    case "discrete-laplace":
      return (m.sensitivity / m.scale) ** 2 / 2;
    case "approximate":
      return m.epsilon ** 2 / 2;
  }
}

/** ρ of all events, and the δ aside. @throws TacitError PRIVACY_UNACCOUNTED for sampled events: zCDP has no amplification by sampling */
export function totalRho(events: readonly PrivacyEvent[]): { readonly rho: number; readonly delta: number } {
  let [rho, delta] = [0, 0];
  for (const { mechanism, sampling, count } of events) {
    if (sampling.kind === "poisson" && sampling.rate < 1) {
      throw new TacitError("PRIVACY_UNACCOUNTED", "zcdp: expected events on all rows, got one on a sample", {
        hint: "zCDP gains nothing from sampling: use the RDP or PLD accountant",
      });
    }
    rho += count * rhoOf(mechanism);
    if (mechanism.kind === "approximate") delta += count * mechanism.delta;
  }
  return { rho, delta };
}

/** log δ at order α (Canonne, Kamath, Steinke 2020, corollary 13). */
const logDelta = (rho: number, epsilon: number, a: number): number =>
  (a - 1) * (a * rho - epsilon) + a * Math.log1p(-1 / a) - Math.log(a - 1);

/** The smallest δ that ρ-zCDP gives for ε. */
export function deltaOfRho(rho: number, epsilon: number): number {
  if (rho === 0) return 0;
  // The best order is near (ε + ρ)/(2ρ); log δ is convex in it, so halving the slope's interval finds it.
  let [lo, hi] = [1 + 1e-9, (epsilon + 1) / (2 * rho) + 2];
  for (let i = 0; i < 100; i++) {
    const mid = (lo + hi) / 2;
    const slope = (2 * mid - 1) * rho - epsilon + Math.log1p(-1 / mid);
    if (slope < 0) lo = mid;
    else hi = mid;
  }
  return Math.min(1, Math.exp(logDelta(rho, epsilon, lo)));
}

/** The smallest ε that ρ-zCDP gives for δ, from above; 0 only where δ allows it. */
export function epsilonOfRho(rho: number, delta: number): number {
  if (rho === 0) return 0;
  if (delta <= 0) return Number.POSITIVE_INFINITY;
  if (deltaOfRho(rho, 0) <= delta) return 0;
  let [lo, hi] = [0, rho + 2 * Math.sqrt(rho * Math.log(1 / Math.min(delta, 0.5))) + 1];
  for (let i = 0; i < 100; i++) {
    const mid = (lo + hi) / 2;
    if (deltaOfRho(rho, mid) > delta) lo = mid;
    else hi = mid;
  }
  return hi;
}
