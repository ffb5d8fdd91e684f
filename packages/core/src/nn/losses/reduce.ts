/** @file What all losses share: reduction, and operands that fit together. */
import { expected } from "../../errors.ts";
import { showAval } from "../../program/aval.ts";
import { DTYPE } from "../../program/dtype.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { expectTensor } from "../mistakes.ts";

export type Reduction = "mean" | "sum" | "none";

export interface LossOptions {
  /** "mean" unless said. "none" gives one loss per sample (per element for elementwise losses). */
  readonly reduction?: Reduction;
}

export function reduce(losses: Tensor, options: LossOptions): Tensor {
  const { reduction = "mean" } = options;
  if (reduction === "none") return losses;
  if (reduction === "sum") return losses.sum();
  if (reduction === "mean") return losses.mean();
  return expected("ARGUMENT_INVALID", "loss", 'a reduction of "mean", "sum" or "none"', JSON.stringify(reduction));
}

const sameSizes = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

/** Both operands of one shape: broadcasting a loss hides mistakes. The second in the dtype of the first. @throws SHAPE_MISMATCH */
export function matched(where: string, input: Tensor, target: Tensor): Tensor {
  expectTensor(where, input);
  expectTensor(where, target);
  if (!DTYPE[input.dtype].float) expected("DTYPE_UNSUPPORTED", where, "a float input", showAval(input), "convert with float()");
  if (!sameSizes(input.shape, target.shape)) {
    expected("SHAPE_MISMATCH", where, `a target of shape [${input.shape}]`, `[${target.shape}]`, "reshape one of them");
  }
  return target.cast(input.dtype);
}

export const isIndex = (t: Tensor): boolean => t.dtype === "i32" || t.dtype === "i64" || t.dtype === "u8";

/** Class indices in [0, classes) where they can be seen here (true); elsewhere the op checks them when it runs. */
export function checkRange(where: string, target: Tensor, classes: number, ignored?: number): boolean {
  const host = target.expr.leaf?.host;
  if (host == null) return false;
  for (let i = 0; i < host.length; i++) {
    const label = Number(host[i]);
    if ((label >= 0 && label < classes) || label === ignored) continue;
    const hint = label < 0 ? "labels that do not count are named by ignoreIndex" : "the last layer needs one output per class";
    expected("LABEL_OUT_OF_RANGE", where, `labels in 0..${classes - 1}`, `${label} at position ${i}`, hint);
  }
  return true;
}

/** Class indices of `shape`. @throws DTYPE_MISMATCH, SHAPE_MISMATCH, LABEL_OUT_OF_RANGE */
export function checkIndices(where: string, target: Tensor, shape: readonly number[], classes: number): void {
  if (!isIndex(target)) {
    expected("DTYPE_MISMATCH", where, `class indices i32[${shape}]`, showAval(target), "convert with labels.int()");
  }
  if (!sameSizes(target.shape, shape)) expected("SHAPE_MISMATCH", where, `labels [${shape}]`, showAval(target));
  checkRange(where, target, classes);
}

/** A weight for each class, in the dtype of `x`. @throws SHAPE_MISMATCH */
export function classWeight(where: string, weight: Tensor, classes: number, x: Tensor): Tensor {
  if (weight.ndim !== 1 || weight.shape[0] !== classes) {
    expected("SHAPE_MISMATCH", where, `a weight for each of ${classes} classes`, showAval(weight));
  }
  return weight.cast(x.dtype);
}
