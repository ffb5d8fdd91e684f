/**
 * @file The session's range: which ring comparisons run in. Everyone agrees on it in the session file, each party derives the ring from it by
 * itself; nothing that a driver sends has a say.
 */
import { FULL_RANGE, type ProtocolOptions } from "../protocol.ts";
import type { Width } from "./primitives/index.ts";

/** Magnitude below which two ring integers differ by less than 2^31. */
export const NARROW_BITS = 30;

/** Bits of a comparison of fixed-point values, or of a difference of two: 32 where all are below 2^30 as ring integers. */
export function widthOf(options: Pick<ProtocolOptions, "fractionBits" | "range">): Width {
  return options.fractionBits + rangeOf(options) <= NARROW_BITS ? 32 : 64;
}

/** log2 of the magnitude that no compared value reaches. */
export function rangeOf({ range = FULL_RANGE }: Pick<ProtocolOptions, "range">): number {
  return range;
}

const first =
  "relu abs sign maxPool2d amax amin argmax argmin softmax logSoftmax exp log sqrt rsqrt reciprocal sigmoid tanh erf gelu";
const rows = (ops: string, args: readonly number[]): (readonly [string, readonly number[]])[] =>
  ops.split(" ").map((op) => [op, args]);

/** Ops that compare fixed-point values with each other or with a constant, and which arguments. */
export const COMPARED: ReadonlyMap<string, readonly number[]> = new Map([
  ...rows(`${first} softmaxCrossEntropy softmaxCrossEntropyGrad pow`, [0]),
  ...rows("maximum minimum gt ge lt le eq ne", [0, 1]),
  ...rows("div reluGrad maxPool2dGrad", [1]),
]);
