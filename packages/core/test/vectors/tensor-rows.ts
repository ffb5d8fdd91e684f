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

/** Methods without arguments. */
const PLAIN = [
  ...(["log1p", "expm1", "log2", "log10", "exp2", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh"] as const),
  ...(["atanh", "erfinv", "erfc", "lgamma", "digamma", "logit", "trunc", "frac"] as const),
] as const;
const BINARY = ["atan2", "hypot", "xlogy", "logaddexp", "floorDivide"] as const;
const dim = (args: Args): number | number[] | undefined => (args.dim ?? undefined) as number | number[] | undefined;

const special: Readonly<Record<string, Row>> = {
  ...Object.fromEntries(PLAIN.map((name) => [name, ([x]: readonly Tensor[]) => x![name]()])),
  ...Object.fromEntries(BINARY.map((name) => [name, ([x, y]: readonly Tensor[]) => x![name](y!)])),
  polygamma: ([x], a) => x!.polygamma(a.n as number),
  lerp: ([x, y], a) => x!.lerp(y!, a.weight as number),
  addcmul: ([x, y, z], a) => x!.addcmul(y!, z!, options(a)),
  addcdiv: ([x, y, z], a) => x!.addcdiv(y!, z!, options(a)),
  normP: ([x], a) => x!.norm(Number(String(a.p).replace("inf", "Infinity")), dim(a), options(a)),
  varCorrection: ([x], a) => x!.var(dim(a), options(a)),
  stdCorrection: ([x], a) => x!.std(dim(a), options(a)),
};

export const TENSOR_ROWS: Readonly<Record<string, Row>> = { ...spatial, ...special };
