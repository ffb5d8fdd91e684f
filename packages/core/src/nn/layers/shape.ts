/** @file Layers without parameters that move or pool: flatten, max and average pooling. */
import type { Pair } from "../../tensor/axes.ts";
import type { PoolOptions } from "../../tensor/spatial.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { Module } from "../module.ts";

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

export class MaxPool2d extends Module {
  readonly kernelSize: Pair;
  readonly options: PoolOptions;

  constructor(kernelSize: Pair, options: PoolOptions = {}) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }

  /** [N, C, H, W] -> [N, C, H', W']. */
  forward(x: Tensor): Tensor {
    return x.maxPool2d(this.kernelSize, this.options);
  }

  override extraRepr(): string {
    return `${this.kernelSize}`;
  }
}

export interface AvgPool2dOptions extends PoolOptions {
  /** Whether padding counts as zeros; true unless said. */
  readonly countIncludePad?: boolean;
}

export class AvgPool2d extends Module {
  readonly kernelSize: Pair;
  readonly options: AvgPool2dOptions;

  constructor(kernelSize: Pair, options: AvgPool2dOptions = {}) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }

  /** [N, C, H, W] -> [N, C, H', W']. */
  forward(x: Tensor): Tensor {
    return x.avgPool2d(this.kernelSize, this.options);
  }

  override extraRepr(): string {
    return `${this.kernelSize}`;
  }
}

/** Keeps the batch: dimensions from 1 on become one. */
export const flatten = (start = 1, end = -1): Flatten => new Flatten(start, end);
export const maxPool2d = (kernelSize: Pair, options: PoolOptions = {}): MaxPool2d => new MaxPool2d(kernelSize, options);
export const avgPool2d = (kernelSize: Pair, options: AvgPool2dOptions = {}): AvgPool2d => new AvgPool2d(kernelSize, options);
