/** @file The table of f32 kernels: one row per kernel. */
import { attention, attentionGrad } from "./attention.ts";
import { chain } from "./chain.ts";
import { conv2d, conv2dGradInput, conv2dGradWeight } from "./conv.ts";
import { fill, iota, stridedCopy } from "./copy.ts";
import { gemm, packMatrix } from "./gemm.ts";
import { cumsum, gather, indexAdd, indexSelect, oneHot, scatterAdd } from "./indexing.ts";
import { layerNorm, layerNormGrad } from "./norm.ts";
import { avgPool2d, avgPool2dGrad, maxPool2d, maxPool2dGrad } from "./pool.ts";
import { randomBits } from "./random.ts";
import { gruCell, gruCellGrad, lstmCell, lstmCellGrad, rnnCell, rnnCellGrad } from "./recurrent.ts";
import { argReduce, reduce } from "./reduce.ts";
import { softmax, softmaxCrossEntropy, softmaxCrossEntropyGrad } from "./softmax.ts";

/** Every kernel that a plan may hold. `F32_KERNELS.gemm.encode({ a, b, c, m, n, k })` makes its instruction. */
export const F32_KERNELS: {
  readonly gemm: typeof gemm;
  readonly conv2d: typeof conv2d;
  readonly conv2dGradInput: typeof conv2dGradInput;
  readonly conv2dGradWeight: typeof conv2dGradWeight;
  readonly maxPool2d: typeof maxPool2d;
  readonly maxPool2dGrad: typeof maxPool2dGrad;
  readonly avgPool2d: typeof avgPool2d;
  readonly avgPool2dGrad: typeof avgPool2dGrad;
  readonly chain: typeof chain;
  readonly reduce: typeof reduce;
  readonly argReduce: typeof argReduce;
  readonly softmax: typeof softmax;
  readonly softmaxCrossEntropy: typeof softmaxCrossEntropy;
  readonly softmaxCrossEntropyGrad: typeof softmaxCrossEntropyGrad;
  readonly stridedCopy: typeof stridedCopy;
  readonly fill: typeof fill;
  readonly iota: typeof iota;
  readonly gather: typeof gather;
  readonly scatterAdd: typeof scatterAdd;
  readonly indexSelect: typeof indexSelect;
  readonly indexAdd: typeof indexAdd;
  readonly oneHot: typeof oneHot;
  readonly cumsum: typeof cumsum;
  readonly randomBits: typeof randomBits;
  readonly packMatrix: typeof packMatrix;
  readonly rnnCell: typeof rnnCell;
  readonly rnnCellGrad: typeof rnnCellGrad;
  readonly lstmCell: typeof lstmCell;
  readonly lstmCellGrad: typeof lstmCellGrad;
  readonly gruCell: typeof gruCell;
  readonly gruCellGrad: typeof gruCellGrad;
  readonly layerNorm: typeof layerNorm;
  readonly layerNormGrad: typeof layerNormGrad;
  readonly attention: typeof attention;
  readonly attentionGrad: typeof attentionGrad;
} = {
  gemm,
  conv2d,
  conv2dGradInput,
  conv2dGradWeight,
  maxPool2d,
  maxPool2dGrad,
  avgPool2d,
  avgPool2dGrad,
  chain,
  reduce,
  argReduce,
  softmax,
  softmaxCrossEntropy,
  softmaxCrossEntropyGrad,
  stridedCopy,
  fill,
  iota,
  gather,
  scatterAdd,
  indexSelect,
  indexAdd,
  oneHot,
  cumsum,
  randomBits,
  packMatrix,
  rnnCell,
  rnnCellGrad,
  lstmCell,
  lstmCellGrad,
  gruCell,
  gruCellGrad,
  layerNorm,
  layerNormGrad,
  attention,
  attentionGrad,
};

export type F32KernelName = keyof typeof F32_KERNELS;
