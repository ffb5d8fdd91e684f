/** @file Upsample: a layer that brings signals and images to another size. */
import type { Tensor } from "../../tensor/tensor.ts";
import { type InterpolateOptions, interpolate } from "../functional/interpolate.ts";
import { Module } from "../module.ts";

/** `nn.functional.interpolate` as a layer. */
export class Upsample extends Module {
  readonly options: InterpolateOptions;

  constructor(options: InterpolateOptions) {
    super();
    this.options = options;
  }

  /** [N, C, L] or [N, C, H, W] -> the same in another size. @throws SHAPE_MISMATCH, ARGUMENT_INVALID */
  forward(x: Tensor): Tensor {
    return interpolate(x, this.options);
  }

  override extraRepr(): string {
    const { mode = "nearest", size, scaleFactor } = this.options;
    return `${size === undefined ? `scaleFactor: ${scaleFactor}` : `size: ${size}`}, mode: ${mode}`;
  }
}

/** `nn.upsample({ scaleFactor: 2, mode: "bilinear" })`. @throws as `interpolate`, when called */
export const upsample = (options: InterpolateOptions): Upsample => new Upsample(options);
