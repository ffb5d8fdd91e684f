/** @file Parameter groups, frozen parameters, clipping, saved states, and how many Programs a training run prepares. */
import { describe, expect, test } from "vitest";
import { defaultDevice } from "../../src/engine/default-device.ts";
import { engineStats } from "../../src/engine/engine.ts";
import { checkpoint } from "../../src/io/checkpoint.ts";
import { decodeTensors, encodeTensors } from "../../src/io/tensors.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { Random } from "../../src/random.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

const x = Tensor.from(
  Float32Array.from({ length: 15 }, (_, i) => Math.sin(3 * i)),
  [5, 3],
);
const y = Tensor.from(Int32Array.of(0, 1, 1, 0, 1));

class Net extends nn.Module {
  body = nn.linear(3, 4, { random: new Random(5) });
  head = nn.linear(4, 2, { random: new Random(6) });
  forward(input: Tensor): Tensor {
    return this.head(this.body(input).tanh());
  }
}

const loss = (m: Net): Tensor => nn.crossEntropy(m(x), y);
const values = (m: nn.Module): Promise<number[][]> =>
  Promise.all(m.parameters().map(async (p) => [...(await p.data())].map(Number)));

describe("parameter groups", () => {
  test("take options of their own, and what they leave out from the optimizer's", async () => {
    const m = new Net();
    const opt = optim.adam([{ params: m.body, lr: 1e-4, weightDecay: 0.1 }, { params: m.head }], { lr: 1e-3, eps: 1e-6 });
    expect(opt.paramGroups.map(({ lr, weightDecay, eps, params }) => [lr, weightDecay, eps, params.length])).toEqual([
      [1e-4, 0.1, 1e-6, 2],
      [1e-3, 0, 1e-6, 2],
    ]);
    expect(opt.paramGroups[1]!.params[0]).toBe(m.head.weight);
    opt.lr = 0.5;
    expect(opt.paramGroups.map((g) => g.lr)).toEqual([0.5, 0.5]);
    opt.paramGroups[1]!.lr = 0.25;
    expect(opt.lr).toBe(0.5);
  });

  test("of rate 0 stay where they are", async () => {
    const m = new Net();
    const before = await values(m);
    await optim.sgd([{ params: m.body, lr: 0 }, { params: m.head.parameters() }], { lr: 0.5 }).step(loss(m));
    const after = await values(m);
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after[2]).not.toEqual(before[2]);
  });

  test("added later count their own steps, as an optimizer of their own would", async () => {
    const [a, b] = [new Net(), new Net()];
    const opt = optim.adam(a.body, { lr: 0.1 });
    const apart = [optim.adam(b.body, { lr: 0.1 }), optim.adam(b.head, { lr: 0.02 })] as const;
    for (let i = 0; i < 5; i++) {
      if (i === 2) opt.addParamGroup({ params: a.head, lr: 0.02 });
      await opt.step(loss(a));
      const both = loss(b);
      both.backward();
      await apart[0].step();
      if (i >= 2) await apart[1].step();
      b.zeroGrad();
    }
    for (const [i, v] of (await values(a)).entries())
      for (const [k, w] of (await values(b))[i]!.entries()) expect(v[k]).toBeCloseTo(w, 6);
  });

  test("refuse a parameter twice, unknown options, no parameters and modules in a plain list", () => {
    const m = new Net();
    const message = (run: () => unknown): string => {
      try {
        run();
        return "no error";
      } catch (e) {
        return e instanceof Error ? e.message : "";
      }
    };
    expect(message(() => optim.sgd([{ params: m }, { params: m.head }], { lr: 1 }))).toBe(
      "optimizer: expected each parameter once, got one as head.weight and as group1/weight",
    );
    const wrong = [{ params: m, momentun: 0.9 }] as never;
    expect(message(() => optim.sgd(wrong, { lr: 1 }))).toMatch(/^sgd: expected options among lr, momentum, .* got "momentun"$/);
    expect(codeOf(() => optim.sgd([{ params: [] }], { lr: 1 }))).toBe("ARGUMENT_INVALID");
    expect(message(() => optim.sgd([m.body, m.head] as never, { lr: 1 }))).toBe(
      "optimizer 0: expected a parameter, got a module",
    );
    expect(codeOf(() => optim.sgd([{ params: m, lr: -1 }], { lr: 1 }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => optim.rmsprop(m, { alpha: 2 }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => optim.rprop(m, { etas: [1.2, 0.5] }))).toBe("ARGUMENT_INVALID");
  });
});

describe("a frozen parameter", () => {
  test("waits, and moves once it is thawed", async () => {
    const m = new Net();
    m.body.requiresGrad_(false);
    const opt = optim.adam(m, { lr: 0.1 });
    const before = await values(m);
    await opt.step(loss(m));
    await opt.step(loss(m));
    expect((await values(m)).slice(0, 2)).toEqual(before.slice(0, 2));
    m.body.requiresGrad_();
    await opt.step(loss(m));
    const after = await values(m);
    // Adam's first step is lr in every element whose gradient is not 0.
    for (const [i, v] of after[0]!.entries()) expect(Math.abs(v - before[0]![i]!)).toBeCloseTo(0.1, 4);
  });
});

describe("clipping", () => {
  test("of the norm is the same in the options, in a step and between backward and step", async () => {
    const [a, b, c] = [new Net(), new Net(), new Net()];
    const options = optim.sgd(a, { lr: 1, clipNorm: 0.1 });
    const [perStep, apart] = [optim.sgd(b, { lr: 1 }), optim.sgd(c, { lr: 1 })];
    for (let i = 0; i < 3; i++) {
      await options.step(loss(a));
      await perStep.step(loss(b), { clipNorm: 0.1 });
      loss(c).backward();
      const norm = optim.clipGradNorm_(c, 0.1);
      expect(await norm.item()).toBeGreaterThan(0.1);
      await apart.step();
      c.zeroGrad();
    }
    expect(await values(b)).toEqual(await values(a));
    for (const [i, v] of (await values(c)).entries())
      for (const [k, w] of (await values(a))[i]!.entries()) expect(v[k]).toBeCloseTo(w, 6);
  });

  test("moves the parameters by the learning rate times the norm at most, in every norm", async () => {
    for (const [normType, want] of [
      [1, 7],
      [2, 5],
      [3, (27 + 64) ** (1 / 3)],
      [Number.POSITIVE_INFINITY, 4],
    ] as const) {
      const p = Tensor.from([0, 0]).requiresGrad_();
      p.mul(Tensor.from([3, -4]))
        .sum()
        .backward();
      const norm = optim.clipGradNorm_([p], 1, { normType });
      expect(await norm.item()).toBeCloseTo(want, 5);
      const grad = [...(await p.grad!.data())].map(Number);
      expect(grad[0]).toBeCloseTo(3 / want, 5);
      expect(grad[1]).toBeCloseTo(-4 / want, 5);
    }
  });

  test("leaves small gradients as they are, cuts values, and does nothing without gradients", async () => {
    const p = Tensor.from([0, 0, 0]).requiresGrad_();
    optim.clipGradValue_([p], 1);
    expect([await optim.clipGradNorm_([p], 1).item(), p.grad]).toEqual([0, null]);
    p.mul(Tensor.from([0.25, -3, 5]))
      .sum()
      .backward();
    optim.clipGradValue_(p, 0.5);
    expect([...(await p.grad!.data())]).toEqual([0.25, -0.5, 0.5]);
    optim.clipGradNorm_(p, 100);
    expect([...(await p.grad!.data())]).toEqual([0.25, -0.5, 0.5]);
    expect(codeOf(() => optim.clipGradNorm_([p], -1))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => optim.sgd([p], { lr: 1, clipNorm: Number.NaN }))).toBe("ARGUMENT_INVALID");
    expect(await codeOfAsync(optim.sgd([p], { lr: 1 }).step(p.sum(), { clipValue: -1 }))).toBe("ARGUMENT_INVALID");
  });

  test("does not hide a forgotten zeroGrad", async () => {
    const m = new Net();
    const opt = optim.sgd(m, { lr: 0.1 });
    for (const code of ["no error", "GRAD_NOT_CLEARED"]) {
      loss(m).backward();
      optim.clipGradNorm_(m, 0.5);
      optim.clipGradValue_(m, 0.5);
      expect(await codeOfAsync(opt.step())).toBe(code);
    }
  });
});

const EVERY: readonly [string, (m: optim.Grouped<never>) => optim.Optimizer][] = [
  ["sgd", (m) => optim.sgd(m, { lr: 0.1, momentum: 0.9, dampening: 0.1, weightDecay: 0.01, clipNorm: 1 })],
  ["adam", (m) => optim.adam(m, { amsgrad: true, clipValue: 1 })],
  ["adamw", (m) => optim.adamw(m)],
  ["adagrad", (m) => optim.adagrad(m, { lrDecay: 0.1, initialAccumulatorValue: 0.1 })],
  ["adadelta", (m) => optim.adadelta(m)],
  ["rmsprop", (m) => optim.rmsprop(m, { centered: true, momentum: 0.5 })],
  ["adamax", (m) => optim.adamax(m)],
  ["nadam", (m) => optim.nadam(m)],
  ["radam", (m) => optim.radam(m, { betas: [0.9, 0.7] })],
  ["asgd", (m) => optim.asgd(m, { t0: 2 })],
  ["rprop", (m) => optim.rprop(m)],
  ["lion", (m) => optim.lion(m, { weightDecay: 0.1 })],
];
const groupsOf = (m: Net): optim.Grouped<never> => [{ params: m.body, lr: 0.02 }, { params: m.head }] as never;

describe.each(EVERY)("%s", (_, make) => {
  test("prepares one Program for all steps on two groups, and one more for a batch of another size", async () => {
    const m = new Net();
    const opt = make(groupsOf(m));
    const schedule =
      opt.cycled === null ? optim.exponentialLR(opt, { gamma: 0.9 }) : optim.oneCycle(opt, { maxLr: 0.1, totalSteps: 9 });
    const before = engineStats(defaultDevice()).prepared;
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const rows of [5, 5, 2]) {
        await opt.step(nn.crossEntropy(m(x.slice([0, rows])), y.slice([0, rows])));
        schedule.step();
      }
    }
    expect(engineStats(defaultDevice()).prepared - before).toBe(2);
  });

  test("goes on bit for bit from a checkpoint on two groups, options of the groups included", async () => {
    const [a, b] = [new Net(), new Net()];
    const [optA, optB] = [make(groupsOf(a)), make(groupsOf(b))];
    for (let i = 0; i < 3; i++) await optA.step(loss(a));
    optA.paramGroups[1]!.lr = 0.0125;
    checkpoint.decode(await checkpoint.encode({ model: a, optimizer: optA }), { model: b, optimizer: optB });
    expect(optB.paramGroups.map((g) => g.lr)).toEqual([0.02, 0.0125]);
    for (let i = 0; i < 3; i++) {
      await optA.step(loss(a));
      await optB.step(loss(b));
    }
    expect(await values(b)).toEqual(await values(a));
  });
});

test("every schedule that a batch steps keeps the Program, momentum cycled or not", async () => {
  const schedules: readonly ((o: optim.Optimizer) => optim.Scheduler)[] = [
    (o) => optim.cyclicLR(o, { baseLr: 0.01, maxLr: 0.1, stepSizeUp: 2 }),
    (o) => optim.oneCycle(o, { maxLr: 0.1, totalSteps: 6 }),
    (o) => optim.warmup(o, { steps: 3 }),
    (o) => optim.cosineAnnealingWarmRestarts(o, { t0: 2 }),
    (o) => optim.chained([optim.linearLR(o), optim.lambdaLR(o, { factor: (t) => 1 / (t + 1) })]),
  ];
  for (const make of schedules) {
    const m = new Net();
    const opt = optim.sgd(m, { lr: 0.1, momentum: 0.9 });
    const schedule = make(opt);
    const before = engineStats(defaultDevice()).prepared;
    for (let i = 0; i < 6; i++) {
      await opt.step(loss(m));
      schedule.step();
    }
    expect(engineStats(defaultDevice()).prepared - before).toBeLessThanOrEqual(1);
  }
});

test("a group that is added later keeps its rate under the schedules that were there, also after a saved state", () => {
  const m = new Net();
  const opt = optim.sgd(m.body, { lr: 0.4, momentum: 0.9 });
  const schedules = [optim.oneCycle(opt, { maxLr: 0.4, totalSteps: 5 }), optim.stepLR(opt, { stepSize: 1, gamma: 0.5 })];
  opt.addParamGroup({ params: m.head, lr: 0.3 });
  for (const schedule of schedules) {
    schedule.step();
    schedule.loadStateDict(schedule.stateDict());
  }
  expect(opt.paramGroups[1]!.lr).toBe(0.3);
  expect(opt.paramGroups[1]!.momentum).toBe(0.9);
  expect(opt.paramGroups[0]!.lr).toBeLessThan(0.4);
});

describe("a saved state", () => {
  test("from before there were groups is taken up by one group, and refused by two", async () => {
    const m = new Net();
    const opt = optim.sgd(m, { lr: 0.1, momentum: 0.9 });
    await opt.step(loss(m));
    const { groups: _, ...old } = opt.stateDict();
    const again = optim.sgd(m, { lr: 0.7, momentum: 0.9 });
    again.loadStateDict({ ...old, lr: 0.3 });
    expect([again.lr, again.paramGroups[0]!.momentum]).toEqual([0.3, 0.9]);
    const two = optim.sgd(groupsOf(m), { lr: 0.1, momentum: 0.9 });
    expect(codeOf(() => two.loadStateDict(old))).toBe("STATE_MISMATCH");
    const schedule = optim.stepLR(again, { stepSize: 2, gamma: 0.5 });
    schedule.loadStateDict({ kind: "stepLR", base: 0.8, steps: 5 });
    expect(again.lr).toBe(0.2);
  });

  test("with options that do not fit is refused, and changes nothing", async () => {
    const m = new Net();
    const opt = optim.adam(m, { lr: 0.1 });
    const state = opt.stateDict();
    const [group] = state.groups!;
    for (const bad of [
      { betas: 0.9 },
      { betas: [0.9] },
      { lr: -1 },
      { surprise: 1 },
      { amsgrad: 1 },
      { params: 3 },
      { eps: Number.NaN },
    ]) {
      const code = codeOf(() => opt.loadStateDict({ ...state, lr: 0.5, groups: [{ ...group, ...bad } as never] }));
      expect(code, JSON.stringify(bad)).toMatch(/STATE_MISMATCH|ARGUMENT_INVALID/);
    }
    expect(opt.lr).toBe(0.1);
    expect(codeOf(() => opt.loadStateDict({ ...state, groups: [] }))).toBe("STATE_MISMATCH");
  });
});

describe("L-BFGS", () => {
  const closure = (m: Net) => (): Tensor => loss(m).add(m.head.weight.square().sum().mul(0.01));

  test("prepares at most two Programs however many iterations it makes", async () => {
    const m = new Net();
    const opt = optim.lbfgs(m, { lineSearchFn: "strongWolfe", maxIter: 6, historySize: 2 });
    const before = engineStats(defaultDevice()).prepared;
    const losses: number[] = [];
    for (let i = 0; i < 3; i++) losses.push(await opt.step(closure(m)));
    expect(engineStats(defaultDevice()).prepared - before).toBeLessThanOrEqual(2);
    expect(losses[2]).toBeLessThan(losses[0]! / 3);
  });

  test("goes on bit for bit from a saved state, and leaves views of the parameters valid", async () => {
    const [a, b] = [new Net(), new Net()];
    const view = a.stateDict().get("body.weight")!;
    const [optA, optB] = [optim.lbfgs(a, { maxIter: 4, lr: 0.5 }), optim.lbfgs(b, { maxIter: 4, lr: 0.5 })];
    await optA.step(closure(a));
    expect(await view.data()).toEqual(await a.body.weight.data());
    checkpoint.decode(await checkpoint.encode({ model: a, optimizer: optA }), { model: b, optimizer: optB });
    for (let i = 0; i < 2; i++) expect(await optB.step(closure(b))).toBe(await optA.step(closure(a)));
    expect(await values(b)).toEqual(await values(a));
    const state = optA.stateDict();
    const { tensors } = decodeTensors(await encodeTensors(state.tensors));
    expect(codeOf(() => optB.loadStateDict({ ...state, tensors, numbers: {} }))).toBe("STATE_MISMATCH");
    expect(codeOf(() => optim.lbfgs(a.body).loadStateDict(state))).toBe("STATE_MISMATCH");
  });

  test("says what it needs", async () => {
    const m = new Net();
    const opt = optim.lbfgs(m);
    expect(await codeOfAsync(opt.step(loss(m) as never))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => opt.addParamGroup({ params: nn.linear(2, 2) }))).toBe("ARGUMENT_INVALID");
    expect(await codeOfAsync(opt.step(() => loss(m).mul(Number.NaN)))).toBe("LOSS_NOT_FINITE");
    expect(codeOf(() => optim.oneCycle(opt, { maxLr: 1, totalSteps: 3 }))).toBe("ARGUMENT_INVALID");
  });
});

describe("an option that an optimizer does not have", () => {
  const { adam, adamw, sgd, rmsprop, nadam, rprop, lion, lbfgs } = optim;
  const made = Object.entries({ adam, adamw, sgd, rmsprop, nadam, rprop, lion, lbfgs });
  test.each(made)("is refused by %s", (_, optimizer) => {
    const make = (options: object) => () => optimizer(nn.linear(2, 2), { lr: 0.1, ...options } as never);
    expect(make({ learningRate: 1 })).toThrow(/options among lr, .*got "learningRate"/);
    expect(make({})).not.toThrow();
  });
});

describe("Lion", () => {
  test("moves by the sign of its interpolated gradient", async () => {
    const p = Tensor.from([1, -2]).requiresGrad_();
    const opt = optim.lion([p], { lr: 0.1, betas: [0.5, 0.5], weightDecay: 0.5 });
    const pull = Tensor.from([2, -1]);
    await opt.step(p.mul(pull).sum());
    // 1·0.95 - 0.1 and -2·0.95 + 0.1; the mean is then [1, -0.5].
    for (const [i, want] of [0.85, -1.8].entries()) expect((await p.data())[i]).toBeCloseTo(want, 6);
    await opt.step(p.mul(Tensor.from([-3, 0.25])).sum());
    // 0.5·1 - 0.5·3 < 0 and -0.5·0.5 + 0.5·0.25 < 0.
    for (const [i, want] of [0.85 * 0.95 + 0.1, -1.8 * 0.95 + 0.1].entries()) expect((await p.data())[i]).toBeCloseTo(want, 6);
  });
});
