/** @file Layer normalisation and its gradient: parameters and words. */
import type { Address, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

/** y = (x - mean) / sqrt(variance + eps) along rows of c elements; without `centre` the mean counts as 0. y may be x. */
export interface LayerNormParams {
  readonly x: Address;
  readonly y: Address;
  readonly n: number;
  readonly c: number;
  readonly centre: boolean;
  readonly eps: number;
}

const halves = new Int32Array(2);
const double = new Float64Array(halves.buffer);
/** The two words of an f64, low first. */
function wordsOf(x: number): [number, number] {
  double[0] = x;
  return [halves[0]!, halves[1]!];
}

export const layerNorm: Kernel<LayerNormParams> = {
  name: "layerNorm",
  opcode: OPCODES.layerNorm,
  encode: (p) => ({ opcode: OPCODES.layerNorm, words: [p.x, p.y, p.n, p.c, p.centre ? 1 : 0, ...wordsOf(p.eps)] }),
  scratchBytes: () => 0,
};

/** The gradient of x from g, that of y. dx may be g or x. */
export interface LayerNormGradParams extends Omit<LayerNormParams, "y"> {
  readonly g: Address;
  readonly dx: Address;
}

export const layerNormGrad: Kernel<LayerNormGradParams> = {
  name: "layerNormGrad",
  opcode: OPCODES.layerNormGrad,
  encode: (p) => ({
    opcode: OPCODES.layerNormGrad,
    words: [p.g, p.x, p.dx, p.n, p.c, p.centre ? 1 : 0, ...wordsOf(p.eps)],
  }),
  scratchBytes: () => 0,
};
