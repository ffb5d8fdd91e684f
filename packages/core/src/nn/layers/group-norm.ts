/** @file Norms within one sample: groups of channels (Wu and He 2018), single channels (Ulyanov et al. 2016), neighbouring channels. */
import { expected } from "../../errors.ts";
import { layerNorm } from "../../ops/emit.ts";
import { numberAttrs } from "../../ops/number.ts";
import { showShape } from "../../program/aval.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { ones_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter, PlaceOptions } from "../parameter.ts";
import { ChannelNorm } from "./channel-norm.ts";
import { blank, checkSizes } from "./linear.ts";

/** x with each of its groups [N, groups, ...] brought to mean 0 and variance 1. */
function byGroup(x: Tensor, groups: number, eps: number): Tensor {
  const size = x.shape.slice(1).reduce((a, b) => a * b, 1) / groups;
  const rows = x.reshape(x.shape[0]!, groups, size);
  return new Tensor(layerNorm(rows.expr, [1, 1, ...numberAttrs(eps)])).reshape(x.shape);
}

export interface GroupNormOptions extends PlaceOptions {
  /** 1e-5 unless said. */
  readonly eps?: number;
  /** Whether to learn a scale and a shift per channel; true unless said. */
  readonly affine?: boolean;
}

/** Normalises groups of channels by their own mean and variance (Wu and He 2018). @throws ARGUMENT_INVALID unless groups divide the channels */
export class GroupNorm extends Module {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  /** [C], or null. */
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;

  constructor(numGroups: number, numChannels: number, options: GroupNormOptions = {}) {
    super();
    checkSizes("groupNorm", { numGroups, numChannels });
    if (numChannels % numGroups !== 0) {
      expected("ARGUMENT_INVALID", "groupNorm", `channels divisible by ${numGroups} groups`, `${numChannels}`);
    }
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = options.eps ?? 1e-5;
    if (!(this.eps >= 0)) expected("ARGUMENT_INVALID", "groupNorm", "an eps of at least 0", `${this.eps}`);
    this.weight = options.affine === false ? null : ones_(blank([numChannels], options));
    this.bias = options.affine === false ? null : blank([numChannels], options);
  }

  /** [N, C, ...] -> the same shape. Throws SHAPE_MISMATCH for other channels. */
  forward(x: Tensor): Tensor {
    if (x.ndim < 2 || x.shape[1] !== this.numChannels) {
      expected("SHAPE_MISMATCH", "groupNorm", `[N,${this.numChannels},...]`, showShape(x.shape));
    }
    const y = byGroup(x, this.numGroups, this.eps);
    if (this.weight === null || this.bias === null) return y;
    const channels = x.shape.map((_, i) => (i === 1 ? this.numChannels : 1));
    return y.mul(this.weight.reshape(channels)).add(this.bias.reshape(channels));
  }

  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, eps: ${this.eps}`;
  }
}

export interface InstanceNormOptions extends PlaceOptions {
  /** 1e-5 unless said. */
  readonly eps?: number;
  /** Weight of the batch in the running statistics: 0.1 unless said. */
  readonly momentum?: number;
  /** Whether to learn a scale and a shift; false unless said. */
  readonly affine?: boolean;
  /** Whether to keep running statistics, for use in evaluation; false unless said. */
  readonly trackRunningStats?: boolean;
}

abstract class InstanceNorm extends ChannelNorm {
  protected abstract readonly rank: number;
  protected abstract readonly shapes: string;

  constructor(numFeatures: number, options: InstanceNormOptions) {
    const { eps = 1e-5, momentum = 0.1, affine = false, trackRunningStats: track = false, ...rest } = options;
    super(numFeatures, { eps, momentum, affine, track, ...rest });
  }

  /** [N, C, ...] or [C, ...] -> the same shape. Throws SHAPE_MISMATCH for other ranks or channels, and for one value per channel. */
  forward(x: Tensor): Tensor {
    if (x.ndim === this.rank - 1) return this.forward(x.unsqueeze(0)).reshape(x.shape);
    if (x.ndim !== this.rank || x.shape[1] !== this.numFeatures) {
      expected("SHAPE_MISMATCH", this.where, this.shapes.replaceAll("C", String(this.numFeatures)), showShape(x.shape));
    }
    const { statistics } = this;
    if (!this.training && statistics !== null) return this.byRunning(x, statistics);
    const n = x.shape.slice(2).reduce((a, b) => a * b, 1);
    if (n <= 1) expected("SHAPE_MISMATCH", this.where, "more than 1 value per channel and sample", showShape(x.shape));
    if (this.training && statistics !== null) {
      const axes = x.shape.map((_, i) => i).slice(2);
      const fixed = x.detach();
      // PyTorch counts no batches here.
      this.record(statistics, fixed.mean([0, ...axes]), fixed.var(axes).mean(0), this.batches);
    }
    const y = byGroup(x, this.numFeatures, this.eps);
    if (this.weight === null || this.bias === null) return y;
    return y.mul(this.weight.reshape(this.channels(x))).add(this.bias.reshape(this.channels(x)));
  }
}

/** Instance norm of signals [N, C, L] or [C, L]. */
export class InstanceNorm1d extends InstanceNorm {
  protected readonly where: string = "instanceNorm1d";
  protected readonly shapes: string = "[N,C,L] or [C,L]";
  protected readonly rank: number = 3;
}

/** Instance norm of images [N, C, H, W] or [C, H, W]. */
export class InstanceNorm2d extends InstanceNorm {
  protected readonly where: string = "instanceNorm2d";
  protected readonly shapes: string = "[N,C,H,W] or [C,H,W]";
  protected readonly rank: number = 4;
}

export interface LocalResponseNormOptions {
  /** 1e-4 unless said. */
  readonly alpha?: number;
  /** 0.75 unless said. */
  readonly beta?: number;
  /** 1 unless said. */
  readonly k?: number;
}

/** x / (k + alpha · mean of squares over `size` neighbouring channels)^beta (Krizhevsky et al. 2012; alpha as PyTorch has it). */
export class LocalResponseNorm extends Module {
  readonly size: number;
  readonly options: LocalResponseNormOptions;

  constructor(size: number, options: LocalResponseNormOptions = {}) {
    super();
    checkSizes("localResponseNorm", { size });
    this.size = size;
    this.options = options;
  }

  /** [N, C, L, ...] -> the same shape. Throws SHAPE_MISMATCH below 3 dimensions. */
  forward(x: Tensor): Tensor {
    if (x.ndim < 3) expected("SHAPE_MISMATCH", "localResponseNorm", "[N,C,L,...]", showShape(x.shape));
    const { alpha = 1e-4, beta = 0.75, k = 1 } = this.options;
    const [n, c] = x.shape as [number, number];
    const squares = x.square().reshape(
      n,
      1,
      c,
      x.shape.slice(2).reduce((a, b) => a * b, 1),
    );
    const before = Math.floor(this.size / 2);
    const wide = squares.pad([0, 0, before, this.size - 1 - before]);
    const mean = wide.avgPool2d([this.size, 1], { stride: 1 }).reshape(x.shape);
    return x.div(mean.mul(alpha).add(k).pow(beta));
  }

  override extraRepr(): string {
    return `${this.size}`;
  }
}

/** [N, C, ...] -> the same shape. @throws as `GroupNorm` */
export const groupNorm = (numGroups: number, numChannels: number, options: GroupNormOptions = {}): GroupNorm =>
  new GroupNorm(numGroups, numChannels, options);
/** [N, C, L] or [C, L] -> the same shape (Ulyanov et al. 2016). @throws ARGUMENT_INVALID */
export const instanceNorm1d = (numFeatures: number, options: InstanceNormOptions = {}): InstanceNorm1d =>
  new InstanceNorm1d(numFeatures, options);
/** [N, C, H, W] or [C, H, W] -> the same shape. @throws ARGUMENT_INVALID */
export const instanceNorm2d = (numFeatures: number, options: InstanceNormOptions = {}): InstanceNorm2d =>
  new InstanceNorm2d(numFeatures, options);
/** [N, C, L, ...] -> the same shape, over `size` neighbouring channels. @throws ARGUMENT_INVALID */
export const localResponseNorm = (size: number, options: LocalResponseNormOptions = {}): LocalResponseNorm =>
  new LocalResponseNorm(size, options);
