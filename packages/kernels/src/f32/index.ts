/** @file Public names of the f32 kernels. */
export type { AttentionGradParams, AttentionMask, AttentionParams, RowStrides, Rows } from "./attention.ts";
export type { ChainConstant, ChainInput, ChainLoad, ChainOp, ChainOutput, ChainParams, ChainStep } from "./chain.ts";
export {
  type ConvGeometry,
  type ConvGradInputParams,
  type ConvGradWeightParams,
  type ConvParams,
  type ConvSizes,
  convGeometry,
} from "./conv.ts";
export { contiguousStrides, type FillParams, type IotaParams, type StridedCopyParams } from "./copy.ts";
export { type EngineOptions, F32Engine } from "./engine.ts";
export { GEMM_FLAGS, type GemmParams, type PackMatrixParams, packedElements } from "./gemm.ts";
export type { CumsumParams, GatherParams, IndexSelectParams, OneHotParams, ScatterAddParams } from "./indexing.ts";
export {
  type Address,
  type DataError,
  ELEMENT_BYTES,
  type ElementType,
  ERRORS,
  type Instruction,
  type Kernel,
  type MemoryViews,
  viewsOf,
  WORDS,
  writeInstruction,
} from "./instruction.ts";
export type { LayerNormGradParams, LayerNormParams } from "./norm.ts";
export { OPCODES } from "./opcodes.gen.ts";
export {
  type AvgPoolGradParams,
  type AvgPoolParams,
  type MaxPoolGradParams,
  type MaxPoolParams,
  type PoolGeometry,
  type PoolSizes,
  poolGeometry,
} from "./pool.ts";
export type { RandomBitsParams } from "./random.ts";
export type {
  GruCellGradParams,
  GruCellParams,
  LstmCellGradParams,
  LstmCellParams,
  RnnCellGradParams,
  RnnCellParams,
} from "./recurrent.ts";
export type { ArgReduceParams, ReduceParams } from "./reduce.ts";
export type { SoftmaxCrossEntropyGradParams, SoftmaxCrossEntropyParams, SoftmaxParams } from "./softmax.ts";
export { F32_KERNELS, type F32KernelName } from "./table.ts";
