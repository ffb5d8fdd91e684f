/** @file The dominating pair of each mechanism. */
import { TacitError } from "@tacit/core/errors";
import type { Mechanism } from "../../events.ts";
import { approximatePair, discreteGaussianPair, discreteLaplacePair } from "./discrete.ts";
import { gaussianPair } from "./gaussian.ts";
import { laplacePair } from "./laplace.ts";
import type { LossPair } from "./pair.ts";

/**
 * @throws TacitError PRIVACY_UNACCOUNTED for a mechanism of which only ρ is known: no pair dominates all of those. Of sums of discrete Gaussians in
 * several coordinates no single worst difference is known either.
 */
export function pairOf(m: Mechanism): LossPair {
  switch (m.kind) {
    case "gaussian":
      return gaussianPair(m.noiseMultiplier);
    case "laplace":
      return laplacePair(m.scale);
    case "discrete-gaussian":
      return discreteGaussianPair(m.stdDev, m.sensitivity);
    case "discrete-laplace":
      return discreteLaplacePair(m.scale, m.sensitivity);
    case "approximate":
      return approximatePair(m.epsilon, m.delta);
    case "distributed-discrete-gaussian":
    case "concentrated":
      throw new TacitError(
        "PRIVACY_UNACCOUNTED",
        "pld: expected mechanisms with a privacy loss, got one of which only ρ is known",
        {
          hint: "use the zCDP or RDP accountant, or write down the mechanism itself",
        },
      );
  }
}

export type { LossPair } from "./pair.ts";
export { type Direction, sampledPair } from "./sampled.ts";
