/**
 * @file Events: what a ledger stores. A release is written down as its mechanism, its parameters, the neighbours it counts for and how its
 * rows were chosen, and not as an ε: a better accountant can read the same events again.
 */

/**
 * Which data sets count as neighbours. `add-remove`: one unit (a person, a row) more or less. `replace-one`: one unit's data
 * exchanged for another's; numbers differ by up to twice as much, so the two never mix in one sum.
 */
export type Neighbours = "add-remove" | "replace-one";

/** How a step chose its rows. `poisson`: each unit by itself with probability `rate`, fresh each step, nobody told who was chosen. */
export type Sampling = { readonly kind: "all" } | { readonly kind: "poisson"; readonly rate: number };

/** Noise N(0, (σ Δ)²), σ the noise multiplier, Δ the sensitivity in the 2-norm. */
export interface Gaussian {
  readonly kind: "gaussian";
  readonly noiseMultiplier: number;
}

/** Noise of density e^(-|x|/(b Δ)) / (2 b Δ), b the scale, Δ the sensitivity in the 1-norm. */
export interface Laplace {
  readonly kind: "laplace";
  readonly scale: number;
}

/** Noise on the integers, mass ∝ e^(-x²/(2 σ²)), sensitivity an integer. */
export interface DiscreteGaussian {
  readonly kind: "discrete-gaussian";
  readonly stdDev: number;
  readonly sensitivity: number;
}

/** Noise on the integers, mass ∝ e^(-|x|/b), sensitivity an integer. */
export interface DiscreteLaplace {
  readonly kind: "discrete-laplace";
  readonly scale: number;
  readonly sensitivity: number;
}

/**
 * The sum of the noise of `parties` who each draw on the integers, mass ∝ e^(-x²/(2 σ²)), in each of `dimension` coordinates; sensitivity
 * in the 2-norm. Only parties count whose noise the adversary does not know: more of it costs nothing (it is added to what is private already).
 */
export interface DistributedDiscreteGaussian {
  readonly kind: "distributed-discrete-gaussian";
  /** Of each party's noise; at least √(1/2). */
  readonly stdDev: number;
  readonly parties: number;
  readonly sensitivity: number;
  readonly dimension: number;
}

/** Anything of which only (ε, δ) is known. */
export interface Approximate {
  readonly kind: "approximate";
  readonly epsilon: number;
  readonly delta: number;
}

/** Anything of which only ρ-zCDP is known. */
export interface Concentrated {
  readonly kind: "concentrated";
  readonly rho: number;
}

export type Mechanism =
  | Gaussian
  | Laplace
  | DiscreteGaussian
  | DiscreteLaplace
  | DistributedDiscreteGaussian
  | Approximate
  | Concentrated;

/** `count` releases of one mechanism, each on a fresh sample, each chosen after the others were seen. */
export interface PrivacyEvent {
  readonly mechanism: Mechanism;
  readonly neighbours: Neighbours;
  readonly sampling: Sampling;
  readonly count: number;
}
