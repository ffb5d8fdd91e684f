/** @file The models of the tests, and one training step of each as a Program with inputs. */
import { noGrad, type Random, randn, type Tensor, tensor } from "@tacit/core";
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

/** Two convolutions with batch normalisation, average pool, dropout. */
export const batchNormCnn = (random: Random): nn.Module =>
  nn.sequential(
    nn.conv2d(2, 4, 3, { padding: 1, random }),
    nn.batchNorm2d(4),
    nn.relu(),
    nn.maxPool2d(2),
    nn.conv2d(4, 6, 3, { padding: 1, random }),
    nn.batchNorm2d(6),
    nn.relu(),
    nn.avgPool2d(2),
    nn.flatten(),
    nn.dropout(0.3, { random }),
    nn.linear(24, 5, { random }),
  );

type Forward = nn.Module & { forward(x: Tensor): Tensor };

export interface Scenario {
  readonly model: nn.Module;
  /** Shape of a batch of inputs. */
  readonly x: readonly number[];
  readonly classes: number;
  readonly steps?: number;
  readonly optimizer: (model: nn.Module) => optim.Optimizer;
  readonly random: Random;
  /** Cross-entropy unless said; else the squared error of the outputs' sigmoid. */
  readonly squared?: boolean;
}

/** Plain training steps on random data; every step is one captured run. */
export async function trainingRuns(s: Scenario): Promise<Captured[]> {
  const { device, runs } = captureDevice();
  await s.model.to(device);
  const opt = s.optimizer(s.model);
  for (let i = 0; i < (s.steps ?? 1); i++) {
    const x = await randn([...s.x], s.random).to(device);
    const target = await oneHot(s).to(device);
    const y = (s.model as Forward).forward(x);
    await opt.step(s.squared ? nn.mseLoss(y.sigmoid(), target) : nn.crossEntropy(y, target));
  }
  return runs;
}

/** One forward pass without gradients. */
export async function inferenceRun(model: nn.Module, shape: readonly number[], random: Random): Promise<Captured> {
  const { device, runs } = captureDevice();
  await model.to(device);
  model.eval();
  const x = await randn([...shape], random).to(device);
  await noGrad(() => (model as Forward).forward(x)).data();
  return runs[runs.length - 1]!;
}

function oneHot(s: Scenario): Tensor {
  const rows = Array.from({ length: s.x[0]! }, () => {
    const k = s.random.bits() % s.classes;
    return Array.from({ length: s.classes }, (_, c) => (c === k ? 1 : 0));
  });
  return tensor(rows);
}
