/** @file What every f32 kernel computes, in plain TypeScript: the oracle of tests, apart from the kernels so that no page ships it. */
import type { Kernel, MemoryViews } from "../instruction.ts";
import type { F32_KERNELS, F32KernelName } from "../table.ts";
import * as attention from "./attention.ts";
import { chainReference } from "./chain.ts";
import * as conv from "./conv.ts";
import * as copy from "./copy.ts";
import * as gemm from "./gemm.ts";
import * as indexing from "./indexing.ts";
import * as norm from "./norm.ts";
import * as pool from "./pool.ts";
import { randomBitsReference } from "./random.ts";
import * as recurrent from "./recurrent.ts";
import * as reduce from "./reduce.ts";
import * as softmax from "./softmax.ts";

/** Does on plain memory, slowly, what a kernel does on its own. Returns an error code of `ERRORS`, or 0. */
export type Reference<P> = (params: P, memory: MemoryViews) => number;

type ParamsOf<K> = K extends Kernel<infer P> ? P : never;

/** One row per row of `F32_KERNELS`, under the kernel's name. */
export const F32_REFERENCES: { readonly [N in F32KernelName]: Reference<ParamsOf<(typeof F32_KERNELS)[N]>> } = {
  gemm: gemm.gemmReference,
  conv2d: conv.conv2dReference,
  conv2dGradInput: conv.conv2dGradInputReference,
  conv2dGradWeight: conv.conv2dGradWeightReference,
  maxPool2d: pool.maxPool2dReference,
  maxPool2dGrad: pool.maxPool2dGradReference,
  avgPool2d: pool.avgPool2dReference,
  avgPool2dGrad: pool.avgPool2dGradReference,
  chain: chainReference,
  reduce: reduce.reduceReference,
  argReduce: reduce.argReduceReference,
  softmax: softmax.softmaxReference,
  softmaxCrossEntropy: softmax.softmaxCrossEntropyReference,
  softmaxCrossEntropyGrad: softmax.softmaxCrossEntropyGradReference,
  stridedCopy: copy.stridedCopyReference,
  fill: copy.fillReference,
  iota: copy.iotaReference,
  gather: indexing.gatherReference,
  scatterAdd: indexing.scatterAddReference,
  indexSelect: indexing.indexSelectReference,
  indexAdd: indexing.indexAddReference,
  oneHot: indexing.oneHotReference,
  cumsum: indexing.cumsumReference,
  randomBits: randomBitsReference,
  packMatrix: gemm.packMatrixReference,
  rnnCell: recurrent.rnnCellReference,
  rnnCellGrad: recurrent.rnnCellGradReference,
  lstmCell: recurrent.lstmCellReference,
  lstmCellGrad: recurrent.lstmCellGradReference,
  gruCell: recurrent.gruCellReference,
  gruCellGrad: recurrent.gruCellGradReference,
  layerNorm: norm.layerNormReference,
  layerNormGrad: norm.layerNormGradReference,
  attention: attention.attentionReference,
  attentionGrad: attention.attentionGradReference,
};

/** The reference of a kernel that is known by name only. @throws RangeError where the table has no such row */
export function referenceOf(kernel: string): Reference<unknown> {
  if (!Object.hasOwn(F32_REFERENCES, kernel))
    throw new RangeError(`reference: expected the name of an f32 kernel, got ${kernel}`);
  return F32_REFERENCES[kernel as F32KernelName] as Reference<unknown>;
}
