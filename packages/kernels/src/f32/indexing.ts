/** @file Kernels that take i32 indices, and cumsum: parameters and words. A bad index leaves an error code and is skipped (reads give 0). */
import type { Address, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

/** y[outer, m, inner] = x[outer, index[outer, m, inner], inner]; 4-byte elements. */
export interface GatherParams {
  readonly x: Address;
  readonly index: Address;
  readonly y: Address;
  readonly outer: number;
  /** Size of x along the axis. */
  readonly n: number;
  /** Size of index and y along the axis. */
  readonly m: number;
  readonly inner: number;
}
/** y[outer, index[outer, m, inner], inner] += src[outer, m, inner], f32, in order of m. y starts as the base. */
export interface ScatterAddParams {
  readonly src: Address;
  readonly index: Address;
  readonly y: Address;
  readonly outer: number;
  /** Size of y along the axis. */
  readonly n: number;
  /** Size of index and src along the axis. */
  readonly m: number;
  readonly inner: number;
}
/** y[outer, m, inner] = x[outer, index[m], inner], elements of 1, 4 or 8 bytes. */
export interface IndexSelectParams extends GatherParams {
  /** Default 4. */
  readonly elementBytes?: 1 | 4 | 8;
}
/** labels i32[n] -> y f32[n, classes]: 1 at the label, else 0. A label out of range: LABEL_OUT_OF_RANGE and a row of zeros. */
export interface OneHotParams {
  readonly labels: Address;
  readonly y: Address;
  readonly n: number;
  readonly classes: number;
}
/** y[outer, n, inner] = running sums of x along n; f32 or i32. */
export interface CumsumParams {
  readonly x: Address;
  readonly y: Address;
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  readonly dtype: "f32" | "i32";
}

const noScratch = (): number => 0;

export const gather: Kernel<GatherParams> = {
  name: "gather",
  opcode: OPCODES.gather,
  encode: (p) => ({ opcode: OPCODES.gather, words: [p.x, p.index, p.y, p.outer, p.n, p.m, p.inner] }),
  scratchBytes: noScratch,
};
export const scatterAdd: Kernel<ScatterAddParams> = {
  name: "scatterAdd",
  opcode: OPCODES.scatterAdd,
  encode: (p) => ({ opcode: OPCODES.scatterAdd, words: [p.src, p.index, p.y, p.outer, p.n, p.m, p.inner] }),
  scratchBytes: noScratch,
};
export const indexSelect: Kernel<IndexSelectParams> = {
  name: "indexSelect",
  opcode: OPCODES.indexSelect,
  encode: (p) => ({
    opcode: OPCODES.indexSelect,
    words: [p.x, p.index, p.y, p.outer, p.n, p.m, p.inner * (p.elementBytes ?? 4)],
  }),
  scratchBytes: noScratch,
};
/** y[outer, index[m], inner] += src[outer, m, inner], f32, in order of m. y starts as the base. */
export const indexAdd: Kernel<ScatterAddParams> = {
  name: "indexAdd",
  opcode: OPCODES.indexAdd,
  encode: (p) => ({ opcode: OPCODES.indexAdd, words: [p.src, p.index, p.y, p.outer, p.n, p.m, p.inner] }),
  scratchBytes: noScratch,
};
export const oneHot: Kernel<OneHotParams> = {
  name: "oneHot",
  opcode: OPCODES.oneHot,
  encode: (p) => ({ opcode: OPCODES.oneHot, words: [p.labels, p.y, p.n, p.classes] }),
  scratchBytes: noScratch,
};
export const cumsum: Kernel<CumsumParams> = {
  name: "cumsum",
  opcode: OPCODES.cumsum,
  encode: (p) => ({ opcode: OPCODES.cumsum, words: [p.x, p.y, p.outer, p.n, p.inner, p.dtype === "f32" ? 1 : 0] }),
  scratchBytes: noScratch,
};
