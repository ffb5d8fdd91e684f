/** @file N(1, σ²) against N(0, σ²): ℓ is normal under both, of mean ±1/(2σ²) and deviation 1/σ. */
import { normalMass } from "../../math/normal.ts";
import type { LossPair } from "./pair.ts";

/** Deviations beyond which less than `TAIL` lies: Pr[N > 9.9] = 2e-23. */
const FAR = 9.9;

export function gaussianPair(noiseMultiplier: number): LossPair {
  const mean = 1 / (2 * noiseMultiplier * noiseMultiplier);
  const z = (loss: number, at: number): number => (loss - at) * noiseMultiplier;
  return {
    p: (lo, hi) => normalMass(z(lo, mean), z(hi, mean)),
    q: (lo, hi) => normalMass(z(lo, -mean), z(hi, -mean)),
    infinite: 0,
    vanishing: 0,
    range: [-mean - FAR / noiseMultiplier, mean + FAR / noiseMultiplier],
    bounded: false,
  };
}
