/** @file Conv2d: cross-correlation with any stride, padding, dilation and groups. */
import { expected } from "../../errors.ts";
import { type Pair, pairOf } from "../../tensor/axes.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { expectScaled } from "../mistakes.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import type { LinearOptions } from "./linear.ts";
import { blank, checkSizes, resetAffine } from "./linear.ts";

export interface Conv2dLayerOptions extends LinearOptions {
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  readonly groups?: number;
}

export class Conv2d extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly [number, number];
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
  readonly groups: number;
  /** [out, in/groups, KH, KW]. */
  readonly weight: Parameter;
  /** [out], or null. */
  readonly bias: Parameter | null;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dLayerOptions = {}) {
    super();
    const [height, width] = pairOf(kernelSize);
    const groups = options.groups ?? 1;
    checkSizes("conv2d", { inChannels, outChannels, kernelHeight: height, kernelWidth: width, groups });
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      expected("ARGUMENT_INVALID", "conv2d", `channels divisible by ${groups} groups`, `${inChannels} -> ${outChannels}`);
    }
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = [height, width];
    this.stride = options.stride ?? 1;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.groups = groups;
    this.weight = blank([outChannels, inChannels / groups, height, width], options);
    this.bias = options.bias === false ? null : blank([outChannels], options);
    resetAffine(this.weight, this.bias, options);
  }

  /** [N, in, H, W] -> [N, out, H', W']. */
  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    expectScaled(this, "conv2d", x);
    return x.conv2d(this.weight, this.bias, { stride, padding, dilation, groups });
  }

  override extraRepr(): string {
    return `${this.inChannels}, ${this.outChannels}, [${this.kernelSize}], stride: ${this.stride}, padding: ${this.padding}`;
  }
}

export const conv2d = (inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dLayerOptions = {}): Conv2d =>
  new Conv2d(inChannels, outChannels, kernelSize, options);
