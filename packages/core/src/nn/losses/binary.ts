/** @file Losses of yes and no: binary cross-entropy of probabilities and of logits, soft margins, hinge embedding. */
import { expected } from "../../errors.ts";
import { showAval } from "../../program/aval.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { expectLogits } from "../mistakes.ts";
import { type LossOptions, matched, reduce } from "./reduce.ts";

export interface BceOptions extends LossOptions {
  /** Factor of each loss; broadcasts. */
  readonly weight?: Tensor;
}

export interface BceWithLogitsOptions extends BceOptions {
  /** Factor of the losses of positive targets; broadcasts, say [C]. */
  readonly posWeight?: Tensor;
}

const weighed = (losses: Tensor, weight: Tensor | undefined): Tensor =>
  weight === undefined ? losses : losses.mul(weight.cast(losses.dtype));

/** Where p(1 - p) is smaller, PyTorch's gradient has this (an f32) in its place, and its logarithms stop at -100. */
const LEAST: number = Math.fround(1e-12);

/**
 * log q, where q = p or 1 - p and slope = dq/dp · (1 - q): the exact derivative is slope/(p(1 - p)). Close to 0 and 1 value and
 * derivative are limited as PyTorch's, there by a tangent that stands beside the constant value.
 */
function limitedLog(p: Tensor, q: Tensor, slope: Tensor, corner: Tensor): Tensor {
  const here = p.detach();
  const tangent = p.sub(here).mul(slope.detach().mul(1 / LEAST));
  const limited = q.detach().log().clamp(-100).add(tangent);
  return limited.where(corner, q.maskedFill(corner, 0.5).log());
}

/** -(y·log p + (1 - y)·log(1 - p)) of probabilities p in [0, 1]; outside, NaN. Better conditioned: `bceWithLogits`. @throws SHAPE_MISMATCH */
export function binaryCrossEntropy(p: Tensor, target: Tensor, options: BceOptions = {}): Tensor {
  const y = matched("binaryCrossEntropy", p, target);
  const rest = p.neg().add(1);
  const corner = p.mul(rest).lt(LEAST);
  const yes = limitedLog(p, p, rest, corner);
  const no = limitedLog(p, rest, p.neg(), corner);
  const losses = y.mul(yes).add(y.neg().add(1).mul(no)).neg();
  return reduce(weighed(losses, options.weight), options);
}

/** log(1 + e^x) - x·y as [x > 0]·x - x·y + log(1 + e^-|x|): nothing cancels where the answer is certain and right. */
function logistic(x: Tensor, y: Tensor): Tensor {
  const positive = x.gt(0);
  const decay = x.neg().where(positive, x).exp();
  return x.mul(positive.cast(x.dtype).sub(y)).add(decay.log1p());
}

/**
 * Binary cross-entropy of logits x against targets y in [0, 1]: max(x,0) - x·y + log(1 + e^-|x|), without overflow.
 * @throws SHAPE_MISMATCH
 */
export function bceWithLogits(logits: Tensor, target: Tensor, options: BceWithLogitsOptions = {}): Tensor {
  expectLogits("bceWithLogits", logits);
  const y = matched("bceWithLogits", logits, target);
  const { posWeight } = options;
  if (posWeight === undefined) return reduce(weighed(logistic(logits, y), options.weight), options);
  const factor = posWeight.cast(logits.dtype).sub(1).mul(y).add(1);
  const losses = y.neg().add(1).mul(logits).add(factor.mul(logits.neg().softplus()));
  return reduce(weighed(losses, options.weight), options);
}

/** log(1 + e^(-y·x)), y of 1 and -1. @throws SHAPE_MISMATCH */
export function softMarginLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const y = matched("softMarginLoss", input, target);
  return reduce(y.mul(input).neg().softplus(), options);
}

/** Binary cross-entropy of logits [N, C] or [C], its mean over classes; weight [C]. @throws SHAPE_MISMATCH */
export function multilabelSoftMarginLoss(logits: Tensor, target: Tensor, options: BceOptions = {}): Tensor {
  expectLogits("multilabelSoftMarginLoss", logits);
  const y = matched("multilabelSoftMarginLoss", logits, target);
  if (logits.ndim === 0) expected("SHAPE_MISMATCH", "multilabelSoftMarginLoss", "[C] or [N,C]", showAval(logits));
  const losses = weighed(logistic(logits, y), options.weight);
  return reduce(losses.mean(-1), options);
}

export interface HingeEmbeddingOptions extends LossOptions {
  /** 1 unless said. */
  readonly margin?: number;
}

/** x where y = 1, max(0, margin - x) where y = -1: x is a distance of two things that are alike, or not. @throws SHAPE_MISMATCH */
export function hingeEmbeddingLoss(input: Tensor, target: Tensor, options: HingeEmbeddingOptions = {}): Tensor {
  const y = matched("hingeEmbeddingLoss", input, target);
  const apart = input
    .neg()
    .add(options.margin ?? 1)
    .clamp(0);
  return reduce(apart.maskedFill(y.eq(1), 0).add(input.maskedFill(y.eq(-1), 0)), options);
}
