/** @file nn.functional: layers without state as functions of tensors; the losses of `nn`, as in PyTorch, too. */

export { logSoftmax, relu, sigmoid, softmax, tanh } from "../../tensor/functions.ts";
export { scaledDotProductAttention } from "../layers/attention/scaled-dot-product.ts";
export {
  bceWithLogits as binaryCrossEntropyWithLogits,
  bceWithLogits,
  binaryCrossEntropy,
  cosineEmbeddingLoss,
  crossEntropy,
  ctcLoss,
  gaussianNllLoss,
  hingeEmbeddingLoss,
  huberLoss,
  klDiv,
  l1Loss,
  marginRankingLoss,
  mseLoss,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  multiMarginLoss,
  nllLoss,
  poissonNllLoss,
  smoothL1Loss,
  softMarginLoss,
  tripletMarginLoss,
  tripletMarginWithDistanceLoss,
} from "../losses/index.ts";
export * from "./activation.ts";
export { squash } from "./capsules.ts";
export * from "./distance.ts";
export * from "./interpolate.ts";
export * from "./layers.ts";
export * from "./shape.ts";
