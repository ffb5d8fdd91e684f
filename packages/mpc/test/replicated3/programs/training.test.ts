/** @file Whole models on shares against plain f32: inference, gradients and updates of single steps, 20 steps of training; rounds and bytes. */
import { Random } from "@tacit/core";
import { adam, sgd } from "@tacit/core/optim";
import type { TypedArray } from "@tacit/core/program";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import type { Captured } from "./capture.ts";
import { batchNormCnn, inferenceRun, lenet5, mlp, type Scenario, trainingRuns } from "./models.ts";
import { onShares } from "./ops.ts";
import { distance, Parties, PUBLIC, SECRET, type Spread } from "./parties.ts";

let parties: Parties;
const random = new Random(5);
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

const bindingsOf = (run: Captured): (typeof PUBLIC | typeof SECRET)[] =>
  run.job.bindings.map((b) => (b.kind === "public" ? PUBLIC : SECRET));

/** Runs one captured step on shares: results, after checking counters against the estimate and memory. */
const again = (run: Captured): Promise<TypedArray[]> =>
  onShares(parties, { program: run.job.program, bindings: bindingsOf(run), inputs: run.inputs });

async function expectStep(s: Scenario, tolerance: number): Promise<void> {
  for (const run of await trainingRuns(s)) {
    const values = await again(run);
    run.outputs.forEach((want, i) => {
      expect(distance(values[i]!, want), `output ${i} of ${run.outputs.length}`).toBeLessThan(tolerance);
    });
  }
}

describe("steps equal plain ones: loss and every parameter's new value", () => {
  const dense = (): Pick<Scenario, "model" | "x" | "classes" | "random"> => ({
    model: mlp(random, [20, 16, 12, 5]),
    x: [9, 20],
    classes: 5,
    random,
  });
  test("MLP, SGD", () => expectStep({ ...dense(), optimizer: (m) => sgd(m, { lr: 0.1 }), steps: 2 }, 2 ** -12));
  test("MLP, a learning rate of 1e-4", () =>
    expectStep({ ...dense(), optimizer: (m) => sgd(m, { lr: 1e-4 }), steps: 2 }, 2 ** -14));
  test("MLP, momentum, Nesterov, weight decay", () => {
    const options = { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 };
    return expectStep({ ...dense(), optimizer: (m) => sgd(m, options), steps: 3 }, 2 ** -12);
  });
  test("MLP, squared error of a sigmoid", () =>
    expectStep({ ...dense(), squared: true, optimizer: (m) => sgd(m, { lr: 0.5 }) }, 2 ** -12));
  test("LeNet-5, momentum", () => {
    const model = lenet5(random);
    return expectStep(
      { model, x: [3, 1, 28, 28], classes: 10, random, optimizer: (m) => sgd(m, { lr: 0.05, momentum: 0.9 }) },
      2 ** -12,
    );
  });
  test("a CNN with batch normalisation and dropout", () => {
    const model = batchNormCnn(random);
    // A standard deviation divides: what enters the second layer is off by some 2^-13 of its size.
    return expectStep({ model, x: [6, 2, 10, 10], classes: 5, random, optimizer: (m) => sgd(m, { lr: 0.1 }), steps: 2 }, 2 ** -8);
  });
});

describe("Adam", () => {
  test("moves nine parameters of ten within 2 % of the plain step, and every one within a learning rate", async () => {
    const lr = 0.01;
    const model = mlp(random, [20, 16, 5]);
    const runs = await trainingRuns({ model, x: [9, 20], classes: 5, random, optimizer: (m) => adam(m, { lr }), steps: 2 });
    for (const run of runs) {
      const values = await again(run);
      // The square of a gradient below 2^-10.5 adds less than half a unit to its running mean and is rounded at random: a few differ.
      const off = run.outputs
        .flatMap((want, i) => [...want].map((w, k) => Math.abs(Number(w) - Number(values[i]![k]!)) / lr))
        .sort((p, q) => p - q);
      expect(off[Math.floor(0.9 * off.length)]!).toBeLessThan(0.02);
      expect(off.at(-1)!).toBeLessThan(1.1);
    }
  });
});

describe("inference", () => {
  test("LeNet-5 in 36 rounds", async () => {
    const run = await inferenceRun(lenet5(random), [1, 1, 28, 28], random);
    const [values] = await again(run);
    expect(distance(values!, run.outputs[0]!)).toBeLessThan(2 ** -11);
    const cost = await replicated3.estimate(run.job.program, bindingsOf(run), replicated3.defaults);
    expect(cost.rounds).toBeLessThanOrEqual(36);
    expect(Math.max(...cost.bytesPerParty)).toBeLessThan(0.46e6);
  });

  test("batch normalisation by running statistics", async () => {
    const run = await inferenceRun(batchNormCnn(random), [3, 2, 10, 10], random);
    expect(distance((await again(run))[0]!, run.outputs[0]!)).toBeLessThan(2 ** -10);
  });
});

describe("costs of the benchmarks' steps, batch 128, cross-entropy", () => {
  const cost = async (s: Omit<Scenario, "random" | "classes" | "optimizer">) => {
    const [run] = await trainingRuns({ ...s, classes: 10, random, optimizer: (m) => sgd(m, { lr: 0.1 }) });
    return replicated3.estimate(run!.job.program, bindingsOf(run!), replicated3.defaults);
  };
  test("MLP 784-128-128-10: at most 54 rounds and 4 MB per party", async () => {
    const c = await cost({ model: mlp(random), x: [128, 784] });
    expect(c.rounds).toBeLessThanOrEqual(54);
    expect(Math.max(...c.bytesPerParty)).toBeLessThan(4e6);
  });
  test("LeNet-5: at most 48 MB per party", async () => {
    const c = await cost({ model: lenet5(random), x: [128, 1, 28, 28] });
    expect(c.rounds).toBeLessThanOrEqual(116);
    expect(Math.max(...c.bytesPerParty)).toBeLessThan(48e6);
  }, 20_000);
});

describe("training", () => {
  test("20 steps of the MLP on shares stay beside the plain ones, parameters never leaving the parties", async () => {
    const s = { model: mlp(random, [30, 24, 24, 6]), x: [32, 30], classes: 6, random };
    const runs = await trainingRuns({ ...s, optimizer: (m) => sgd(m, { lr: 0.1 }), steps: 20 });
    const { program, updates } = runs[0]!.job;
    const bindings = bindingsOf(runs[0]!);
    const resting = new Map<number, Spread>();
    const losses: number[] = [];
    for (const run of runs) {
      const given = run.inputs.map((x, i) => {
        const at = resting.get(i);
        if (at) return at;
        return bindings[i]!.kind === "public" ? parties.parties.map(() => ({ values: x })) : parties.share(x, program.inputs[i]!);
      });
      const { outputs } = await parties.run(program, bindings, given);
      losses.push(Number(parties.reveal(outputs[0]!, program.outputAvals[0]!)[0]));
      for (const u of updates) resting.set(u.input, outputs[u.output]!);
      parties.free(outputs[0]!, ...given);
    }
    for (const [k, run] of runs.entries()) expect(losses[k]).toBeCloseTo(Number(run.outputs[0]![0]), 2);
    for (const u of updates) {
      const aval = program.outputAvals[u.output]!;
      const value = parties.reveal(resting.get(u.input)!, aval);
      expect(distance(value, runs[19]!.outputs[u.output]!)).toBeLessThan(2 ** -9);
    }
  }, 30_000);
});
