/** @file Transposed convolutions: the gradients of convolutions by their inputs, as layers that enlarge. */
import { expected } from "../../errors.ts";
import { showShape } from "../../program/aval.ts";
import type { Pair } from "../../tensor/axes.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import { checkChannels, sizes } from "./conv.ts";
import type { LinearOptions } from "./linear.ts";
import { blank, resetAffine } from "./linear.ts";

interface ConvTransposeLayerOptions<Size> extends LinearOptions {
  readonly stride?: Size;
  /** Taken off each side of the result: 0 unless said. */
  readonly padding?: Size;
  /** Added at the end: 0 unless said; smaller than the stride or the dilation. */
  readonly outputPadding?: Size;
  readonly dilation?: Size;
  readonly groups?: number;
}
export type ConvTranspose1dLayerOptions = ConvTransposeLayerOptions<number>;
export type ConvTranspose2dLayerOptions = ConvTransposeLayerOptions<Pair>;

abstract class ConvTranspose extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  /** One size for each dimension. */
  protected readonly kernel: readonly number[];
  protected readonly strides: readonly number[];
  protected readonly paddings: readonly number[];
  protected readonly outputPaddings: readonly number[];
  protected readonly dilations: readonly number[];
  /** [in, out/groups, ...kernel]. */
  readonly weight: Parameter;
  /** [out], or null. */
  readonly bias: Parameter | null;
  private readonly where: string;

  constructor(
    where: string,
    channels: readonly [number, number],
    kernel: readonly number[],
    options: ConvTranspose2dLayerOptions,
  ) {
    super();
    const n = kernel.length;
    const [inChannels, outChannels] = channels;
    const { groups = 1 } = options;
    checkChannels(where, inChannels, outChannels, groups);
    this.where = where;
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.groups = groups;
    this.kernel = kernel;
    this.strides = sizes(where, "stride", options.stride ?? 1, n, 1);
    this.paddings = sizes(where, "padding", options.padding ?? 0, n, 0);
    this.outputPaddings = sizes(where, "outputPadding", options.outputPadding ?? 0, n, 0);
    this.dilations = sizes(where, "dilation", options.dilation ?? 1, n, 1);
    this.weight = blank([inChannels, outChannels / groups, ...kernel], options);
    this.bias = options.bias === false ? null : blank([outChannels], options);
    resetAffine(this.weight, this.bias, options);
  }

  /** What must be added at the end so that the result has this size: several sizes go to one under a stride. */
  protected extra(x: Tensor, outputSize: readonly number[] | undefined): readonly number[] {
    if (outputSize === undefined) return this.outputPaddings;
    const n = this.kernel.length;
    if (outputSize.length !== n) expected("ARGUMENT_INVALID", this.where, `an outputSize of ${n} numbers`, showShape(outputSize));
    return outputSize.map((size, i) => {
      const stride = this.strides[i]!;
      const span = this.dilations[i]! * (this.kernel[i]! - 1) + 1;
      const least = (x.shape[x.ndim - n + i]! - 1) * stride - 2 * this.paddings[i]! + span;
      if (!Number.isInteger(size) || size < least || size >= least + stride) {
        expected("ARGUMENT_INVALID", this.where, `an outputSize in ${least}..${least + stride - 1}`, `${size}`);
      }
      return size - least;
    });
  }

  override extraRepr(): string {
    const { kernel, strides, paddings } = this;
    return `${this.inChannels}, ${this.outChannels}, [${kernel}], stride: ${strides}, padding: ${paddings}`;
  }
}

/** Transposed convolution of signals: L' = (L - 1)·stride - 2·padding + dilation·(K - 1) + outputPadding + 1. @throws ARGUMENT_INVALID */
export class ConvTranspose1d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: number, options: ConvTranspose1dLayerOptions = {}) {
    const where = "convTranspose1d";
    super(where, [inChannels, outChannels], sizes(where, "kernelSize", kernelSize, 1, 1), options);
  }

  /** [N, in, L] -> [N, out, L']; `outputSize` [L'] in place of `outputPadding`. @throws ARGUMENT_INVALID for one that does not come out */
  forward(x: Tensor, outputSize?: readonly number[]): Tensor {
    const [stride, padding, dilation] = [this.strides[0]!, this.paddings[0]!, this.dilations[0]!];
    const outputPadding = this.extra(x, outputSize)[0]!;
    return x.convTranspose1d(this.weight, this.bias, { stride, padding, outputPadding, dilation, groups: this.groups });
  }
}

/** Transposed convolution of images; sizes as `ConvTranspose1d`. @throws ARGUMENT_INVALID */
export class ConvTranspose2d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: ConvTranspose2dLayerOptions = {}) {
    const where = "convTranspose2d";
    super(where, [inChannels, outChannels], sizes(where, "kernelSize", kernelSize, 2, 1), options);
  }

  /** [N, in, H, W] -> [N, out, H', W']; `outputSize` [H', W'] in place of `outputPadding`. @throws ARGUMENT_INVALID for one that does not come out */
  forward(x: Tensor, outputSize?: readonly number[]): Tensor {
    const both = (list: readonly number[]): Pair => [list[0]!, list[1]!];
    return x.convTranspose2d(this.weight, this.bias, {
      stride: both(this.strides),
      padding: both(this.paddings),
      outputPadding: both(this.extra(x, outputSize)),
      dilation: both(this.dilations),
      groups: this.groups,
    });
  }
}

/** [N, in, L] -> [N, out, L']. @throws ARGUMENT_INVALID */
export const convTranspose1d = (
  inChannels: number,
  outChannels: number,
  kernelSize: number,
  options: ConvTranspose1dLayerOptions = {},
): ConvTranspose1d => new ConvTranspose1d(inChannels, outChannels, kernelSize, options);
/** [N, in, H, W] -> [N, out, H', W']. @throws ARGUMENT_INVALID */
export const convTranspose2d = (
  inChannels: number,
  outChannels: number,
  kernelSize: Pair,
  options: ConvTranspose2dLayerOptions = {},
): ConvTranspose2d => new ConvTranspose2d(inChannels, outChannels, kernelSize, options);
