/** @file Exports of the ring module: plain functions on raw pointers; nothing is allocated here. */
export * from "./chacha";
export * from "./elementwise.gen";
export { gemm64, gemm64WorkspaceBytes } from "./strassen64";
export { gemm32, gemm32WorkspaceBytes } from "./gemm32";
export { stridedCopy, sum32, sum64 } from "./movement";
export * from "./bits";
