/** @file Conv1d and Conv2d: cross-correlation with any stride, padding, dilation and groups. */
import { expected } from "../../errors.ts";
import type { Pair } from "../../tensor/axes.ts";
import type { NamedPadding } from "../../tensor/spatial.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { expectScaled, expectTensor } from "../mistakes.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import type { LinearOptions } from "./linear.ts";
import { blank, checkSizes, resetAffine } from "./linear.ts";

export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

interface ConvLayerOptions<Size> extends LinearOptions {
  readonly stride?: Size;
  /** "same" keeps the size, for a stride of 1. */
  readonly padding?: Size | NamedPadding;
  readonly dilation?: Size;
  readonly groups?: number;
  /** What stands outside: "zeros" unless said. */
  readonly paddingMode?: PaddingMode;
}
export type Conv1dLayerOptions = ConvLayerOptions<number>;
export type Conv2dLayerOptions = ConvLayerOptions<Pair>;

/** A size for each of `n` dimensions. @throws ARGUMENT_INVALID */
export function sizes(where: string, name: string, size: Pair, n: number, least: number): readonly number[] {
  const list = typeof size === "number" ? new Array<number>(n).fill(size) : [...size];
  if (list.length !== n || list.some((s) => !Number.isSafeInteger(s) || s < least)) {
    expected("ARGUMENT_INVALID", where, `${name} of ${n} integers of at least ${least}`, `[${list}]`);
  }
  return list;
}

/** Kernel sizes and channels that fit the groups. @throws ARGUMENT_INVALID */
export function checkChannels(where: string, inChannels: number, outChannels: number, groups: number): void {
  checkSizes(where, { inChannels, outChannels, groups });
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    expected("ARGUMENT_INVALID", where, `channels divisible by ${groups} groups`, `${inChannels} -> ${outChannels}`);
  }
}

abstract class Convolution<Size extends Pair> extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly stride: Size;
  readonly padding: Size | NamedPadding;
  readonly dilation: Size;
  readonly groups: number;
  readonly paddingMode: PaddingMode;
  /** One size for each dimension. */
  protected readonly kernel: readonly number[];
  /** [out, in/groups, ...kernel]. */
  readonly weight: Parameter;
  /** [out], or null. */
  readonly bias: Parameter | null;
  /** Left, right of the last dimension, then of the one before; null where the op pads. */
  private readonly outside: readonly number[] | null;

  constructor(
    where: string,
    channels: readonly [number, number],
    kernel: readonly number[],
    one: Size,
    options: ConvLayerOptions<Size>,
  ) {
    super();
    const [inChannels, outChannels] = channels;
    const { groups = 1, paddingMode = "zeros" } = options;
    checkChannels(where, inChannels, outChannels, groups);
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernel = kernel;
    this.stride = options.stride ?? one;
    this.padding = options.padding ?? (0 as Size);
    this.dilation = options.dilation ?? one;
    this.groups = groups;
    this.paddingMode = paddingMode;
    this.outside = this.widths(where);
    this.weight = blank([outChannels, inChannels / groups, ...kernel], options);
    this.bias = options.bias === false ? null : blank([outChannels], options);
    resetAffine(this.weight, this.bias, options);
  }

  private widths(where: string): readonly number[] | null {
    const { padding, paddingMode, kernel } = this;
    const n = kernel.length;
    const strides = sizes(where, "stride", this.stride, n, 1);
    const dilations = sizes(where, "dilation", this.dilation, n, 1);
    if (padding === "same" && strides.some((s) => s !== 1)) {
      expected("ARGUMENT_INVALID", where, 'a stride of 1 with padding "same"', `${this.stride}`);
    }
    if (!["zeros", "reflect", "replicate", "circular"].includes(paddingMode)) {
      expected("ARGUMENT_INVALID", where, "a paddingMode zeros, reflect, replicate or circular", JSON.stringify(paddingMode));
    }
    if (typeof padding !== "string") sizes(where, "padding", padding, n, 0);
    else if (padding !== "same" && padding !== "valid") {
      expected("ARGUMENT_INVALID", where, 'padding of a size, "same" or "valid"', JSON.stringify(padding));
    }
    if (paddingMode === "zeros" || padding === "valid") return null;
    if (padding !== "same") return [...sizes(where, "padding", padding, n, 0)].reverse().flatMap((p) => [p, p]);
    const totals = kernel.map((k, i) => dilations[i]! * (k - 1));
    return totals.reverse().flatMap((t) => [Math.floor(t / 2), Math.ceil(t / 2)]);
  }

  /** The input with its surroundings, and the padding left to the op. */
  protected padded(x: Tensor): [Tensor, Size | NamedPadding] {
    if (this.outside === null || this.paddingMode === "zeros") return [x, this.padding];
    return [x.pad(this.outside, { mode: this.paddingMode }), 0 as Size];
  }

  override extraRepr(): string {
    const { kernel, stride, padding } = this;
    const size = kernel.length === 1 ? kernel[0] : `[${kernel}]`;
    return `${this.inChannels}, ${this.outChannels}, ${size}, stride: ${stride}, padding: ${padding}`;
  }
}

/** Cross-correlation of signals; weights and bias start uniform in ±1/√fanIn, as in PyTorch. @throws ARGUMENT_INVALID for sizes, groups or widths that do not fit */
export class Conv1d extends Convolution<number> {
  constructor(inChannels: number, outChannels: number, kernelSize: number, options: Conv1dLayerOptions = {}) {
    super("conv1d", [inChannels, outChannels], sizes("conv1d", "kernelSize", kernelSize, 1, 1), 1, options);
  }

  get kernelSize(): number {
    return this.kernel[0]!;
  }

  /** [N, in, L] -> [N, out, L']; without a batch as well. */
  forward(x: Tensor): Tensor {
    const { stride, dilation, groups } = this;
    expectTensor("conv1d", x);
    expectScaled(this, "conv1d", x);
    const [image, padding] = this.padded(x);
    return image.conv1d(this.weight, this.bias, { stride, padding, dilation, groups });
  }
}

/** Cross-correlation of images; as `Conv1d`. */
export class Conv2d extends Convolution<Pair> {
  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dLayerOptions = {}) {
    super("conv2d", [inChannels, outChannels], sizes("conv2d", "kernelSize", kernelSize, 2, 1), 1, options);
  }

  get kernelSize(): readonly [number, number] {
    return [this.kernel[0]!, this.kernel[1]!];
  }

  /** [N, in, H, W] -> [N, out, H', W']; without a batch as well. */
  forward(x: Tensor): Tensor {
    const { stride, dilation, groups } = this;
    expectTensor("conv2d", x);
    expectScaled(this, "conv2d", x);
    const [image, padding] = this.padded(x);
    return image.conv2d(this.weight, this.bias, { stride, padding, dilation, groups });
  }
}

/** [N, in, L] -> [N, out, L']. @throws as `Conv1d` */
export const conv1d = (inChannels: number, outChannels: number, kernelSize: number, options: Conv1dLayerOptions = {}): Conv1d =>
  new Conv1d(inChannels, outChannels, kernelSize, options);
/** [N, in, H, W] -> [N, out, H', W']. @throws as `Conv1d` */
export const conv2d = (inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dLayerOptions = {}): Conv2d =>
  new Conv2d(inChannels, outChannels, kernelSize, options);
