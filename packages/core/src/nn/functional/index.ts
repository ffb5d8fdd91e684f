/** @file nn.functional: activations and distances as functions; the losses stand in `nn` itself. */

export { logSoftmax, relu, sigmoid, softmax, tanh } from "../../tensor/functions.ts";
export * from "./activation.ts";
export { squash } from "./capsules.ts";
export * from "./distance.ts";
export * from "./interpolate.ts";
export * from "./shape.ts";
