/** @file Exports of the ring module: plain functions on raw pointers; nothing is allocated here. */
export * from "./chacha";
export * from "./elementwise.gen";
export { gemm64, gemm64WorkspaceBytes } from "./gemm64";
