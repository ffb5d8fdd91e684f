/** @file The models that the command line can build by name; the name travels in a saved file, so that `predict` builds the same one. */
import { expected } from "@tacit/core/errors";
import * as nn from "@tacit/core/nn";

interface ModelRow {
  readonly says: string;
  build(classes: number, init: nn.InitOptions): nn.Layer;
}

/** Pictures [N, 1, 28, 28] in, logits [N, classes] out. */
export const MODELS: Readonly<Record<"cnn" | "lenet5" | "mlp", ModelRow>> = {
  cnn: {
    says: "conv 5x5x16, pool, conv 5x5x32, pool, fc 128, fc (the CNN of the benchmarks)",
    build: (classes, init) =>
      nn.sequential(
        nn.conv2d(1, 16, 5, { padding: 2, ...init }),
        nn.relu(),
        nn.maxPool2d(2),
        nn.conv2d(16, 32, 5, { padding: 2, ...init }),
        nn.relu(),
        nn.maxPool2d(2),
        nn.flatten(),
        nn.linear(1568, 128, init),
        nn.relu(),
        nn.linear(128, classes, init),
      ),
  },
  lenet5: {
    says: "LeNet-5: conv 5x5x6, pool, conv 5x5x16, pool, fc 120, fc 84, fc",
    build: (classes, init) =>
      nn.sequential(
        nn.conv2d(1, 6, 5, { padding: 2, ...init }),
        nn.relu(),
        nn.maxPool2d(2),
        nn.conv2d(6, 16, 5, init),
        nn.relu(),
        nn.maxPool2d(2),
        nn.flatten(),
        nn.linear(400, 120, init),
        nn.relu(),
        nn.linear(120, 84, init),
        nn.relu(),
        nn.linear(84, classes, init),
      ),
  },
  mlp: {
    says: "784-128-128, fc",
    build: (classes, init) =>
      nn.sequential(
        nn.flatten(),
        nn.linear(784, 128, init),
        nn.relu(),
        nn.linear(128, 128, init),
        nn.relu(),
        nn.linear(128, classes, init),
      ),
  },
};

export type ModelName = keyof typeof MODELS;

/** The model's name, checked. @throws MODEL_UNKNOWN */
export function modelName(name: string): ModelName {
  if (!Object.hasOwn(MODELS, name)) {
    const known = Object.entries(MODELS).map(([k, m]) => `${k} (${m.says})`);
    expected("MODEL_UNKNOWN", "model", `one of ${Object.keys(MODELS).join(", ")}`, JSON.stringify(name), known.join("; "));
  }
  return name as ModelName;
}
