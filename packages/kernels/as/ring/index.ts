/** @file Exports of the ring module: plain functions on raw pointers; nothing is allocated here. */
export * from "./chacha";
export * from "./elementwise.gen";
export { gemm64, gemm64WorkspaceBytes } from "./strassen64";
export { gemm32, gemm32WorkspaceBytes } from "./gemm32";
export { stridedCopy, sum32, sum64 } from "./movement";
export * from "./bits";
export {
  convForward32, convForward64, convInputGradient32, convInputGradient64, convWeightGradient32, convWeightGradient64,
  convWorkspaceBytes32, convWorkspaceBytes64,
} from "./convolution";
