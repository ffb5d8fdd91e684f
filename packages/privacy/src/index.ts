/** @file @tacit/privacy: differential privacy that can be trusted. */
export { type AccountantName, type AccountOptions, deltaOf, epsilonOf } from "./accountants/index.ts";
export { type CalibrateOptions, calibrate, type Target } from "./calibrate.ts";
export type {
  Approximate,
  Concentrated,
  DiscreteGaussian,
  DiscreteLaplace,
  DistributedDiscreteGaussian,
  Gaussian,
  Laplace,
  Mechanism,
  Neighbours,
  PrivacyEvent,
  Sampling,
} from "./events.ts";
export { gaussianDelta, gaussianStdDev } from "./gaussian.ts";
export * from "./samplers/index.ts";
