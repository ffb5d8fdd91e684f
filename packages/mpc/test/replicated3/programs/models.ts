/** @file The models of the tests, and one training step of each as a Program with inputs. */
import { Random, randn, type Tensor, tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import type * as optim from "@tacit/core/optim";
import { type Captured, captureDevice } from "./capture.ts";

/** 784-128-128-10 with ReLU. */
export const mlp = (random: Random, sizes: readonly number[] = [784, 128, 128, 10]): nn.Module => {
  const layers: nn.Layer[] = [];
  for (let i = 1; i < sizes.length; i++) {
    layers.push(nn.linear(sizes[i - 1]!, sizes[i]!, { random }));
    if (i < sizes.length - 1) layers.push(nn.relu());
  }
  return nn.sequential(...layers);
};

/** LeNet-5: conv 5x5x6 (pad 2), relu, maxpool 2, conv 5x5x16, relu, maxpool 2, fc 120, 84, 10. */
export const lenet5 = (random: Random): nn.Module =>
  nn.sequential(
    nn.conv2d(1, 6, 5, { padding: 2, random }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.conv2d(6, 16, 5, { random }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(400, 120, { random }),
    nn.relu(),
    nn.linear(120, 84, { random }),
    nn.relu(),
    nn.linear(84, 10, { random }),
  );

export interface Scenario {
  readonly model: nn.Module;
  readonly x: readonly number[];
  readonly classes: number;
  /** Whether the labels are secret probabilities (default) or public indices. */
  readonly steps?: number;
  readonly optimizer: (model: nn.Module) => optim.Optimizer;
  readonly random: Random;
}

/** Plain training steps; every step is one captured run. */
export async function trainingRuns(s: Scenario): Promise<Captured[]> {
  const { device, runs } = captureDevice();
  await s.model.to(device);
  const opt = s.optimizer(s.model);
  const n = s.x[0]!;
  for (let i = 0; i < (s.steps ?? 1); i++) {
    const x = await randn([...s.x], s.random).to(device);
    const target = await oneHot(s, n).to(device);
    await opt.step(nn.crossEntropy((s.model as nn.Module & { forward(x: Tensor): Tensor }).forward(x), target));
  }
  return runs;
}

function oneHot(s: Scenario, n: number): Tensor {
  const rows = Array.from({ length: n }, () => {
    const k = s.random.bits() % s.classes;
    return Array.from({ length: s.classes }, (_, c) => (c === k ? 1 : 0));
  });
  return tensor(rows);
}

export { Random, randn };
