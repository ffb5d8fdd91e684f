/** @file What reaches the optimizer of a private run: noised gradients of the parameters that learn, and nothing else. */
import { Random, Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { makePrivate, type PrivateOptions } from "@tacit/privacy/training";
import { describe, expect, it } from "vitest";
import { mlp, type Pair, points } from "./models.ts";

const set = points(40);
const all = Int32Array.from({ length: 40 }, (_, i) => i);
const valuesOf = (ts: readonly Tensor[]): Promise<unknown[]> =>
  Promise.all(ts.map(async (t) => Array.from(await t.data(), Number)));
const task = (model: nn.Layer, optimizer: optim.Optimizer, more: Partial<PrivateOptions<Pair>> = {}): PrivateOptions<Pair> => ({
  model,
  optimizer,
  data: set,
  loss: (x, y) => nn.crossEntropy(model(x), y),
  noiseMultiplier: 1,
  delta: 1e-3,
  batch: 10,
  physicalBatch: 16,
  maxGradNorm: 1,
  ...more,
});

/** What a plain training leaves: raw gradients of all rows. */
async function backward(model: nn.Layer): Promise<void> {
  nn.crossEntropy(model((await set.read(all))[0]), (await set.read(all))[1]).backward();
  await Promise.all(model.parameters().map((p) => p.grad?.data()));
}

/** A frozen body and a head, in one optimizer. */
function tuning(): { body: nn.Linear; model: nn.Layer; optimizer: optim.Optimizer } {
  const random = new Random(3);
  const body = nn.linear(4, 6, { random });
  const model = nn.sequential(body, nn.tanh(), nn.linear(6, 2, { random }));
  return { body, model, optimizer: optim.sgd(model, { lr: 1 }) };
}

describe("a raw gradient", () => {
  it("that an earlier backward() left at a frozen body moves nothing: its weights stay equal to the bit", async () => {
    const { body, model, optimizer } = tuning();
    await backward(model);
    body.requiresGrad_(false);
    const before = await valuesOf(body.parameters());
    const trainer = await makePrivate(task(model, optimizer));
    for (let i = 0; i < 3; i++) await trainer.step();
    expect(await valuesOf(body.parameters())).toEqual(before);
    expect(trainer.parameters.length).toBe(2);
  });

  it("that a callback leaves at parameters that learn is not part of the next step", async () => {
    // C is so small that a private step cannot be seen: only a raw gradient would move the weights.
    const model = mlp();
    const trainer = await makePrivate(task(model, optim.sgd(model, { lr: 1 }), { maxGradNorm: 2 ** -20, epochs: 0.75 }));
    const before = (await valuesOf(model.parameters())).flat() as number[];
    await trainer.train(() => backward(model));
    const after = (await valuesOf(model.parameters())).flat() as number[];
    expect(Math.max(...after.map((x, i) => Math.abs(x - before[i]!)))).toBeLessThan(1e-4);
  });

  it("of a body that is thawed on the way is refused, with the cure, before anything is paid or moved", async () => {
    const { body, model, optimizer } = tuning();
    body.requiresGrad_(false);
    const before = await valuesOf(body.parameters());
    const trainer = await makePrivate(task(model, optimizer, { epochs: 1 }));
    const thaw = async (): Promise<void> => {
      body.requiresGrad_(true);
      await backward(model);
    };
    await expect(trainer.train(thaw)).rejects.toMatchObject({
      code: "PRIVACY_PARAMETER",
      message: "step: expected the parameters that learn as they were when the run began, got a change at 0.weight, 0.bias",
      hint: expect.stringMatching(/begin another run for the next phase/),
    });
    expect(trainer.steps).toBe(1);
    expect(await valuesOf(body.parameters())).toEqual(before);
    body.requiresGrad_(false);
    await trainer.step();
    expect(await valuesOf(body.parameters())).toEqual(before);
  });

  it("of a group that joins the optimizer later is refused", async () => {
    const model = mlp();
    const other = nn.linear(4, 2, { random: new Random(9) });
    const optimizer = optim.sgd(model, { lr: 1 });
    const trainer = await makePrivate(task(model, optimizer));
    await trainer.step();
    optimizer.addParamGroup({ params: other });
    await backward(other as nn.Layer);
    const before = await valuesOf(other.parameters());
    await expect(trainer.step()).rejects.toMatchObject({
      code: "PRIVACY_PARAMETER",
      message: expect.stringMatching(/the optimizer's parameters as they were when the run began, got others/),
    });
    expect(trainer.steps).toBe(1);
    expect(await valuesOf(other.parameters())).toEqual(before);
  });
});

describe("what an optimizer remembers", () => {
  const momentum = (model: nn.Layer): optim.Optimizer => optim.sgd(model, { lr: 1, momentum: 0.9 });

  it("of a plain training is not taken as public: weights that were put back would move by it", async () => {
    const model = mlp();
    const start = new Map(
      await Promise.all([...model.stateDict()].map(async ([k, t]) => [k, Tensor.from(await t.data(), t.shape)] as const)),
    );
    const optimizer = momentum(model);
    const [x, y] = await set.read(all);
    await optimizer.step(nn.crossEntropy(model(x), y));
    model.loadStateDict(start);
    await expect(makePrivate(task(model, optimizer))).rejects.toMatchObject({
      code: "PRIVACY_PARAMETER",
      message: "makePrivate: expected an optimizer that has taken no step, got one that remembers 1",
      hint: expect.stringMatching(/optimizerState: "public"/),
    });
    await expect(makePrivate(task(model, optimizer, { optimizerState: "old" as "public" }))).rejects.toThrow(
      /"fresh" or "public"/,
    );
    await expect(makePrivate(task(model, optimizer, { optimizerState: "public" }))).resolves.toBeDefined();
  });

  it("of a private run goes on: loaded after makePrivate, or said to be public", async () => {
    const model = mlp();
    const optimizer = momentum(model);
    const first = await makePrivate(task(model, optimizer));
    await first.step();
    const saved = optimizer.stateDict();
    const resumed = mlp();
    resumed.loadStateDict(model.stateDict());
    const next = momentum(resumed);
    const second = await makePrivate(task(resumed, next));
    next.loadStateDict(saved);
    second.loadState(first.state());
    await second.step();
    expect([second.steps, next.stateDict().steps]).toEqual([2, 2]);
    const third = await makePrivate(task(model, optimizer, { optimizerState: "public" }));
    await third.step();
    expect(optimizer.stateDict().steps).toBe(2);
  });
});
