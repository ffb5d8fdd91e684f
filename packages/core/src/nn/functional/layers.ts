/** @file Layers whose weights are arguments: linear, convolutions, pooling, embedding, layer norm, one-hot rows, padding. */
import { expected } from "../../errors.ts";
import { showShape } from "../../program/aval.ts";
import type { Pair } from "../../tensor/axes.ts";
import type { Padding, PadOptions } from "../../tensor/padding.ts";
import type {
  AdaptiveSize,
  Conv1dOptions,
  Conv2dOptions,
  ConvTranspose1dOptions,
  ConvTranspose2dOptions,
} from "../../tensor/spatial.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { normalised } from "../layers/layer-norm.ts";
import type { AvgPool1dOptions, AvgPool2dOptions } from "../layers/pool.ts";

type Bias = Tensor | null;
type Pool1d = Omit<AvgPool1dOptions, "countIncludePad">;
type Pool2d = Omit<AvgPool2dOptions, "countIncludePad">;

/** x wᵀ + b: x [..., in], weight [out, in], bias [out]. @throws SHAPE_MISMATCH */
export const linear = (x: Tensor, weight: Tensor, bias?: Bias): Tensor => x.linear(weight, bias);
/** x [N,C,L] or [C,L], weight [O,C/groups,K]. @throws SHAPE_MISMATCH, ARGUMENT_INVALID */
export const conv1d = (x: Tensor, weight: Tensor, bias?: Bias, options?: Conv1dOptions): Tensor =>
  x.conv1d(weight, bias, options);
/** x [N,C,H,W] or [C,H,W], weight [O,C/groups,KH,KW]. @throws SHAPE_MISMATCH, ARGUMENT_INVALID */
export const conv2d = (x: Tensor, weight: Tensor, bias?: Bias, options?: Conv2dOptions): Tensor =>
  x.conv2d(weight, bias, options);
/** x [N,C,L] or [C,L], weight [C,O/groups,K]. @throws SHAPE_MISMATCH, ARGUMENT_INVALID */
export const convTranspose1d = (x: Tensor, weight: Tensor, bias?: Bias, options?: ConvTranspose1dOptions): Tensor =>
  x.convTranspose1d(weight, bias, options);
/** x [N,C,H,W] or [C,H,W], weight [C,O/groups,KH,KW]. @throws SHAPE_MISMATCH, ARGUMENT_INVALID */
export const convTranspose2d = (x: Tensor, weight: Tensor, bias?: Bias, options?: ConvTranspose2dOptions): Tensor =>
  x.convTranspose2d(weight, bias, options);
export const maxPool1d = (x: Tensor, kernel: number, options?: Pool1d): Tensor => x.maxPool1d(kernel, options);
export const maxPool2d = (x: Tensor, kernel: Pair, options?: Pool2d): Tensor => x.maxPool2d(kernel, options);
export const avgPool1d = (x: Tensor, kernel: number, options?: AvgPool1dOptions): Tensor => x.avgPool1d(kernel, options);
export const avgPool2d = (x: Tensor, kernel: Pair, options?: AvgPool2dOptions): Tensor => x.avgPool2d(kernel, options);
export const adaptiveAvgPool1d = (x: Tensor, size: number): Tensor => x.adaptiveAvgPool1d(size);
export const adaptiveAvgPool2d = (x: Tensor, size: AdaptiveSize): Tensor => x.adaptiveAvgPool2d(size);
export const adaptiveMaxPool1d = (x: Tensor, size: number): Tensor => x.adaptiveMaxPool1d(size);
export const adaptiveMaxPool2d = (x: Tensor, size: AdaptiveSize): Tensor => x.adaptiveMaxPool2d(size);
/** [left, right] of the last dimension, then of the one before. @throws ARGUMENT_INVALID, SHAPE_MISMATCH */
export const pad = (x: Tensor, padding: Padding, how?: number | PadOptions): Tensor => x.pad(padding, how);
/** Class indices [...] to f32 rows [..., classes]. @throws LABEL_OUT_OF_RANGE when it runs */
export const oneHot = (x: Tensor, classes: number): Tensor => x.oneHot(classes);
/** Rows [..., D] of weight [V, D] for indices [...]. @throws SHAPE_MISMATCH; INDEX_INVALID when it runs */
export function embedding(indices: Tensor, weight: Tensor): Tensor {
  if (weight.ndim !== 2) expected("SHAPE_MISMATCH", "embedding", "a weight [V, D]", showShape(weight.shape));
  return weight.indexSelect(0, indices.reshape(-1)).reshape(...indices.shape, weight.shape[1]!);
}

export interface LayerNormCall {
  /** [...normalizedShape]; none unless said. */
  readonly weight?: Tensor | null;
  readonly bias?: Tensor | null;
  /** Added to the variance; 1e-5 unless said. */
  readonly eps?: number;
}
/** x normalised over its last dimensions, which are `normalizedShape`. @throws SHAPE_MISMATCH, DTYPE_UNSUPPORTED */
export function layerNorm(x: Tensor, normalizedShape: readonly number[], options: LayerNormCall = {}): Tensor {
  const { weight = null, bias = null, eps = 1e-5 } = options;
  const y = normalised("layerNorm", x, normalizedShape, true, eps);
  const scaled = weight === null ? y : y.mul(weight);
  return bias === null ? scaled : scaled.add(bias);
}
