/** @file Public names of @tacit/kernels. */
export { KernelError } from "./errors.ts";
export { type BuildName, buildName, type Capabilities, type LoadOptions, loadModule, type ModuleName, probe } from "./modules.ts";
