/** @file Ring arithmetic modulo 2^64 and 2^32, bit slicing and ChaCha, on raw WebAssembly memory. */
export * from "./kernels.ts";
export { loadRing } from "./load.ts";
export * from "./reference.ts";
export { chachaReference } from "./reference-chacha.ts";
