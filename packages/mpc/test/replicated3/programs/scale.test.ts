/** @file Sums of many products and shares before a public factor: means, norms, gradients and clipping of large batches equal the clear ones. */
import { noGrad, Random, randn, type Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import { type Expr, ops } from "@tacit/core/program";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { type Job, measure } from "../support/measure.ts";
import { bySgd } from "../support/probe.ts";
import { captureDevice } from "./capture.ts";
import { expectClose, makeCase, secret } from "./ops.ts";
import { OPTIONS, Parties, PUBLIC, SECRET } from "./parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

/** The largest error over 1 + magnitude, after asserting that the job ran as estimated. */
async function errorOf(jobs: readonly Job[]): Promise<number> {
  let worst = 0;
  for (const job of jobs) {
    const { why, error, asEstimated } = await measure(job, parties);
    expect([why, asEstimated]).toEqual(["", true]);
    worst = Math.max(worst, error);
  }
  return worst;
}

type Make = () => nn.Module & { forward(x: Tensor): Tensor };
const NORMS: readonly (readonly [name: string, shape: readonly number[], make: Make])[] = [
  ["batchNorm2d, 128 pictures of 28x28", [128, 1, 28, 28], () => nn.batchNorm2d(1)],
  ["batchNorm1d, 4,096 rows", [4096, 2], () => nn.batchNorm1d(2)],
  ["layerNorm of 768", [4, 768], () => nn.layerNorm(768)],
  ["groupNorm, 512 values a group", [2, 4, 16, 16], () => nn.groupNorm(2, 4)],
  ["instanceNorm2d, 784 values each", [2, 2, 28, 28], () => nn.instanceNorm2d(2)],
];

/** Variance, and the error allowed: values of a small one have few units of 2^-16, of large ones the squares weigh. */
const VARIANCES = [
  [1e-4, 2 ** -9],
  [0.01, 2 ** -11],
  [1, 2 ** -11],
  [100, 2 ** -11],
] as const;

describe.each(NORMS)("%s: output, gradients, running statistics", (_name, shape, make) => {
  test.each(VARIANCES)(
    "of a variance of %f are off by less than %f",
    async (variance, bound) => {
      const module = make();
      const x = randn([...shape], new Random(5))
        .mul(Math.sqrt(variance))
        .add(1);
      expect(await errorOf(await bySgd({ f: (y) => module.forward(y), module, inputs: [x] }))).toBeLessThan(bound);
    },
    30_000,
  );
});

test("batch norm by running statistics of a large variance equals the clear one", async () => {
  const module = nn.batchNorm2d(2);
  const { device, runs } = captureDevice();
  await module.to(device);
  const x = await randn([8, 2, 28, 28], new Random(5)).mul(10).to(device);
  module.forward(x);
  module.eval();
  await noGrad(() => module.forward(x)).data();
  const run = runs.at(-1)!;
  const bindings = run.job.bindings.map((b) => (b.kind === "public" ? PUBLIC : SECRET));
  expect(await errorOf([{ program: run.job.program, bindings, inputs: run.inputs, outputs: run.outputs }])).toBeLessThan(
    2 ** -11,
  );
});

/** Its three terms have factors 1, 1/N and 2/N beside 1/128, and their sum over N places cancels. */
test("the gradient through a batch norm of 6,272 rows, added up in the layer before it", async () => {
  const random = new Random(7);
  const layer = nn.linear(3, 2, { random });
  const norm = nn.batchNorm1d(2);
  const module = nn.sequential(layer, norm);
  const inputs = [randn([6272, 3], random).mul(4).add(1), randn([6272, 2], random).add(0.5)];
  const f = (x: Tensor, t?: Tensor): Tensor => module.forward(x).mul(t!).sum().div(128);
  expect(await errorOf(await bySgd({ f: f as (...all: Tensor[]) => Tensor, module, inputs }))).toBeLessThan(2 ** -9);
}, 60_000);

describe("sums of many", () => {
  /** Values of a size with both signs. */
  const wave = (size: number) => (i: number) => size * (0.5 + Math.sin(i));
  test.each([
    [100_352, 2],
    [100_352, 60],
    [1000, 100],
    [129, 1000],
    [64, 30],
  ])("the mean and the mean of squares of %i values of %i", async (count, size) => {
    const c = makeCase([secret([count], wave(size))], (x) => {
      const factor = ops.lit(x!, 1 / count);
      return [ops.mul(ops.sum(x!, [0]), factor), ops.mul(ops.sum(ops.mul(x!, x!), [0]), factor), ops.sum(ops.mul(x!, x!), [0])];
    });
    await expectClose(parties, c, 2 ** -14, 2 ** -13);
  });
  test("a gradient of a weight over a large batch, times a rate over the batch", async () => {
    for (const count of [128, 1024, 4096, 200_000]) {
      const c = makeCase([secret([count, 2], wave(6)), secret([count, 3], wave(6)), secret([2, 3])], (x, g, w) =>
        ops.sub(w!, ops.mul(ops.matmul(x!, g!, true, false), ops.lit(w!, 0.1 / count))),
      );
      await expectClose(parties, c, 2 ** -13, 2 ** -12);
    }
  });
  test("a mean times a secret, and its square: the factor is applied before", async () => {
    const c = makeCase([secret([20_000], wave(30)), secret([4])], (x, y) => {
      const mean = ops.mul(ops.sum(x!, [0], true), ops.lit(x!, 1 / 20_000));
      return [ops.mul(ops.expand(mean, [4]), y!), ops.mul(mean, mean)];
    });
    await expectClose(parties, c, 2 ** -14, 2 ** -14);
  });
  test("the norm of gradients that wait for 1/N, as clipping takes it", async () => {
    const c = makeCase([secret([512, 8], wave(4)), secret([512, 8], wave(4))], (x, g) => {
      const grad = ops.mul(ops.matmul(x!, g!, true, false), ops.lit(x!, 1 / 512));
      return ops.sqrt(ops.sum(ops.mul(grad, grad), [0, 1]));
    });
    await expectClose(parties, c, 2 ** -8);
  });
  test("a mean cross-entropy of 4,096 rows with large losses", async () => {
    const c = makeCase([secret([4096, 3], wave(40)), secret([4096, 3], (i) => (i % 3 === 0 ? 1 : 0))], (z, t) =>
      ops.mul(ops.sum(ops.softmaxCrossEntropy(z!, t!), [0]), ops.lit(z!, 1 / 4096)),
    );
    await expectClose(parties, c, 2 ** -9);
  });
  test("half and a quarter of products of any size, which are exact", async () => {
    const c = makeCase([secret([50], wave(9000)), secret([50], wave(9000))], (x, y) => [
      ops.mul(ops.mul(x!, y!), ops.lit(x!, -0.5)),
      ops.mul(ops.lit(x!, 0.25), ops.mul(x!, y!)),
      ops.relu(ops.mul(ops.mul(x!, y!), ops.lit(x!, 0.5))),
    ]);
    // Results are f32.
    await expectClose(parties, c, 2 ** -15, 2 ** -23);
  });
  test("a large sum of products beside a value that waits for a factor, or beside half of another", async () => {
    const ones = secret([65_536], () => 1);
    const c = makeCase([ones, ones, secret([], () => 1)], (x, y, z) => {
      const [squares, others] = [x!, y!].map((v) => ops.sum(ops.mul(v, v), [0])) as [Expr, Expr];
      const waits = ops.mul(z!, ops.lit(z!, 0.1));
      return [
        ops.add(ops.sum(ops.mul(x!, x!), [0]), waits),
        ops.sub(ops.mul(z!, ops.lit(z!, 0.1)), ops.sum(ops.mul(y!, x!), [0])),
        ops.add(squares, ops.mul(others, ops.lit(z!, 0.5))),
        ops.sum(ops.add(ops.mul(x!, y!), ops.mul(y!, ops.lit(y!, 0.1))), [0]),
        ops.gt(ops.sum(ops.mul(y!, y!), [0]), ops.mul(z!, ops.lit(z!, 0.1))),
      ];
    });
    await expectClose(parties, c, 2 ** -12, 2 ** -20);
  });
  test("several values at the end of their range, each with a factor just below a power of two", async () => {
    const top = secret([64], () => 16_383);
    const c = makeCase([top, top, top, top, top], (...xs) =>
      xs.map((x, i) => ops.mul(x!, ops.lit(x!, 1.99 - i / 100))).reduce((a, b) => ops.add(a, b)),
    );
    await expectClose(parties, c, 2 ** -10, 2 ** -20);
  });
  test("products beyond 2^24 in a sum are refused before a run", () => {
    const c = makeCase([secret([1, 1])], (x) => {
      const long = ops.expand(x!, [1, 2 ** 24 + 1]);
      return ops.matmul(long, long, false, true);
    });
    expect(replicated3.check(c.program, c.bindings, OPTIONS)[0]?.reason).toContain("2^24 products");
  });
});
