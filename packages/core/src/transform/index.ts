/** @file Transformations of Programs. */
export { backward } from "./backward.ts";
export { decompose, isComposite } from "./decompose.ts";
export { type GradOptions, grad, valueAndGrad, vjp } from "./grad.ts";
export type { RemovableHandle } from "./hooks.ts";
export { captured, checkInputs, evaluate, type Traced, trace } from "./trace.ts";
export { vmap } from "./vmap.ts";
