/** @file Losses of embeddings and rankings: which of two is larger, nearer or more alike. */
import { expected } from "../../errors.ts";
import { showAval } from "../../program/aval.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { pairwiseDistance } from "../functional/distance.ts";
import { type LossOptions, matched, reduce } from "./reduce.ts";

export interface MarginOptions extends LossOptions {
  /** 0 unless said. */
  readonly margin?: number;
}

/** max(0, -y·(a - b) + margin): y = 1 where a is to be the larger, -1 where b is. @throws SHAPE_MISMATCH */
export function marginRankingLoss(a: Tensor, b: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  const other = matched("marginRankingLoss", a, b);
  const y = matched("marginRankingLoss", a, target);
  const gap = y.neg().mul(a.sub(other));
  return reduce(gap.add(options.margin ?? 0).clamp(0), options);
}

export interface TripletOptions extends LossOptions {
  /** 1 unless said. */
  readonly margin?: number;
  /** Which norm: 2 unless said. */
  readonly p?: number;
  /** Added to every difference: 1e-6 unless said. */
  readonly eps?: number;
  /** Whether the negative may also be measured from the positive (Balntas et al. 2016). */
  readonly swap?: boolean;
}

/** max(0, d(anchor, positive) - d(anchor, negative) + margin): [N, D] or [D], over the last dimension. @throws SHAPE_MISMATCH */
export function tripletMarginLoss(anchor: Tensor, positive: Tensor, negative: Tensor, options: TripletOptions = {}): Tensor {
  const { p = 2, eps = 1e-6 } = options;
  const distance = (a: Tensor, b: Tensor): Tensor => pairwiseDistance(a, b, { p, eps });
  return triplet("tripletMarginLoss", [anchor, positive, negative], distance, options);
}

export interface TripletDistanceOptions extends LossOptions {
  /** The Euclidean distance unless said. */
  readonly distance?: (a: Tensor, b: Tensor) => Tensor;
  readonly margin?: number;
  readonly swap?: boolean;
}

/** `tripletMarginLoss` with a distance of one's own. @throws SHAPE_MISMATCH */
export function tripletMarginWithDistanceLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletDistanceOptions = {},
): Tensor {
  const distance = options.distance ?? ((a: Tensor, b: Tensor): Tensor => pairwiseDistance(a, b));
  return triplet("tripletMarginWithDistanceLoss", [anchor, positive, negative], distance, options);
}

function triplet(
  where: string,
  [anchor, positive, negative]: readonly [Tensor, Tensor, Tensor],
  distance: (a: Tensor, b: Tensor) => Tensor,
  options: TripletDistanceOptions,
): Tensor {
  matched(where, anchor, positive);
  matched(where, anchor, negative);
  const near = distance(anchor, positive);
  let far = distance(anchor, negative);
  if (options.swap) far = far.minimum(distance(positive, negative));
  return reduce(
    near
      .sub(far)
      .add(options.margin ?? 1)
      .clamp(0),
    options,
  );
}

/** Keeps the length of a zero vector from dividing by 0: PyTorch's number, an f32. */
const COSINE_EPS: number = Math.fround(1e-12);

/** 1 - cos(a, b) where y = 1, max(0, cos(a, b) - margin) where y = -1: [N, D] and y [N], or [D] and y []. @throws SHAPE_MISMATCH */
export function cosineEmbeddingLoss(a: Tensor, b: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  const other = matched("cosineEmbeddingLoss", a, b);
  const rows = a.shape.slice(0, -1);
  if ((a.ndim !== 1 && a.ndim !== 2) || target.ndim !== rows.length || target.numel !== (rows[0] ?? 1)) {
    expected(
      "SHAPE_MISMATCH",
      "cosineEmbeddingLoss",
      "[N,D] and targets [N], or [D] and []",
      `${showAval(a)} and ${showAval(target)}`,
    );
  }
  const y = target.cast(a.dtype);
  const size = a.square().sum(-1).add(COSINE_EPS).mul(other.square().sum(-1).add(COSINE_EPS)).sqrt();
  const cosine = a.mul(other).sum(-1).div(size);
  const alike = cosine.neg().add(1).maskedFill(y.ne(1), 0);
  const apart = cosine
    .sub(options.margin ?? 0)
    .clamp(0)
    .maskedFill(y.ne(-1), 0);
  return reduce(alike.add(apart), options);
}
