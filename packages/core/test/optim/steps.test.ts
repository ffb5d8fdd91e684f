/** @file Steps: both loops, stable Programs, values after a step, clear errors, saved states, schedules. */
import { describe, expect, test } from "vitest";
import { drawnDigits } from "../../src/data/mnist.ts";
import { defaultDevice } from "../../src/engine/default-device.ts";
import { engineStats } from "../../src/engine/engine.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { Random } from "../../src/random.ts";
import { ones, zeros } from "../../src/tensor/creation.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

const x = Tensor.from(
  Float32Array.from({ length: 12 }, (_, i) => Math.sin(3 * i)),
  [4, 3],
);
const y = Tensor.from(Int32Array.of(0, 1, 1, 0));
const layer = (): nn.Linear => nn.linear(3, 2, { random: new Random(5) });

describe("a step", () => {
  test("is the same written as step(loss) and as backward, step, zeroGrad", async () => {
    const [a, b] = [layer(), layer()];
    const [optA, optB] = [optim.adam(a), optim.adam(b.parameters())];
    for (let i = 0; i < 4; i++) {
      const [lossA, lossB] = [nn.crossEntropy(a(x), y), nn.crossEntropy(b(x), y)];
      await optA.step(lossA);
      lossB.backward();
      await optB.step();
      optB.zeroGrad();
      expect(await lossB.item()).toBe(await lossA.item());
      expect(a.weight.grad).toBeNull();
    }
    expect(await b.weight.data()).toEqual(await a.weight.data());
  });

  test("leaves the loss, and what else was asked for, at the values before it", async () => {
    const model = layer();
    const opt = optim.sgd(model, { lr: 1 });
    const before = await nn.crossEntropy(model(x), y).item();
    const logits = model(x);
    const probabilities = logits.softmax(1);
    const loss = nn.crossEntropy(logits, y);
    await opt.step(loss, logits);
    expect(await loss.item()).toBe(before);
    expect((await logits.data()).length).toBe(8);
    expect((await probabilities.data()).length).toBe(8);
    expect(await nn.crossEntropy(model(x), y).item()).toBeLessThan(before);
  });

  test("of two networks against each other goes as in PyTorch: what one loss leaves at the other network waits for its zeroGrad", async () => {
    const [G, D] = [nn.linear(3, 2, { random: new Random(1) }), nn.linear(2, 1, { random: new Random(2) })];
    const [optG, optD] = [optim.adam(G), optim.adam(D)];
    for (let i = 0; i < 3; i++) {
      optD.zeroGrad();
      const fake = G(x);
      D(fake.detach()).mean().backward();
      await optD.step();
      optG.zeroGrad();
      D(fake).mean().neg().backward();
      await optG.step();
    }
    expect(await codeOfAsync(optD.step())).toBe("GRAD_NOT_CLEARED");
    expect(await G.weight.sum().item()).not.toBeNaN();
  });

  test("adds up gradients of several losses before it", async () => {
    const [a, b] = [layer(), layer()];
    const [optA, optB] = [optim.sgd(a, { lr: 0.5 }), optim.sgd(b, { lr: 0.5 })];
    await optA.step(nn.crossEntropy(a(x), y).mul(2));
    nn.crossEntropy(b(x), y).backward();
    nn.crossEntropy(b(x), y).backward();
    await optB.step();
    const [wa, wb] = [await a.weight.data(), await b.weight.data()];
    for (const [i, v] of wa.entries()) expect(wb[i]).toBeCloseTo(Number(v), 6);
  });

  test("moves only parameters that have a gradient, and shared ones once", async () => {
    const [used, idle] = [layer(), layer()];
    const opt = optim.sgd([...used.parameters(), ...idle.parameters()], { lr: 1, weightDecay: 1 });
    const before = await idle.weight.data();
    await opt.step(nn.crossEntropy(used(x), y));
    expect(await idle.weight.data()).toEqual(before);
    const square = nn.parameter(Tensor.from([3]));
    await optim.sgd([square], { lr: 0.1 }).step(square.mul(square).sum());
    expect(await square.item()).toBeCloseTo(2.4, 6);
  });

  test("of one optimizer leaves the gradients of other parameters alone, as in adversarial training", async () => {
    const [generator, critic] = [nn.linear(2, 3, { random: new Random(1) }), layer()];
    const [optG, optC] = [optim.adam(generator), optim.adam(critic)];
    const noise = ones([4, 2]);
    for (let i = 0; i < 3; i++) {
      await optC.step(nn.crossEntropy(critic(generator(noise).detach()), y));
      await optG.step(nn.crossEntropy(critic(generator(noise)), y).neg());
    }
    expect([...critic.parameters(), ...generator.parameters()].every((p) => p.grad === null)).toBe(true);
  });

  test("is one Program whatever the values of its scalars", async () => {
    const p = nn.parameter(Tensor.from([1, 2]));
    const opt = optim.sgd([p], { lr: 1, momentum: 0.5, dampening: 0.25 });
    const before = engineStats(defaultDevice()).prepared;
    for (const lr of [1, 0.75, 0.1]) {
      opt.lr = lr; // equal to the factor of dampening in the first and second step
      await opt.step(p.square().sum());
    }
    expect(engineStats(defaultDevice()).prepared - before).toBe(1);
  });

  test("follows lr when it is set between steps", async () => {
    const p = nn.parameter(Tensor.from([1]));
    const opt = optim.sgd([p], { lr: 0.5 });
    await opt.step(p.sum());
    opt.lr = 0.125;
    await opt.step(p.sum());
    expect(await p.item()).toBe(0.375);
  });
});

test("three epochs of Adam under a schedule, with dropout, batch norm and a shorter last batch, prepare two Programs", async () => {
  const { train } = drawnDigits({ train: 70, test: 0 });
  const model = nn.sequential(
    ...[nn.conv2d(1, 2, 5, { stride: 4 }), nn.batchNorm2d(2), nn.relu(), nn.flatten(), nn.dropout(0.2), nn.linear(72, 10)],
  );
  const opt = optim.adam(model);
  const schedule = optim.lrScheduler.cosineAnnealing(opt, { tMax: 3 });
  const before = engineStats(defaultDevice());
  for await (const _ of [0, 1, 2]) {
    for await (const [images, digits] of train.shuffle({ seed: 1 }).batch(32))
      await opt.step(nn.crossEntropy(model(images), digits));
    schedule.step();
  }
  const after = engineStats(defaultDevice());
  expect(after.runs - before.runs).toBe(9);
  expect(after.prepared - before.prepared).toBe(2);
});

describe("a mistake", () => {
  test("of a loss that is NaN or infinite is an error that says what to do", async () => {
    const p = nn.parameter(Tensor.from([1]));
    const opt = optim.sgd([p], { lr: 0.1 });
    expect(await codeOfAsync(opt.step(p.mul(Number.NaN).sum()))).toBe("LOSS_NOT_FINITE");
    const q = nn.parameter(Tensor.from([0]));
    expect(await codeOfAsync(optim.sgd([q], { lr: 0.1 }).step(q.reciprocal().sum()))).toBe("LOSS_NOT_FINITE");
  });

  test("of a forgotten zeroGrad is an error", async () => {
    const model = layer();
    const opt = optim.sgd(model, { lr: 0.1 });
    nn.crossEntropy(model(x), y).backward();
    await opt.step();
    expect(await codeOfAsync(opt.step())).toBe("GRAD_NOT_CLEARED");
    nn.crossEntropy(model(x), y).backward();
    expect(await codeOfAsync(opt.step())).toBe("GRAD_NOT_CLEARED");
    model.zeroGrad();
    nn.crossEntropy(model(x), y).backward();
    expect(await codeOfAsync(opt.step())).toBe("no error");
  });

  test("of a step without gradient, without parameters or with bad options is an error", async () => {
    const model = layer();
    expect(await codeOfAsync(optim.sgd(model, { lr: 0.1 }).step())).toBe("AUTOGRAD_NO_GRAPH");
    expect(await codeOfAsync(optim.sgd(model, { lr: 0.1 }).step(ones([])))).toBe("AUTOGRAD_NO_GRAPH");
    expect(codeOf(() => optim.sgd([], { lr: 0.1 }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => optim.sgd([ones([2])], { lr: 0.1 }))).toBe("ARGUMENT_INVALID");
    for (const lr of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(codeOf(() => optim.sgd(model, { lr }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => optim.sgd(model, { lr: 1, nesterov: true }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => optim.adam(model, { betas: [0.9, 1] }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => optim.stepLR(optim.adam(model), { stepSize: 0 }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => optim.cosineAnnealing(optim.adam(model), { tMax: 1.5 }))).toBe("ARGUMENT_INVALID");
  });
});

describe("a saved state", () => {
  test("continues exactly, and is not touched by the steps of the optimizer that took it up", async () => {
    for (const make of [
      (m: nn.Module) => optim.adamw(m),
      (m: nn.Module) => optim.sgd(m, { lr: 0.1, momentum: 0.9, nesterov: true }),
    ]) {
      const [a, b] = [layer(), layer()];
      const [optA, optB] = [make(a), make(b)];
      for (let i = 0; i < 3; i++) await optA.step(nn.crossEntropy(a(x), y));
      b.loadStateDict(a.stateDict());
      optB.loadStateDict(optA.stateDict());
      for (let i = 0; i < 3; i++) await optB.step(nn.crossEntropy(b(x), y));
      for (let i = 0; i < 3; i++) await optA.step(nn.crossEntropy(a(x), y));
      expect(await b.weight.data()).toEqual(await a.weight.data());
    }
  });

  test("of other parameters or another optimizer is refused", async () => {
    const model = layer();
    const opt = optim.adam(model);
    await opt.step(nn.crossEntropy(model(x), y));
    const state = opt.stateDict();
    expect([...state.tensors.keys()]).toEqual(["mean.weight", "square.weight", "mean.bias", "square.bias"]);
    expect(codeOf(() => optim.sgd(model, { lr: 1 }).loadStateDict(state))).toBe("STATE_MISMATCH");
    expect(codeOf(() => optim.adam(nn.linear(4, 2)).loadStateDict(state))).toBe("STATE_MISMATCH");
    const stray = { ...state, tensors: new Map([["mean.gain", zeros([2])]]) };
    expect(codeOf(() => optim.adam(model).loadStateDict(stray))).toBe("STATE_MISMATCH");
    expect(codeOf(() => optim.adam(model).loadStateDict({ ...state, steps: -1 }))).toBe("ARGUMENT_INVALID");
  });
});

test("a schedule restored gives the rates of one that ran through", () => {
  const rates = (steps: number, saved?: optim.SchedulerState): [number[], optim.SchedulerState] => {
    const opt = optim.adam(layer(), { lr: 0.4 });
    const schedule = optim.cosineAnnealing(opt, { tMax: 5, etaMin: 0.01 });
    if (saved) schedule.loadStateDict(saved);
    const out = Array.from({ length: steps }, () => {
      schedule.step();
      return opt.lr;
    });
    return [out, schedule.stateDict()];
  };
  const [all] = rates(5);
  const [first, state] = rates(2);
  expect([...first, ...rates(3, state)[0]]).toEqual(all);
  expect(all[4]).toBeCloseTo(0.01, 15);
  const stepped = optim.stepLR(optim.adam(layer()), { stepSize: 2 });
  expect(codeOf(() => stepped.loadStateDict(state))).toBe("STATE_MISMATCH");
});

describe("a parameter that joins late", () => {
  const kinds: [string, (p: Tensor[]) => optim.Optimizer][] = [
    ["adam", (p) => optim.adam(p, { lr: 0.1 })],
    ["adamw", (p) => optim.adamw(p, { lr: 0.1 })],
    ["sgd", (p) => optim.sgd(p, { lr: 0.1, momentum: 0.9, dampening: 0.5 })],
  ];
  const made = (): [Tensor, Tensor] => [Tensor.from([1, -2, 3]).requiresGrad_(), Tensor.from([0.5, 0.25, -1]).requiresGrad_()];
  const pull = (p: Tensor): Tensor => p.sub(2).square().mul(p.add(1).square()).mean();

  test.each(kinds)(
    "counts its own steps under %s, as if it had an optimizer of its own, also after a saved state",
    async (_, make) => {
      const [a, b] = made();
      const [c, d] = made();
      let together = make([a, b]);
      const apart = [make([c]), make([d])] as const;
      for (let i = 0; i < 8; i++) {
        const joined = i >= 3 && i !== 5;
        await together.step(joined ? pull(a).add(pull(b)) : pull(a));
        await apart[0].step(pull(c));
        if (joined) await apart[1].step(pull(d));
        if (i === 5) {
          const restored = make([a, b]);
          restored.loadStateDict(together.stateDict());
          together = restored;
        }
      }
      expect(await a.data()).toEqual(await c.data());
      expect(await b.data()).toEqual(await d.data());
    },
  );

  test("says so in its state, which is refused when it cannot be", async () => {
    const [a, b] = made();
    const opt = optim.adam([a, b]);
    await opt.step(pull(a));
    const state = opt.stateDict();
    expect(state.missed).toEqual({ 1: 1 });
    expect(codeOf(() => opt.loadStateDict({ ...state, missed: { 1: 2 } }))).toBe("ARGUMENT_INVALID");
  });
});
