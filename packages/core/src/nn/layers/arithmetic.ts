/** @file NAC and NALU: layers whose weights tend to -1, 0 and 1, so that sums and products extrapolate (Trask et al. 2018). */
import type { Tensor } from "../../tensor/tensor.ts";
import type { InitOptions } from "../init.ts";
import { xavierUniform_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter, PlaceOptions } from "../parameter.ts";
import { blank, checkSizes } from "./linear.ts";

export interface NacOptions extends PlaceOptions, InitOptions {}

/** y = x Wᵀ with W = tanh(Ŵ)·sigmoid(M̂): sums and differences of inputs. */
export class NAC extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** [out, in]: Ŵ and M̂ of the paper. */
  readonly wHat: Parameter;
  readonly mHat: Parameter;

  constructor(inFeatures: number, outFeatures: number, options: NacOptions = {}) {
    super();
    checkSizes("nac", { inFeatures, outFeatures });
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.wHat = xavierUniform_(blank([outFeatures, inFeatures], options), options);
    this.mHat = xavierUniform_(blank([outFeatures, inFeatures], options), options);
  }

  /** [out, in], each within (-1, 1). */
  weight(): Tensor {
    return this.wHat.tanh().mul(this.mHat.sigmoid());
  }

  /** [..., in] -> [..., out]. */
  forward(x: Tensor): Tensor {
    return x.linear(this.weight());
  }

  override extraRepr(): string {
    return `${this.inFeatures}, ${this.outFeatures}`;
  }
}

export interface NaluOptions extends NacOptions {
  /** Added to |x| before the logarithm: 1e-7 unless said. */
  readonly eps?: number;
}

/** The logarithm of a product stops here: e^40 = 2·10^17, whose square is still an f32. */
const LARGEST = 40;

/**
 * y = g·a + (1 - g)·m: a the NAC's sum, m = exp(W log(|x| + eps)) a product of powers, g = sigmoid(G x) the gate between them. Signs of
 * inputs do not reach m.
 */
export class NALU extends Module {
  readonly nac: NAC;
  /** [out, in]: G of the paper. */
  readonly gate: Parameter;
  readonly eps: number;

  constructor(inFeatures: number, outFeatures: number, options: NaluOptions = {}) {
    super();
    this.nac = new NAC(inFeatures, outFeatures, options);
    this.gate = xavierUniform_(blank([outFeatures, inFeatures], options), options);
    this.eps = options.eps ?? 1e-7;
  }

  /** [..., in] -> [..., out]. */
  forward(x: Tensor): Tensor {
    const weight = this.nac.weight();
    const sum = x.linear(weight);
    const product = x.abs().add(this.eps).log().linear(weight).clamp(undefined, LARGEST).exp();
    const gate = x.linear(this.gate).sigmoid();
    return product.add(gate.mul(sum.sub(product)));
  }

  override extraRepr(): string {
    return `${this.nac.inFeatures}, ${this.nac.outFeatures}`;
  }
}

/** [..., in] -> [..., out]. @throws ARGUMENT_INVALID */
export const nac = (inFeatures: number, outFeatures: number, options: NacOptions = {}): NAC =>
  new NAC(inFeatures, outFeatures, options);
/** [..., in] -> [..., out]. @throws ARGUMENT_INVALID */
export const nalu = (inFeatures: number, outFeatures: number, options: NaluOptions = {}): NALU =>
  new NALU(inFeatures, outFeatures, options);
