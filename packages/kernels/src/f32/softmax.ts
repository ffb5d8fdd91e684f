/** @file Softmax family along the last axis: parameters and words. */
import type { Address, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

/** y[n,c] = softmax (log: log-softmax) of each row of x[n,c]. y may be x. */
export interface SoftmaxParams {
  readonly x: Address;
  readonly y: Address;
  readonly n: number;
  readonly c: number;
  readonly log?: boolean;
}
export const softmax: Kernel<SoftmaxParams> = {
  name: "softmax",
  opcode: OPCODES.softmax,
  encode: (p) => ({ opcode: OPCODES.softmax, words: [p.x, p.y, p.n, p.c, p.log ? 1 : 0] }),
  scratchBytes: () => 0,
};

/**
 * losses[n] = -sum over c of target[n,c] * logSoftmax(logits)[n,c]; target is f32 (probabilities, one-hot or any weights). A class of
 * target 0 adds nothing, also at a logit of -inf: a one-hot target gives what PyTorch gives for the class index.
 */
export interface SoftmaxCrossEntropyParams {
  readonly logits: Address;
  readonly target: Address;
  readonly losses: Address;
  readonly n: number;
  readonly c: number;
}
export const softmaxCrossEntropy: Kernel<SoftmaxCrossEntropyParams> = {
  name: "softmaxCrossEntropy",
  opcode: OPCODES.softmaxCrossEntropy,
  encode: (p) => ({ opcode: OPCODES.softmaxCrossEntropy, words: [p.logits, p.target, p.losses, p.n, p.c] }),
  scratchBytes: () => 0,
};

/** grad[n,c] = (softmax(logits) * sum(target) - target) * g[n]. grad may be logits. With gStride 0 one g serves all rows. */
export interface SoftmaxCrossEntropyGradParams {
  readonly logits: Address;
  readonly target: Address;
  readonly g: Address;
  /** Elements from one row's g to the next: 1 (default) or 0. */
  readonly gStride?: number;
  readonly grad: Address;
  readonly n: number;
  readonly c: number;
}
export const softmaxCrossEntropyGrad: Kernel<SoftmaxCrossEntropyGradParams> = {
  name: "softmaxCrossEntropyGrad",
  opcode: OPCODES.softmaxCrossEntropyGrad,
  encode: (p) => ({
    opcode: OPCODES.softmaxCrossEntropyGrad,
    words: [p.logits, p.target, p.g, p.gStride ?? 1, p.grad, p.n, p.c],
  }),
  scratchBytes: () => 0,
};
