/** @file Capsules, NAC and NALU against loops written from their papers; initialisers with structure against PyTorch. */
import { describe, expect, test } from "vitest";
import * as nn from "../../src/nn/index.ts";
import { Random } from "../../src/random.ts";
import { zeros } from "../../src/tensor/creation.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf } from "../errors.ts";
import { expectClose, on, type Packed, PLACES, type Place, readVectors, unpack } from "./golden.ts";

interface CapsuleCase {
  readonly layer: string;
  readonly args: readonly unknown[];
  readonly state: Readonly<Record<string, Packed>>;
  readonly input: Packed;
  readonly output: Packed;
  readonly upstream: readonly number[];
  readonly grad: readonly number[];
  readonly parameterGrads: Readonly<Record<string, readonly number[]>>;
}

type Callable = nn.Module & ((x: Tensor) => Tensor);

async function check(c: CapsuleCase, place: Place): Promise<void> {
  const x = unpack(c.input, place).requiresGrad_();
  const what = `${c.layer} ${JSON.stringify(c.args)}`;
  let layer: Callable | null = null;
  if (c.layer !== "capsuleMarginLoss") {
    const sizes = c.args.filter((a) => typeof a === "number");
    const options = c.args.find((a) => typeof a === "object") as object | undefined;
    const make: unknown = Reflect.get(nn, c.layer);
    layer = (make as (...args: unknown[]) => Callable)(...sizes, { ...options, dtype: place.dtype });
    layer.loadStateDict(Object.fromEntries(Object.entries(c.state).map(([name, p]) => [name, unpack(p, place)])));
  }
  const y = layer === null ? nn.capsuleMarginLoss(x, Tensor.from(Int32Array.of(1, 0))).reshape(1) : layer(x);
  expect([...y.shape], what).toEqual([...c.output.shape]);
  y.backward(Tensor.from([...c.upstream], y.shape, { dtype: place.dtype }));
  // Central differences in f64 with steps of 1e-5 are good to about 1e-9.
  const gradients = Math.max(1e-7, 5 * place.tolerance);
  expectClose(await y.data(), c.output.data, Math.max(place.tolerance, 1e-8), what);
  expectClose(await x.grad!.data(), c.grad, gradients, `${what}, gradient`);
  for (const [name, wanted] of Object.entries(c.parameterGrads)) {
    expectClose(await layer!.getParameter(name).grad!.data(), wanted, gradients, `${what}, gradient of ${name}`);
  }
}

describe.each(PLACES)("on the $name", (place) => {
  const { cases } = readVectors<{ cases: CapsuleCase[] }>("nn-capsules.json");
  for (const name of new Set(cases.map((c) => c.layer))) {
    test(`${name} gives what the paper's formulas give`, async () => {
      await on(place, async () => {
        for (const c of cases) if (c.layer === name) await check(c, place);
      });
    });
  }
});

test("capsules of nothing have finite gradients, and NALU of large products too", async () => {
  const x = zeros([2, 3, 4], { requiresGrad: true });
  nn.capsules(3, 4, 2, 5, { random: new Random(1) })(x)
    .sum()
    .backward();
  for (const g of await x.grad!.data()) expect(Number.isFinite(g)).toBe(true);
  const layer = nn.nalu(2, 1);
  for (const p of layer.nac.parameters()) nn.init.constant_(p, 20);
  const large = Tensor.from([1e15, 1e15], [1, 2], { requiresGrad: true });
  const y = layer(large);
  y.sum().backward();
  for (const v of [...(await y.data()), ...(await large.grad!.data())]) expect(Number.isFinite(v)).toBe(true);
});

interface InitCase {
  readonly init: "eye_" | "dirac_" | "truncNormal_" | "calculateGain";
  readonly args: readonly unknown[];
  readonly output?: Packed;
  readonly mean?: number;
  readonly std?: number;
  readonly gain?: number;
}

describe("initialisers", () => {
  test("give PyTorch's matrices, gains and deviations", async () => {
    const { cases } = readVectors<{ cases: InitCase[] }>("nn-init.json");
    for (const c of cases) {
      const what = `${c.init} ${JSON.stringify(c.args)}`;
      if (c.init === "calculateGain") {
        expect(nn.init.calculateGain(...(c.args as [string, number])), what).toBeCloseTo(c.gain!, 12);
      } else if (c.output !== undefined) {
        const t = zeros(c.output.shape);
        const done = c.init === "eye_" ? nn.init.eye_(t) : nn.init.dirac_(t, c.args[0] as { groups: number });
        expect([...(await done.data())], what).toEqual(c.output.data);
      } else {
        const [mean, std, a, b] = c.args as [number, number, number, number];
        const t = nn.init.truncNormal_(zeros([20_000]), mean, std, a, b, { random: new Random(7) });
        // Six standard errors of 20,000 numbers.
        expect(Math.abs((await t.mean().item()) - c.mean!), what).toBeLessThan((6 * c.std!) / Math.sqrt(20_000));
        expect((await t.std().item()) / c.std!, what).toBeCloseTo(1, 1);
        const values = (await t.data()) as Float32Array;
        expect(Math.min(...values), what).toBeGreaterThanOrEqual(Math.fround(a));
        expect(Math.max(...values), what).toBeLessThanOrEqual(Math.fround(b));
      }
    }
  });

  test("make orthonormal rows or columns, and columns with zeros", async () => {
    for (const shape of [
      [3, 5],
      [5, 3],
      [4, 2, 2],
      [4, 4],
    ]) {
      const q = nn.init.orthogonal_(zeros(shape), { gain: 2, random: new Random(2) }).reshape(shape[0]!, -1);
      const [rows, columns] = q.shape as [number, number];
      const gram = (await (rows < columns ? q.matmul(q.mT) : q.mT.matmul(q)).data()) as Float32Array;
      const n = Math.min(rows, columns);
      for (let i = 0; i < n * n; i++) expect(gram[i]).toBeCloseTo(i % (n + 1) === 0 ? 4 : 0, 5);
    }
    const sparse = nn.init.sparse_(zeros([10, 6]), 0.25, 2, { random: new Random(3) });
    expect(await sparse.eq(0).int().sum(0).tolist()).toEqual([3, 3, 3, 3, 3, 3]);
  });

  test("refuse shapes and numbers that make no sense", () => {
    const bad: [string, () => unknown][] = [
      ["SHAPE_MISMATCH", () => nn.init.eye_(zeros([2]))],
      ["SHAPE_MISMATCH", () => nn.init.dirac_(zeros([2, 2]))],
      ["ARGUMENT_INVALID", () => nn.init.dirac_(zeros([3, 2, 2]), { groups: 2 })],
      ["ARGUMENT_INVALID", () => nn.init.sparse_(zeros([2, 2]), 2)],
      ["SHAPE_MISMATCH", () => nn.init.orthogonal_(zeros([2]))],
      ["ARGUMENT_INVALID", () => nn.init.truncNormal_(zeros([2]), 0, 1, 2, 2)],
      ["ARGUMENT_INVALID", () => nn.init.calculateGain("maxout")],
    ];
    for (const [code, run] of bad) expect(codeOf(run), String(run)).toBe(code);
  });
});
