/** @file What norms over channels share: scale and shift per channel, running statistics that later steps compute. */
import { expected } from "../../errors.ts";
import { noGrad } from "../../tensor/backward.ts";
import { toArray } from "../../tensor/data.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { passInTraining } from "../mistakes.ts";
import { Module } from "../module.ts";
import type { PlaceOptions } from "../parameter.ts";
import { assign, Buffer, Parameter, place } from "../parameter.ts";
import { checkSizes } from "./linear.ts";

export interface Statistics {
  readonly mean: Buffer;
  readonly variance: Buffer;
  /** i64 scalar, kept by the driver. */
  readonly count: Buffer;
}

/** What a norm is made of, all said. */
export interface ChannelNormSettings extends PlaceOptions {
  readonly eps: number;
  readonly momentum: number | null;
  readonly affine: boolean;
  readonly track: boolean;
}

const counter = (n: bigint): Tensor => Tensor.adopt(BigInt64Array.of(n), [], "i64", { public: true });

export abstract class ChannelNorm extends Module {
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
  /** As messages name it. */
  protected abstract readonly where: string;

  constructor(numFeatures: number, { eps, momentum, affine, track, ...options }: ChannelNormSettings) {
    super();
    checkSizes("norm", { numFeatures });
    if (!(eps >= 0)) expected("ARGUMENT_INVALID", "norm", "an eps of at least 0", `${eps}`);
    const dtype = options.dtype ?? "f32";
    const filled = (value: number): Tensor =>
      place(toArray(new Array<number>(numFeatures).fill(value), dtype), [numFeatures], dtype, options);
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? new Parameter(filled(1)) : null;
    this.bias = affine ? new Parameter(filled(0)) : null;
    this.runningMean = track ? new Buffer(filled(0)) : null;
    this.runningVar = track ? new Buffer(filled(1)) : null;
    this.numBatchesTracked = track ? new Buffer(counter(0n)) : null;
  }

  protected get statistics(): Statistics | null {
    const { runningMean: mean, runningVar: variance, numBatchesTracked: count } = this;
    return mean === null || variance === null || count === null ? null : { mean, variance, count };
  }

  /** [C] in a shape that broadcasts over [N, C, ...]. */
  protected channels(x: Tensor): number[] {
    return x.shape.map((_, i) => (i === 1 ? this.numFeatures : 1));
  }

  /** centred / √(variance + eps), then the learned scale and shift. */
  protected scaled(centred: Tensor, variance: Tensor): Tensor {
    const inverse = variance.add(this.eps).rsqrt();
    if (this.weight === null || this.bias === null) return centred.mul(inverse);
    const channels = this.channels(centred);
    return centred.mul(inverse.mul(this.weight.reshape(channels))).add(this.bias.reshape(channels));
  }

  protected byRunning(x: Tensor, statistics: Statistics): Tensor {
    const channels = this.channels(x);
    return this.scaled(x.sub(statistics.mean.reshape(channels)), statistics.variance.reshape(channels));
  }

  /** Blends mean and variance of a batch (C elements each) into the running ones; `seen` batches with this one. */
  protected record(statistics: Statistics, mean: Tensor, variance: Tensor, seen: bigint): void {
    passInTraining(this, this.where);
    assign(statistics.count, counter(seen));
    noGrad(() => {
      this.blend(statistics.mean, mean, seen);
      this.blend(statistics.variance, variance, seen);
    });
  }

  /** Number of batches recorded, from the host value of the counter. */
  protected get batches(): bigint {
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
