/** @file The margin loss of capsules (Sabour, Frosst and Hinton 2017): the length of each says whether its class is there. */
import { expected } from "../../errors.ts";
import { showAval } from "../../program/aval.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { checkIndices, isIndex, type LossOptions, matched, reduce } from "./reduce.ts";

export interface CapsuleMarginOptions extends LossOptions {
  /** A class that is there is at least so long: 0.9 unless said. */
  readonly present?: number;
  /** A class that is not is at most so long: 0.1 unless said. */
  readonly absent?: number;
  /** Weight of absent classes: 0.5 unless said. */
  readonly lambda?: number;
}

/**
 * T·max(0, 0.9 - l)² + 0.5·(1 - T)·max(0, l - 0.1)², summed over classes (equation 4): lengths [N, C], class indices [N] or
 * indicators [N, C]. The mean is over the batch. @throws SHAPE_MISMATCH, DTYPE_MISMATCH, LABEL_OUT_OF_RANGE
 */
export function capsuleMarginLoss(lengths: Tensor, target: Tensor, options: CapsuleMarginOptions = {}): Tensor {
  const { present = 0.9, absent = 0.1, lambda = 0.5 } = options;
  if (lengths.ndim !== 2) expected("SHAPE_MISMATCH", "capsuleMarginLoss", "lengths [N,C]", showAval(lengths));
  const [n, classes] = lengths.shape as [number, number];
  if (isIndex(target)) checkIndices("capsuleMarginLoss", target, [n], classes);
  const t = isIndex(target) ? target.oneHot(classes, lengths.dtype) : matched("capsuleMarginLoss", lengths, target);
  const short = lengths.neg().add(present).relu().square();
  const long = lengths.sub(absent).relu().square();
  return reduce(t.mul(short).add(t.neg().add(1).mul(long).mul(lambda)).sum(1), options);
}
