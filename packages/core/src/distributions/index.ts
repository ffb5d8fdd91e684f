/** @file distributions: probability distributions as torch.distributions has them, sampled from a seeded generator only. */

import type { Tensor } from "../tensor/tensor.ts";
import { Bernoulli, Categorical, type ChoiceOptions, Multinomial } from "./choice.ts";
import { Geometric, Poisson } from "./counts.ts";
import type { Param } from "./distribution.ts";
import { Beta, Dirichlet, Exponential, Gamma } from "./gamma.ts";
import { Cauchy, Laplace, Uniform } from "./location.ts";
import { LogNormal, Normal, TruncatedNormal } from "./normal.ts";

export { Distribution, klDivergence, Reparameterized } from "./distribution.ts";
export type { ChoiceOptions, Param };
export {
  Bernoulli,
  Beta,
  Categorical,
  Cauchy,
  Dirichlet,
  Exponential,
  Gamma,
  Geometric,
  Laplace,
  LogNormal,
  Multinomial,
  Normal,
  Poisson,
  TruncatedNormal,
  Uniform,
};

/** Mean loc and standard deviation scale > 0; 0 and 1 unless said. @throws ARGUMENT_INVALID */
export const normal = (loc: Param = 0, scale: Param = 1): Normal => new Normal(loc, scale);
/** exp of a normal number; 0 and 1 unless said. */
export const logNormal = (loc: Param = 0, scale: Param = 1): LogNormal => new LogNormal(loc, scale);
/** Normal within [low, high]; 0, 1, -1 and 1 unless said. */
export const truncatedNormal = (loc: Param = 0, scale: Param = 1, low: Param = -2, high: Param = 2): TruncatedNormal =>
  new TruncatedNormal(loc, scale, low, high);
/** On [low, high); 0 and 1 unless said. */
export const uniform = (low: Param = 0, high: Param = 1): Uniform => new Uniform(low, high);
/** 0 and 1 unless said. */
export const laplace = (loc: Param = 0, scale: Param = 1): Laplace => new Laplace(loc, scale);
/** 0 and 1 unless said. */
export const cauchy = (loc: Param = 0, scale: Param = 1): Cauchy => new Cauchy(loc, scale);
/** rate > 0; 1 unless said. */
export const exponential = (rate: Param = 1): Exponential => new Exponential(rate);
/** Both parameters > 0; rate 1 unless said. */
export const gamma = (concentration: Param, rate: Param = 1): Gamma => new Gamma(concentration, rate);
/** Both parameters > 0. */
export const beta = (concentration1: Param, concentration0: Param): Beta => new Beta(concentration1, concentration0);
/** Concentrations > 0 along the last dimension. */
export const dirichlet = (concentration: Tensor): Dirichlet => new Dirichlet(concentration);
/** rate >= 0. */
export const poisson = (rate: Param): Poisson => new Poisson(rate);
/** probs in (0, 1]. */
export const geometric = (probs: Param): Geometric => new Geometric(probs);
/** `{ probs }` in [0, 1], or `{ logits }`. @throws ARGUMENT_INVALID unless one of them is given */
export const bernoulli = (options: ChoiceOptions<Param>): Bernoulli => new Bernoulli(options);
/** `{ probs }` (normalised for you) or `{ logits }`, classes along the last dimension. @throws as `bernoulli` */
export const categorical = (options: ChoiceOptions): Categorical => new Categorical(options);
/** `totalCount` draws from a categorical. @throws as `bernoulli` */
export const multinomial = (totalCount: number, options: ChoiceOptions): Multinomial => new Multinomial(totalCount, options);
