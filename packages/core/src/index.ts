/** @file @tacit/core: Tensor, Program, Device; nn, optim, data and io as namespaces. */

export * as data from "./data/index.ts";
export { type Debug, debug } from "./debug/debug.ts";
export { type CpuDevice, type CpuOptions, cpu, type Profile, type ProfileOptions, type TraceFile } from "./device/cpu/index.ts";
export type { Binding, Device, Disclosure, Executable, Gap, Job, Storage } from "./device/device.ts";
export * as distributions from "./distributions/index.ts";
export { defaultDevice, setDefaultDevice } from "./engine/default-device.ts";
export { engineStats, step, type TensorUpdate } from "./engine/engine.ts";
export { TacitError } from "./errors.ts";
export * as io from "./io/index.ts";
export * as nn from "./nn/index.ts";
export * as optim from "./optim/index.ts";
export { type Aval, type Shape, sizeOf } from "./program/aval.ts";
export { DTYPES, type DType, type TypedArray } from "./program/dtype.ts";
export { type Node, Program } from "./program/program.ts";
export { Random, type RandomState } from "./random.ts";
export { type BackwardOptions, enableGrad, noGrad } from "./tensor/backward.ts";
export * from "./tensor/creation.ts";
export { hessian, hvp, jacrev, jvp, vjp } from "./tensor/derivatives.ts";
export { bernoulli, type MultinomialOptions, multinomial, poisson } from "./tensor/draws.ts";
export { einsum, meshgrid, tensordot } from "./tensor/einsum.ts";
export * from "./tensor/functions.ts";
export type { Operand } from "./tensor/operand.ts";
export { realize, Tensor, type TensorOptions } from "./tensor/tensor.ts";
export { grad, gradients, valueAndGrad, vmap } from "./tensor/transforms.ts";
export type { RemovableHandle } from "./transform/hooks.ts";
