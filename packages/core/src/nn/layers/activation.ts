/** @file Activations as layers: relu, sigmoid, tanh, gelu, softmax. */
import type { Tensor } from "../../tensor/tensor.ts";
import { Module } from "../module.ts";

/** An activation is a function of one tensor; its name is shown when a model is printed. */
export class Activation extends Module {
  readonly kind: string;
  private readonly fn: (x: Tensor) => Tensor;

  constructor(kind: string, fn: (x: Tensor) => Tensor) {
    super();
    this.kind = kind;
    this.fn = fn;
  }

  forward(x: Tensor): Tensor {
    return this.fn(x);
  }

  override extraRepr(): string {
    return this.kind;
  }
}

export const relu = (): Activation => new Activation("relu", (x) => x.relu());
export const sigmoid = (): Activation => new Activation("sigmoid", (x) => x.sigmoid());
export const tanh = (): Activation => new Activation("tanh", (x) => x.tanh());
/** x Φ(x); `approximate: "tanh"` for the approximation. */
export const gelu = (options: { readonly approximate?: "none" | "tanh" } = {}): Activation =>
  new Activation("gelu", (x) => x.gelu(options));
/** Probabilities along `dim`. Not before `crossEntropy`, which takes logits. */
export const softmax = (dim = -1): Activation => new Activation("softmax", (x) => x.softmax(dim));
export const logSoftmax = (dim = -1): Activation => new Activation("logSoftmax", (x) => x.logSoftmax(dim));
