/** @file Rows of softmax, logSoftmax and softmax cross-entropy: composites, each with its own gradient. */
import { type Expr, emit } from "../../expr.ts";
import type { Aval } from "../../program/aval.ts";
import { checkAxis, checkCount, checkKind, checkRank, checkSameDType, checkShape, FLOAT } from "../check.ts";
import * as op from "../emit.ts";
import type { BatchRule, OpRow } from "../row.ts";
import * as ref from "./reference.ts";

const axisInfer =
  (name: string) =>
  ([x]: readonly Aval[], attrs: readonly number[]): Aval => {
    checkCount(name, attrs, 1);
    checkKind(name, x!, FLOAT);
    checkAxis(name, attrs[0], x!.shape.length);
    return { shape: x!.shape, dtype: x!.dtype };
  };

const batchAxis =
  (name: string): BatchRule =>
  ([x], _batched, [axis]) =>
    emit(name, [x!], [axis! + 1]);

/** x minus its largest element along the axis; an empty axis has none, and nothing to subtract. */
const shifted = (x: Expr, axis: number): Expr => (x.shape[axis] === 0 ? x : op.sub(x, op.amax(x, [axis], true)));

const softmax: OpRow = {
  name: "softmax",
  arity: 1,
  attrs: ["axis"],
  infer: axisInfer("softmax"),
  grad: ({ attrs, out, grad }) => [op.mul(out, op.sub(grad, op.sum(op.mul(grad, out), attrs, true)))],
  vmap: batchAxis("softmax"),
  reference: ref.softmaxReference,
  decompose([x], attrs) {
    const e = op.exp(shifted(x!, attrs[0]!));
    return op.div(e, op.sum(e, attrs, true));
  },
};

const logSoftmax: OpRow = {
  name: "logSoftmax",
  arity: 1,
  attrs: ["axis"],
  infer: axisInfer("logSoftmax"),
  grad: ({ attrs, out, grad }) => [op.sub(grad, op.mul(op.exp(out), op.sum(grad, attrs, true)))],
  vmap: batchAxis("logSoftmax"),
  reference: ref.logSoftmaxReference,
  decompose([x], attrs) {
    const z = shifted(x!, attrs[0]!);
    return op.sub(z, op.log(op.sum(op.exp(z), attrs, true)));
  },
};

function checkLogits(name: string, logits: Aval, target: Aval): void {
  checkKind(name, logits, FLOAT);
  checkSameDType(name, logits, target);
  checkRank(name, logits, 2);
  checkShape(name, target, logits.shape);
}

/** [N] as a column [N,1]. */
const column = (x: Expr): Expr => op.reshape(x, [x.shape[0]!, 1]);

/** Merges batch and N of every argument, and splits them again. */
const batchRows =
  (name: string): BatchRule =>
  (args, batched, attrs, size) => {
    const merged = args.map((x, i) => {
      const full = batched[i] ? x : op.expand(op.reshape(x, [1, ...x.shape]), [size, ...x.shape]);
      return op.reshape(full, [size * full.shape[1]!, ...full.shape.slice(2)]);
    });
    const out = emit(name, merged, attrs);
    return op.reshape(out, [size, out.shape[0]! / size, ...out.shape.slice(1)]);
  };

const softmaxCrossEntropy: OpRow = {
  name: "softmaxCrossEntropy",
  arity: 2,
  attrs: [],
  infer([logits, target], attrs) {
    checkCount("softmaxCrossEntropy", attrs, 0);
    checkLogits("softmaxCrossEntropy", logits!, target!);
    return { shape: [logits!.shape[0]!], dtype: logits!.dtype };
  },
  grad({ args, grad, needs }) {
    const [logits, target] = args as [Expr, Expr];
    return [
      needs(0) ? op.softmaxCrossEntropyGrad(logits, target, grad) : null,
      needs(1) ? op.neg(op.mul(column(grad), op.logSoftmax(logits, 1))) : null,
    ];
  },
  vmap: batchRows("softmaxCrossEntropy"),
  reference: ref.crossEntropyReference,
  /** A class of target 0 adds nothing, also at a logit of -Infinity: one-hot rows give what PyTorch gives for class indices. */
  decompose([logits, target]) {
    const zero = op.lit(target!, 0);
    const terms = op.mul(target!, op.logSoftmax(logits!, 1));
    return op.neg(op.sum(op.where(op.eq(target!, zero), zero, terms), [1]));
  },
};

const softmaxCrossEntropyGrad: OpRow = {
  name: "softmaxCrossEntropyGrad",
  arity: 3,
  attrs: [],
  infer([logits, target, g], attrs) {
    checkCount("softmaxCrossEntropyGrad", attrs, 0);
    checkLogits("softmaxCrossEntropyGrad", logits!, target!);
    checkSameDType("softmaxCrossEntropyGrad", logits!, g!);
    checkShape("softmaxCrossEntropyGrad", g!, [logits!.shape[0]!]);
    return { shape: logits!.shape, dtype: logits!.dtype };
  },
  /** With s = softmax, T = Σ target, out = (s·T - target)·g, h the incoming gradient and p = Σ h·s over classes. */
  grad({ args, grad: h, needs }) {
    const [logits, target, g] = args as [Expr, Expr, Expr];
    const s = op.softmax(logits, 1);
    const mass = op.sum(target, [1], true);
    const p = op.sum(op.mul(h, s), [1], true);
    const gap = op.sub(op.mul(s, mass), target);
    return [
      needs(0) ? op.mul(op.mul(op.mul(mass, column(g)), s), op.sub(h, p)) : null,
      needs(1) ? op.mul(column(g), op.sub(p, h)) : null,
      needs(2) ? op.sum(op.mul(h, gap), [1]) : null,
    ];
  },
  vmap: batchRows("softmaxCrossEntropyGrad"),
  reference: ref.crossEntropyGradReference,
  decompose([logits, target, g]) {
    const s = op.softmax(logits!, 1);
    return op.mul(op.sub(op.mul(s, op.sum(target!, [1], true)), target!), column(g!));
  },
};

export const LOSS_ROWS: readonly OpRow[] = [softmax, logSoftmax, softmaxCrossEntropy, softmaxCrossEntropyGrad];
