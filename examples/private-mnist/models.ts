/** @file The two models, and what each is trained with: found by trying on MNIST itself, which the ε does not cover. */
import { Random, type Tensor } from "@tacit/core";
import type { Dataset, DigitsDataset } from "@tacit/core/data";
import * as nn from "@tacit/core/nn";
import { CHANNELS, features, SIDE } from "./scattering.ts";

export interface Recipe {
  readonly what: string;
  /** The data set as the model reads it. */
  readonly prepare: (set: DigitsDataset) => Promise<Dataset<readonly [Tensor, Tensor]>>;
  readonly model: (seed: number) => nn.Layer;
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly maxGradNorm: number;
  readonly physicalBatch: number;
}

/** The network of Papernot, Thakurta, Song, Chien, Erlingsson (arXiv 2007.14191): 26,010 parameters, tanh for bounded activations. */
function cnn(seed: number): nn.Layer {
  const random = new Random(seed);
  return nn.sequential(
    nn.conv2d(1, 16, 8, { stride: 2, padding: 3, random }),
    nn.tanh(),
    nn.maxPool2d(2, { stride: 1 }),
    nn.conv2d(16, 32, 4, { stride: 2, random }),
    nn.tanh(),
    nn.maxPool2d(2, { stride: 1 }),
    nn.flatten(),
    nn.linear(512, 32, { random }),
    nn.tanh(),
    nn.linear(32, 10, { random }),
  );
}

export const RECIPES: Readonly<Record<"scattering" | "cnn", Recipe>> = {
  scattering: {
    what: "a linear model on scattering features",
    prepare: features,
    model: (seed) => nn.linear(CHANNELS * SIDE * SIDE, 10, { random: new Random(seed) }),
    epochs: 30,
    batch: 4096,
    lr: 4,
    maxGradNorm: 0.1,
    physicalBatch: 128,
  },
  cnn: {
    what: "a convolutional network with tanh",
    prepare: async (set) => set,
    model: cnn,
    epochs: 10,
    batch: 1024,
    lr: 3,
    maxGradNorm: 0.1,
    physicalBatch: 128,
  },
};
