/** @file Losses, as in `torch.nn.functional`: cross-entropy on logits, negative log likelihood, squared error, binary cross-entropy. */
import { checkedData } from "../debug/site.ts";
import { expected } from "../errors.ts";
import { showAval } from "../program/aval.ts";
import { DTYPE, type DType } from "../program/dtype.ts";
import { where } from "../tensor/functions.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { warnOnce } from "./warn.ts";

export interface LossOptions {
  /** "mean" unless said. "none" gives one loss per sample (per element for elementwise losses). */
  readonly reduction?: "mean" | "sum" | "none";
}

export interface CrossEntropyOptions extends LossOptions {
  /** Share of the target that is spread evenly over all classes (Szegedy et al. 2016); 0 unless said. */
  readonly labelSmoothing?: number;
}

function reduce(losses: Tensor, options: LossOptions): Tensor {
  const { reduction = "mean" } = options;
  if (reduction === "none") return losses;
  return reduction === "sum" ? losses.sum() : losses.mean();
}

const isIndex = (t: Tensor): boolean => t.dtype === "i32" || t.dtype === "i64" || t.dtype === "u8";

/** Logits [N, C, d1, ...] as [M, C]: classes last. */
function classesLast(x: Tensor): Tensor {
  if (x.ndim === 2) return x;
  const order = [0, ...x.shape.map((_, i) => i).slice(2), 1];
  return x.permute(order).reshape(-1, x.shape[1]!);
}

function checkLogits(where: string, x: Tensor, target: Tensor): void {
  if (x.ndim < 2 || !DTYPE[x.dtype].float) expected("SHAPE_MISMATCH", where, "float [N,C] or [N,C,...]", showAval(x));
  const labels = [x.shape[0]!, ...x.shape.slice(2)];
  const same = (a: readonly number[]): boolean => a.length === target.ndim && a.every((d, i) => d === target.shape[i]);
  if (isIndex(target)) {
    if (!same(labels)) expected("SHAPE_MISMATCH", where, `labels [${labels}] for ${showAval(x)}`, showAval(target));
  } else if (!DTYPE[target.dtype].float || !same(x.shape)) {
    const hint = "class indices are i32 (labels.int()); probabilities have the shape of the logits";
    expected("DTYPE_MISMATCH", where, `class indices i32[${labels}] or probabilities [${x.shape}]`, showAval(target), hint);
  }
}

/** Class indices in [0, classes) where they can be seen here; elsewhere the op checks them when it runs. */
function checkRange(where: string, target: Tensor, classes: number): boolean {
  const host = target.expr.leaf?.host;
  if (host == null) return false;
  for (let i = 0; i < host.length; i++) {
    const label = Number(host[i]);
    if (label < 0 || label >= classes) {
      expected(
        "LABEL_OUT_OF_RANGE",
        where,
        `labels in 0..${classes - 1}`,
        `${label} at position ${i}`,
        "the last layer needs one output per class",
      );
    }
  }
  return true;
}

/** Class indices [...] as one-hot rows [M, C]. */
function oneHotRows(where: string, target: Tensor, classes: number, dtype: DType): Tensor {
  const rows = (): Tensor => target.reshape(target.numel).oneHot(classes, dtype);
  return checkRange(where, target, classes) ? checkedData(rows) : rows();
}

/** Probabilities [M, C] from indices or probabilities. */
function probabilities(where: string, x: Tensor, target: Tensor, smoothing: number): Tensor {
  const classes = x.shape[1]!;
  const p = isIndex(target) ? oneHotRows(where, target, classes, x.dtype) : classesLast(target).cast(x.dtype);
  return smoothing === 0 ? p : p.mul(1 - smoothing).add(smoothing / classes);
}

/**
 * Cross-entropy of logits [N, C] (or [N, C, d1, ...]) against class indices i32/i64/u8 [N] or probabilities [N, C].
 * @throws LABEL_OUT_OF_RANGE (at once where the labels are on the host, else when it runs), SHAPE_MISMATCH, DTYPE_MISMATCH
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkLogits("crossEntropy", logits, target);
  const last = logits.expr.op?.name;
  if (last === "softmax" || last === "logSoftmax") {
    warnOnce(
      "SOFTMAX_BEFORE_LOSS",
      `crossEntropy: its input is a ${last}`,
      "crossEntropy takes logits: leave the softmax out of the model",
    );
  }
  const smoothing = options.labelSmoothing ?? 0;
  if (!(smoothing >= 0 && smoothing <= 1)) expected("ARGUMENT_INVALID", "crossEntropy", "labelSmoothing in 0..1", `${smoothing}`);
  const p = probabilities("crossEntropy", logits, target, smoothing);
  const losses = classesLast(logits).softmaxCrossEntropy(p);
  if (options.reduction === "none") return losses.reshape(logits.shape[0]!, ...logits.shape.slice(2));
  return reduce(losses, options);
}

/** Negative log likelihood: log-probabilities [N, C] (or [N, C, d1, ...]) at class indices. @throws as crossEntropy */
export function nllLoss(logProbabilities: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkLogits("nllLoss", logProbabilities, target);
  const classes = logProbabilities.shape[1]!;
  if (!isIndex(target)) expected("DTYPE_MISMATCH", "nllLoss", "class indices i32", showAval(target), "convert with labels.int()");
  const p = oneHotRows("nllLoss", target, classes, logProbabilities.dtype);
  // A choice, not a product alone: 0 · -Infinity of another class would be NaN.
  const chosen = where(p.eq(0), 0, classesLast(logProbabilities));
  const losses = chosen.sum(1).neg();
  if (options.reduction === "none") return losses.reshape(...target.shape);
  return reduce(losses, options);
}

/** Both operands of one shape: broadcasting a loss hides mistakes. */
function checkSame(where: string, input: Tensor, target: Tensor): void {
  if (input.ndim !== target.ndim || input.shape.some((d, i) => d !== target.shape[i])) {
    expected("SHAPE_MISMATCH", where, `a target of shape [${input.shape}]`, `[${target.shape}]`, "reshape one of them");
  }
}

/** Mean of (input - target)². */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkSame("mseLoss", input, target);
  return reduce(input.sub(target.cast(input.dtype)).square(), options);
}

/** Mean of |input - target|. */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkSame("l1Loss", input, target);
  return reduce(input.sub(target.cast(input.dtype)).abs(), options);
}

/** Binary cross-entropy of logits x against targets y in [0, 1]: max(x,0) - x y + log(1 + e^-|x|), without overflow. */
export function bceWithLogits(logits: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkSame("bceWithLogits", logits, target);
  return reduce(logits.softplus().sub(logits.mul(target.cast(logits.dtype))), options);
}
