/** @file Linear: y = x Wᵀ + b. */
import { expected } from "../../errors.ts";
import { showAval } from "../../program/aval.ts";
import { DTYPE } from "../../program/dtype.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { InitOptions } from "../init.ts";
import { kaimingUniform_, uniform_ } from "../init.ts";
import { expectScaled, expectTensor } from "../mistakes.ts";
import { Module } from "../module.ts";
import type { PlaceOptions } from "../parameter.ts";
import { Parameter, place } from "../parameter.ts";

export interface LinearOptions extends PlaceOptions, InitOptions {
  /** true unless said. */
  readonly bias?: boolean;
}

/** A parameter of zeros, to be initialised. */
export function blank(shape: readonly number[], options: PlaceOptions): Parameter {
  const dtype = options.dtype ?? "f32";
  const size = shape.reduce((a, b) => a * b, 1);
  return new Parameter(place(DTYPE[dtype].make(size), shape, dtype, options));
}

/** Throws ARGUMENT_INVALID unless every size is a positive integer. */
export function checkSizes(where: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(sizes)) {
    if (!Number.isSafeInteger(n) || n < 1) expected("ARGUMENT_INVALID", where, `${name} to be a positive integer`, `${n}`);
  }
}

/** PyTorch's defaults for a weight [out, in, ...]: both uniform in ±1/√fanIn. */
export function resetAffine(weight: Parameter, bias: Parameter | null, options: InitOptions): void {
  kaimingUniform_(weight, { a: Math.sqrt(5), ...options });
  if (bias === null) return;
  const fanIn = weight.numel / weight.shape[0]!;
  const bound = 1 / Math.sqrt(fanIn);
  uniform_(bias, -bound, bound, options);
}

/** x Wᵀ + b; W and b start uniform in ±1/√in, as in PyTorch. @throws ARGUMENT_INVALID unless sizes are positive integers */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** [out, in]. */
  readonly weight: Parameter;
  /** [out], or null. */
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    checkSizes("linear", { inFeatures, outFeatures });
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = blank([outFeatures, inFeatures], options);
    this.bias = options.bias === false ? null : blank([outFeatures], options);
    resetAffine(this.weight, this.bias, options);
  }

  /** [..., in] -> [..., out]. */
  forward(x: Tensor): Tensor {
    expectTensor("linear", x);
    expectScaled(this, "linear", x);
    if (x.shape.at(-1) !== this.inFeatures) this.doesNotFit(x);
    return x.linear(this.weight, this.bias);
  }

  private doesNotFit(x: Tensor): never {
    const flat = x.ndim > 1 && x.numel === x.shape[0]! * this.inFeatures;
    const hint = flat ? "flatten what comes before: nn.flatten(), or x.flatten(1)" : undefined;
    return expected("SHAPE_MISMATCH", "linear", `${this.inFeatures} features in the last dimension`, showAval(x), hint);
  }

  override extraRepr(): string {
    return `${this.inFeatures}, ${this.outFeatures}${this.bias === null ? ", bias: false" : ""}`;
  }
}

/** `nn.linear(784, 10)`: [..., 784] -> [..., 10]. @throws as `Linear` */
export const linear = (inFeatures: number, outFeatures: number, options: LinearOptions = {}): Linear =>
  new Linear(inFeatures, outFeatures, options);
