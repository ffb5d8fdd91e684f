/** @file One task for each family of layers: what per-example gradients are tested on. */
import { Random, type Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import * as nn from "@tacit/core/nn";
import type { Task } from "./chunks.ts";
import { mlp, type Pair, points } from "./models.ts";

const init = (seed: number): { readonly random: Random } => ({ random: new Random(seed) });

/** Noise in the form of pictures, three classes. */
export function pictures(count: number, side: number): data.Dataset<Pair> {
  const random = new Random(3);
  return data.tensorDataset([
    { values: Float32Array.from(random.normal(count * side * side)), shape: [count, 1, side, side], dtype: "f32" },
    { values: Int32Array.from({ length: count }, (_, i) => i % 3), shape: [count], dtype: "i32" },
  ]);
}

/** Windows of `length` characters and the one that follows. */
function text(count: number, length: number): data.Dataset<Pair> {
  const random = new Random(4);
  const words = (n: number): Int32Array => Int32Array.from({ length: n }, () => random.integer(0, 7));
  return data.tensorDataset([
    { values: words(count * length), shape: [count, length], dtype: "i32" },
    { values: words(count), shape: [count], dtype: "i32" },
  ]);
}

const classes = (model: nn.Layer, set: data.Dataset<Pair>): Task<Pair> => ({
  model,
  data: set,
  loss: (x, y) => nn.crossEntropy(model(x), y),
});

class CharModel extends nn.Module {
  embed: nn.Embedding = nn.embedding(7, 5, init(6));
  rnn: nn.LSTM = nn.lstm(5, 6, { batchFirst: true, ...init(7) });
  out: nn.Linear = nn.linear(6, 7, init(8));
  forward(x: Tensor): Tensor {
    const [h] = this.rnn(this.embed(x));
    return this.out(h.select(1, -1));
  }
}

export function zoo(count: number): Readonly<Record<string, Task<Pair>>> {
  const char = new CharModel();
  return {
    "linear layers": classes(mlp(), points(count)),
    "convolutions and group norm": classes(
      nn.sequential(
        nn.conv2d(1, 4, 3, { padding: 1, ...init(5) }),
        nn.groupNorm(2, 4),
        nn.relu(),
        nn.maxPool2d(2),
        nn.conv2d(4, 6, 3, init(6)),
        nn.tanh(),
        nn.flatten(),
        nn.linear(24, 3, init(7)),
      ),
      pictures(count, 8),
    ),
    "an embedding and an LSTM": { model: char, data: text(count, 6), loss: (x, y) => nn.crossEntropy(char(x), y) },
    "layer norm and attention": ((): Task<Pair> => {
      const embed = nn.embedding(7, 8, init(9));
      const block = nn.transformerEncoderLayer(8, 2, { dropout: 0, dimFeedforward: 16, batchFirst: true, ...init(10) });
      const out = nn.linear(8, 7, init(11));
      const model = nn.sequential(embed, block, out);
      return { model, data: text(count, 5), loss: (x, y) => nn.crossEntropy(model(x).mean(1), y) };
    })(),
  };
}
