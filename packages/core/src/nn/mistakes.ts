/** @file Classic mistakes that shapes and types let pass, found without computing anything: each gives a warning, once. */
import { activity } from "../debug/activity.ts";
import { captureSite, lineOf } from "../debug/site.ts";
import { warnOnce, wasSaid } from "../debug/warn.ts";
import { expected, kindOf } from "../errors.ts";
import { type Expr, gradMode } from "../expr.ts";
import { DTYPE } from "../program/dtype.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Plain JavaScript gets here with arrays and numbers. @throws ARGUMENT_INVALID */
export function expectTensor(where: string, x: unknown): asserts x is Tensor {
  if (x instanceof Tensor) return;
  const hint =
    x instanceof Promise ? "await it" : 'tensor(values) makes one of an array, tensor(labels, { dtype: "i32" }) of labels';
  expected("ARGUMENT_INVALID", where, "a tensor", kindOf(x), hint);
}

const MOVEMENT: ReadonlySet<string> = new Set(["reshape", "permute", "expand", "slice", "flip", "cast"]);

/** What `e` shows in another form. */
function source(e: Expr): Expr {
  let x = e;
  while (x.op !== null && MOVEMENT.has(x.op.name)) x = x.args[0]!;
  return x;
}

const NORMALISED: ReadonlySet<string> = new Set(["softmax", "logSoftmax", "sigmoid"]);

/** For losses that apply a softmax or sigmoid themselves. */
export function expectLogits(where: string, logits: Tensor): void {
  expectTensor(where, logits);
  if (logits.expr.op === null) return;
  const last = source(logits.expr).op?.name;
  if (last === undefined || !NORMALISED.has(last)) return;
  const hint = `${where} takes logits: leave the ${last} out of the model`;
  warnOnce("SOFTMAX_BEFORE_LOSS", `${where}: its input is a ${last}`, hint);
}

const LINEAR: ReadonlySet<string> = new Set(["matmul", "conv2d", "conv1d"]);

/** For losses of log-probabilities: probabilities and logits have their shape, too. */
export function expectLogProbabilities(where: string, input: Tensor): void {
  expectTensor(where, input);
  if (input.expr.op === null) return;
  const x = source(input.expr);
  const last = x.op?.name ?? "";
  const linear = LINEAR.has(last) || (last === "add" && x.args.some((a) => LINEAR.has(source(a).op?.name ?? "")));
  if (!linear && last !== "softmax" && last !== "sigmoid") return;
  const got = linear ? "logits (the result of a linear layer)" : `probabilities (the result of a ${last})`;
  warnOnce(
    "LOG_PROBABILITIES_EXPECTED",
    `${where}: expected log-probabilities, got ${got}`,
    "end the model with a logSoftmax, or leave the last activation out and use crossEntropy",
  );
}

/** Passes of one layer in training mode whose results were read, while nothing was learned. */
interface Passes {
  reads: number;
  gradients: number;
  count: number;
}
const passes = new WeakMap<object, Passes>();
/** A step reads once or twice between two gradients; an evaluation of several batches only reads. */
const PATIENCE = 5;
const EVALUATE = "call model.eval() before evaluating, model.train() after";

/** A layer that behaves otherwise in evaluation is called in training mode: is this training? */
export function passInTraining(layer: object, where: string): void {
  if (!gradMode.enabled) {
    suspectPass(where);
    return;
  }
  const { reads, gradients } = activity;
  const mine = passes.get(layer);
  if (mine === undefined || mine.gradients !== gradients) passes.set(layer, { reads, gradients, count: 0 });
  else if (mine.reads !== reads) {
    mine.reads = reads;
    if (++mine.count === PATIENCE)
      warnOnce("EVAL_IN_TRAINING", `${where}: ${PATIENCE} results in training mode were read, none was learned from`, EVALUATE);
  }
}

/**
 * A pass inside noGrad is an evaluation if a value is read before anything is learned: what a GAN's generator or a momentum encoder
 * makes there goes on into a loss.
 */
function suspectPass(where: string): void {
  if (wasSaid("EVAL_IN_TRAINING")) return;
  const { gradients } = activity;
  const site = captureSite(suspectPass);
  activity.onRead = () => {
    activity.onRead = null;
    if (activity.gradients === gradients)
      warnOnce("EVAL_IN_TRAINING", `${where}: training mode inside noGrad`, EVALUATE, lineOf(site));
  };
}

const scaled = new WeakSet<object>();
/** Enough values to tell pixels from classes and flags, few enough to cost nothing. */
const LOOKED_AT = 4096;
const FEWEST = 64;

/** Whether values look like pixels that nobody divided: whole numbers of 0..255, some of them large. */
function looksLikePixels(values: ArrayLike<number | bigint>): boolean {
  const n = Math.min(values.length, LOOKED_AT);
  let most = 0;
  for (let i = 0; i < n; i++) {
    const v = values[i]!;
    if (typeof v === "bigint" || v < 0 || v > 255 || !Number.isInteger(v)) return false;
    if (v > most) most = v;
  }
  return n >= FEWEST && most >= 128;
}

/** A layer with weights looks at its first input, where the host gave it: pixels of 0..255 saturate what follows. */
export function expectScaled(layer: object, where: string, input: Tensor): void {
  if (scaled.has(layer)) return;
  scaled.add(layer);
  const leaf = source(input.expr).leaf;
  if (leaf?.host == null || !leaf.device.readable || wasSaid("INPUT_NOT_SCALED") || DTYPE[input.dtype].big) return;
  if (!looksLikePixels(leaf.host)) return;
  const hint = "divide by 255, and better subtract the mean and divide by the deviation, before the model";
  warnOnce("INPUT_NOT_SCALED", `${where}: expected inputs near 0..1, got whole numbers of 0..255, as pixels are`, hint);
}
