/** @file Public names of @tacit/kernels (the ring kernels are at @tacit/kernels/ring). */
export { KernelError } from "./errors.ts";
export * from "./f32/index.ts";
export { type BuildName, buildName, type Capabilities, type LoadOptions, loadModule, type ModuleName, probe } from "./modules.ts";
