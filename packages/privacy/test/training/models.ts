/** @file Small models and data sets of the training tests. */
import { Random, type Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";

export type Pair = readonly [Tensor, Tensor];

/** `count` points of two classes around (±1, …). */
export function points(count: number, width = 4, seed = 1): data.Dataset<Pair> {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const values = Float32Array.from(random.normal(count * width), (x, i) => x + (labels[Math.floor(i / width)] === 1 ? 1 : -1));
  return data.tensorDataset([
    { values, shape: [count, width], dtype: "f32" },
    { values: labels, shape: [count], dtype: "i32" },
  ]);
}

export const mlp = (width = 4, seed = 2): nn.Layer => {
  const random = new Random(seed);
  return nn.sequential(nn.linear(width, 8, { random }), nn.tanh(), nn.linear(8, 2, { random }));
};

/** A model, its optimizer and its loss, for `makePrivate`. */
export function classifier(
  model: nn.Layer,
  lr = 0.5,
): { model: nn.Layer; optimizer: optim.SGD; loss: (x: Tensor, y: Tensor) => Tensor } {
  return { model, optimizer: optim.sgd(model, { lr }), loss: (x, y) => nn.crossEntropy(model(x), y) };
}
