/** @file The losses of nn. */

export {
  type BceOptions,
  type BceWithLogitsOptions,
  bceWithLogits,
  binaryCrossEntropy,
  type HingeEmbeddingOptions,
  hingeEmbeddingLoss,
  multilabelSoftMarginLoss,
  softMarginLoss,
} from "./binary.ts";
export { type CapsuleMarginOptions, capsuleMarginLoss } from "./capsules.ts";
export {
  type CrossEntropyOptions,
  crossEntropy,
  type MultiMarginOptions,
  multilabelMarginLoss,
  multiMarginLoss,
  type NllOptions,
  nllLoss,
} from "./classes.ts";
export { Criterion, criterion, type LossFunction } from "./criterion.ts";
export { type CtcOptions, ctcLoss } from "./ctc.ts";
export {
  type GaussianNllOptions,
  gaussianNllLoss,
  type HuberOptions,
  huberLoss,
  type KlDivOptions,
  klDiv,
  l1Loss,
  mseLoss,
  type PoissonNllOptions,
  poissonNllLoss,
  type SmoothL1Options,
  smoothL1Loss,
} from "./elementwise.ts";
export {
  cosineEmbeddingLoss,
  type MarginOptions,
  marginRankingLoss,
  type TripletDistanceOptions,
  type TripletOptions,
  tripletMarginLoss,
  tripletMarginWithDistanceLoss,
} from "./embedding.ts";
export type { LossOptions, Reduction } from "./reduce.ts";
