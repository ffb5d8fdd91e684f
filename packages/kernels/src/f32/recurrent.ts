/** @file Steps of rnn, lstm and gru: parameters and words. One call does the elementwise part of one step; gemm does the products. */
import type { Address, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

/** Rows of a step: `n` sequences with parts of `h` elements each. */
interface StepSizes {
  readonly n: number;
  readonly h: number;
}

/** Rows of the state before the step. */
interface Before {
  readonly before: Address;
  /** Elements from one row of `before` to the next. */
  readonly beforeStride: number;
}

/** out [n,h] holds the recurrent product; it becomes tanh(gx + product), or relu. */
export interface RnnCellParams extends StepSizes {
  readonly out: Address;
  readonly gx: Address;
  readonly relu: boolean;
}
/** out [n,6h] holds the recurrent product in its first 4 parts; it becomes i, f, g, o, c, h. gx [n,4h]; `before` is c. */
export interface LstmCellParams extends StepSizes, Before {
  readonly out: Address;
  readonly gx: Address;
}
/** out [n,5h] holds the recurrent product in its first 3 parts; it becomes r, z, m, n, h. gx [n,3h]; `before` is h. */
export interface GruCellParams extends StepSizes, Before {
  readonly out: Address;
  readonly gx: Address;
  /** [h], added to the product's third part. */
  readonly bias: Address;
}

/** g: gradients of all parts of `out`; d: gradients by the gates, then by the states. */
interface GradParams extends StepSizes {
  readonly g: Address;
  readonly out: Address;
  readonly d: Address;
  /** d of the later step for the same sequences; 0: there is none. */
  readonly later: Address;
}
/** d [n,2h]: by the product; the part of h is left for the product with the weight. */
export interface RnnCellGradParams extends GradParams {
  readonly relu: boolean;
}
/** d [n,6h]: i, f, g, o, c before; the part of h is left for the product with the weight. `before` is c. */
export interface LstmCellGradParams extends GradParams, Before {}
/** d [n,5h]: r, z, m, n, and h before without what flows through the product. `before` is h. */
export interface GruCellGradParams extends GradParams, Before {}

const row = <P>(name: keyof typeof OPCODES & string, words: (p: P) => readonly number[]): Kernel<P> => ({
  name,
  opcode: OPCODES[name],
  encode: (p) => ({ opcode: OPCODES[name], words: words(p) }),
  scratchBytes: () => 0,
});

export const rnnCell: Kernel<RnnCellParams> = row("rnnCell", (p) => [p.out, p.gx, p.relu ? 1 : 0, p.n, p.h]);
export const rnnCellGrad: Kernel<RnnCellGradParams> = row("rnnCellGrad", (p) => [
  p.g,
  p.out,
  p.d,
  p.later,
  p.relu ? 1 : 0,
  p.n,
  p.h,
]);
export const lstmCell: Kernel<LstmCellParams> = row("lstmCell", (p) => [p.out, p.gx, p.before, p.beforeStride, p.n, p.h]);
export const lstmCellGrad: Kernel<LstmCellGradParams> = row("lstmCellGrad", (p) => [
  p.g,
  p.out,
  p.d,
  p.later,
  p.before,
  p.beforeStride,
  p.n,
  p.h,
]);
export const gruCell: Kernel<GruCellParams> = row("gruCell", (p) => [p.out, p.gx, p.before, p.beforeStride, p.bias, p.n, p.h]);
export const gruCellGrad: Kernel<GruCellGradParams> = row("gruCellGrad", (p) => [
  p.g,
  p.out,
  p.d,
  p.later,
  p.before,
  p.beforeStride,
  p.n,
  p.h,
]);
