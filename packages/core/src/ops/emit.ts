/** @file The ops as typed functions on Exprs: what gradients, decompositions, batching rules and Tensor are written with. */
import { type Expr, emit } from "../expr.ts";
import { type Aval, type Shape, sameShape } from "../program/aval.ts";
import { DTYPE, type DType } from "../program/dtype.ts";
import { constantAttrs } from "./constant/value.ts";

const unary =
  (name: string) =>
  (x: Expr): Expr =>
    emit(name, [x]);
const binary =
  (name: string) =>
  (a: Expr, b: Expr): Expr =>
    emit(name, [a, b]);
type Unary = (x: Expr) => Expr;
type Binary = (a: Expr, b: Expr) => Expr;

// Elementwise; shapes broadcast, dtypes must be equal.
export const neg: Unary = unary("neg");
export const abs: Unary = unary("abs");
export const exp: Unary = unary("exp");
export const log: Unary = unary("log");
export const sqrt: Unary = unary("sqrt");
export const rsqrt: Unary = unary("rsqrt");
export const reciprocal: Unary = unary("reciprocal");
export const sin: Unary = unary("sin");
export const cos: Unary = unary("cos");
export const tanh: Unary = unary("tanh");
export const sigmoid: Unary = unary("sigmoid");
export const erf: Unary = unary("erf");
export const floor: Unary = unary("floor");
export const ceil: Unary = unary("ceil");
export const round: Unary = unary("round");
export const sign: Unary = unary("sign");
export const relu: Unary = unary("relu");
export const bitNot: Unary = unary("bitNot");
export const gelu = (x: Expr, tanhApprox = false): Expr => emit("gelu", [x], [tanhApprox ? 1 : 0]);
/** y > 0 ? g : 0, with y = relu(x). */
export const reluGrad = (g: Expr, y: Expr): Expr => emit("reluGrad", [g, y]);
export const add: Binary = binary("add");
export const sub: Binary = binary("sub");
export const mul: Binary = binary("mul");
export const div: Binary = binary("div");
export const rem: Binary = binary("rem");
export const pow: Binary = binary("pow");
export const maximum: Binary = binary("maximum");
export const minimum: Binary = binary("minimum");
export const bitAnd: Binary = binary("bitAnd");
export const bitOr: Binary = binary("bitOr");
export const bitXor: Binary = binary("bitXor");
export const shiftLeft: Binary = binary("shiftLeft");
export const shiftRight: Binary = binary("shiftRight");
export const eq: Binary = binary("eq");
export const ne: Binary = binary("ne");
export const lt: Binary = binary("lt");
export const le: Binary = binary("le");
export const gt: Binary = binary("gt");
export const ge: Binary = binary("ge");
export const where = (condition: Expr, a: Expr, b: Expr): Expr => emit("where", [condition, a, b]);
/** Itself where the dtype is that already. */
export const cast = (x: Expr, dtype: DType): Expr => (x.dtype === dtype ? x : emit("cast", [x], [DTYPE[dtype].code]));

// Special functions; floats only.
export const log1p: Unary = unary("log1p");
export const expm1: Unary = unary("expm1");
export const log2: Unary = unary("log2");
export const log10: Unary = unary("log10");
export const tan: Unary = unary("tan");
export const asin: Unary = unary("asin");
export const acos: Unary = unary("acos");
export const atan: Unary = unary("atan");
export const sinh: Unary = unary("sinh");
export const cosh: Unary = unary("cosh");
export const asinh: Unary = unary("asinh");
export const acosh: Unary = unary("acosh");
export const atanh: Unary = unary("atanh");
export const erfc: Unary = unary("erfc");
export const erfinv: Unary = unary("erfinv");
export const lgamma: Unary = unary("lgamma");
/** The derivative of this order of the digamma function; 0 is digamma. */
export const polygamma = (x: Expr, order: number): Expr => emit("polygamma", [x], [order]);
/** The angle of the point (x, y). */
export const atan2 = (y: Expr, x: Expr): Expr => emit("atan2", [y, x]);

// Constants.
/** A scalar literal, part of the Program. @throws ATTR_INVALID when the dtype cannot hold the value. */
export const constant = (dtype: DType, value: number | bigint | boolean): Expr =>
  emit("constant", [], constantAttrs(dtype, value));
/** A scalar literal of the dtype of `x`. */
export const lit = (x: Aval, value: number): Expr => constant(x.dtype, value);
export const full = (shape: Shape, dtype: DType, value: number): Expr => expand(constant(dtype, value), shape);
export const zeros = (aval: Aval): Expr => full(aval.shape, aval.dtype, 0);
export const ones = (aval: Aval): Expr => full(aval.shape, aval.dtype, 1);
/** The index along `axis`, in every element. */
export const iota = (dtype: DType, axis: number, shape: Shape): Expr => emit("iota", [], [DTYPE[dtype].code, axis, ...shape]);

// Linear algebra.
export const matmul = (a: Expr, b: Expr, transposeA = false, transposeB = false): Expr =>
  emit("matmul", [a, b], [transposeA ? 1 : 0, transposeB ? 1 : 0]);
/** attrs: [strideH, strideW, padH, padW, dilH, dilW, groups]. */
export const conv2d = (x: Expr, w: Expr, attrs: readonly number[]): Expr => emit("conv2d", [x, w], attrs);
/** attrs: those of conv2d, then H, W of the input. */
export const conv2dGradInput = (g: Expr, w: Expr, attrs: readonly number[]): Expr => emit("conv2dGradInput", [g, w], attrs);
/** attrs: those of conv2d, then KH, KW of the weight. */
export const conv2dGradWeight = (x: Expr, g: Expr, attrs: readonly number[]): Expr => emit("conv2dGradWeight", [x, g], attrs);
/** attrs: [kH, kW, sH, sW, pH, pW]. */
export const maxPool2d = (x: Expr, attrs: readonly number[]): Expr => emit("maxPool2d", [x], attrs);
export const maxPool2dGrad = (g: Expr, x: Expr, y: Expr, attrs: readonly number[]): Expr =>
  emit("maxPool2dGrad", [g, x, y], attrs);
/** attrs: [kH, kW, sH, sW, pH, pW, countIncludePad]. */
export const avgPool2d = (x: Expr, attrs: readonly number[]): Expr => emit("avgPool2d", [x], attrs);
/** attrs: those of avgPool2d, then H, W of the input. */
export const avgPool2dGrad = (g: Expr, attrs: readonly number[]): Expr => emit("avgPool2dGrad", [g], attrs);

// Reductions; axes non-negative and ascending, none: no reduction.
type Reduction = (x: Expr, axes: readonly number[], keepdim?: boolean) => Expr;
const reduction =
  (name: string): Reduction =>
  (x, axes, keepdim = false) =>
    emit(name, [x], [keepdim ? 1 : 0, ...axes]);
export const sum: Reduction = reduction("sum");
export const prod: Reduction = reduction("prod");
export const amax: Reduction = reduction("amax");
export const amin: Reduction = reduction("amin");
export const all: Reduction = reduction("all");
export const any: Reduction = reduction("any");
export const argmax = (x: Expr, axis: number, keepdim = false): Expr => emit("argmax", [x], [axis, keepdim ? 1 : 0]);
export const argmin = (x: Expr, axis: number, keepdim = false): Expr => emit("argmin", [x], [axis, keepdim ? 1 : 0]);
export const cumsum = (x: Expr, axis: number): Expr => emit("cumsum", [x], [axis]);
/** Sums what broadcasting repeated: the transpose of `expand(·, x.shape)` from `shape`. */
export function sumTo(x: Expr, shape: Shape): Expr {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const axes: number[] = [];
  for (let d = 0; d < x.shape.length; d++) if (d < lead || (shape[d - lead] === 1 && x.shape[d] !== 1)) axes.push(d);
  return reshape(sum(x, axes), shape);
}

// Movement. These return their argument where nothing moves.
export const reshape = (x: Expr, shape: Shape): Expr => (sameShape(x.shape, shape) ? x : emit("reshape", [x], shape));
export const permute = (x: Expr, axes: readonly number[]): Expr =>
  axes.every((a, i) => a === i) ? x : emit("permute", [x], axes);
/** Swaps the last two axes. */
export function transpose(x: Expr): Expr {
  const r = x.shape.length;
  return permute(
    x,
    x.shape.map((_, i) => (i === r - 1 ? r - 2 : i === r - 2 ? r - 1 : i)),
  );
}
export const expand = (x: Expr, shape: Shape): Expr => (sameShape(x.shape, shape) ? x : emit("expand", [x], shape));
export const slice = (x: Expr, start: readonly number[], stop: readonly number[], step?: readonly number[]): Expr =>
  emit("slice", [x], [...start, ...stop, ...(step ?? start.map(() => 1))]);
export const pad = (x: Expr, lo: readonly number[], hi: readonly number[], interior?: readonly number[]): Expr =>
  emit("pad", [x], [...lo, ...hi, ...(interior ?? lo.map(() => 0))]);
export const cat = (xs: readonly Expr[], axis: number): Expr => (xs.length === 1 ? xs[0]! : emit("cat", xs, [axis]));
export const flip = (x: Expr, axes: readonly number[]): Expr => (axes.length === 0 ? x : emit("flip", [x], axes));

// Indexing; indices are i32.
export const gather = (x: Expr, index: Expr, axis: number): Expr => emit("gather", [x, index], [axis]);
export const scatterAdd = (base: Expr, index: Expr, src: Expr, axis: number): Expr =>
  emit("scatterAdd", [base, index, src], [axis]);
/** The base with src in the places that index names; of several for one place the last one counts. */
export const scatter = (base: Expr, index: Expr, src: Expr, axis: number): Expr => emit("scatter", [base, index, src], [axis]);
export const indexSelect = (x: Expr, index: Expr, axis: number): Expr => emit("indexSelect", [x, index], [axis]);
export const indexAdd = (base: Expr, index: Expr, src: Expr, axis: number): Expr => emit("indexAdd", [base, index, src], [axis]);
export const oneHot = (index: Expr, classes: number, dtype: DType): Expr => emit("oneHot", [index], [classes, DTYPE[dtype].code]);
export const sort = (x: Expr, axis: number, descending = false): Expr => emit("sort", [x], [axis, descending ? 1 : 0]);
export const argsort = (x: Expr, axis: number, descending = false): Expr => emit("argsort", [x], [axis, descending ? 1 : 0]);

// Losses and random bits.
export const softmax = (x: Expr, axis: number): Expr => emit("softmax", [x], [axis]);
export const logSoftmax = (x: Expr, axis: number): Expr => emit("logSoftmax", [x], [axis]);
/** logits [N,C], target [N,C] probabilities -> losses [N]. */
export const softmaxCrossEntropy = (logits: Expr, target: Expr): Expr => emit("softmaxCrossEntropy", [logits, target]);
export const softmaxCrossEntropyGrad = (logits: Expr, target: Expr, g: Expr): Expr =>
  emit("softmaxCrossEntropyGrad", [logits, target, g]);

// Normalisation and attention.
/** attrs: [trailing axes, whether to subtract the mean, the halves of eps]. */
export const layerNorm = (x: Expr, attrs: readonly number[]): Expr => emit("layerNorm", [x], attrs);
export const layerNormGrad = (g: Expr, x: Expr, attrs: readonly number[]): Expr => emit("layerNormGrad", [g, x], attrs);
/** args: q [...,L,E], k [...,S,E], v [...,S,D], perhaps a mask; attrs: [causal, the halves of the scale]. */
export const attention = (args: readonly Expr[], attrs: readonly number[]): Expr => emit("attention", args, attrs);
/** Gradients of q, k and v, one below the other: [..., L + 2 S, max(E, D)]. */
export const attentionGrad = (g: Expr, args: readonly Expr[], attrs: readonly number[]): Expr =>
  emit("attentionGrad", [g, ...args], attrs);

/** key u32[2], offset u32[1..4] -> u32[shape]. */
export const randomBits = (key: Expr, offset: Expr, shape: Shape): Expr => emit("randomBits", [key, offset], shape);

// Private releases; C and s are fractions in attributes (ops/release/fraction.ts).
/** x [n, ...] -> [...]: rows scaled to a 2-norm of at most C, added up. */
export const clippedSum = (x: Expr, bound: readonly [number, number]): Expr => emit("clippedSum", [x], bound);
/** x and the noise of all parties, each of deviation s. */
export const partyNoise = (x: Expr, deviation: readonly [number, number]): Expr => emit("partyNoise", [x], deviation);

// Recurrent layers over whole sequences of packed rows.
/** `cell` "rnn", "lstm" or "gru": (gx, w, h0, c0 or bias) -> all parts of every step; shapes and attributes in ops/recurrent/rows.ts. */
export const recurrent = (cell: string, args: readonly Expr[], attrs: readonly number[]): Expr => emit(cell, args, attrs);
/** (g, out, w, the initial state that the gradient reads) -> the gradients of every step. */
export const recurrentGrad = (cell: string, args: readonly Expr[], attrs: readonly number[]): Expr =>
  emit(`${cell}Grad`, args, attrs);
