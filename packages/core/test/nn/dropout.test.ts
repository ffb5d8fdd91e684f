/** @file Dropout: rate, scale, reproducibility, the same mask forward and backward; batch statistics of batch norm across calls. */
import { describe, expect, test } from "vitest";
import { defaultDevice } from "../../src/engine/default-device.ts";
import { engineStats } from "../../src/engine/engine.ts";
import * as nn from "../../src/nn/index.ts";
import { Random } from "../../src/random.ts";
import { noGrad } from "../../src/tensor/backward.ts";
import { ones } from "../../src/tensor/creation.ts";
import { Tensor } from "../../src/tensor/tensor.ts";

describe("dropout", () => {
  test("drops the stated share and scales the rest, so that the mean stays", async () => {
    for (const p of [0.1, 0.5, 0.8]) {
      const n = 40_000;
      const y = await nn
        .dropout(p, { random: new Random(3) })(ones([n]))
        .data();
      const kept = y.filter((v) => v !== 0).length;
      // Six standard deviations of a binomial count.
      expect(Math.abs(kept - n * (1 - p))).toBeLessThan(6 * Math.sqrt(n * p * (1 - p)));
      for (const v of y) expect(v === 0 || v === Math.fround(1 / (1 - p))).toBe(true);
    }
  });

  test("does nothing in evaluation or at 0, and everything at 1", async () => {
    const x = Tensor.from([1, 2, 3]);
    expect(nn.dropout(0.5).eval()(x)).toBe(x);
    expect(nn.dropout(0)(x)).toBe(x);
    expect(await nn.dropout(1)(x).tolist()).toEqual([0, 0, 0]);
  });

  test("draws another mask each call, the same ones from the same seed, and goes on from a saved state", async () => {
    const x = ones([64]);
    const [a, b] = [nn.dropout(0.5, { random: new Random(1) }), nn.dropout(0.5, { random: new Random(1) })];
    const masks = [await a(x).data(), await a(x).data(), await a(x).data()];
    expect(masks[1]).not.toEqual(masks[0]);
    expect([await b(x).data(), await b(x).data()]).toEqual(masks.slice(0, 2));
    const c = nn.dropout(0.5, { random: new Random(2) });
    c.loadRandomState(JSON.parse(JSON.stringify(b.randomState())));
    expect(await c(x).data()).toEqual(masks[2]);
    const d = nn.dropout(0.5, { random: new Random(4) });
    expect(await d(x).data()).not.toEqual(masks[0]);
  });

  test("one call has one mask: asked again, and in the gradient", async () => {
    const x = ones([50]).requiresGrad_();
    const y = nn.dropout(0.4)(x);
    const [once, twice] = [await y.mul(1).data(), await y.data()];
    expect(twice).toEqual(once);
    y.sum().backward();
    expect(await x.grad!.data()).toEqual(once);
  });

  test("masks are inputs: many calls are one Program", async () => {
    const drop = nn.dropout(0.5);
    const before = engineStats(defaultDevice()).prepared;
    for (let i = 0; i < 5; i++) await drop(ones([3, 17])).data();
    expect(engineStats(defaultDevice()).prepared - before).toBe(1);
  });
});

describe("batch norm's running statistics", () => {
  test("are there after a forward pass without a step, and after many", async () => {
    const norm = nn.batchNorm2d(1, { momentum: 0.5 });
    let mean = 0;
    for (let i = 0; i < 30; i++) {
      norm(Tensor.from([i, i + 2], [2, 1, 1, 1]));
      mean = mean / 2 + (i + 1) / 2;
    }
    expect(await norm.runningMean?.item()).toBeCloseTo(mean, 4);
    expect(await norm.runningVar?.item()).toBeCloseTo(2, 4);
    expect(await norm.numBatchesTracked?.item()).toBe(30);
  });

  test("do not change in evaluation", async () => {
    const norm = nn.batchNorm2d(2);
    norm.eval()(ones([3, 2, 2, 2]));
    expect(await norm.runningMean?.tolist()).toEqual([0, 0]);
    expect(await norm.numBatchesTracked?.item()).toBe(0);
  });
});

test("evaluating in training mode is warned about, once", async () => {
  const seen: string[] = [];
  const former = nn.onWarning((w) => seen.push(w.code));
  try {
    const model = nn.sequential(nn.flatten(), nn.dropout(0.5), nn.dropout(0.5));
    await noGrad(() => model.eval()(ones([2, 4]))).data();
    expect(seen).toEqual([]);
    await noGrad(() => model.train()(ones([2, 4]))).data();
    expect(seen).toEqual(["EVAL_IN_TRAINING"]);
  } finally {
    nn.onWarning(former);
  }
});
