/** @file Layers that only move: identity, flatten and unflatten, channels to pixels and back. */
import { expected } from "../../errors.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import * as F from "../functional/shape.ts";
import { Module } from "../module.ts";
import { checkSizes } from "./linear.ts";

/** Gives back what it is given: a place for a layer. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

/** Dimensions start..end become one; 1 and -1 unless said. */
export class Flatten extends Module {
  readonly start: number;
  readonly end: number;

  constructor(start = 1, end = -1) {
    super();
    this.start = start;
    this.end = end;
  }

  forward(x: Tensor): Tensor {
    return x.flatten(this.start, this.end);
  }
}

/** One dimension as several. */
export class Unflatten extends Module {
  readonly dim: number;
  readonly sizes: readonly number[];

  constructor(dim: number, sizes: readonly number[]) {
    super();
    if (sizes.length === 0) expected("ARGUMENT_INVALID", "unflatten", "at least one size", "none");
    this.dim = dim;
    this.sizes = sizes;
  }

  /** Throws SHAPE_MISMATCH unless the sizes (one may be -1) multiply to that of the dimension. */
  forward(x: Tensor): Tensor {
    return F.unflatten(x, this.dim, this.sizes);
  }

  override extraRepr(): string {
    return `${this.dim}, [${this.sizes}]`;
  }
}

abstract class Shuffle extends Module {
  readonly factor: number;

  constructor(factor: number) {
    super();
    checkSizes("pixelShuffle", { factor });
    this.factor = factor;
  }

  override extraRepr(): string {
    return `${this.factor}`;
  }
}

/** [..., C·r², H, W] -> [..., C, H·r, W·r] (Shi et al. 2016). */
export class PixelShuffle extends Shuffle {
  forward(x: Tensor): Tensor {
    return F.pixelShuffle(x, this.factor);
  }
}

/** [..., C, H·r, W·r] -> [..., C·r², H, W]. */
export class PixelUnshuffle extends Shuffle {
  forward(x: Tensor): Tensor {
    return F.pixelUnshuffle(x, this.factor);
  }
}

/** Gives back what it is given. */
export const identity = (): Identity => new Identity();
/** Keeps the batch: dimensions from 1 on become one. */
export const flatten = (start = 1, end = -1): Flatten => new Flatten(start, end);
/** Dimension `dim` as several; one of the sizes may be -1. @throws SHAPE_MISMATCH when called */
export const unflatten = (dim: number, sizes: readonly number[]): Unflatten => new Unflatten(dim, sizes);
/** [..., C·r², H, W] -> [..., C, H·r, W·r]. @throws ARGUMENT_INVALID */
export const pixelShuffle = (factor: number): PixelShuffle => new PixelShuffle(factor);
/** [..., C, H·r, W·r] -> [..., C·r², H, W]. @throws ARGUMENT_INVALID */
export const pixelUnshuffle = (factor: number): PixelUnshuffle => new PixelUnshuffle(factor);
