/** @file Capsules with dynamic routing: groups of numbers that agree on what they see (Sabour, Frosst and Hinton 2017). */
import { expected } from "../../errors.ts";
import { showShape } from "../../program/aval.ts";
import type { Pair } from "../../tensor/axes.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { squash } from "../functional/capsules.ts";
import type { InitOptions } from "../init.ts";
import { normal_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter, PlaceOptions } from "../parameter.ts";
import { type Conv2d, type Conv2dLayerOptions, conv2d } from "./conv.ts";
import { blank, checkSizes } from "./linear.ts";

/** A convolution whose channels are `capsules` groups of `dim` numbers, each squashed. */
export class PrimaryCapsules extends Module {
  readonly capsules: number;
  readonly dim: number;
  readonly conv: Conv2d;

  constructor(inChannels: number, capsules: number, dim: number, kernelSize: Pair, options: Conv2dLayerOptions = {}) {
    super();
    checkSizes("primaryCapsules", { capsules, dim });
    this.capsules = capsules;
    this.dim = dim;
    this.conv = conv2d(inChannels, capsules * dim, kernelSize, options);
  }

  /** [N, C, H, W] -> [N, capsules·H'·W', dim]: one capsule for each group and place. */
  forward(x: Tensor): Tensor {
    const y = this.conv(x);
    const [n, , h, w] = y.shape as [number, number, number, number];
    const groups = y.reshape(n, this.capsules, this.dim, h * w).permute(0, 1, 3, 2);
    return squash(groups.reshape(n, this.capsules * h * w, this.dim));
  }

  override extraRepr(): string {
    return `${this.capsules}, ${this.dim}`;
  }
}

export interface CapsulesOptions extends PlaceOptions, InitOptions {
  /** How often capsules agree: 3 unless said. */
  readonly routings?: number;
  /** Standard deviation of the initial weights: 0.1 unless said. */
  readonly std?: number;
}

/**
 * Each of `inCaps` capsules predicts each of `outCaps` ones by a matrix; predictions that agree with the outcome get more weight
 * ("routing by agreement", procedure 1 of the paper). Gradients flow through all rounds.
 */
export class Capsules extends Module {
  readonly inCaps: number;
  readonly inDim: number;
  readonly outCaps: number;
  readonly outDim: number;
  readonly routings: number;
  /** [inCaps, outCaps·outDim, inDim]. */
  readonly weight: Parameter;

  constructor(inCaps: number, inDim: number, outCaps: number, outDim: number, options: CapsulesOptions = {}) {
    super();
    const { routings = 3, std = 0.1 } = options;
    checkSizes("capsules", { inCaps, inDim, outCaps, outDim, routings });
    this.inCaps = inCaps;
    this.inDim = inDim;
    this.outCaps = outCaps;
    this.outDim = outDim;
    this.routings = routings;
    this.weight = normal_(blank([inCaps, outCaps * outDim, inDim], options), 0, std, options);
  }

  /** [N, inCaps, inDim] -> [N, outCaps, outDim]. @throws SHAPE_MISMATCH */
  forward(x: Tensor): Tensor {
    const { inCaps, inDim, outCaps, outDim } = this;
    if (x.ndim !== 3 || x.shape[1] !== inCaps || x.shape[2] !== inDim) {
      expected("SHAPE_MISMATCH", "capsules", `[N,${inCaps},${inDim}]`, showShape(x.shape));
    }
    const n = x.shape[0]!;
    const predictions = x
      .permute(1, 0, 2)
      .matmul(this.weight.mT) // [inCaps, N, outCaps·outDim]
      .reshape(inCaps, n, outCaps, outDim)
      .permute(1, 2, 0, 3); // [N, outCaps, inCaps, outDim]
    // Before the first round all logits are 0, and so each capsule gives an equal share to all.
    let v = squash(predictions.sum(2).mul(1 / outCaps));
    let logits: Tensor | null = null;
    for (let round = 1; round < this.routings; round++) {
      const agreement = predictions.mul(v.unsqueeze(2)).sum(3); // [N, outCaps, inCaps]
      logits = logits === null ? agreement : logits.add(agreement);
      v = squash(predictions.mul(logits.softmax(1).unsqueeze(3)).sum(2));
    }
    return v;
  }

  override extraRepr(): string {
    return `${this.inCaps}, ${this.inDim}, ${this.outCaps}, ${this.outDim}, routings: ${this.routings}`;
  }
}

/** [N, C, H, W] -> [N, capsules·H'·W', dim]. @throws ARGUMENT_INVALID */
export const primaryCapsules = (
  inChannels: number,
  capsules: number,
  dim: number,
  kernelSize: Pair,
  options: Conv2dLayerOptions = {},
): PrimaryCapsules => new PrimaryCapsules(inChannels, capsules, dim, kernelSize, options);
export const capsules = (
  inCaps: number,
  inDim: number,
  outCaps: number,
  outDim: number,
  options: CapsulesOptions = {},
): Capsules => new Capsules(inCaps, inDim, outCaps, outDim, options);
