/** @file What makePrivate refuses, with the reason and the cure. */
import { Random, randn, Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { makePrivate, type PrivateOptions } from "@tacit/privacy/training";
import { expect, it } from "vitest";
import { classifier, mlp, type Pair, points } from "./models.ts";

const good = (): PrivateOptions<Pair> => ({
  ...classifier(mlp()),
  data: points(60),
  noiseMultiplier: 1,
  delta: 1e-5,
  batch: 10,
  maxGradNorm: 1,
});

const refused = async (change: object, code: string, message: RegExp, hint = /./): Promise<void> => {
  const error: unknown = await makePrivate({ ...good(), ...change } as PrivateOptions<Pair>).catch((e: unknown) => e);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  expect((error as { hint?: string }).hint ?? "none").toMatch(hint);
};

it("takes what is right", async () => {
  await expect(makePrivate(good())).resolves.toMatchObject({ noiseMultiplier: 1 });
});

it("refuses batch norm by its place, and names what to use instead", async () => {
  const signals = nn.sequential(nn.linear(4, 6), nn.batchNorm1d(6), nn.linear(6, 2));
  await refused(classifier(signals), "PRIVACY_LAYER", /batchNorm1d at 1$/, /nn\.groupNorm or nn\.layerNorm/);
  const images = nn.sequential(nn.conv2d(1, 2, 3), nn.batchNorm2d(2));
  await refused(
    { model: images, optimizer: optim.sgd(images, { lr: 1 }) },
    "PRIVACY_LAYER",
    /batchNorm2d at 1$/,
    /nn\.groupNorm/,
  );
});

it("refuses a layer that keeps statistics of what it saw, and leaves them as they were", async () => {
  class Keeps extends nn.Module {
    fc: nn.Linear = nn.linear(4, 2);
    seen: nn.Buffer = nn.buffer(Tensor.from(new Float32Array(4), [4]));
    forward(x: Tensor): Tensor {
      this.seen.update(this.seen.add(x.mean(0)));
      return this.fc(x);
    }
  }
  const model = new Keeps() as nn.Layer & Keeps;
  await refused(classifier(model), "PRIVACY_LAYER", /one that sets seen$/, /statistics/);
  expect([...(await model.seen.data())]).toEqual([0, 0, 0, 0]);
});

it("refuses a loader, a seeded Poisson sampler's too: its batches are not the sample that is accounted for", async () => {
  await refused({ data: points(60).batch(10) }, "PRIVACY_SAMPLING", /expected a data set, got DataLoader/, /Poisson/);
  const sampler = data.poissonSampler(60, { rate: 0.1, seed: 1 });
  await refused({ data: points(60).batch({ batchSampler: sampler }) }, "PRIVACY_SAMPLING", /DataLoader/);
  await refused({ sampling: "shuffle" }, "PRIVACY_SAMPLING", /"poisson" or "passes"/, /no amplification/);
});

it("refuses a loss that reads other rows: a captured bank of examples", async () => {
  const model = mlp();
  const bank = randn([10, 2], new Random(1));
  const secret = Tensor.from(await bank.data(), [10, 2]);
  const loss = (x: Tensor, y: Tensor): Tensor => nn.crossEntropy(model(x), y).add(model(x).sub(secret).square().mean());
  await refused({ ...classifier(model), loss }, "PRIVACY_MIXED", /reads a tensor \[10,2\] besides/, /public/);
  const open = Tensor.from(await bank.data(), [10, 2], { public: true });
  await expect(
    makePrivate({
      ...good(),
      ...classifier(model),
      loss: (x, y) => nn.crossEntropy(model(x), y).add(model(x).sub(open).square().mean()),
    }),
  ).resolves.toBeDefined();
});

it("refuses a data set whose map mixes the rows of a batch", async () => {
  await refused(
    { data: points(60).map((x, y) => [x.sub(x.mean(0)), y] as const) },
    "PRIVACY_MIXED",
    /column 0 of rows that change with their batch/,
    /axis 0/,
  );
  await expect(makePrivate({ ...good(), data: points(60).map((x, y) => [x.mul(2), y] as const) })).resolves.toBeDefined();
});

it("refuses a loss of more than one number, and parameters that it does not reach", async () => {
  const model = mlp();
  await refused(
    { ...classifier(model), loss: (x: Tensor) => model(x) },
    "PRIVACY_PARAMETER",
    /a loss of one number for one row, got shape \[1,2\]/,
    /mean/,
  );
  class Idle extends nn.Module {
    fc: nn.Linear = nn.linear(4, 2);
    spare: nn.Linear = nn.linear(4, 2);
    forward(x: Tensor): Tensor {
      return this.fc(x);
    }
  }
  const idle = new Idle() as nn.Layer & Idle;
  await refused(classifier(idle), "PRIVACY_PARAMETER", /got none at spare\.weight, spare\.bias/, /requiresGrad_\(false\)/);
  idle.spare.requiresGrad_(false);
  await expect(makePrivate({ ...good(), ...classifier(idle) })).resolves.toBeDefined();
});

it("refuses an optimizer of other parameters than the model's", async () => {
  const [model, other] = [mlp(), mlp()];
  await refused({ model, optimizer: optim.sgd(other, { lr: 1 }) }, "PRIVACY_PARAMETER", /one without 0\.weight/);
  const both = optim.sgd([...model.parameters(), ...other.parameters()], { lr: 1 });
  await refused({ model, optimizer: both }, "PRIVACY_PARAMETER", /one of others besides/);
});

it("refuses numbers that promise nothing", async () => {
  for (const z of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    await refused({ noiseMultiplier: z }, "PRIVACY_PARAMETER", /noiseMultiplier above 0/);
  for (const delta of [0, 1, -1e-5, Number.NaN]) await refused({ delta }, "PRIVACY_PARAMETER", /delta between 0 and 1/);
  for (const maxGradNorm of [0, -1, Number.NaN, 1e9]) await refused({ maxGradNorm }, "PRIVACY_PARAMETER", /maxGradNorm above 0/);
  for (const epsilon of [-1, 0, Number.NaN]) {
    await refused({ noiseMultiplier: undefined, epsilon, epochs: 1 }, "PRIVACY_PARAMETER", /epsilon/);
  }
  await refused({ epsilon: 1 }, "PRIVACY_PARAMETER", /either noiseMultiplier, or epsilon and epochs, got both/);
  await refused({ noiseMultiplier: undefined }, "PRIVACY_PARAMETER", /got neither/);
  await refused({ noiseMultiplier: undefined, epsilon: 1 }, "PRIVACY_PARAMETER", /epochs beside epsilon/);
  await refused({ batch: 61 }, "PRIVACY_PARAMETER", /a batch of at most 60 rows/);
  await refused({ batch: 0.5 }, "PRIVACY_PARAMETER", /batch/);
  await refused({ physicalBatch: 0 }, "PRIVACY_PARAMETER", /physicalBatch/);
  await refused({ clipping: "ghost" }, "PRIVACY_PARAMETER", /clipping/);
  await refused({ clipping: { kind: "adaptive", countStdDev: 0.4 } }, "PRIVACY_PARAMETER", /countStdDev above 0.500/);
  await refused({ clipping: { kind: "adaptive", quantile: 1 } }, "PRIVACY_PARAMETER", /quantile/);
  await refused({ clipping: { kind: "adaptive" }, sampling: "passes" }, "PRIVACY_PARAMETER", /a fixed C for passes/);
});

it("refuses a δ that lets one row out whole, unless that is said to be meant", async () => {
  for (const delta of [1 / 60, 0.5])
    await refused({ delta }, "PRIVACY_PARAMETER", /delta below 1 \/ rows, 0\.0167/, /one row whole.*allowLargeDelta: true/);
  await refused({ delta: 0.02, rows: 100 }, "PRIVACY_PARAMETER", /delta below 1 \/ rows, 0\.0100/);
  await expect(makePrivate({ ...good(), delta: 0.5, allowLargeDelta: true })).resolves.toMatchObject({ delta: 0.5 });
  await expect(makePrivate({ ...good(), delta: 0.016 })).resolves.toBeDefined();
});

it("refuses options that it does not have, and says where they belong", async () => {
  await refused({ budgt: 1 }, "PRIVACY_PARAMETER", /options among model, optimizer, .*, got "budgt"$/);
  await refused({ perLayer: true }, "PRIVACY_PARAMETER", /got "perLayer"/, /clipping: "per-layer"/);
  await refused({ quantile: 0.5 }, "PRIVACY_PARAMETER", /got "quantile"/, /clipping: \{ kind: "adaptive", quantile \}/);
  await refused({ clipping: { kind: "adaptive", targetQuantile: 0.5 } }, "PRIVACY_PARAMETER", /got "targetQuantile"/);
  await refused({ clipping: null }, "PRIVACY_PARAMETER", /clipping "flat"/);
  for (const idle of ["dataset", "unit", "purpose"])
    await refused({ [idle]: "patients" }, "PRIVACY_PARAMETER", new RegExp(`a budget beside ${idle}, got none`), /written down/);
  await refused({ budget: {} }, "PRIVACY_PARAMETER", /expected a budget, got Object/);
  await expect(makePrivate(undefined as never)).rejects.toMatchObject({ code: "PRIVACY_PARAMETER" });
});

it("refuses what is no model, optimizer or loss, and a loss that would wait", async () => {
  await refused({ model: undefined }, "PRIVACY_PARAMETER", /a model, a module of nn, got undefined/);
  await refused({ optimizer: undefined }, "PRIVACY_PARAMETER", /an optimizer of optim, got undefined/, /optim\.sgd/);
  await refused({ loss: undefined }, "PRIVACY_PARAMETER", /a loss, a function of one row, got undefined/, /crossEntropy/);
  await refused({ loss: () => 1 }, "PRIVACY_PARAMETER", /gives a tensor, got one that gives number/);
  const model = mlp();
  const loss = async (x: Tensor, y: Tensor): Promise<Tensor> => nn.crossEntropy(await Promise.resolve(model(x)), y);
  await refused({ ...classifier(model), loss }, "PRIVACY_PARAMETER", /one that gives a promise/, /no async, no await/);
  const fails = (): Promise<Tensor> => Promise.reject(new Error("nobody waits for this"));
  await refused({ loss: fails }, "PRIVACY_PARAMETER", /one that gives a promise/);
});

it("refuses noise that is too little to be accounted for, by naming the noise", async () => {
  for (const sampling of ["poisson", "passes"])
    await refused(
      { noiseMultiplier: 0.001, sampling },
      "PRIVACY_PARAMETER",
      /noise that can be accounted for/,
      /larger noiseMultiplier/,
    );
  await expect(makePrivate({ ...good(), noiseMultiplier: 0.2 })).resolves.toBeDefined();
});

it("refuses a data set that repeats rows, sampled or in passes", async () => {
  class Twice extends data.Dataset<Pair> {
    read(indices: Int32Array): Promise<Pair> {
      return Promise.resolve(points(60).read(indices));
    }
    override order(): Int32Array {
      return Int32Array.from({ length: 60 }, (_, i) => i % 30);
    }
  }
  for (const sampling of ["poisson", "passes"]) {
    await refused({ data: new Twice("twice", 60), sampling }, "PRIVACY_PARAMETER", /each row once/, /each person one row/);
  }
});
