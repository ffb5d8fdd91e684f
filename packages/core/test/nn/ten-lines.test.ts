/** @file The ten lines of the README, on a few drawn digits: written as a user writes them, types included. */
import { data, nn, optim } from "@tacit/core";
import { expect, test } from "vitest";

test("ten lines train a classifier", async () => {
  const { train, test: held } = await data.mnist({ source: "drawn", drawn: { train: 3000, test: 500 } });
  nn.manualSeed(0);
  const model = nn.sequential(nn.flatten(), nn.linear(784, 128), nn.relu(), nn.linear(128, 10));
  const opt = optim.adam(model, { lr: 1e-3 });
  const loader = train.shuffle({ seed: 0 }).batch(64);
  for (let epoch = 0; epoch < 3; epoch++) {
    for await (const [x, y] of loader) {
      await opt.step(nn.crossEntropy(model(x), y));
    }
  }
  expect(await nn.accuracy(model, held)).toBeGreaterThan(0.8);
});
