/** @file Samplers: which indices they give, how often, and that a place in them can be taken up again. */
import { describe, expect, test } from "vitest";
import * as data from "../../src/data/index.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf } from "../errors.ts";

const count = (order: Int32Array, n: number): number[] =>
  Array.from({ length: n }, (_, i) => order.filter((v) => v === i).length);
const numbers = (n: number): data.Dataset<readonly [Tensor]> =>
  data.tensorDataset([{ values: Int32Array.from({ length: n }, (_, i) => i), shape: [n], dtype: "i32" }]);
const read = async (loader: data.DataLoader<readonly [Tensor]>): Promise<number[][]> => {
  const out: number[][] = [];
  for await (const [x] of loader) out.push([...(await x.data())].map(Number));
  return out;
};

describe("a sampler", () => {
  test("visits every index once: in order, or in an order of seed and epoch", () => {
    expect([...data.sequentialSampler(4).order(3)]).toEqual([0, 1, 2, 3]);
    const random = data.randomSampler(numbers(50), { seed: 1 });
    expect(count(random.order(0), 50).every((c) => c === 1)).toBe(true);
    expect(random.order(1)).not.toEqual(random.order(0));
    expect(data.randomSampler(50, { seed: 1 }).order(1)).toEqual(random.order(1));
    expect(data.randomSampler(50, { seed: 2 }).order(1)).not.toEqual(random.order(1));
    expect(count(data.randomSampler(4, { seed: 1, numSamples: 10 }).order(0), 4).toSorted()).toEqual([2, 2, 3, 3]);
  });

  test("with replacement, or with weights, draws as often as it should", () => {
    const uniform = count(data.randomSampler(4, { seed: 3, replacement: true, numSamples: 40_000 }).order(0), 4);
    for (const c of uniform) expect(Math.abs(c - 10_000)).toBeLessThan(5 * Math.sqrt(7500)); // 5σ of the binomial
    const weighted = count(data.weightedRandomSampler([1, 0, 3, 6], { seed: 3, numSamples: 40_000 }).order(0), 4);
    expect(weighted[1]).toBe(0);
    for (const [i, p] of [0.1, 0, 0.3, 0.6].entries())
      expect(Math.abs(weighted[i]! - 40_000 * p)).toBeLessThanOrEqual(5 * Math.sqrt(40_000 * p * (1 - p)));
  });

  test("with weights and without replacement gives no index twice, heavy ones first more often", () => {
    const sampler = data.weightedRandomSampler([1, 0, 3, 6], { seed: 3, numSamples: 3, replacement: false });
    const first = [0, 0, 0, 0];
    for (let epoch = 0; epoch < 4000; epoch++) {
      const order = sampler.order(epoch);
      expect([...order].toSorted()).toEqual([0, 2, 3]);
      first[order[0]!]!++;
    }
    for (const [i, p] of [0.1, 0, 0.3, 0.6].entries())
      expect(Math.abs(first[i]! - 4000 * p)).toBeLessThanOrEqual(5 * Math.sqrt(4000 * p * (1 - p)));
  });

  test("of a subset gives these indices", () => {
    const sampler = data.subsetRandomSampler([9, 4, 4, 7], { seed: 0 });
    expect([...sampler.order(0)].toSorted()).toEqual([4, 4, 7, 9]);
    const orders = new Set(Array.from({ length: 20 }, (_, epoch) => sampler.order(epoch).join()));
    expect(orders.size).toBeGreaterThan(5);
  });

  test("drives a loader, whose state names it", async () => {
    const make = (seed: number): data.DataLoader<readonly [Tensor]> =>
      numbers(10).batch(4, { sampler: data.randomSampler(10, { seed }), dropLast: true });
    const [first, second] = [await read(make(1)), make(1)];
    expect(first.map((b) => b.length)).toEqual([4, 4]);
    expect(await read(second)).toEqual(first);
    expect(codeOf(() => make(2).loadState(second.state()))).toBe("STATE_MISMATCH");
    expect(codeOf(() => numbers(10).batch(4).loadState(second.state()))).toBe("STATE_MISMATCH");
    const batches = data.batchSampler(data.sequentialSampler(5), 2);
    expect(await read(numbers(5).batch({ batchSampler: batches }))).toEqual([[0, 1], [2, 3], [4]]);
    expect(await read(numbers(5).batch({ batchSampler: batches }).prefetch(2))).toEqual([[0, 1], [2, 3], [4]]);
  });

  test("refuses what cannot be drawn", () => {
    const bad: (() => unknown)[] = [
      () => data.randomSampler(-1, { seed: 0 }),
      () => data.randomSampler(0, { seed: 0, numSamples: 2 }),
      () => data.weightedRandomSampler([1, -1], { seed: 0 }),
      () => data.weightedRandomSampler([0, 0], { seed: 0 }),
      () => data.weightedRandomSampler([1, 0], { seed: 0, replacement: false }),
      () => data.batchSampler(data.sequentialSampler(3), 0),
      () => data.poissonSampler(3, { rate: 0, seed: 0 }),
      () => data.poissonSampler(3, { rate: 1.5, seed: 0 }),
      () => numbers(3).batch(2, { batchSampler: data.poissonSampler(3, { rate: 0.5, seed: 0 }) }),
      () => numbers(3).batch(2, { workers: -1 }),
    ];
    for (const run of bad) expect(codeOf(run), String(run)).toBe("ARGUMENT_INVALID");
    for (const index of [-1, 3, 0.5]) expect(codeOf(() => numbers(3).subset([index]))).toBe("INDEX_INVALID");
  });
});

describe("a Poisson sampler", () => {
  test("puts each sample into each batch with the rate, independently of others and of other batches", () => {
    const [n, rate, steps] = [40, 0.3, 5000];
    const batches = data.poissonSampler(n, { rate, seed: 7, steps }).batches(0);
    const single = new Array<number>(n).fill(0);
    let [pairs, again, sizes, squares] = [0, 0, 0, 0];
    let before = false;
    for (let i = 0; i < steps; i++) {
      const batch = batches(i);
      for (const k of batch) single[k]!++;
      const has = batch.includes(3);
      if (has && batch.includes(17)) pairs++;
      if (has && before) again++;
      before = has;
      sizes += batch.length;
      squares += batch.length ** 2;
    }
    const near = (got: number, p: number): void =>
      expect(Math.abs(got - steps * p)).toBeLessThan(5 * Math.sqrt(steps * p * (1 - p)));
    for (const c of single) near(c, rate);
    near(pairs, rate * rate);
    near(again, rate * rate);
    // A fixed batch size would have variance 0; the binomial has n·rate·(1-rate) = 8.4.
    const mean = sizes / steps;
    expect(squares / steps - mean ** 2).toBeGreaterThan(7.5);
    expect(squares / steps - mean ** 2).toBeLessThan(9.3);
  });

  test("gives empty batches as tensors with no rows, and goes on exactly where its state was saved", async () => {
    const make = (): data.DataLoader<readonly [Tensor]> =>
      numbers(6).batch({ batchSampler: data.poissonSampler(6, { rate: 0.1, seed: 5, steps: 12 }) });
    const whole = make();
    const epochs = [await read(whole), await read(whole)];
    expect(epochs[0]!.some((b) => b.length === 0)).toBe(true);
    expect(epochs[0]!.length).toBe(12);
    expect(epochs[1]).not.toEqual(epochs[0]);
    const stopped = make();
    await read(stopped);
    const seen: number[][] = [];
    for await (const [x] of stopped) {
      expect([x.shape.length, x.dtype]).toEqual([1, "i32"]);
      seen.push([...(await x.data())].map(Number));
      if (seen.length === 5) break;
    }
    const resumed = make();
    resumed.loadState(JSON.parse(JSON.stringify(stopped.state())) as data.LoaderState);
    expect([...seen, ...(await read(resumed))]).toEqual(epochs[1]);
  });

  test("trains through empty batches, which move nothing, with a sum of losses over the expected size", async () => {
    const x = { values: Float32Array.from({ length: 12 }, (_, i) => i / 12), shape: [6, 2], dtype: "f32" } as const;
    const y = { values: Int32Array.of(0, 1, 1, 0, 1, 0), shape: [6], dtype: "i32" } as const;
    const model = nn.linear(2, 2);
    const opt = optim.sgd(model, { lr: 0.1 });
    let empty = 0;
    const batchSampler = data.poissonSampler(6, { rate: 0.1, seed: 5, steps: 12 });
    for await (const [a, b] of data.tensorDataset([x, y]).batch({ batchSampler })) {
      const before = await model.weight.data();
      await opt.step(nn.crossEntropy(model(a), b, { reduction: "sum" }).div(6 * 0.1));
      const same = (await model.weight.data()).every((v, i) => v === before[i]);
      expect(same).toBe(a.shape[0] === 0);
      if (same) empty++;
    }
    expect(empty).toBeGreaterThan(2);
  });

  test("does not put its seed, which may be a secret, into the state", () => {
    const seed = 0x1234_5678_9abc_def0n;
    const loader = (s: bigint) => numbers(6).batch({ batchSampler: data.poissonSampler(6, { rate: 0.5, seed: s }) });
    const state = loader(seed).state();
    expect(JSON.stringify(state)).not.toContain(String(seed));
    expect(codeOf(() => loader(seed + 1n).loadState(state))).toBe("STATE_MISMATCH");
    expect(codeOf(() => loader(seed).loadState(state))).toBe("no error");
  });
});
