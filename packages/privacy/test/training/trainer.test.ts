/** @file A private trainer learns, counts what it costs, writes it down before it draws, and ends where it was planned. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { epsilonOf } from "@tacit/privacy";
import { Budget } from "@tacit/privacy/budgets";
import { makePrivate, type PrivateOptions, type TrainerState } from "@tacit/privacy/training";
import { afterAll, describe, expect, it } from "vitest";
import { classifier, mlp, type Pair, points } from "./models.ts";

const folder = mkdtempSync(join(tmpdir(), "tacit-training-"));
afterAll(() => rmSync(folder, { recursive: true }));

const task = (more: Partial<PrivateOptions<Pair>> = {}): PrivateOptions<Pair> => ({
  ...classifier(mlp()),
  data: points(400),
  noiseMultiplier: 1.1,
  delta: 1e-3,
  batch: 40,
  physicalBatch: 16,
  maxGradNorm: 1,
  ...more,
});

const sampled = (count: number, noiseMultiplier = 1.1) =>
  ({
    mechanism: { kind: "gaussian", noiseMultiplier },
    neighbours: "add-remove",
    sampling: { kind: "poisson", rate: 0.1 },
    count,
  }) as const;

describe("a run", () => {
  it("planned by ε learns two classes within it, and takes no further step", async () => {
    const { noiseMultiplier: _, ...rest } = task();
    const trainer = await makePrivate({ ...rest, epsilon: 4, epochs: 4 });
    expect(trainer.plannedSteps).toBe(40);
    expect(trainer.epsilon()).toBe(0);
    const seen: number[] = [];
    await trainer.train(({ step }) => void seen.push(step));
    expect(seen.length).toBe(40);
    expect(trainer.epsilon()).toBeLessThanOrEqual(4);
    expect(trainer.epsilon()).toBeGreaterThan(3.95);
    expect(await nn.accuracy(rest.model as nn.Layer, rest.data)).toBeGreaterThan(0.9);
    await expect(trainer.step()).rejects.toMatchObject({ code: "PRIVACY_BUDGET" });
    expect(trainer.statement()).toContain("Poisson sampling of rate 0.1000");
  });

  it("costs what the accountant says of its events, in the second epoch as in the first", async () => {
    const trainer = await makePrivate(task());
    for (let i = 0; i < 13; i++) await trainer.step();
    expect(trainer.events).toEqual([sampled(13)]);
    expect(trainer.epsilon()).toBe(epsilonOf([sampled(13)], { delta: 1e-3 }));
    expect(trainer.epsilon(1e-4)).toBeGreaterThan(trainer.epsilon());
    await expect(trainer.train()).rejects.toMatchObject({ code: "PRIVACY_PARAMETER" }); // no epochs were given
  });

  it("takes any optimizer: Adam sees noisy gradients only", async () => {
    const model = mlp();
    const trainer = await makePrivate(
      task({ model, optimizer: optim.adam(model, { lr: 0.05 }), loss: (x, y) => nn.crossEntropy(model(x), y), epochs: 4 }),
    );
    await trainer.train();
    expect(await nn.accuracy(model, points(400))).toBeGreaterThan(0.85);
  });

  it("runs with dropout, whose draws are new in every step", async () => {
    const model = nn.sequential(nn.linear(4, 16), nn.tanh(), nn.dropout(0.2), nn.linear(16, 2));
    const trainer = await makePrivate(task({ ...classifier(model), epochs: 4 }));
    await trainer.train();
    expect(await nn.accuracy(model, points(400))).toBeGreaterThan(0.85);
  });

  it("per layer bounds each module's part, with squares that sum to C²", async () => {
    const trainer = await makePrivate(task({ clipping: "per-layer", epochs: 4 }));
    await trainer.train();
    expect(trainer.events).toEqual([sampled(40)]);
  });

  it("with adaptive clipping moves C to the norms that there are, at the same events", async () => {
    const trainer = await makePrivate(
      task({ maxGradNorm: 50, clipping: { kind: "adaptive", countStdDev: 4, learningRate: 0.5 }, noiseMultiplier: 0.8 }),
    );
    for (let i = 0; i < 12; i++) await trainer.step();
    expect(trainer.maxGradNorm).toBeLessThan(20);
    expect(trainer.events).toEqual([sampled(12, 0.8)]);
  });

  it("refuses two steps at once", async () => {
    const trainer = await makePrivate(task());
    const first = trainer.step();
    await expect(trainer.step()).rejects.toMatchObject({ code: "PRIVACY_PARAMETER" });
    await first;
  });
});

describe("a plan", () => {
  it("ends where it was said to, with noise that was given, too", async () => {
    const trainer = await makePrivate(task({ epochs: 0.2 }));
    await trainer.train();
    const before = trainer.events;
    await expect(trainer.step()).rejects.toMatchObject({
      code: "PRIVACY_BUDGET",
      message: "step: expected at most 2 steps, got one more",
    });
    expect(trainer.events).toEqual(before);
  });

  it("is found for an ε of 200 as for one of 2: the search ends where PLD's grid does", async () => {
    const { noiseMultiplier: _, ...rest } = task();
    const trainer = await makePrivate({ ...rest, epsilon: 200, epochs: 0.1 });
    expect(epsilonOf([sampled(1, trainer.noiseMultiplier)], { delta: 1e-3 })).toBeLessThanOrEqual(200);
    expect(epsilonOf([sampled(1, trainer.noiseMultiplier)], { delta: 1e-3 })).toBeGreaterThan(199);
  });
});

describe("DP-FTRL", () => {
  it("passes over all rows and claims nothing from sampling: a pass is a Gaussian mechanism of z / (2 √h) for one row replaced", async () => {
    const trainer = await makePrivate(
      task({ sampling: "passes", noiseMultiplier: 3, epochs: 2, batch: 50, data: points(400).shuffle({ seed: 1 }) }),
    );
    await trainer.train();
    // 8 steps a pass: 4 levels, and a row that is replaced moves a leaf by 2 K.
    const want = {
      mechanism: { kind: "gaussian", noiseMultiplier: 3 / 4 },
      neighbours: "replace-one",
      sampling: { kind: "all" },
      count: 2,
    } as const;
    expect(trainer.events).toEqual([want]);
    expect(trainer.epsilon()).toBe(epsilonOf([want], { delta: 1e-3 }));
    expect(trainer.neighbours).toBe("replace-one");
    expect(trainer.statement()).toContain("one row replaced by another in its place");
  });

  it("learns from passes", async () => {
    const options = task({ sampling: "passes", noiseMultiplier: 2, epochs: 4, ...classifier(mlp(), 0.3) });
    await (await makePrivate(options)).train();
    expect(await nn.accuracy(options.model as nn.Layer, options.data)).toBeGreaterThan(0.85);
  });
});

describe("a budget", () => {
  const whose = { dataset: "points", unit: "row" };
  const create = (name: string, epsilon: number): Budget =>
    Budget.create(join(folder, name), {
      dataset: "points",
      unit: "row",
      neighbours: "add-remove",
      epsilon,
      delta: 1e-3,
      accountant: "pld",
    });

  it("has an epoch in its ledger before the first noise, and the next when that begins", async () => {
    using budget = create("epochs", 20);
    const trainer = await makePrivate(task({ ...whose, budget, purpose: "two classes" }));
    expect(budget.entries()).toEqual([]);
    await trainer.step();
    expect(budget.entries().map((e) => [e.state, e.purpose, e.events[0]!.count])).toEqual([["spent", "two classes", 10]]);
    for (let i = 0; i < 10; i++) await trainer.step();
    expect(budget.entries().length).toBe(2);
    expect(budget.state.spent).toBeGreaterThanOrEqual(trainer.epsilon());
  });

  it("ends a run that it cannot pay for, before the step is taken", async () => {
    const most = epsilonOf([sampled(25)], { delta: 1e-3 });
    using budget = create("short", most);
    const trainer = await makePrivate(task({ ...whose, budget }));
    for (let i = 0; i < 20; i++) await trainer.step();
    const before = await Promise.all(trainer.parameters.map((p) => p.data()));
    await expect(trainer.step()).rejects.toMatchObject({ code: "PRIVACY_BUDGET" });
    expect(trainer.steps).toBe(20);
    expect(await Promise.all(trainer.parameters.map((p) => p.data()))).toEqual(before);
    await expect(makePrivate(task({ ...whose, budget, epochs: 1 }))).rejects.toMatchObject({ code: "PRIVACY_BUDGET" });
  });

  it("is charged anew by a run that is taken up: the same steps could be taken twice", async () => {
    using budget = create("resumed", 50);
    const first = await makePrivate(task({ ...whose, budget }));
    for (let i = 0; i < 3; i++) await first.step();
    const state = JSON.parse(JSON.stringify(first.state())) as TrainerState;
    const second = await makePrivate(task({ ...whose, budget }));
    second.loadState(state);
    expect(second.events).toEqual([sampled(3)]);
    await second.step();
    expect(second.events).toEqual([sampled(4)]);
    expect(budget.entries().map((e) => e.events[0]!.count)).toEqual([10, 10]);
    expect(budget.state.spent).toBeCloseTo(epsilonOf([sampled(20)], { delta: 1e-3 }), 6);
  });

  it("refuses a state of another run", async () => {
    const state = (await makePrivate(task())).state();
    const other = await makePrivate(task({ noiseMultiplier: 1 }));
    expect(() => other.loadState(state)).toThrow(expect.objectContaining({ code: "STATE_MISMATCH" }));
    const same = await makePrivate(task());
    expect(() => same.loadState({ ...state, steps: -1 })).toThrow(expect.objectContaining({ code: "STATE_MISMATCH" }));
    expect(() => same.loadState({ ...state, maxGradNorm: Number.NaN })).toThrow(
      expect.objectContaining({ code: "PRIVACY_PARAMETER" }),
    );
  });

  it("takes up a pass with a tree of its own, and counts both", async () => {
    const options = task({ sampling: "passes", batch: 50 });
    const first = await makePrivate(options);
    for (let i = 0; i < 3; i++) await first.step();
    const second = await makePrivate({ ...options, optimizerState: "public" });
    second.loadState(first.state());
    for (let i = 0; i < 6; i++) await second.step(); // to the end of the pass, and one of the next
    expect(second.events[0]!.count).toBe(3);
  });
});
