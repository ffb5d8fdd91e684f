/** @file The noise of a step has the deviation that is accounted for. False alarms: each test fails on sound noise once in 10^6 runs or less. */
import { Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { makePrivate, type PrivateOptions } from "@tacit/privacy/training";
import { describe, expect, it } from "vitest";
import { adaptive } from "../../src/training/adaptive.ts";
import { independentNoise } from "../../src/training/noise.ts";
import { treeNoise } from "../../src/training/tree.ts";

const N = 100_000;
const K = 2 ** 17;

/** Σ (x/σ)² of n normal numbers, as deviations from n in units of √(2n): beyond ±5 once in 1.7 million. */
const score = (values: Float64Array, sigma: number): number =>
  (values.reduce((s, x) => s + (x / sigma) ** 2, 0) - values.length) / Math.sqrt(2 * values.length);

describe("independent noise", () => {
  it("has deviation z K in every coordinate, as integers, anew at every step", () => {
    const noise = independentNoise(1.3, K);
    const [a, b] = [new Float64Array(N), new Float64Array(N)];
    noise.add([a]);
    noise.add([b]);
    for (const x of [a, b]) {
      expect(Math.abs(score(x, 1.3 * K))).toBeLessThan(5);
      expect(x.every(Number.isInteger)).toBe(true);
    }
    const correlation = a.reduce((s, x, i) => s + x * b[i]!, 0) / (1.3 * K) ** 2 / Math.sqrt(N);
    expect(Math.abs(correlation)).toBeLessThan(5);
  });

  it("is caught at 0.9 of its deviation, and at 1.1", () => {
    for (const wrong of [0.9, 1.1]) {
      const x = new Float64Array(N);
      independentNoise(1.3 * wrong, K).add([x]);
      expect(Math.abs(score(x, 1.3 * K))).toBeGreaterThan(20);
    }
  });
});

describe("tree noise", () => {
  it("leaves in a prefix of t steps the noise of as many nodes as t has ones in binary", () => {
    const noise = treeNoise(2, K);
    const total = new Float64Array(N);
    const sizes: number[] = [];
    for (let t = 1; t <= 11; t++) {
      noise.add([total]); // sums of gradients are 0: a step adds N_t - N_(t-1)
      const nodes = t.toString(2).replaceAll("0", "").length;
      expect(Math.abs(score(total, 2 * K * Math.sqrt(nodes))), `step ${t}`).toBeLessThan(5);
      sizes.push(nodes);
    }
    expect(sizes).toEqual([1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3]);
  });

  it("starts anew after a restart: what was added stays", () => {
    const noise = treeNoise(2, K);
    const total = new Float64Array(N);
    for (let t = 1; t <= 4; t++) noise.add([total]);
    noise.restart();
    for (let t = 1; t <= 2; t++) noise.add([total]);
    expect(Math.abs(score(total, 2 * K * Math.sqrt(2)))).toBeLessThan(5);
  });
});

describe("adaptive clipping", () => {
  it("moves C towards the quantile of the norms, and its count has noise 2 σ_b", () => {
    const rule = adaptive({ kind: "adaptive", quantile: 0.5, learningRate: 0.2, countStdDev: 5 }, 1, 100);
    const moved = Float64Array.from({ length: 4000 }, () => Math.log(rule.next(1, 0)) / 0.2);
    // C = exp(-0.2 (b - 0.5)), b - 0.5 = noise / (2 · 100), noise of deviation 10.
    expect(Math.abs(score(moved, 10 / 200))).toBeLessThan(5);
    const above = Array.from({ length: 200 }, () => rule.next(1, 100)).reduce((s, x) => s + x, 0) / 200;
    expect(above).toBeLessThan(0.95); // all rows below C: C falls
    expect(1 / rule.gradientMultiplier ** 2 + 1 / 10 ** 2).toBeCloseTo(1, 12);
  });

  it("keeps C where the grid's proof holds, wherever it began, and such a run can be taken up", async () => {
    const options = {
      ...silent(),
      maxGradNorm: 2 ** -19,
      clipping: { kind: "adaptive", countStdDev: 5, learningRate: 1000 },
    } as const;
    const trainer = await makePrivate(options);
    await trainer.step(); // no gradient is above C: it falls as far as it may, or rises where the noise says so
    expect([2 ** -20, 2 ** 20]).toContain(trainer.maxGradNorm);
    const second = await makePrivate({ ...options, optimizerState: "public" });
    second.loadState(trainer.state());
    expect(second.maxGradNorm).toBe(trainer.maxGradNorm);
    const rule = adaptive({ kind: "adaptive", learningRate: 1000 }, 1, 100);
    expect([rule.next(2 ** -19, 1e6), rule.next(2 ** 19, -1e6)]).toEqual([2 ** -20, 2 ** 20]);
  });
});

/** A model of N parameters whose gradient is 0 for every row: a step of SGD at rate 1 shows the noise alone. */
function silent(): PrivateOptions<readonly [Tensor]> {
  class Silent extends nn.Module {
    w: nn.Parameter = nn.parameter(Tensor.from(new Float32Array(N), [N]));
    forward(x: Tensor): Tensor {
      return this.w.sum().mul(0).add(x.sum());
    }
  }
  const model = new Silent();
  const rows = data.tensorDataset([{ values: new Float32Array(50), shape: [50, 1], dtype: "f32" }]);
  return {
    model,
    optimizer: optim.sgd(model, { lr: 1 }),
    data: rows,
    loss: (x: Tensor) => model(x),
    noiseMultiplier: 0.7,
    delta: 1e-5,
    batch: 10,
    physicalBatch: 16,
    maxGradNorm: 2,
  };
}

describe("a step", () => {
  it("moves parameters by noise of deviation z C / batch: the batch that is expected, not the one that came", async () => {
    const options = silent();
    const trainer = await makePrivate(options);
    await trainer.step();
    const moved = Float64Array.from((await options.model.parameters()[0]!.data()) as Float32Array);
    expect(Math.abs(score(moved, (0.7 * 2) / 10))).toBeLessThan(5);
  });

  it("without a row is noise alone: an empty sample tells nothing", async () => {
    const options = silent();
    const rare = await makePrivate({ ...options, batch: 1, data: options.data.take(40) });
    for (let i = 0; i < 6; i++) await rare.step(); // each empty with probability 0.36
    const moved = Float64Array.from((await options.model.parameters()[0]!.data()) as Float32Array);
    expect(Math.abs(score(moved, 0.7 * 2 * Math.sqrt(6)))).toBeLessThan(5);
  });
});
