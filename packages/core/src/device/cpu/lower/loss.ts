/** @file Softmax and softmax cross-entropy along the last axis; other axes run their decomposition. */
import { F32_KERNELS } from "@tacit/kernels";
import { sizeOf } from "../../../program/aval.ts";
import { call } from "../steps.ts";
import { isSplat } from "../view.ts";
import type { LowerRow } from "./row.ts";

const softmaxRow = (log: boolean): LowerRow => ({
  can: (node) => node.aval.dtype === "f32" && node.attrs[0] === node.aval.shape.length - 1,
  lower(to, v, node) {
    const x = to.dense(node.args[0]!);
    const c = node.aval.shape.at(-1)!;
    const n = sizeOf(node.aval.shape) / c;
    to.kernel({
      label: log ? "logSoftmax" : "softmax",
      reads: [x],
      writes: [v],
      inPlace: [[x]],
      calls: (at) => [call(F32_KERNELS.softmax, { x: at(x), y: at(v), n, c, log })],
    });
  },
});

const softmaxCrossEntropy: LowerRow = {
  can: (node) => node.aval.dtype === "f32",
  lower(to, v, node) {
    const [logits, target] = node.args.map((a) => to.dense(a)) as [number, number];
    const [n, c] = to.aval(node.args[0]!).shape as [number, number];
    to.kernel({
      label: "softmaxCrossEntropy",
      reads: [logits, target],
      writes: [v],
      calls: (at) => [call(F32_KERNELS.softmaxCrossEntropy, { logits: at(logits), target: at(target), losses: at(v), n, c })],
    });
  },
};

/** The gradient of a mean is one number for all rows: it is read with stride 0, not spread out. */
const softmaxCrossEntropyGrad: LowerRow = {
  can: (node) => node.aval.dtype === "f32",
  lower(to, v, node) {
    const [logits, target] = [to.dense(node.args[0]!), to.dense(node.args[1]!)];
    const view = to.view(node.args[2]!);
    const one = isSplat(view);
    const g = one ? to.base(view) : to.dense(node.args[2]!);
    const offset = one ? 4 * view.offset : 0;
    const [n, c] = node.aval.shape as [number, number];
    to.kernel({
      label: "softmaxCrossEntropyGrad",
      reads: [logits, target, g],
      writes: [v],
      inPlace: [logits === target ? [] : [logits]],
      calls: (at) => [
        call(F32_KERNELS.softmaxCrossEntropyGrad, {
          logits: at(logits),
          target: at(target),
          g: at(g) + offset,
          gStride: one ? 0 : 1,
          grad: at(v),
          n,
          c,
        }),
      ],
    });
  },
};

export const LOSS: Readonly<Record<string, LowerRow>> = {
  softmax: softmaxRow(false),
  logSoftmax: softmaxRow(true),
  softmaxCrossEntropy,
  softmaxCrossEntropyGrad,
};
