/** @file Distances and similarities of vectors, as `torch.nn.functional`. */
import { expected } from "../../errors.ts";
import { showShape } from "../../program/aval.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** `x` held at `limit` or above; the gradient passes as if it were not, as PyTorch has it for norms. */
const heldAbove = (x: Tensor, limit: number): Tensor => x.add(x.maximum(limit).sub(x).detach());

/** Cosine of the angle between vectors along `dim`; shapes broadcast. Lengths below eps (1e-8) count as eps. */
export function cosineSimilarity(a: Tensor, b: Tensor, options: { readonly dim?: number; readonly eps?: number } = {}): Tensor {
  const { dim = 1, eps = 1e-8 } = options;
  const unit = (x: Tensor): Tensor => x.div(heldAbove(x.norm(2, dim, { keepdim: true }), eps));
  return unit(a).mul(unit(b)).sum(dim);
}

export interface DistanceOptions {
  /** Which norm: 2 unless said. */
  readonly p?: number;
  /** Added to every difference: 1e-6 unless said. */
  readonly eps?: number;
  readonly keepdim?: boolean;
}

/** ‖a - b + eps‖ₚ along the last dimension; shapes broadcast. */
export function pairwiseDistance(a: Tensor, b: Tensor, options: DistanceOptions = {}): Tensor {
  if (a.ndim === 0 || b.ndim === 0) {
    expected("SHAPE_MISMATCH", "pairwiseDistance", "at least 1 dimension", `${showShape(a.shape)} and ${showShape(b.shape)}`);
  }
  const { p = 2, eps = 1e-6, keepdim = false } = options;
  return a.sub(b).add(eps).norm(p, -1, { keepdim });
}

export interface NormalizeOptions {
  /** Which norm: 2 unless said. */
  readonly p?: number;
  /** 1 unless said. */
  readonly dim?: number;
  /** Lengths below count as this: 1e-12 unless said. */
  readonly eps?: number;
}

/** x over its p-norm along `dim`. */
export function normalize(x: Tensor, options: NormalizeOptions = {}): Tensor {
  const { p = 2, dim = 1, eps = 1e-12 } = options;
  return x.div(x.norm(p, dim, { keepdim: true }).clamp(eps));
}
