/**
 * @file Adaptive clipping (Andrew, Thakkar, McMahan, Ramaswamy 2021, "Differentially Private Learning with Adaptive Clipping"): C follows
 * a quantile of the rows' gradient norms, of which each step learns by a noisy count.
 *
 * A step releases the pair (Σ q, B), B = Σ over its rows of +1 (norm at most C) or -1 (more), which a row moves by (K, 1) at most. With
 * noise deviation z_g K and 2 σ_b, each in proportion to its own sensitivity, the pair is one Gaussian mechanism of multiplier z,
 * 1/z² = 1/z_g² + 1/(2 σ_b)² (theorem 1 there; ±1 in place of their ±1/2). So the events stay those of multiplier z, and z_g is larger.
 * C is a function of what was released, and so is the grid of the next step.
 */
import { namesOf, positive, refuse } from "../check.ts";
import { LEAST_NORM, MOST_NORM } from "./grid.ts";
import { noiseFor } from "./noise.ts";

export interface AdaptiveClipping {
  readonly kind: "adaptive";
  /** The share of rows that is not to be clipped; 0.5 unless said. */
  readonly quantile?: number;
  /** How fast C moves: log C by this much for a quantile that is off by 1; 0.2 unless said. */
  readonly learningRate?: number;
  /** σ_b, in rows; batch / 20 unless said, as the paper has it. */
  readonly countStdDev?: number;
}

/** Names of these but the kind. */
export const ADAPTIVE: readonly string[] = namesOf<Omit<AdaptiveClipping, "kind">>({
  quantile: true,
  learningRate: true,
  countStdDev: true,
});

/** B stands on a grid of 2^-10, so that the discrete noise's s² = 9 (noise.ts) is nothing beside it. */
const COUNT_UNITS = 1024;

export interface Adaptive {
  /** z_g. */
  readonly gradientMultiplier: number;
  /** The next C, within the bounds of the grid, from the count B of a step without its noise: the noise is added here. */
  next(c: number, count: number): number;
}

/** @throws TacitError PRIVACY_PARAMETER */
export function adaptive(options: AdaptiveClipping, noiseMultiplier: number, batch: number): Adaptive {
  const { quantile = 0.5, learningRate = 0.2, countStdDev = batch / 20 } = options;
  if (!(quantile > 0 && quantile < 1)) refuse("makePrivate", "a quantile between 0 and 1", `${quantile}`);
  positive("makePrivate", "learningRate of the clipping", learningRate);
  positive("makePrivate", "countStdDev", countStdDev);
  const left = noiseMultiplier ** -2 - (2 * countStdDev) ** -2;
  if (!(left > 0)) {
    refuse(
      "makePrivate",
      `countStdDev above ${(noiseMultiplier / 2).toPrecision(3)}, half the noise multiplier`,
      `${countStdDev}`,
      "the count alone would spend more than the step may: give it more noise, or use a larger batch",
    );
  }
  const addNoise = noiseFor(2 * countStdDev, COUNT_UNITS);
  return {
    gradientMultiplier: left ** -0.5,
    next(c, count): number {
      const sum = Float64Array.of(count * COUNT_UNITS);
      addNoise(sum);
      const noisy = sum[0]! / COUNT_UNITS;
      // B = 2 (rows not clipped) - rows; the public expected batch stands for the rows.
      const unclipped = Math.min(1, Math.max(0, (noisy / batch + 1) / 2));
      const moved = c * Math.exp(-learningRate * (unclipped - quantile));
      return Math.min(MOST_NORM, Math.max(LEAST_NORM, moved));
    },
  };
}
