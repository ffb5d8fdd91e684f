/**
 * @file Rejection sampling without a loop: candidates stand along the first dimension, and the first accepted one is taken. Sampling
 * stays lazy, and does not read the parameters.
 */
import * as op from "../ops/emit.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Of candidates [K, ...] the first that is accepted; the first one if none is, which K makes as rare as its caller says. */
export function firstAccepted(candidates: Tensor, accepted: Tensor): Tensor {
  // bool has no argmax; of equal maxima the first is taken.
  const first = op.argmax(op.cast(accepted.expr, "i32"), 0, true);
  return new Tensor(op.gather(candidates.expr, first, 0)).squeeze(0);
}
