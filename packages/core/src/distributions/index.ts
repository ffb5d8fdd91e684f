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

export const normal = (loc: Param = 0, scale: Param = 1): Normal => new Normal(loc, scale);
export const logNormal = (loc: Param = 0, scale: Param = 1): LogNormal => new LogNormal(loc, scale);
export const truncatedNormal = (loc: Param = 0, scale: Param = 1, low: Param = -2, high: Param = 2): TruncatedNormal =>
  new TruncatedNormal(loc, scale, low, high);
export const uniform = (low: Param = 0, high: Param = 1): Uniform => new Uniform(low, high);
export const laplace = (loc: Param = 0, scale: Param = 1): Laplace => new Laplace(loc, scale);
export const cauchy = (loc: Param = 0, scale: Param = 1): Cauchy => new Cauchy(loc, scale);
export const exponential = (rate: Param = 1): Exponential => new Exponential(rate);
export const gamma = (concentration: Param, rate: Param = 1): Gamma => new Gamma(concentration, rate);
export const beta = (concentration1: Param, concentration0: Param): Beta => new Beta(concentration1, concentration0);
export const dirichlet = (concentration: Tensor): Dirichlet => new Dirichlet(concentration);
export const poisson = (rate: Param): Poisson => new Poisson(rate);
export const geometric = (probs: Param): Geometric => new Geometric(probs);
export const bernoulli = (options: ChoiceOptions<Param>): Bernoulli => new Bernoulli(options);
export const categorical = (options: ChoiceOptions): Categorical => new Categorical(options);
export const multinomial = (totalCount: number, options: ChoiceOptions): Multinomial => new Multinomial(totalCount, options);
