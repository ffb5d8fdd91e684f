/** @file What rows add to a step: per-example gradients, their clipping, exact sums. */
import { cpu, Random, Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import * as nn from "@tacit/core/nn";
import { describe, expect, it } from "vitest";
import { clipTarget, gridUnits } from "../../src/training/grid.ts";
import { expectedSum, rowSums, squareOf, type Task } from "./chunks.ts";
import { mlp, type Pair, points } from "./models.ts";
import { pictures, zoo } from "./zoo.ts";

const ROWS = 24;
const all = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i);
const flat = (sums: readonly Float64Array[]): number[] => sums.flatMap((s) => [...s]);

describe.for(Object.entries(zoo(ROWS)))("%s", ([, task]) => {
  it("have per-example gradients as a loop over rows has, clipped and not", async () => {
    const sums = await rowSums(task, 8);
    for (const c of [100, 0.5]) {
      const { sums: got } = await sums.of(all(ROWS), 0, c);
      const want = await expectedSum(task, [...all(ROWS)], 8, c);
      // Half a unit for each row's rounding, and float32 gradients of two orders of summation: 2e-5 of K for each.
      const slack = ROWS * (0.5 + 2e-5 * gridUnits(8));
      expect(Math.max(...flat(got).map((x, j) => Math.abs(x - want[j]!)))).toBeLessThan(slack);
      expect(Math.max(...want.map(Math.abs))).toBeGreaterThan(20 * ROWS);
    }
  });

  it("add the same integers in any place of a chunk, beside any neighbours", async () => {
    const sums = await rowSums(task, 8);
    const alone = await Promise.all([...all(ROWS)].map(async (r) => flat((await sums.of(Int32Array.of(r), 0, 0.5)).sums)));
    const order = all(ROWS).reverse();
    const [last, middle, full] = [order.slice(0, 8), order.slice(5, 12), order];
    for (const rows of [last, middle, full]) {
      const want = alone[0]!.map((_, j) => [...rows].reduce((t, r) => t + alone[r]![j]!, 0));
      expect(flat((await sums.of(rows, 0, 0.5)).sums)).toEqual(want);
    }
  });

  it("stay within the bound, and at it, when they are clipped", async () => {
    const sums = await rowSums(task, 4);
    const units = BigInt(gridUnits(4));
    for (let r = 0; r < 6; r++) {
      const square = squareOf((await sums.of(Int32Array.of(r), 0, 1e-5)).sums);
      expect(square <= units * units).toBe(true);
      expect(square > (units * units * 98n) / 100n).toBe(true);
    }
  });
});

it("adds the same integers in any place of a chunk that fills no tile of the kernels, on two threads", async () => {
  const init = { random: new Random(1) };
  const model = nn.sequential(
    nn.conv2d(1, 5, 5, { padding: 2, ...init }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(500, 70, init),
    nn.relu(),
    nn.linear(70, 3, init),
  );
  const device = cpu({ threads: 2 });
  await model.to(device);
  const rows = pictures(75, 20);
  const task: Task<Pair> = { model, data: rows, loss: (x, y) => nn.crossEntropy(model(x), y) };
  const sums = await rowSums(task, 37);
  const order = [...all(75)];
  const turned = order.map((i) => (i * 31 + 17) % 75);
  const want = await sums.of(Int32Array.from(order), 0, 0.2);
  expect(await sums.of(Int32Array.from(turned), 0, 0.2)).toEqual(want);
  // Without one row every later one moves by a place.
  const [less, one] = [await sums.of(Int32Array.from(order.slice(1)), 0, 0.2), await sums.of(Int32Array.of(0), 0, 0.2)];
  const first = flat(one.sums);
  expect(flat(less.sums).map((x, j) => x + first[j]!)).toEqual(flat(want.sums));
  await device.stop();
});

/** A linear loss: the gradient of the weight is the row itself. */
function raw(rows: readonly (readonly number[])[]): Task<readonly [Tensor]> {
  const width = rows[0]!.length;
  class Dot extends nn.Module {
    w: nn.Parameter = nn.parameter(Tensor.from(new Float32Array(width), [width]));
    forward(x: Tensor): Tensor {
      return x.mul(this.w).sum();
    }
  }
  const model = new Dot();
  const set = data.tensorDataset([{ values: Float32Array.from(rows.flat()), shape: [rows.length, width], dtype: "f32" }]);
  return { model, data: set, loss: (x) => model(x) };
}

/** Wild factors for a linear layer: input and output gradient of very different sizes. */
function factors(pairs: readonly (readonly [number, number])[]): Task<readonly [Tensor, Tensor]> {
  const model = nn.linear(3, 2, { bias: false });
  const values = (i: number): Float32Array =>
    Float32Array.from(pairs.flatMap((p) => (i === 0 ? [p[0], -p[0], p[0] / 3] : [p[1], p[1] / 7])));
  const set = data.tensorDataset([
    { values: values(0), shape: [pairs.length, 3], dtype: "f32" },
    { values: values(1), shape: [pairs.length, 2], dtype: "f32" },
  ]);
  return { model, data: set, loss: (x, y) => model(x).mul(y).sum() };
}

describe("clipping of adversarial rows", () => {
  const wild = [1e-45, 1e-38, 1e-30, 1e-20, 1e-8, 1, 1e8, 1e18, 1e19, 3e38];
  const units = BigInt(gridUnits(8));

  it("holds for gradients of every size, and lets no other row feel them", async () => {
    const task = raw([...wild.map((x) => [x, -x, x / 3, x]), [1, 2, 3, 4]]);
    const sums = await rowSums(task, 8);
    for (let r = 0; r < wild.length; r++) {
      for (const c of [2 ** -20, 1e-3, 1, 1e5]) {
        const found = await sums.of(Int32Array.of(r), 0, c);
        expect(squareOf(found.sums) <= units * units, `${wild[r]} at ${c}`).toBe(true);
      }
    }
    const plain = flat((await sums.of(Int32Array.of(10), 0, 1)).sums);
    const huge = flat((await sums.of(Int32Array.of(9), 0, 1)).sums);
    expect(huge).toEqual([0, 0, 0, 0]);
    expect(flat((await sums.of(Int32Array.of(9, 10), 0, 1)).sums)).toEqual(plain);
  });

  it("leaves out rows whose gradient is not a number or infinite", async () => {
    const task = raw([
      [Number.NaN, 1, 2, 3],
      [Number.POSITIVE_INFINITY, 1, 0, 0],
      [0, 0, 0, 0],
      [1, 2, 3, 4],
    ]);
    const sums = await rowSums(task, 8);
    for (const r of [0, 1, 2]) expect(flat((await sums.of(Int32Array.of(r), 0, 1)).sums)).toEqual([0, 0, 0, 0]);
    const four = await sums.of(all(4), 0, 1);
    expect(flat(four.sums)).toEqual(flat((await sums.of(Int32Array.of(3), 0, 1)).sums));
    // Every row counts as clipped or not, and NaN as clipped: -1 -1 +1 -1.
    expect(four.count).toBe(-2);
  });

  it("holds for products of factors of every size, where squares underflow on one side alone", async () => {
    const pairs = wild.flatMap((a) => wild.map((b) => [a, b] as const));
    const sums = await rowSums(factors([...pairs, [Number.NaN, 1], [1, Number.POSITIVE_INFINITY]]), 8);
    for (let r = 0; r < pairs.length + 2; r++) {
      for (const c of [2 ** -20, 1]) {
        const square = squareOf((await sums.of(Int32Array.of(r), 0, c)).sums);
        expect(square <= units * units, `${pairs[r]} at ${c}`).toBe(true);
      }
    }
  });

  it("is what keeps the bound: with another target the same row breaks it", async () => {
    const sums = await rowSums(raw([[1e3, 0, 0, 0]]), 8, 2 ** 30);
    expect(squareOf((await sums.of(Int32Array.of(0), 0, 1)).sums) > units * units).toBe(true);
  });
});

describe("chunks", () => {
  const task: Task<Pair> = (() => {
    const model = mlp();
    return { model, data: points(40), loss: (x, y) => nn.crossEntropy(model(x), y) };
  })();

  it("of any size give the sums of one large chunk, to the last integer", async () => {
    const want = await (await rowSums(task, 64)).of(all(40), 0, 0.3);
    for (const size of [2, 7, 16]) expect(await (await rowSums(task, size)).of(all(40), 0, 0.3)).toEqual(want);
  });

  it("without rows give zeros", async () => {
    const found = await (await rowSums(task, 8)).of(new Int32Array(), 0, 1);
    expect(flat(found.sums).every((x) => x === 0)).toBe(true);
    expect(found.count).toBe(0);
  });

  it("that are not full add nothing for the places that are left", async () => {
    const sums = await rowSums(task, 16);
    const [a, b] = [await sums.of(all(3), 0, 1), await sums.of(all(5), 0, 1)];
    const rest = await sums.of(Int32Array.of(3, 4), 0, 1);
    expect(flat(a.sums).map((x, j) => x + flat(rest.sums)[j]!)).toEqual(flat(b.sums));
    expect(a.count + rest.count).toBe(b.count);
  });

  it("hold a model of 10^7 parameters in a group, with a target just below K, and refuse what the grid cannot hold", () => {
    const units = gridUnits(64);
    expect(units).toBe(2 ** 17);
    expect(clipTarget([[1000, 10_000]], units, 1) / units).toBeGreaterThan(0.98);
    expect(clipTarget([[1568, 128]], units, 1) / units).toBeGreaterThan(0.998);
    expect(clipTarget([[50_000, 64]], units, 1) / units).toBeGreaterThan(0.99);
    expect(() => clipTarget([[400_000, 400_000]], units, 1)).toThrow(expect.objectContaining({ code: "PRIVACY_PARAMETER" }));
  });
});
