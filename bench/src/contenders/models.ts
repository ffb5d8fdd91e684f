/** @file The training steps of the engine suite: a CNN and an MLP, batch 64, SGD, softmax cross-entropy; two LSTM layers. */
import { Random, randint, randn, Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";

/** One step on a batch; gives the loss. */
export interface Trainer {
  readonly model: nn.Layer;
  /** Fresh inputs of the right shapes, from JavaScript arrays, as a loader gives them. */
  batch(): readonly [Tensor, Tensor];
  step(x: Tensor, y: Tensor): Promise<number>;
}

const BATCH = 64;

function trainer(model: nn.Layer, xShape: readonly number[]): Trainer {
  const opt = optim.sgd(model, { lr: 0.01 });
  const random = new Random(5);
  const pictures = random.normal(BATCH * 784);
  const labels = Int32Array.from({ length: BATCH }, () => random.integer(0, 10));
  return {
    model,
    batch: () => [Tensor.from(Float32Array.from(pictures), xShape), Tensor.from(labels, [BATCH])],
    step: async (x, y) => {
      const loss = nn.crossEntropy(model(x), y);
      await opt.step(loss);
      return loss.item();
    },
  };
}

/** conv 5x5x16, relu, pool 2, conv 5x5x32, relu, pool 2, fc 128, relu, fc 10. */
export function cnn(): Trainer {
  const init = { random: new Random(1) };
  const model = nn.sequential(
    nn.conv2d(1, 16, 5, { padding: 2, ...init }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.conv2d(16, 32, 5, { padding: 2, ...init }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(1568, 128, init),
    nn.relu(),
    nn.linear(128, 10, init),
  );
  return trainer(model, [BATCH, 1, 28, 28]);
}

/** 784-128-10. */
export function mlp(): Trainer {
  const init = { random: new Random(1) };
  return trainer(nn.sequential(nn.linear(784, 128, init), nn.relu(), nn.linear(128, 10, init)), [BATCH, 784]);
}

/** An encoder layer (128 wide, 8 heads, PyTorch's 2048 between) on 8 sequences of 128 tokens: mean square, SGD. */
export function transformer(): Pick<Trainer, "model"> & { readonly step: () => Promise<number> } {
  const random = new Random(1);
  const model = nn.transformerEncoderLayer(128, 8, { dropout: 0, batchFirst: true, random });
  const opt = optim.sgd(model, { lr: 0.01 });
  const values = random.normal(8 * 128 * 128);
  return {
    model,
    step: async () => {
      const loss = model(Tensor.from(new Float32Array(values), [8, 128, 128]))
        .square()
        .mean();
      await opt.step(loss);
      return loss.item();
    },
  };
}

/** Matrices for the GEMM rows. */
export const matrix = (n: number, seed: number): Tensor => randn([n, n], new Random(seed));
/** Class numbers 0..9. */
export const someLabels = (n: number): Tensor => randint(0, 10, [n], new Random(9));

/** Two LSTM layers 128 wide over 64 steps of 32 sequences: forward, mean of the output, backward, SGD. Returns a step that gives the loss. */
export function lstm(): () => Promise<number> {
  const random = new Random(1);
  const model = nn.lstm(128, 128, { numLayers: 2, random });
  const opt = optim.sgd(model, { lr: 0.01 });
  const x = randn([64, 32, 128], random);
  return async () => {
    const loss = model(x)[0].mean();
    await opt.step(loss);
    return loss.item();
  };
}
