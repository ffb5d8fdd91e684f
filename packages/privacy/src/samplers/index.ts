/** @file Exact samplers, as the package exports them: their randomness is the platform's, and none takes another. */
export { bernoulli, bernoulliExp } from "./bernoulli.ts";
export { addDiscreteGaussian, discreteGaussian } from "./discrete-gaussian.ts";
export { discreteLaplace, geometric } from "./discrete-laplace.ts";
export { poissonSample } from "./poisson.ts";
export { estimateCounts, randomisedResponse } from "./randomised-response.ts";
export { exponential, permuteAndFlip, reportNoisyMax, type SelectionOptions } from "./selection.ts";
