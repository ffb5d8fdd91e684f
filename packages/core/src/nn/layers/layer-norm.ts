/** @file LayerNorm (Ba, Kiros and Hinton 2016) and RMSNorm (Zhang and Sennrich 2019): each row over its trailing dimensions. */
import { expected } from "../../errors.ts";
import { layerNorm as normalise } from "../../ops/emit.ts";
import { numberAttrs } from "../../ops/number.ts";
import { sameShape, showAval, showShape } from "../../program/aval.ts";
import { DTYPE } from "../../program/dtype.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { ones_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter, PlaceOptions } from "../parameter.ts";
import { blank, checkSizes } from "./linear.ts";

export interface LayerNormOptions extends PlaceOptions {
  /** Added to the variance; 1e-5 unless said. */
  readonly eps?: number;
  /** Whether to learn a scale and a shift per element; true unless said. */
  readonly elementwiseAffine?: boolean;
  /** Whether there is a shift beside the scale; true unless said. */
  readonly bias?: boolean;
}

export interface RmsNormOptions extends PlaceOptions {
  /** Added to the mean square; the spacing of the dtype at 1 (2^-23 for f32) unless said, as in PyTorch. */
  readonly eps?: number;
  /** Whether to learn a scale per element; true unless said. */
  readonly elementwiseAffine?: boolean;
}

/** The trailing sizes as a list. @throws ARGUMENT_INVALID */
function shapeOf(where: string, shape: number | readonly number[]): readonly number[] {
  const list = typeof shape === "number" ? [shape] : [...shape];
  if (list.length === 0) expected("ARGUMENT_INVALID", where, "at least one trailing dimension", "none");
  checkSizes(where, Object.fromEntries(list.map((n, i) => [`normalizedShape[${i}]`, n])));
  return list;
}

function checkEps(where: string, eps: number): number {
  if (!(eps >= 0 && Number.isFinite(eps))) expected("ARGUMENT_INVALID", where, "an eps of at least 0", `${eps}`);
  return eps;
}

/** x normalised over the trailing dimensions `shape`. @throws SHAPE_MISMATCH, DTYPE_UNSUPPORTED */
export function normalised(where: string, x: Tensor, shape: readonly number[], centre: boolean, eps: number): Tensor {
  if (x.ndim < shape.length || !sameShape(x.shape.slice(x.ndim - shape.length), shape)) {
    expected("SHAPE_MISMATCH", where, `[...,${shape}]`, showShape(x.shape), "normalizedShape names the last dimensions");
  }
  if (!DTYPE[x.dtype].float) expected("DTYPE_UNSUPPORTED", where, "a float tensor", showAval(x), "convert it with float()");
  return new Tensor(normalise(x.expr, [shape.length, centre ? 1 : 0, ...numberAttrs(eps)]));
}

/** (x - mean)/√(variance + eps) over the trailing dimensions, scaled and shifted (Ba, Kiros and Hinton 2016). @throws ARGUMENT_INVALID */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  /** [...normalizedShape], ones at first; or null. */
  readonly weight: Parameter | null;
  /** [...normalizedShape], zeros at first; or null. */
  readonly bias: Parameter | null;

  constructor(normalizedShape: number | readonly number[], options: LayerNormOptions = {}) {
    super();
    this.normalizedShape = shapeOf("layerNorm", normalizedShape);
    this.eps = checkEps("layerNorm", options.eps ?? 1e-5);
    const affine = options.elementwiseAffine !== false;
    this.weight = affine ? ones_(blank(this.normalizedShape, options)) : null;
    this.bias = affine && options.bias !== false ? blank(this.normalizedShape, options) : null;
  }

  /** [..., ...normalizedShape] -> the same shape. Throws SHAPE_MISMATCH for other trailing sizes. */
  forward(x: Tensor): Tensor {
    let y = normalised("layerNorm", x, this.normalizedShape, true, this.eps);
    if (this.weight !== null) y = y.mul(this.weight);
    return this.bias === null ? y : y.add(this.bias);
  }

  override extraRepr(): string {
    return `[${this.normalizedShape}], eps: ${this.eps}${this.weight === null ? ", elementwiseAffine: false" : ""}`;
  }
}

/** x/√(mean x² + eps) over the trailing dimensions, scaled (Zhang and Sennrich 2019). @throws ARGUMENT_INVALID */
export class RMSNorm extends Module {
  readonly normalizedShape: readonly number[];
  /** null: the spacing of the input's dtype at 1. */
  readonly eps: number | null;
  /** [...normalizedShape], ones at first; or null. */
  readonly weight: Parameter | null;

  constructor(normalizedShape: number | readonly number[], options: RmsNormOptions = {}) {
    super();
    this.normalizedShape = shapeOf("rmsNorm", normalizedShape);
    this.eps = options.eps === undefined ? null : checkEps("rmsNorm", options.eps);
    this.weight = options.elementwiseAffine === false ? null : ones_(blank(this.normalizedShape, options));
  }

  /** x / √(mean x² + eps) · weight over the trailing dimensions. Throws SHAPE_MISMATCH for other trailing sizes. */
  forward(x: Tensor): Tensor {
    const eps = this.eps ?? (x.dtype === "f64" ? Number.EPSILON : 2 ** -23);
    const y = normalised("rmsNorm", x, this.normalizedShape, false, eps);
    return this.weight === null ? y : y.mul(this.weight);
  }

  override extraRepr(): string {
    return `[${this.normalizedShape}]${this.eps === null ? "" : `, eps: ${this.eps}`}`;
  }
}

/** `nn.layerNorm(128)` normalises the last dimension, `nn.layerNorm([3, 4])` the last two. */
export const layerNorm = (normalizedShape: number | readonly number[], options: LayerNormOptions = {}): LayerNorm =>
  new LayerNorm(normalizedShape, options);
/** As `layerNorm`, without mean and shift. @throws ARGUMENT_INVALID */
export const rmsNorm = (normalizedShape: number | readonly number[], options: RmsNormOptions = {}): RMSNorm =>
  new RMSNorm(normalizedShape, options);
