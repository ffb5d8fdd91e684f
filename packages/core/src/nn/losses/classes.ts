/** @file Losses of classifiers: cross-entropy on logits, negative log likelihood, the margin losses over classes. */
import { checkedData } from "../../debug/site.ts";
import { expected } from "../../errors.ts";
import { showAval } from "../../program/aval.ts";
import { DTYPE } from "../../program/dtype.ts";
import { where } from "../../tensor/functions.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { expectLogits, expectLogProbabilities, expectTensor } from "../mistakes.ts";
import { checkIndices, checkRange, classWeight, isIndex, type LossOptions, reduce } from "./reduce.ts";

export interface NllOptions extends LossOptions {
  /** A weight [C] for each class; the mean is the weighted one. */
  readonly weight?: Tensor;
  /** A label that marks positions that do not count, say -100. Unlike in PyTorch there is none unless said: each mask costs time. */
  readonly ignoreIndex?: number;
}

export interface CrossEntropyOptions extends NllOptions {
  /** Share of the target that is spread evenly over all classes (Szegedy et al. 2016); 0 unless said. */
  readonly labelSmoothing?: number;
}

/** Logits [N, C, d1, ...] as [M, C]: classes last. */
function classesLast(x: Tensor): Tensor {
  if (x.ndim === 2) return x;
  const order = [0, ...x.shape.map((_, i) => i).slice(2), 1];
  return x.permute(order).reshape(-1, x.shape[1]!);
}

function checkLogits(at: string, x: Tensor, target: Tensor): void {
  expectTensor(at, x);
  expectTensor(at, target);
  if (x.ndim < 2 || !DTYPE[x.dtype].float) expected("SHAPE_MISMATCH", at, "float [C], [N,C] or [N,C,...]", showAval(x));
  const labels = [x.shape[0]!, ...x.shape.slice(2)];
  const same = (a: readonly number[]): boolean => a.length === target.ndim && a.every((d, i) => d === target.shape[i]);
  if (isIndex(target)) {
    const hint = same(x.shape)
      ? "one-hot rows are floats, target.float(); or class numbers, target.argmax(1)"
      : target.ndim === labels.length + 1 && target.shape[1] === 1
        ? "labels.squeeze(1)"
        : undefined;
    if (!same(labels)) expected("SHAPE_MISMATCH", at, `labels [${labels}] for ${showAval(x)}`, showAval(target), hint);
  } else if (!DTYPE[target.dtype].float || !same(x.shape)) {
    const hint = "class indices are i32 (labels.int()); probabilities have the shape of the logits";
    expected("DTYPE_MISMATCH", at, `class indices i32[${labels}] or probabilities [${x.shape}]`, showAval(target), hint);
  }
}

/** What the classes of each position count: rows [M, C], and the sum that a mean divides by (null: the number of rows). */
interface Rows {
  readonly rows: Tensor;
  readonly total: Tensor | null;
}

/** Indicators [M, C] of labels; rows of zeros where a label is ignored. */
function indicators(labels: Tensor, classes: number, ignored: number | undefined, x: Tensor): Tensor {
  const flat = labels.reshape(labels.numel);
  if (ignored === undefined) return flat.oneHot(classes, x.dtype);
  const narrow = flat.cast("i32");
  const skip = narrow.eq(ignored);
  return narrow.maskedFill(skip, 0).oneHot(classes, x.dtype).maskedFill(skip.unsqueeze(1), 0);
}

function rowsOfLabels(at: string, x: Tensor, target: Tensor, options: CrossEntropyOptions): Rows {
  const { ignoreIndex, labelSmoothing: smoothing = 0 } = options;
  const classes = x.shape[1]!;
  const rows = (): Tensor => indicators(target, classes, ignoreIndex, x);
  const hot = checkRange(at, target, classes, ignoreIndex) ? checkedData(rows) : rows();
  const weight = options.weight && classWeight(at, options.weight, classes, x);
  const plain = weight === undefined && ignoreIndex === undefined;
  const weighed = weight === undefined ? hot : hot.mul(weight);
  const total = plain ? null : weighed.sum();
  if (smoothing === 0) return { rows: weighed, total };
  let even: Tensor | number = smoothing / classes;
  if (ignoreIndex !== undefined) even = hot.sum(1, { keepdim: true }).mul(even);
  if (weight !== undefined) even = weight.mul(even);
  return { rows: weighed.mul(1 - smoothing).add(even), total };
}

function rowsOfProbabilities(at: string, x: Tensor, target: Tensor, options: CrossEntropyOptions): Rows {
  const { ignoreIndex = -1, labelSmoothing: smoothing = 0, weight } = options;
  if (ignoreIndex >= 0) {
    expected("ARGUMENT_INVALID", at, "class indices where ignoreIndex is given", "probabilities", "leave ignoreIndex out");
  }
  const classes = x.shape[1]!;
  const p = classesLast(target).cast(x.dtype);
  const smooth = smoothing === 0 ? p : p.mul(1 - smoothing).add(smoothing / classes);
  return { rows: weight === undefined ? smooth : smooth.mul(classWeight(at, weight, classes, x)), total: null };
}

/** Losses of all positions to what the caller asked for. */
function finish(losses: Tensor, total: Tensor | null, labels: readonly number[], options: LossOptions): Tensor {
  if (options.reduction === "none") return losses.reshape(labels);
  const mean = options.reduction === undefined || options.reduction === "mean";
  return total !== null && mean ? losses.sum().div(total) : reduce(losses, options);
}

const labelShape = (x: Tensor): readonly number[] => [x.shape[0]!, ...x.shape.slice(2)];

/** One sample without a batch, [C], as a batch of one. */
function batched(f: (x: Tensor, target: Tensor) => Tensor, x: Tensor, target: Tensor, options: LossOptions): Tensor {
  if (x.ndim !== 1) return f(x, target);
  const y = f(x.unsqueeze(0), target.unsqueeze(0));
  return options.reduction === "none" ? y.reshape([]) : y;
}

/**
 * Cross-entropy of logits [N, C] (or [C], or [N, C, d1, ...]) against class indices i32/i64/u8 [N] or probabilities [N, C].
 * @throws LABEL_OUT_OF_RANGE (at once where the labels are on the host, else when it runs), SHAPE_MISMATCH, DTYPE_MISMATCH
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  expectLogits("crossEntropy", logits);
  const smoothing = options.labelSmoothing ?? 0;
  if (!(smoothing >= 0 && smoothing <= 1)) expected("ARGUMENT_INVALID", "crossEntropy", "labelSmoothing in 0..1", `${smoothing}`);
  const run = (x: Tensor, t: Tensor): Tensor => {
    checkLogits("crossEntropy", x, t);
    const { rows, total } = (isIndex(t) ? rowsOfLabels : rowsOfProbabilities)("crossEntropy", x, t, options);
    return finish(classesLast(x).softmaxCrossEntropy(rows), total, labelShape(x), options);
  };
  return batched(run, logits, target, options);
}

/** Negative log likelihood: log-probabilities [N, C] (or [C], or [N, C, d1, ...]) at class indices. @throws as crossEntropy */
export function nllLoss(logProbabilities: Tensor, target: Tensor, options: NllOptions = {}): Tensor {
  expectLogProbabilities("nllLoss", logProbabilities);
  if (!isIndex(target)) expected("DTYPE_MISMATCH", "nllLoss", "class indices i32", showAval(target), "convert with labels.int()");
  const run = (x: Tensor, t: Tensor): Tensor => {
    checkLogits("nllLoss", x, t);
    const { rows, total } = rowsOfLabels("nllLoss", x, t, options);
    // A choice, not a product alone: 0 · -Infinity of another class would be NaN.
    const chosen = where(rows.eq(0), 0, classesLast(x));
    const terms = options.weight === undefined ? chosen : chosen.mul(rows);
    return finish(terms.sum(1).neg(), total, labelShape(x), options);
  };
  return batched(run, logProbabilities, target, options);
}

function checkScores(at: string, x: Tensor): void {
  if (x.ndim !== 2 || !DTYPE[x.dtype].float) expected("SHAPE_MISMATCH", at, "float [C] or [N,C]", showAval(x));
}

export interface MultiMarginOptions extends LossOptions {
  /** 1 (unless said) or 2. */
  readonly p?: 1 | 2;
  /** 1 unless said. */
  readonly margin?: number;
  /** A weight [C] for each class. */
  readonly weight?: Tensor;
}

/** Σ over the other classes j of max(0, margin - x[y] + x[j])ᵖ / C: scores [N, C] or [C], class indices [N] or []. @throws as crossEntropy */
export function multiMarginLoss(scores: Tensor, target: Tensor, options: MultiMarginOptions = {}): Tensor {
  const { p = 1, margin = 1, weight } = options;
  if (p !== 1 && p !== 2) expected("ARGUMENT_INVALID", "multiMarginLoss", "p of 1 or 2", `${String(p)}`);
  const run = (x: Tensor, t: Tensor): Tensor => {
    checkScores("multiMarginLoss", x);
    const [n, classes] = x.shape as [number, number];
    checkIndices("multiMarginLoss", t, [n], classes);
    const hot = t.oneHot(classes, x.dtype);
    const right = x.gather(1, t.cast("i32").unsqueeze(1));
    const over = x.sub(right).add(margin).relu();
    const terms = (p === 1 ? over : over.square()).maskedFill(hot.gt(0), 0);
    const losses = terms.sum(1).mul(1 / classes);
    const factor = weight && hot.mul(classWeight("multiMarginLoss", weight, classes, x)).sum(1);
    return reduce(factor === undefined ? losses : losses.mul(factor), options);
  };
  return batched(run, scores, target, options);
}

/**
 * Σ over right classes t and wrong classes j of max(0, 1 - (x[t] - x[j])) / C. The target [N, C] lists the right classes of each row,
 * ended by -1. @throws SHAPE_MISMATCH, DTYPE_MISMATCH, LABEL_OUT_OF_RANGE
 */
export function multilabelMarginLoss(scores: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const at = "multilabelMarginLoss";
  const run = (x: Tensor, t: Tensor): Tensor => {
    checkScores(at, x);
    const [n, classes] = x.shape as [number, number];
    if (!isIndex(t)) expected("DTYPE_MISMATCH", at, `class indices i32[${x.shape}]`, showAval(t), "convert with labels.int()");
    if (t.ndim !== 2 || t.shape[0] !== n || t.shape[1] !== classes) {
      expected("SHAPE_MISMATCH", at, `labels [${x.shape}], ended by -1`, showAval(t));
    }
    checkRange(at, t, classes, -1);
    const list = t.cast("i32");
    const listed = list.lt(0).cast("i32").cumsum(1).eq(0); // before the first -1
    const labels = list.maskedFill(listed.logicalNot(), 0);
    const right = labels.oneHot(classes, x.dtype).maskedFill(listed.logicalNot().unsqueeze(2), 0).amax(1); // [N, C] of 0 and 1
    const over = x.unsqueeze(1).sub(x.gather(1, labels).unsqueeze(2)).add(1).relu(); // [N, label, class]
    const counts = listed.unsqueeze(2).logicalAnd(right.eq(0).unsqueeze(1));
    const losses = over
      .maskedFill(counts.logicalNot(), 0)
      .sum([1, 2])
      .mul(1 / classes);
    return reduce(losses, options);
  };
  return batched(run, scores, target, options);
}
