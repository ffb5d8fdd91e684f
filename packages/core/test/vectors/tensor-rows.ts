/** @file How each case of vectors/tensor-*.json runs on Tensor, by the op's name there. */
import type { AdaptiveSize } from "../../src/tensor/spatial.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";

export type Args = Readonly<Record<string, unknown>>;
export type Row = (inputs: readonly Tensor[], args: Args) => Tensor;

/** The arguments as the options of the method: the vectors name them as the methods do. */
const options = <T>(args: Args): T => args as T;

const spatial: Readonly<Record<string, Row>> = {
  conv1d: ([x, w, b], a) => x!.conv1d(w!, b, options(a)),
  conv2d: ([x, w, b], a) => x!.conv2d(w!, b, options(a)),
  convTranspose1d: ([x, w, b], a) => x!.convTranspose1d(w!, b, options(a)),
  convTranspose2d: ([x, w, b], a) => x!.convTranspose2d(w!, b, options(a)),
  maxPool1d: ([x], a) => x!.maxPool1d(a.kernel as number, options(a)),
  avgPool1d: ([x], a) => x!.avgPool1d(a.kernel as number, options(a)),
  adaptiveAvgPool1d: ([x], a) => x!.adaptiveAvgPool1d(a.size as number),
  adaptiveMaxPool1d: ([x], a) => x!.adaptiveMaxPool1d(a.size as number),
  adaptiveAvgPool2d: ([x], a) => x!.adaptiveAvgPool2d(a.size as AdaptiveSize),
  adaptiveMaxPool2d: ([x], a) => x!.adaptiveMaxPool2d(a.size as AdaptiveSize),
  padMode: ([x], a) => x!.pad(a.padding as number[], options(a)),
};

export const TENSOR_ROWS: Readonly<Record<string, Row>> = { ...spatial };
