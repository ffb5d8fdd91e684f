/** @file squash: a vector with its direction and a length below 1 (Sabour, Frosst and Hinton 2017). */
import type { Tensor } from "../../tensor/tensor.ts";

/** ‖s‖²/(1 + ‖s‖²) · s/‖s‖ along `dim` (equation 1): a length below 1. eps keeps the square root off 0. */
export function squash(s: Tensor, options: { readonly dim?: number; readonly eps?: number } = {}): Tensor {
  const { dim = -1, eps = 1e-9 } = options;
  const square = s.square().sum(dim, { keepdim: true });
  return s.mul(square.add(eps).sqrt().div(square.add(1)));
}
