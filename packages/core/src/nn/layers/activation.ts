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

/** max(0, x). */
export const relu = (): Activation => make("relu", (x) => x.relu());
/** 1/(1 + e^-x), in (0, 1). */
export const sigmoid = (): Activation => make("sigmoid", (x) => x.sigmoid());
/** In (-1, 1). */
export const tanh = (): Activation => make("tanh", (x) => x.tanh());
/** x Φ(x); `approximate: "tanh"` for the approximation. */
export const gelu = (options: { readonly approximate?: "none" | "tanh" } = {}): Activation =>
  make("gelu", (x) => x.gelu(options));
/** Probabilities along `dim`. Not before `crossEntropy`, which takes logits. */
export const softmax = (dim = -1): Activation => make("softmax", (x) => x.softmax(dim));
/** Logarithms of the probabilities along `dim`: for `nllLoss`. */
export const logSoftmax = (dim = -1): Activation => make("logSoftmax", (x) => x.logSoftmax(dim));
/** softmax(-x) along `dim`. */
export const softmin = (dim = -1): Activation => make("softmin", (x) => F.softmin(x, dim));
/** Softmax over the channels of [N,C,H,W]. */
export const softmax2d = (): Activation => make("softmax2d", F.softmax2d);
/** x above 0, alpha·(e^x - 1) elsewhere (Clevert et al. 2016). */
export const elu = (alpha = 1): Activation => make("elu", (x) => F.elu(x, alpha), alpha);
/** 1.0507·elu(x, 1.6733) (Klambauer et al. 2017). */
export const selu = (): Activation => make("selu", F.selu);
/** x above 0, alpha·(e^(x/alpha) - 1) elsewhere (Barron 2017). */
export const celu = (alpha = 1): Activation => make("celu", (x) => F.celu(x, alpha), alpha);
/** 0 within [-lambda, lambda], x outside. */
export const hardshrink = (lambda = 0.5): Activation => make("hardshrink", (x) => F.hardshrink(x, lambda), lambda);
/** x moved towards 0 by lambda. */
export const softshrink = (lambda = 0.5): Activation => make("softshrink", (x) => F.softshrink(x, lambda), lambda);
/** 0 up to -3, 1 from 3 on, a line between. */
export const hardsigmoid = (): Activation => make("hardsigmoid", F.hardsigmoid);
/** x within (min, max), the limits outside; -1 and 1 unless said. */
export const hardtanh = (min = -1, max = 1): Activation => make("hardtanh", (x) => F.hardtanh(x, min, max), min, max);
/** x·relu6(x + 3)/6 (Howard et al. 2019). */
export const hardswish = (): Activation => make("hardswish", F.hardswish);
/** min(max(x, 0), 6). */
export const relu6 = (): Activation => make("relu6", F.relu6);
/** x above 0, negativeSlope·x elsewhere; 0.01 unless said. */
export const leakyRelu = (negativeSlope = 0.01): Activation =>
  make("leakyRelu", (x) => x.leakyRelu(negativeSlope), negativeSlope);
/** log(sigmoid(x)) without overflow. */
export const logSigmoid = (): Activation => make("logSigmoid", (x) => x.logSigmoid());
/** x above 0, a learned slope times x elsewhere. */
export const prelu = (options: PReLUOptions = {}): PReLU => new PReLU(options);
/** x·sigmoid(x). */
export const silu = (): Activation => make("silu", (x) => x.silu());
/** x·tanh(softplus(x)) (Misra 2020). */
export const mish = (): Activation => make("mish", F.mish);
/** log(1 + e^(beta·x))/beta, and x itself where beta·x is above the threshold. */
export const softplus = (beta = 1, threshold = 20): Activation =>
  make("softplus", (x) => F.softplus(x, beta, threshold), beta, threshold);
/** x/(1 + |x|). */
export const softsign = (): Activation => make("softsign", F.softsign);
/** x - tanh(x). */
export const tanhshrink = (): Activation => make("tanhshrink", F.tanhshrink);
/** x above the threshold, `value` elsewhere. */
export const threshold = (at: number, value: number): Activation =>
  make("threshold", (x) => F.threshold(x, at, value), at, value);
/** The first half along `dim` times the sigmoid of the second. */
export const glu = (dim = -1): Activation => make("glu", (x) => F.glu(x, dim), dim);
