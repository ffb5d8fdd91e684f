/** @file BatchNorm2d: normalises channels by the batch while training, by running statistics afterwards (Ioffe and Szegedy 2015). */
import { expected } from "../../errors.ts";
import { showShape } from "../../program/aval.ts";
import { noGrad } from "../../tensor/backward.ts";
import { toArray } from "../../tensor/data.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { passInTraining } from "../mistakes.ts";
import { Module } from "../module.ts";
import type { PlaceOptions } from "../parameter.ts";
import { assign, Buffer, Parameter, place } from "../parameter.ts";
import { checkSizes } from "./linear.ts";

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

interface Statistics {
  readonly mean: Buffer;
  readonly variance: Buffer;
  /** i64 scalar, kept by the driver. */
  readonly count: Buffer;
}

export class BatchNorm2d extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  /** [C], or null. */
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  /** [C]; unbiased variance, as in PyTorch. */
  readonly runningMean: Buffer | null;
  readonly runningVar: Buffer | null;
  readonly numBatchesTracked: Buffer | null;

  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super();
    checkSizes("batchNorm2d", { numFeatures });
    const dtype = options.dtype ?? "f32";
    const filled = (value: number): Tensor =>
      place(toArray(new Array<number>(numFeatures).fill(value), dtype), [numFeatures], dtype, options);
    this.numFeatures = numFeatures;
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum;
    this.weight = options.affine === false ? null : new Parameter(filled(1));
    this.bias = options.affine === false ? null : new Parameter(filled(0));
    const track = options.trackRunningStats !== false;
    this.runningMean = track ? new Buffer(filled(0)) : null;
    this.runningVar = track ? new Buffer(filled(1)) : null;
    this.numBatchesTracked = track ? new Buffer(counter(0n)) : null;
  }

  private get statistics(): Statistics | null {
    const { runningMean: mean, runningVar: variance, numBatchesTracked: count } = this;
    return mean === null || variance === null || count === null ? null : { mean, variance, count };
  }

  /** [N, C, H, W] -> the same shape. Throws SHAPE_MISMATCH for other ranks or channels, and for one value per channel in training. */
  forward(x: Tensor): Tensor {
    if (x.ndim !== 4 || x.shape[1] !== this.numFeatures) {
      expected("SHAPE_MISMATCH", "batchNorm2d", `[N,${this.numFeatures},H,W]`, showShape(x.shape));
    }
    const { statistics } = this;
    const [y, variance] = this.training || statistics === null ? this.byBatch(x, statistics) : this.byRunning(x, statistics);
    const inverse = variance.add(this.eps).rsqrt();
    if (this.weight === null || this.bias === null) return y.mul(inverse);
    const channels = [1, this.numFeatures, 1, 1];
    return y.mul(inverse.mul(this.weight.reshape(channels))).add(this.bias.reshape(channels));
  }

  /** Centred input and variance [1,C,1,1] of the batch (divided by n); records both. */
  private byBatch(x: Tensor, statistics: Statistics | null): [Tensor, Tensor] {
    const n = x.numel / this.numFeatures;
    if (this.training && n <= 1)
      expected("SHAPE_MISMATCH", "batchNorm2d", "more than 1 value per channel when training", showShape(x.shape));
    const axes = [0, 2, 3];
    const mean = x.mean(axes, { keepdim: true });
    const centred = x.sub(mean);
    const variance = centred.square().mean(axes, { keepdim: true });
    if (this.training && statistics !== null) this.record(statistics, mean, variance.mul(n / (n - 1)));
    return [centred, variance];
  }

  private byRunning(x: Tensor, statistics: Statistics): [Tensor, Tensor] {
    const channels = [1, this.numFeatures, 1, 1];
    return [x.sub(statistics.mean.reshape(channels)), statistics.variance.reshape(channels)];
  }

  private record(statistics: Statistics, mean: Tensor, variance: Tensor): void {
    passInTraining(this, "batchNorm2d");
    const seen = this.batches + 1n;
    assign(statistics.count, counter(seen));
    noGrad(() => {
      this.blend(statistics.mean, mean, seen);
      this.blend(statistics.variance, variance, seen);
    });
  }

  /** Number of batches recorded, from the host value of the counter. */
  private get batches(): bigint {
    const host = this.numBatchesTracked?.expr.leaf?.host;
    return host instanceof BigInt64Array ? host[0]! : 0n;
  }

  private blend(running: Buffer, fresh: Tensor, seen: bigint): void {
    const batch = fresh.reshape([this.numFeatures]);
    const { momentum } = this;
    if (momentum !== null) {
      running.update(running.mul(1 - momentum).add(batch.mul(momentum)));
      return;
    }
    const weight = Tensor.from([1 / Number(seen)], [], { dtype: running.dtype, public: true });
    running.update(running.add(batch.sub(running).mul(weight)));
  }

  override extraRepr(): string {
    return `${this.numFeatures}, eps: ${this.eps}, momentum: ${this.momentum}`;
  }
}

const counter = (n: bigint): Tensor => Tensor.adopt(BigInt64Array.of(n), [], "i64", { public: true });

export const batchNorm2d = (numFeatures: number, options: BatchNormOptions = {}): BatchNorm2d =>
  new BatchNorm2d(numFeatures, options);
