/** @file What a run claims holds: one row moves a step by K at most whatever the layers draw, and ε, neighbours and budgets are those of the run. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import { Budget, type BudgetTerms } from "@tacit/privacy/budgets";
import { makePrivate, type PrivateOptions } from "@tacit/privacy/training";
import { afterAll, describe, expect, it } from "vitest";
import { gridUnits } from "../../src/training/grid.ts";
import { rowSums, squareOf } from "./chunks.ts";
import { classifier, mlp, type Pair, points } from "./models.ts";

const folder = mkdtempSync(join(tmpdir(), "tacit-claims-"));
afterAll(() => rmSync(folder, { recursive: true }));

const task = (more: Partial<PrivateOptions<Pair>> = {}): PrivateOptions<Pair> => ({
  ...classifier(mlp()),
  data: points(40),
  noiseMultiplier: 1,
  delta: 1e-3,
  batch: 10,
  physicalBatch: 16,
  maxGradNorm: 1,
  ...more,
});

describe("a layer that draws", () => {
  const size = 4;
  const set = points(13);
  const drawing = async () => {
    const random = new Random(5);
    const drop = nn.dropout(0.5, { random });
    const model = nn.sequential(nn.linear(4, 16, { random }), drop, nn.linear(16, 2, { random }));
    const sums = await rowSums<Pair>({ model, data: set, loss: (x, y) => nn.crossEntropy(model(x), y) }, size);
    return { drop, sums };
  };
  const rows = (from: number): Int32Array => Int32Array.from({ length: 13 - from }, (_, i) => i + from);

  it("gives all rows of a step one mask: a row less moves the sum by K at most, over the borders of chunks", async () => {
    const { drop, sums } = await drawing();
    const before = drop.randomState();
    const all = (await sums.of(rows(0), 0, 1e-3)).sums;
    drop.loadRandomState(before);
    const less = (await sums.of(rows(1), 0, 1e-3)).sums;
    const moved = all.map((s, i) => s.map((x, j) => x - less[i]![j]!));
    const units = BigInt(gridUnits(size));
    expect(squareOf(moved) <= units * units).toBe(true);
    expect(squareOf(moved) > 0n).toBe(true);
  });

  it("draws once a step: the steps to come do not depend on how many rows were sampled", async () => {
    for (const count of [13, 3, 0]) {
      const { drop, sums } = await drawing();
      const { calls } = drop.randomState();
      await sums.of(rows(13 - count), 0, 1);
      expect(drop.randomState().calls).toBe(calls + 1);
    }
  });
});

describe("a budget is charged for its own alone", () => {
  const create = (name: string, terms: Partial<BudgetTerms> = {}): Budget =>
    Budget.create(join(folder, name), {
      dataset: "points",
      unit: "person",
      neighbours: "add-remove",
      epsilon: 50,
      delta: 1e-3,
      accountant: "pld",
      ...terms,
    });
  const whose = { dataset: "points", unit: "person" };

  it("and refused where data set or unit are not said, or are others", async () => {
    using budget = create("own");
    await expect(makePrivate(task({ budget }))).rejects.toMatchObject({
      code: "PRIVACY_PARAMETER",
      message: expect.stringMatching(/dataset and unit beside a budget, got no dataset/),
    });
    await expect(makePrivate(task({ budget, dataset: "points" }))).rejects.toThrow(/got no unit/);
    await expect(makePrivate(task({ budget, ...whose, dataset: "visits" }))).rejects.toThrow(/a budget of visits/);
    await expect(makePrivate(task({ budget, ...whose, unit: "visit" }))).rejects.toThrow(
      /a budget per visit, got one per person/,
    );
    await expect(makePrivate(task({ budget, ...whose }))).resolves.toMatchObject({ neighbours: "add-remove" });
    expect(budget.entries()).toEqual([]);
  });

  it("and refused for other neighbours: passes count for one row replaced", async () => {
    using added = create("added");
    using replaced = create("replaced", { neighbours: "replace-one" });
    await expect(makePrivate(task({ budget: added, ...whose, sampling: "passes" }))).rejects.toMatchObject({
      code: "PRIVACY_NEIGHBOURS",
      message: expect.stringMatching(/replace-one neighbours with passes, got one for add-remove/),
      hint: expect.stringMatching(/all later rows of a pass move/),
    });
    await expect(makePrivate(task({ budget: replaced, ...whose }))).rejects.toMatchObject({ code: "PRIVACY_NEIGHBOURS" });
    const trainer = await makePrivate(task({ budget: replaced, ...whose, sampling: "passes", noiseMultiplier: 8 }));
    await trainer.step();
    expect(replaced.entries().map((e) => e.events)).toEqual([trainer.events]);
  });
});

describe("what a run was made with", () => {
  const whose = { dataset: "points", unit: "person" };
  const create = (name: string): Budget =>
    Budget.create(join(folder, name), { ...whose, neighbours: "add-remove", epsilon: 50, delta: 1e-3, accountant: "pld" });

  it("stays: whoever writes to the options afterwards changes neither the budget that is charged, nor noise, nor end", async () => {
    using a = create("a");
    using b = create("b");
    const clipping = { kind: "adaptive" as const, countStdDev: 5 };
    const options = { ...task({ epochs: 0.5, clipping }), ...whose, budget: a };
    const trainer = await makePrivate(options);
    Object.assign(options, { budget: b, dataset: "other", epochs: 9, delta: 0.02, batch: 1, noiseMultiplier: 100 });
    Object.assign(clipping, { kind: "flat" });
    await trainer.train();
    expect([a.entries().length, b.entries()]).toEqual([1, []]);
    expect([trainer.steps, trainer.delta, trainer.noiseMultiplier]).toEqual([2, 1e-3, 1]);
    expect(a.state.spent).toBeGreaterThanOrEqual(trainer.epsilon());
  });

  it("stays, whoever writes to what the trainer shows", async () => {
    const trainer = await makePrivate(task());
    await trainer.step();
    const [epsilon, statement] = [trainer.epsilon(), trainer.statement()];
    const state = trainer.state();
    Object.assign(state.scheme, { rate: 1e-4, sampling: "passes" });
    Object.assign(state, { steps: 0, noiseMultiplier: 99 });
    for (const name of ["noiseMultiplier", "delta", "stepsPerEpoch", "plannedSteps"] as const)
      expect(() => Object.assign(trainer, { [name]: 0.5 })).toThrow(TypeError);
    expect([trainer.epsilon(), trainer.statement()]).toEqual([epsilon, statement]);
    expect(trainer.state().scheme).toEqual({ sampling: "poisson", rate: 0.25, stepsPerEpoch: 4, rows: 40 });
  });
});

describe("ε in the options", () => {
  it("holds for passes that are taken up again and again: the tree that would exceed it does not begin", async () => {
    const { noiseMultiplier: _, ...rest } = task({ sampling: "passes", batch: 5 });
    const options = { ...rest, epsilon: 4, epochs: 1 };
    const first = await makePrivate(options);
    await first.step();
    const second = await makePrivate({ ...options, optimizerState: "public" });
    second.loadState(first.state());
    await expect(second.step()).rejects.toMatchObject({ code: "PRIVACY_BUDGET", message: expect.stringMatching(/with tree 2$/) });
    expect([second.steps, second.epsilon() <= 4]).toEqual([1, true]);
    expect(() => second.loadState({ ...first.state(), trees: 0 })).toThrow(expect.objectContaining({ code: "STATE_MISMATCH" }));
  });
});

describe("the number of rows", () => {
  it("is taken as public unless one is stated, and the statement says so", async () => {
    const trainer = await makePrivate(task());
    expect(trainer.statement()).toContain(
      "the number of rows, 40, is taken as public: one row more or less means one row ignored",
    );
    expect(trainer.state().scheme).toMatchObject({ rate: 0.25, stepsPerEpoch: 4 });
  });

  it("that is stated decides rate and steps, however many there are", async () => {
    const schemes = await Promise.all(
      [39, 40, 41].map(async (n) => (await makePrivate(task({ rows: 50, data: points(n), epochs: 3 }))).state().scheme),
    );
    for (const s of schemes) expect(s).toEqual({ sampling: "poisson", rate: 0.2, stepsPerEpoch: 5, rows: 50 });
    const trainer = await makePrivate(task({ rows: 50 }));
    expect(trainer.statement()).toContain("the stated number of rows, 50, is public");
    await expect(makePrivate(task({ rows: 8 }))).rejects.toThrow(/a batch of at most 8 rows/);
    await expect(makePrivate(task({ rows: 50, sampling: "passes" }))).rejects.toThrow(/rows with Poisson sampling/);
  });
});
