/** @file Drawn digits: the same on every machine, learnable, not trivial. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { expect, test } from "vitest";
import { digits } from "../../src/data/digits.ts";
import { drawnDigits } from "../../src/data/mnist.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { codeOf } from "../errors.ts";

const long = process.env.TACIT_LONG !== undefined;

test("the pictures are the same to the bit on every platform", () => {
  const { images, labels } = digits({ count: 200, seed: 1 });
  expect(bytesToHex(sha256(images.values as Uint8Array))).toBe(
    "40bbe93135497062d16c64ce53908c91b0e52afda03fe1c5ab1a225c527e11af",
  );
  expect([...labels.values].slice(0, 20)).toEqual([3, 5, 3, 1, 8, 7, 8, 8, 6, 8, 9, 9, 4, 3, 6, 0, 3, 0, 5, 0]);
});

test("a picture does not depend on how many are drawn, but on seed and split", () => {
  const few = digits({ count: 3, seed: 5 }).images.values as Uint8Array;
  const many = digits({ count: 30, seed: 5 }).images.values as Uint8Array;
  expect(many.slice(0, few.length)).toEqual(few);
  expect(digits({ count: 3, seed: 6 }).images.values).not.toEqual(few);
  expect(digits({ count: 3, seed: 5, split: "test" }).images.values).not.toEqual(few);
  expect(digits({ count: 0 }).images.shape).toEqual([0, 1, 28, 28]);
  expect(codeOf(() => digits({ count: 1e9 }))).toBe("SIZE_LIMIT");
});

test("every digit is there, as ink on a black ground, inside the picture", () => {
  const { images, labels } = digits({ count: 2000 });
  const counts = new Array<number>(10).fill(0);
  for (const d of labels.values) counts[Number(d)]!++;
  for (const n of counts) expect(n).toBeGreaterThan(140);
  const values = images.values as Uint8Array;
  const mean = values.reduce((s, v) => s + v, 0) / values.length / 255;
  expect(mean).toBeGreaterThan(0.05);
  expect(mean).toBeLessThan(0.15);
});

test("a linear classifier learns them, and does not get them all right", async () => {
  nn.manualSeed(0);
  const { train, test: held } = drawnDigits({ train: 4000, test: 500 });
  const model = nn.sequential(nn.flatten(), nn.linear(784, 10));
  const opt = optim.adam(model, { lr: 3e-3 });
  const loader = train.shuffle({ seed: 0 }).batch(100);
  for (let epoch = 0; epoch < 3; epoch++) for await (const [x, y] of loader) await opt.step(nn.crossEntropy(model(x), y));
  const accuracy = await nn.accuracy(model, held);
  expect(accuracy).toBeGreaterThan(0.8);
  expect(accuracy).toBeLessThan(0.96);
});

test.runIf(long)("a small CNN reaches 98 % after two epochs of 20,000", { timeout: 300_000 }, async () => {
  nn.manualSeed(0);
  const { train, test: held } = drawnDigits({ train: 20_000, test: 5000 });
  const model = nn.sequential(
    ...[nn.conv2d(1, 8, 5), nn.relu(), nn.maxPool2d(2), nn.conv2d(8, 16, 5), nn.relu(), nn.maxPool2d(2)],
    ...[nn.flatten(), nn.linear(256, 64), nn.relu(), nn.linear(64, 10)],
  );
  const opt = optim.adam(model);
  const loader = train.shuffle({ seed: 0 }).batch(64);
  for (let epoch = 0; epoch < 2; epoch++) for await (const [x, y] of loader) await opt.step(nn.crossEntropy(model(x), y));
  expect(await nn.accuracy(model, held)).toBeGreaterThan(0.98);
});
