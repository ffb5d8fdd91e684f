/** @file Pooling layers: maxima and means over windows, or over as many windows as asked for. */
import { checkOptions } from "../../errors.ts";
import type { Pair } from "../../tensor/axes.ts";
import type { AdaptiveSize, Pool1dOptions, PoolOptions } from "../../tensor/spatial.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { Module } from "../module.ts";

abstract class Pool<Size extends Pair, Options> extends Module {
  readonly kernelSize: Size;
  readonly options: Options;

  constructor(kernelSize: Size, options: Options) {
    super();
    // Plain JavaScript gets here with PyTorch's other options (ceil_mode, dilation): ignored, they would give other numbers.
    checkOptions("ARGUMENT_INVALID", "pool", options, OPTIONS);
    this.kernelSize = kernelSize;
    this.options = options;
  }

  override extraRepr(): string {
    return `${this.kernelSize}`;
  }
}

const OPTIONS: readonly string[] = ["stride", "padding", "countIncludePad"];

interface CountIncludePad {
  /** Whether padding counts as zeros; true unless said. */
  readonly countIncludePad?: boolean;
}
export type AvgPool1dOptions = Pool1dOptions & CountIncludePad;
export type AvgPool2dOptions = PoolOptions & CountIncludePad;

/** Maximum over windows; padding counts as -∞. */
export class MaxPool1d extends Pool<number, Pool1dOptions> {
  /** [N, C, L] -> [N, C, L']. */
  forward(x: Tensor): Tensor {
    return x.maxPool1d(this.kernelSize, this.options);
  }
}
/** Maximum over windows; padding counts as -∞. */
export class MaxPool2d extends Pool<Pair, PoolOptions> {
  /** [N, C, H, W] -> [N, C, H', W']. */
  forward(x: Tensor): Tensor {
    return x.maxPool2d(this.kernelSize, this.options);
  }
}
/** Mean over windows. */
export class AvgPool1d extends Pool<number, AvgPool1dOptions> {
  /** [N, C, L] -> [N, C, L']. */
  forward(x: Tensor): Tensor {
    return x.avgPool1d(this.kernelSize, this.options);
  }
}
/** Mean over windows. */
export class AvgPool2d extends Pool<Pair, AvgPool2dOptions> {
  /** [N, C, H, W] -> [N, C, H', W']. */
  forward(x: Tensor): Tensor {
    return x.avgPool2d(this.kernelSize, this.options);
  }
}

abstract class AdaptivePool<Size> extends Module {
  readonly outputSize: Size;

  constructor(outputSize: Size) {
    super();
    this.outputSize = outputSize;
  }

  override extraRepr(): string {
    return `${this.outputSize}`;
  }
}

/** Windows floor(i·L/size) to ceil((i+1)·L/size). */
export class AdaptiveAvgPool1d extends AdaptivePool<number> {
  /** [N, C, L] -> [N, C, size]. */
  forward(x: Tensor): Tensor {
    return x.adaptiveAvgPool1d(this.outputSize);
  }
}
/** Windows as `AdaptiveAvgPool1d`, along both dimensions. */
export class AdaptiveAvgPool2d extends AdaptivePool<AdaptiveSize> {
  /** [N, C, H, W] -> [N, C, ...size]; null keeps a size. */
  forward(x: Tensor): Tensor {
    return x.adaptiveAvgPool2d(this.outputSize);
  }
}
/** Windows as `AdaptiveAvgPool1d`, with the maximum. */
export class AdaptiveMaxPool1d extends AdaptivePool<number> {
  /** [N, C, L] -> [N, C, size]. */
  forward(x: Tensor): Tensor {
    return x.adaptiveMaxPool1d(this.outputSize);
  }
}
/** Windows as `AdaptiveAvgPool2d`, with the maximum. */
export class AdaptiveMaxPool2d extends AdaptivePool<AdaptiveSize> {
  /** [N, C, H, W] -> [N, C, ...size]; null keeps a size. */
  forward(x: Tensor): Tensor {
    return x.adaptiveMaxPool2d(this.outputSize);
  }
}

/** [N, C, L] or [C, L] -> [N, C, L']. When called, @throws SHAPE_MISMATCH where a window does not fit, ARGUMENT_INVALID */
export const maxPool1d = (kernelSize: number, options: Pool1dOptions = {}): MaxPool1d => new MaxPool1d(kernelSize, options);
/** [N, C, H, W] or [C, H, W] -> [N, C, H', W']. When called, @throws SHAPE_MISMATCH where a window does not fit, ARGUMENT_INVALID */
export const maxPool2d = (kernelSize: Pair, options: PoolOptions = {}): MaxPool2d => new MaxPool2d(kernelSize, options);
/** [N, C, L] or [C, L] -> [N, C, L']. When called, @throws SHAPE_MISMATCH where a window does not fit, ARGUMENT_INVALID */
export const avgPool1d = (kernelSize: number, options: AvgPool1dOptions = {}): AvgPool1d => new AvgPool1d(kernelSize, options);
/** [N, C, H, W] or [C, H, W] -> [N, C, H', W']. When called, @throws SHAPE_MISMATCH where a window does not fit, ARGUMENT_INVALID */
export const avgPool2d = (kernelSize: Pair, options: AvgPool2dOptions = {}): AvgPool2d => new AvgPool2d(kernelSize, options);
/** [N, C, L] -> [N, C, outputSize]. When called, @throws ARGUMENT_INVALID */
export const adaptiveAvgPool1d = (outputSize: number): AdaptiveAvgPool1d => new AdaptiveAvgPool1d(outputSize);
/** [N, C, H, W] -> [N, C, ...outputSize]; null keeps a size. When called, @throws ARGUMENT_INVALID */
export const adaptiveAvgPool2d = (outputSize: AdaptiveSize): AdaptiveAvgPool2d => new AdaptiveAvgPool2d(outputSize);
/** [N, C, L] -> [N, C, outputSize]. When called, @throws ARGUMENT_INVALID */
export const adaptiveMaxPool1d = (outputSize: number): AdaptiveMaxPool1d => new AdaptiveMaxPool1d(outputSize);
/** [N, C, H, W] -> [N, C, ...outputSize]; null keeps a size. When called, @throws ARGUMENT_INVALID */
export const adaptiveMaxPool2d = (outputSize: AdaptiveSize): AdaptiveMaxPool2d => new AdaptiveMaxPool2d(outputSize);
