/** @file How each case of vectors/tensor-*.json runs on Tensor, by the op's name there. */
import type { Pair } from "../../src/tensor/axes.ts";
import { einsum, meshgrid, tensordot } from "../../src/tensor/einsum.ts";
import { stack } from "../../src/tensor/functions.ts";
import type { Index } from "../../src/tensor/index-spec.ts";
import type { AdaptiveSize } from "../../src/tensor/spatial.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import type { Packed } from "./golden.ts";

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
  maxPool2dCeil: ([x], a) => x!.maxPool2d(a.kernel as Pair, options(a)),
  avgPool2dCeil: ([x], a) => x!.avgPool2d(a.kernel as Pair, options(a)),
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

const composed: Readonly<Record<string, Row>> = {
  t: ([x]) => x!.t(),
  rot90: ([x], a) => x!.rot90(a.k as number, a.dims as [number, number]),
  mv: ([x, y]) => x!.mv(y!),
  addmm: ([x, y, z], a) => x!.addmm(y!, z!, options(a)),
  baddbmm: ([x, y, z], a) => x!.baddbmm(y!, z!, options(a)),
  kron: ([x, y]) => x!.kron(y!),
  cross: ([x, y], a) => x!.cross(y!, a.dim as number),
  dist: ([x, y], a) => x!.dist(y!, a.p as number),
  diff: ([x], a) => x!.diff(a.n as number, a.dim as number),
  fmax: ([x, y]) => x!.fmax(y!),
  fmin: ([x, y]) => x!.fmin(y!),
  deg2rad: ([x]) => x!.deg2rad(),
  rad2deg: ([x]) => x!.rad2deg(),
  nansum: ([x]) => x!.nansum(1),
  nanmean: ([x]) => x!.nanmean(1),
};

const integers = (p: unknown): Tensor => Tensor.from([...(p as Packed).data], (p as Packed).shape, { dtype: "i32" });
const indices = (a: Args): Index[] =>
  (a.index as readonly (Packed | Exclude<Index, Tensor>)[]).map((i) =>
    typeof i === "object" && i !== null && "data" in i ? integers(i) : i,
  );
const index = (a: Args): Tensor => integers(a.index);
const at = (a: Args): number => a.dim as number;
const list = (a: Args, name: string): number[] => a[name] as number[];

const indexing: Readonly<Record<string, Row>> = {
  roll: ([x], a) => x!.roll(a.shifts as number | number[], (a.dims ?? undefined) as number | number[] | undefined),
  tile: ([x], a) => x!.tile(list(a, "counts")),
  repeatInterleave: ([x], a) => x!.repeatInterleave(a.times as number | number[], a.dim === null ? undefined : at(a)),
  movedim: ([x], a) => x!.movedim(a.from as number | number[], a.to as number | number[]),
  unflatten: ([x], a) => x!.unflatten(at(a), list(a, "sizes")),
  diagonal: ([x], a) => x!.diagonal(a.offset as number, ...(a.dims as [number, number])),
  diag: ([x], a) => x!.diag(a.offset as number),
  diagEmbed: ([x], a) => x!.diagEmbed(a.offset as number),
  trace: ([x]) => x!.trace(),
  unfold: ([x], a) => x!.unfold(at(a), a.size as number, a.step as number),
  im2col: ([x], a) => x!.im2col(a.kernel as Pair, options(a)),
  fliplr: ([x]) => x!.fliplr(),
  flipud: ([x]) => x!.flipud(),
  index: ([x], a) => x!.index(...indices(a)),
  indexPut: ([x, v], a) => x!.indexPut(indices(a), v!, options(a)),
  take: ([x], a) => x!.take(index(a)),
  takeAlongDim: ([x], a) => x!.takeAlongDim(index(a), at(a)),
  scatter: ([x, s], a) => x!.scatter(at(a), index(a), s!),
  scatterValue: ([x], a) => x!.scatter(at(a), index(a), a.value as number),
  indexFill: ([x], a) => x!.indexFill(at(a), index(a), a.value as number),
  indexCopy: ([x, s], a) => x!.indexCopy(at(a), index(a), s!),
  topk: ([x], a) => x!.topk(a.k as number, at(a), options(a)).values,
  topkIndices: ([x], a) => x!.topk(a.k as number, at(a), options(a)).indices,
  kthvalue: ([x], a) => x!.kthvalue(a.k as number, at(a), options(a)).values,
  median: ([x], a) => (a.dim === null ? x!.median() : x!.median(at(a), options(a)).values),
  quantile: ([x], a) => x!.quantile(a.q as number | number[], a.dim === null ? undefined : at(a), options(a)),
  cumprod: ([x], a) => x!.cumprod(at(a)),
  logcumsumexp: ([x], a) => x!.logcumsumexp(at(a)),
  cdist: ([x, y], a) => x!.cdist(y!, Number(String(a.p).replace("inf", "Infinity"))),
};

const notation: Readonly<Record<string, Row>> = {
  einsum: (xs, a) => einsum(a.equation as string, ...xs),
  tensordot: ([x, y], a) => tensordot(x!, y!, a.dims as number | [number[], number[]]),
  meshgrid: (xs, a) => stack(meshgrid(xs, options(a))),
};

const logic: Readonly<Record<string, Row>> = {
  logicalNot: ([x]) => x!.logicalNot(),
  logicalAnd: ([x, y]) => x!.logicalAnd(y!),
  logicalOr: ([x, y]) => x!.logicalOr(y!),
  logicalXor: ([x, y]) => x!.logicalXor(y!),
  anyOf: ([x]) => x!.any(),
  allOf: ([x]) => x!.all(),
};

export const TENSOR_ROWS: Readonly<Record<string, Row>> = {
  ...spatial,
  ...special,
  ...composed,
  ...indexing,
  ...notation,
  ...logic,
};
