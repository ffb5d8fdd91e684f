/** @file Activations as layers: all of `torch.nn`, by PyTorch's names in camelCase. */

import type { Tensor } from "../../tensor/tensor.ts";
import * as F from "../functional/activation.ts";
import { constant_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter, PlaceOptions } from "../parameter.ts";
import { blank, checkSizes } from "./linear.ts";

/** An activation is a function of one tensor; its name is shown when a model is printed. */
export class Activation extends Module {
  readonly kind: string;
  private readonly fn: (x: Tensor) => Tensor;

  constructor(kind: string, fn: (x: Tensor) => Tensor) {
    super();
    this.kind = kind;
    this.fn = fn;
  }

  forward(x: Tensor): Tensor {
    return this.fn(x);
  }

  override extraRepr(): string {
    return this.kind;
  }
}

export interface PReLUOptions extends PlaceOptions {
  /** 1 (shared by all), or one per channel. */
  readonly numParameters?: number;
  /** 0.25 unless said. */
  readonly init?: number;
}

/** x above 0, weight·x elsewhere; the weight is learned (He et al. 2015). */
export class PReLU extends Module {
  /** [numParameters]. */
  readonly weight: Parameter;

  constructor(options: PReLUOptions = {}) {
    super();
    const { numParameters = 1, init = 0.25 } = options;
    checkSizes("prelu", { numParameters });
    this.weight = constant_(blank([numParameters], options), init);
  }

  forward(x: Tensor): Tensor {
    return F.prelu(x, this.weight);
  }

  override extraRepr(): string {
    return `${this.weight.numel}`;
  }
}

const make = (kind: string, fn: (x: Tensor) => Tensor, ...sizes: readonly number[]): Activation =>
  new Activation([kind, ...sizes].join(", "), fn);

export const relu = (): Activation => make("relu", (x) => x.relu());
export const sigmoid = (): Activation => make("sigmoid", (x) => x.sigmoid());
export const tanh = (): Activation => make("tanh", (x) => x.tanh());
/** x Φ(x); `approximate: "tanh"` for the approximation. */
export const gelu = (options: { readonly approximate?: "none" | "tanh" } = {}): Activation =>
  make("gelu", (x) => x.gelu(options));
/** Probabilities along `dim`. Not before `crossEntropy`, which takes logits. */
export const softmax = (dim = -1): Activation => make("softmax", (x) => x.softmax(dim));
export const logSoftmax = (dim = -1): Activation => make("logSoftmax", (x) => x.logSoftmax(dim));
export const softmin = (dim = -1): Activation => make("softmin", (x) => F.softmin(x, dim));
/** Softmax over the channels of [N,C,H,W]. */
export const softmax2d = (): Activation => make("softmax2d", F.softmax2d);
export const elu = (alpha = 1): Activation => make("elu", (x) => F.elu(x, alpha), alpha);
export const selu = (): Activation => make("selu", F.selu);
export const celu = (alpha = 1): Activation => make("celu", (x) => F.celu(x, alpha), alpha);
export const hardshrink = (lambda = 0.5): Activation => make("hardshrink", (x) => F.hardshrink(x, lambda), lambda);
export const softshrink = (lambda = 0.5): Activation => make("softshrink", (x) => F.softshrink(x, lambda), lambda);
export const hardsigmoid = (): Activation => make("hardsigmoid", F.hardsigmoid);
export const hardtanh = (min = -1, max = 1): Activation => make("hardtanh", (x) => F.hardtanh(x, min, max), min, max);
export const hardswish = (): Activation => make("hardswish", F.hardswish);
export const relu6 = (): Activation => make("relu6", F.relu6);
export const leakyRelu = (negativeSlope = 0.01): Activation =>
  make("leakyRelu", (x) => x.leakyRelu(negativeSlope), negativeSlope);
export const logSigmoid = (): Activation => make("logSigmoid", (x) => x.logSigmoid());
export const prelu = (options: PReLUOptions = {}): PReLU => new PReLU(options);
export const silu = (): Activation => make("silu", (x) => x.silu());
export const mish = (): Activation => make("mish", F.mish);
/** log(1 + e^(beta·x))/beta, and x itself where beta·x is above the threshold. */
export const softplus = (beta = 1, threshold = 20): Activation =>
  make("softplus", (x) => F.softplus(x, beta, threshold), beta, threshold);
export const softsign = (): Activation => make("softsign", F.softsign);
export const tanhshrink = (): Activation => make("tanhshrink", F.tanhshrink);
/** x above the threshold, `value` elsewhere. */
export const threshold = (at: number, value: number): Activation =>
  make("threshold", (x) => F.threshold(x, at, value), at, value);
/** The first half along `dim` times the sigmoid of the second. */
export const glu = (dim = -1): Activation => make("glu", (x) => F.glu(x, dim), dim);
