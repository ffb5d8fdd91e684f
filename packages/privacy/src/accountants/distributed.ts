/**
 * @file Sums of discrete Gaussians: n parties add noise of deviation σ each, independently in d coordinates. The sum is no discrete Gaussian,
 * though nearly one of variance n σ²: how nearly is what costs.
 *
 * Kairouz, Liu, Steinke 2021 (arXiv 2102.06387, "The distributed discrete Gaussian mechanism"), Proposition 14, third branch: moved by integers
 * of 2-norm Δ, D_α ≤ (α/2) (Δ / (√n σ) + τ √d)² for every α ≥ 1, with τ = 10 Σ_{k=1}^{n-1} e^(-2π² σ² k/(k+1)). That is ρ-zCDP for
 * ρ = (Δ / (√n σ) + τ √d)² / 2. The proposition's D_α is the least of three branches: the two others, (α/2) Δ²/(n σ²) + τ d and
 * (α/2) (Δ²/(n σ²) + 2 τ Δ₁/(√n σ) + τ² d), could only tighten the bound, and where τ is 0 to double precision all three are one. The authors'
 * code has the same three (google-research/federated, distributed_dp/accounting_utils.py, compute_rdp_dgaussian: term_1 to term_3).
 * The proposition is for σ ≥ 1/2; events here have σ² ≥ 1/2 at least (`check.ts`), so that it holds for all of them.
 *
 * Where τ comes from: the sum of N(0, k σ²) and N(0, σ²) on the integers has mass ∝ e^(-z²/(2(k+1)σ²)) h(z) with, by Poisson's formula,
 * h(z) = 1 + 2 Σ_{j≥1} e^(-2π² s² j²) cos(2π j z k/(k+1)), s² = σ² k/(k+1). So each addition changes masses by factors
 * within 1 ± 2 e^(-2π² s²) or so, and pointwise factors go through later additions. At σ = 4 and n = 2 that is 1e-68.
 */
import type { DistributedDiscreteGaussian } from "../events.ts";

/** τ: how far a sum of `parties` is from one discrete Gaussian. */
export function closeness(stdDev: number, parties: number): number {
  let sum = 0;
  for (let k = 1; k < parties; k++) sum += Math.exp((-2 * Math.PI ** 2 * stdDev ** 2 * k) / (k + 1));
  return 10 * sum;
}

/** ρ of one release. */
export function distributedRho(m: DistributedDiscreteGaussian): number {
  const epsilon = m.sensitivity / (Math.sqrt(m.parties) * m.stdDev) + closeness(m.stdDev, m.parties) * Math.sqrt(m.dimension);
  return epsilon ** 2 / 2;
}
