/** @file Batch norm: normalises channels by the batch while training, by running statistics afterwards (Ioffe and Szegedy 2015). */
import { expected } from "../../errors.ts";
import { showShape } from "../../program/aval.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { PlaceOptions } from "../parameter.ts";
import { ChannelNorm, type Statistics } from "./channel-norm.ts";

export interface BatchNormOptions extends PlaceOptions {
  /** 1e-5 unless said. */
  readonly eps?: number;
  /** Weight of the batch in the running statistics: 0.1 unless said; null: the plain mean over all batches. */
  readonly momentum?: number | null;
  /** Whether to learn a scale and a shift; true unless said. */
  readonly affine?: boolean;
  /** Whether to keep running statistics; true unless said. */
  readonly trackRunningStats?: boolean;
}

abstract class BatchNorm extends ChannelNorm {
  /** Shapes that it takes, C left out: "[N,C,H,W]". */
  protected abstract readonly shapes: string;
  protected abstract readonly ranks: readonly number[];

  constructor(numFeatures: number, options: BatchNormOptions) {
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats: track = true, ...rest } = options;
    super(numFeatures, { eps, momentum, affine, track, ...rest });
  }

  /** The same shape. Throws SHAPE_MISMATCH for other ranks or channels, and for one value per channel in training. */
  forward(x: Tensor): Tensor {
    if (!this.ranks.includes(x.ndim) || x.shape[1] !== this.numFeatures) {
      expected("SHAPE_MISMATCH", this.where, this.shapes.replaceAll("C", String(this.numFeatures)), showShape(x.shape));
    }
    const { statistics } = this;
    return this.training || statistics === null ? this.byBatch(x, statistics) : this.byRunning(x, statistics);
  }

  /** By mean and variance [1,C,1,...] of the batch (divided by n); records both. */
  private byBatch(x: Tensor, statistics: Statistics | null): Tensor {
    const n = x.numel / this.numFeatures;
    if (this.training && n <= 1)
      expected("SHAPE_MISMATCH", this.where, "more than 1 value per channel when training", showShape(x.shape));
    const axes = x.shape.map((_, i) => i).filter((i) => i !== 1);
    const mean = x.mean(axes, { keepdim: true });
    const centred = x.sub(mean);
    const variance = centred.square().mean(axes, { keepdim: true });
    if (this.training && statistics !== null) this.record(statistics, mean, variance.mul(n / (n - 1)), this.batches + 1n);
    return this.scaled(centred, variance);
  }
}

/** Batch norm of features [N, C] or signals [N, C, L]. */
export class BatchNorm1d extends BatchNorm {
  protected readonly where: string = "batchNorm1d";
  protected readonly shapes: string = "[N,C] or [N,C,L]";
  protected readonly ranks: readonly number[] = [2, 3];
}

/** Batch norm of images [N, C, H, W]. */
export class BatchNorm2d extends BatchNorm {
  protected readonly where: string = "batchNorm2d";
  protected readonly shapes: string = "[N,C,H,W]";
  protected readonly ranks: readonly number[] = [4];
}

/** [N, C] or [N, C, L] -> the same shape (Ioffe and Szegedy 2015). @throws ARGUMENT_INVALID */
export const batchNorm1d = (numFeatures: number, options: BatchNormOptions = {}): BatchNorm1d =>
  new BatchNorm1d(numFeatures, options);
/** [N, C, H, W] -> the same shape. @throws ARGUMENT_INVALID */
export const batchNorm2d = (numFeatures: number, options: BatchNormOptions = {}): BatchNorm2d =>
  new BatchNorm2d(numFeatures, options);
