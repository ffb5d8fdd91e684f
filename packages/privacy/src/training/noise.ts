/**
 * @file Noise on integer sums of sensitivity K (in the 2-norm), and why it is accounted as the Gaussian mechanism of multiplier z.
 *
 * Each of d coordinates gets independent discrete Gaussian noise N_ℤ(0, σ²), σ² = (z K)² + s², s = 3. Claim: up to a factor of
 * e^(±10^-60) in every probability this is a randomised function of the Gaussian mechanism N(0, (z K)²) on the same sums, which has
 * noise multiplier z, so that every bound for the latter holds: under Poisson sampling, in any number of dimensions, adaptively.
 *
 *  1. Let y ~ N(v, τ²) for an integer v, τ = z K, and let x be drawn from the integers with mass e^(-(x-y)²/(2 s²)) / Θ(y),
 *     Θ(y) = Σ_x e^(-(x-y)²/(2 s²)): a function of y and fresh randomness.
 *  2. By Poisson summation Θ(y) = s √(2π) (1 + 2 Σ_k e^(-2 π² s² k²) cos(2π k y)), k ≥ 1: constant up to a factor 1 ± η, η = 3 e^(-18 π²) < 10^-76.
 *  3. ∫ e^(-(y-v)²/(2 τ²)) e^(-(x-y)²/(2 s²)) dy ∝ e^(-(x-v)²/(2 (τ² + s²))). So x has mass ∝ e^(-(x-v)²/(2 σ²)) (1 ± 3η): that is v plus our noise.
 *  4. d coordinates and T steps multiply the factors: e^(±6 η d T), below e^(±10^-60) for d T ≤ 10^15. It may change ε by twice its
 *     logarithm: less than the last digit of a double. ∎
 */
import { addDiscreteGaussian } from "../samplers/index.ts";

/** s² of the file comment. */
const SMOOTHING = 9;

/** Adds the noise for multiplier z and sensitivity K to an array. σ is rounded up by more than the doubles' own error. */
export function noiseFor(noiseMultiplier: number, sensitivity: number): (to: Float64Array) => void {
  return addDiscreteGaussian(Math.sqrt((noiseMultiplier * sensitivity) ** 2 + SMOOTHING) * (1 + 2 ** -50));
}

/** Adds noise to the sums of a step. */
export interface Noise {
  /** In place: `sums[i]` is the sum of parameter i. Integers below 2^53 stay integers. */
  add(sums: readonly Float64Array[]): void;
  /** A new pass over the data begins. */
  restart(): void;
}

/** Fresh noise in every coordinate at every step: DP-SGD (Abadi et al. 2016). */
export function independentNoise(noiseMultiplier: number, sensitivity: number): Noise {
  const addNoise = noiseFor(noiseMultiplier, sensitivity);
  return {
    add(sums): void {
      for (const s of sums) addNoise(s);
    },
    restart(): void {},
  };
}
