/** @file Criterion: a loss with its options as a module, where PyTorch writes `nn.MSELoss(reduction="sum")`. */
import type { Tensor } from "../../tensor/tensor.ts";
import { Module } from "../module.ts";

/** A loss function: tensors (and lengths) first, options last. */
export type LossFunction<I extends readonly unknown[], O> = (...inputs: [...I, O?]) => Tensor;

/** A loss and its options; `forward` takes what the loss takes before them. */
export class Criterion<I extends readonly unknown[], O> extends Module {
  private readonly loss: LossFunction<I, O>;
  readonly options: O;

  constructor(loss: LossFunction<I, O>, options: O) {
    super();
    this.loss = loss;
    this.options = options;
  }

  forward(...inputs: I): Tensor {
    return this.loss(...inputs, this.options);
  }

  override extraRepr(): string {
    return this.loss.name;
  }
}

/** `nn.criterion(nn.crossEntropy, { labelSmoothing: 0.1 })` is called as `nn.crossEntropy(logits, labels)` is. */
export function criterion<I extends readonly unknown[], O>(loss: LossFunction<I, O>, options: O): Criterion<I, O> {
  return new Criterion(loss, options);
}
