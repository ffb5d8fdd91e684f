/** @file Private sums and steps of DP-SGD in a session: right sums, noise as accounted, weights that learn. */
import { Random, type Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import type { Program } from "@tacit/core/program";
import { epsilonOf } from "@tacit/privacy";
import { afterEach, describe, expect, it } from "vitest";
import { oneHot } from "../../src/client/inputs.ts";
import { startLocal } from "../../src/driver/local.ts";
import type { MpcSession } from "../../src/driver/mpc-session.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { privateSteps, privateSum, type ReleaseOptions } from "../../src/release/index.ts";
import { analyseRows } from "../../src/release/rows/index.ts";
import { type InProcess, startParties } from "../in-process.ts";
import { makeWorld } from "../support.ts";

const open: InProcess[] = [];
const sessions: MpcSession[] = [];
afterEach(async () => {
  for (const s of sessions.splice(0)) await s.close();
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

async function start(): Promise<MpcSession> {
  const world = await makeWorld({ protocol: "replicated3" });
  const parties = await startParties(world, replicated3);
  open.push(parties);
  const session = await parties.open();
  sessions.push(session);
  return session;
}

const OPTIONS: ReleaseOptions = { clipNorm: 1, noiseMultiplier: 2, neighbours: "add-remove" };
const why = { to: "driver", why: "sum" };

describe("a private sum", () => {
  it("is the clipped sum and noise of three parties, disclosed as often as one likes without new noise", async () => {
    const session = await start();
    const values = Float32Array.from({ length: 6 * 500 }, (_, i) => (i % 500 === 0 ? 3 : 0.01));
    const x = session.input("rows", { values, shape: [6, 500] });
    const { sum, event } = await privateSum(x, OPTIONS);
    expect(event).toEqual({
      mechanism: {
        kind: "distributed-discrete-gaussian",
        stdDev: expect.closeTo(Math.SQRT2 * 65536, 3) as number,
        parties: 2,
        sensitivity: 65536,
        dimension: 500,
      },
      neighbours: "add-remove",
      sampling: { kind: "all" },
      count: 1,
    });
    const first = await sum.reveal(why);
    const norm = Math.hypot(3, 0.01 * Math.sqrt(499));
    let square = 0;
    first.forEach((v: number | bigint, j: number) => {
      square += (Number(v) - (6 * (j === 0 ? 3 : 0.01)) / norm) ** 2;
    });
    // 500 coordinates of variance 3 · 2: 6 deviations of a χ², a false alarm in 5e8 runs.
    expect(Math.abs(square / 6 - 500) / Math.sqrt(1000)).toBeLessThan(6);
    expect([...(await sum.mul(2).reveal(why))].map((v) => Number(v) / 2)).toEqual([...first].map(Number));
  });

  it("costs twice the sensitivity where a row is replaced, and states what it costs by zCDP", async () => {
    const session = await start();
    const x = session.input("rows", { values: new Float32Array(12), shape: [3, 4] });
    const one = (await privateSum(x, OPTIONS)).event;
    const two = (await privateSum(x, { ...OPTIONS, neighbours: "replace-one" })).event;
    const cost = (e: typeof one): number => epsilonOf([e], { delta: 1e-6, accountant: "zcdp" });
    expect(cost(two) / cost(one)).toBeGreaterThan(1.9);
    // ρ = 1 / (2 z²) = 1/8.
    expect(cost(one)).toBeCloseTo(cost({ ...one, mechanism: { kind: "concentrated", rho: 1 / 8 } }), 6);
  });

  it.each([
    [{ clipNorm: 0 }, "PRIVACY_PARAMETER"],
    [{ clipNorm: Number.NaN }, "PRIVACY_PARAMETER"],
    [{ noiseMultiplier: -1 }, "PRIVACY_PARAMETER"],
    [{ noiseMultiplier: Number.POSITIVE_INFINITY }, "PRIVACY_PARAMETER"],
    [{ neighbours: "similar" as "add-remove" }, "PRIVACY_NEIGHBOURS"],
    [{ clipNorm: 2 ** -14 }, "DEVICE_UNSUPPORTED"],
    [{ clipNorm: 1e12 }, "PRIVACY_PARAMETER"],
    [{ clipNorm: 1e-30 }, "PRIVACY_PARAMETER"],
    [{ nois: 1 }, "PRIVACY_PARAMETER"],
    [{ mechanism: { epsilon: 1, delta: 1e-5, runs: 3 } as object as { epsilon: number; delta: number } }, "PRIVACY_PARAMETER"],
  ])("refuses %o", async (change, code) => {
    const session = await start();
    const x = session.input("rows", { values: new Float32Array(12), shape: [3, 4] });
    await expect(privateSum(x, { ...OPTIONS, ...change })).rejects.toMatchObject({ code });
  });
});

describe("what neither a sum nor steps can have", () => {
  it("noise of less than a least unit, or more than samplers draw, is refused with the range", async () => {
    const session = await start();
    const x = session.input("rows", { values: new Float32Array(12), shape: [3, 4] });
    for (const noiseMultiplier of [1e-9, 1e12]) {
      await expect(privateSum(x, { ...OPTIONS, noiseMultiplier })).rejects.toMatchObject({
        code: "PRIVACY_PARAMETER",
        message: `privateSum: expected a noise multiplier of 0.0000216 to 7.59e+8 at clip norm 1, got ${noiseMultiplier}`,
      });
    }
    // The ends can be had.
    for (const noiseMultiplier of [2.2e-5, 7.5e8])
      expect((await privateSum(x, { ...OPTIONS, noiseMultiplier })).event.count).toBe(1);
  });

  it("batch norm is refused by its place, and what to use instead is named; so are unknown options", async () => {
    const session = await start();
    const model = nn.sequential(nn.linear(4, 4), nn.batchNorm1d(4), nn.linear(4, 2));
    await model.to(session);
    const options = { ...OPTIONS, model, optimizer: optim.sgd(model, { lr: 1 }), loss: (a: Tensor) => model(a).sum() };
    expect(() => privateSteps<[Tensor]>(options)).toThrow(
      expect.objectContaining({
        code: "PRIVACY_LAYER",
        message: "privateSteps: expected layers that see one row each, got batchNorm1d at 1",
        hint: expect.stringContaining("nn.groupNorm or nn.layerNorm"),
      }),
    );
    expect(() => privateSteps<[Tensor]>({ ...options, nois: 1 } as never)).toThrow('got "nois"');
  });
});

const CLASSES = 3;
const WIDTH = 6;
/** Three clouds, rows in no order of class. */
function clouds(n: number, random: Random): { values: Float32Array; labels: number[] } {
  const labels = Array.from({ length: n }, (_, i) => (i * 7 + (i >> 3)) % CLASSES);
  const noise = random.normal(n * WIDTH);
  const values = Float32Array.from(
    noise,
    (v, i) => 0.5 * v + (Math.floor(i / WIDTH) >= 0 && i % CLASSES === labels[Math.floor(i / WIDTH)] ? 1 : 0),
  );
  return { values, labels };
}

/** Inputs have a name once. */
let asked = 0;
/** Share of test rows that a model read in the clear gets right. */
async function accuracy(model: nn.Layer, session: MpcSession, random: Random): Promise<number> {
  const { values, labels } = clouds(300, random);
  const x = session.input(`test-${++asked}`, { values, shape: [300, WIDTH] });
  const answers = await model(x).argmax(1).reveal({ to: "driver", why: "test" });
  return [...answers].filter((a, i) => Number(a) === labels[i]).length / 300;
}

async function train(session: MpcSession, n: number, steps: number, options: ReleaseOptions, hidden = 0): Promise<number> {
  const random = new Random(11);
  const { values, labels } = clouds(n, random);
  const x = session.input("x", { values, shape: [n, WIDTH] });
  const y = session.input("y", oneHot(labels, CLASSES));
  const model =
    hidden === 0
      ? nn.sequential(nn.linear(WIDTH, CLASSES, { random }))
      : nn.sequential(nn.linear(WIDTH, hidden, { random }), nn.tanh(), nn.linear(hidden, CLASSES, { random }));
  await model.to(session);
  const optimizer = optim.sgd(model, { lr: 1 });
  const dp = privateSteps<[Tensor, Tensor]>({ ...options, model, optimizer, loss: (a, b) => nn.crossEntropy(model(a), b) });
  for (let i = 0; i < steps; i++) await dp.step(x, y);
  expect(dp.steps).toBe(steps);
  const z = options.noiseMultiplier;
  expect(dp.epsilon(1e-5)).toBeCloseTo(
    epsilonOf([{ ...dp.events()[0]!, mechanism: { kind: "concentrated", rho: steps / (2 * z * z) }, count: 1 }], {
      delta: 1e-5,
      accountant: "zcdp",
    }),
    3,
  );
  return accuracy(model, session, random);
}

describe("DP-SGD on shares", () => {
  it("learns three clouds from 192 rows at a moderate ε, in steps that a grant may demand noise of", async () => {
    const session = await start();
    const programs: Program[] = [];
    const prepare = session.prepare.bind(session);
    session.prepare = (job) => {
      programs.push(job.program);
      return prepare(job);
    };
    expect(await train(session, 192, 12, { clipNorm: 1, noiseMultiplier: 6, neighbours: "add-remove" })).toBeGreaterThan(0.7);
    const steps = programs.filter((p) => p.nodes.some((n) => n.op === "partyNoise"));
    expect(steps).toHaveLength(1);
    const rows = steps[0]!.inputs.flatMap((a, i) => (a.shape[0] === 192 ? [i] : []));
    const analysis = analyseRows(steps[0]!, rows, () => false);
    expect([rows.length, analysis.noises.length]).toEqual([2, 1]);
    expect(new Set(analysis.outputs)).toEqual(new Set(["clean"]));
  }, 120_000);

  it("moves by clipped gradients: without noise to speak of, as steps in the clear with the same clipping do", async () => {
    const session = await start();
    const random = new Random(5);
    const { values, labels } = clouds(9, random);
    const x = session.input("x", { values, shape: [9, WIDTH] });
    const y = session.input("y", oneHot(labels, CLASSES));
    const model = nn.sequential(nn.linear(WIDTH, CLASSES, { random }));
    const before = await Promise.all([...model.stateDict()].map(async ([, p]) => (await p.data()) as Float32Array));
    await model.to(session);
    const dp = privateSteps<[Tensor, Tensor]>({
      model,
      optimizer: optim.sgd(model, { lr: 1 }),
      loss: (a, b) => nn.crossEntropy(model(a), b),
      clipNorm: 0.5,
      noiseMultiplier: 2 ** -12,
      neighbours: "add-remove",
    });
    await dp.step(x, y);
    const after = await Promise.all([...model.stateDict()].map(([, p]) => p.reveal({ to: "driver", why: "weights" })));
    const want = clearStep(before, values, labels, 0.5);
    after.forEach((w, k) => {
      w.forEach((v: number | bigint, i: number) => {
        expect(Math.abs(Number(v) - want[k]![i]!)).toBeLessThan(2e-3);
      });
    });
  });

  it("moves what learns by noised gradients alone: others that lie about, parameters that join and an optimizer's memory are kept out", async () => {
    const session = await start();
    const [body, head] = [nn.linear(2, 2, { random: new Random(5) }), nn.linear(2, 2, { random: new Random(6) })];
    const model = nn.sequential(body, head);
    await model.to(session);
    const bias = (name: string): Tensor => session.input(name, { values: Float32Array.of(3, 4), shape: [2] });
    body.requiresGrad_(false);
    body.bias!.grad = bias("left-over");
    const before = [...(await body.bias!.reveal({ to: "driver", why: "before" }))];
    const optimizer = optim.sgd(model, { lr: 1, momentum: 0.9 });
    const options = { ...OPTIONS, model, optimizer, loss: (a: Tensor) => model(a).sum() };
    const dp = privateSteps<[Tensor]>(options);
    const x = session.input("x", { values: new Float32Array(6), shape: [3, 2] });
    await dp.step(x);
    const after = [...(await body.bias!.reveal({ to: "driver", why: "after" }))];
    expect(after.map(Number)).toEqual(before.map(Number));
    const cost = dp.epsilon(1e-5);
    options.neighbours = "replace-one"; // of the caller's own object
    expect(dp.epsilon(1e-5)).toBe(cost);
    body.requiresGrad_(true);
    await expect(dp.step(x)).rejects.toMatchObject({
      code: "PRIVACY_PARAMETER",
      message: expect.stringMatching(/a change at 0.weight, 0.bias/),
    });
    body.requiresGrad_(false);
    expect(() => privateSteps<[Tensor]>(options)).toThrow(/privateSteps: expected an optimizer that has taken no step/);
    expect(privateSteps<[Tensor]>({ ...options, optimizerState: "public" }).steps).toBe(0);
    optimizer.addParamGroup({ params: [bias("another").requiresGrad_()] });
    await expect(dp.step(x)).rejects.toMatchObject({
      code: "PRIVACY_PARAMETER",
      message: expect.stringMatching(/optimizer's parameters as they were/),
    });
    expect(dp.steps).toBe(1);
  });

  it("refuses rows that do not match, and an optimizer of other parameters", async () => {
    const session = await start();
    const random = new Random(5);
    const model = nn.sequential(nn.linear(2, 2, { random }));
    const other = nn.sequential(nn.linear(2, 2, { random }));
    await model.to(session);
    const common = { ...OPTIONS, model, loss: (a: Tensor) => model(a).sum() };
    expect(() => privateSteps<[Tensor]>({ ...common, optimizer: optim.sgd(other, { lr: 1 }) })).toThrow(
      /optimizer of all parameters/,
    );
    const dp = privateSteps<[Tensor, Tensor]>({ ...common, optimizer: optim.sgd(model, { lr: 1 }) });
    const column = (name: string, n: number): Tensor => session.input(name, { values: new Float32Array(2 * n), shape: [n, 2] });
    await expect(dp.step(column("a", 3), column("b", 4))).rejects.toMatchObject({ code: "SHAPE_MISMATCH" });
    expect(dp.steps).toBe(0);
  });
});

/** One step of clipped gradients of softmax regression, in f64. */
function clearStep(params: readonly Float32Array[], values: Float32Array, labels: readonly number[], clip: number): number[][] {
  const [w, b] = params as [Float32Array, Float32Array];
  const sum = [new Float64Array(w.length), new Float64Array(b.length)] as const;
  labels.forEach((label, r) => {
    const row = values.subarray(r * WIDTH, (r + 1) * WIDTH);
    const z = Array.from(b, (bias, c) => bias + row.reduce((s, v, j) => s + v * w[c * WIDTH + j]!, 0));
    const total = z.reduce((s, v) => s + Math.exp(v), 0);
    const g = z.map((v, c) => Math.exp(v) / total - (c === label ? 1 : 0));
    const norm = Math.hypot(...g) * Math.hypot(1, ...row);
    const scale = Math.min(1, clip / norm);
    g.forEach((v, c) => {
      sum[1][c]! += scale * v;
      row.forEach((x, j) => {
        sum[0][c * WIDTH + j]! += scale * v * x;
      });
    });
  });
  return [w, b].map((p, k) => Array.from(p, (v, i) => v - sum[k]![i]! / labels.length));
}

describe("three processes", () => {
  it("train privately and disclose a private sum", async () => {
    const local = await startLocal(3, { quiet: true });
    sessions.push(local.session);
    expect(await train(local.session, 96, 4, { clipNorm: 1, noiseMultiplier: 4, neighbours: "add-remove" })).toBeGreaterThan(0.5);
  }, 120_000);

  it.runIf(process.env.TACIT_LONG)(
    "train an MLP on 1,024 rows to what it reaches in the clear",
    async () => {
      const local = await startLocal(3, { quiet: true });
      sessions.push(local.session);
      const options: ReleaseOptions = { clipNorm: 1, noiseMultiplier: 12, neighbours: "add-remove" };
      expect(await train(local.session, 1024, 30, options, 12)).toBeGreaterThan(0.85);
    },
    600_000,
  );
});
