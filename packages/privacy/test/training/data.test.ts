/** @file Which rows a private run reads: those of its data set, each once, each by itself. */
import { Random, randn, type Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import { makePrivate, type PrivateOptions } from "@tacit/privacy/training";
import { describe, expect, it } from "vitest";
import { poissonRows } from "../../src/training/rows.ts";
import { classifier, mlp, type Pair, points } from "./models.ts";

const start = (set: data.Dataset<Pair>, more: Partial<PrivateOptions<Pair>> = {}) =>
  makePrivate({
    ...classifier(mlp()),
    data: set,
    noiseMultiplier: 1,
    delta: 1e-5,
    batch: 4,
    physicalBatch: 8,
    maxGradNorm: 1,
    ...more,
  });

describe("a row that comes twice", () => {
  const base = points(20);
  const indices = Int32Array.from({ length: 20 }, (_, i) => i);
  const twice: Readonly<Record<string, () => data.Dataset<Pair>>> = {
    "in a subset": () => base.subset(indices.map((i) => i % 19)),
    "in a subset of a subset": () => base.subset([3, 4, 5, 6]).subset([0, 0, 1, 2]),
    "in a subset behind maps and shuffles": () =>
      data.mapExamples(
        base
          .subset(indices.map((i) => i >> 1))
          .map((x, y) => [x.mul(2), y] as const)
          .shuffle({ seed: 1 }),
        (e) => e,
      ),
    "in a data set beside itself": () => data.concat([base, base]),
    "in a data set beside a map of itself": () => data.concat([base, base.map((x, y) => [x.neg(), y] as const)]),
    "in overlapping parts": () => data.concat([base.take(12).subset([0, 1, 2, 3, 4]), base.subset([4, 5, 6])]),
    "in two data sets of the same columns": () => {
      const column = { values: new Float32Array(40), shape: [10, 4], dtype: "f32" } as const;
      const labels = (): data.HostArray => ({ values: new Int32Array(10), shape: [10], dtype: "i32" });
      return data.concat([data.tensorDataset([column, labels()]), data.tensorDataset([column, labels()])]);
    },
  };
  it.for(Object.entries(twice))("%s is refused with the cure, sampled or in passes", async ([, make]) => {
    for (const sampling of ["poisson", "passes"] as const) {
      await expect(start(make(), { sampling })).rejects.toMatchObject({
        code: "PRIVACY_PARAMETER",
        message: expect.stringMatching(/each row once, got one that repeats rows/),
        hint: expect.stringMatching(/give each person one row/),
      });
    }
  });

  it("is not seen where there is none: parts of a split, side by side again", async () => {
    const [a, b] = data.randomSplit(base, [8, 12], { seed: 1 });
    await expect(start(data.concat([a!, b!]))).resolves.toBeDefined();
    await expect(start(data.concat([points(9), points(9)]).shuffle({ seed: 2 }))).resolves.toBeDefined();
  });
});

describe("rows of shuffle and take", () => {
  it("are read by Poisson sampling, and no others", async () => {
    const read = new Set<number>();
    const base = points(40);
    class Watched extends data.Dataset<Pair> {
      read(indices: Int32Array): Pair | Promise<Pair> {
        for (const i of indices) read.add(i);
        return base.read(indices);
      }
    }
    const five = new Watched("watched", 40).shuffle({ seed: 3 }).take(5);
    const trainer = await start(five);
    for (let i = 0; i < 12; i++) await trainer.step();
    expect([...read].sort((a, b) => a - b)).toEqual([...five.order(0)].sort((a, b) => a - b));
    // At rate 1 every row comes.
    expect(poissonRows(five, 1).at(3)).toEqual(five.order(0));
  });

  it("must be as many as the data set says", async () => {
    class More extends data.Dataset<Pair> {
      read(indices: Int32Array): Pair | Promise<Pair> {
        return points(40).read(indices);
      }
      override order(): Int32Array {
        return Int32Array.from({ length: 40 }, (_, i) => i);
      }
    }
    await expect(start(new More("more", 10))).rejects.toThrow(/visit its 10 rows, got one of 40/);
  });
});

describe("a map", () => {
  const random = new Random(1);
  const same = (x: Tensor): Tensor => x.sub(x.mean(0));
  const mixing: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    "takes the first row off": (x) => x.sub(x.select(0, 0)),
    "takes the last row off": (x) => x.sub(x.select(0, -1)),
    "adds up the rows before": (x) => x.cumsum(0),
    "mixes with the reverse": (x) => x.mul(0.5).add(x.flip([0]).mul(0.5)),
    "centres the batch": same,
  };
  it.for(Object.entries(mixing))("that %s is refused", async ([, fn]) => {
    await expect(start(points(20).map((x, y) => [fn(x), y] as const))).rejects.toMatchObject({
      code: "PRIVACY_MIXED",
      message: expect.stringMatching(/column 0 of rows that change with their batch/),
    });
  });

  it("that mixes rows is refused where the first and the last row are equal, too", async () => {
    const values = Float32Array.from({ length: 20 }, (_, i) => (i === 0 || i === 19 ? 1 : 0));
    const labels = new Int32Array(20);
    const set = data.tensorDataset([
      { values: Float32Array.from({ length: 80 }, (_, i) => values[i >> 2]!), shape: [20, 4], dtype: "f32" },
      { values: labels, shape: [20], dtype: "i32" },
    ]);
    await expect(start(set)).resolves.toBeDefined();
    await expect(start(set.map((x, y) => [same(x), y] as const))).rejects.toMatchObject({ code: "PRIVACY_MIXED" });
  });

  it("that draws at each call is refused, with the way to draw for each row", async () => {
    const noisy = points(20).map((x, y) => [x.add(randn(x.shape, random)), y] as const);
    await expect(start(noisy)).rejects.toMatchObject({
      code: "PRIVACY_MIXED",
      message: expect.stringMatching(/drawn anew each time/),
      hint: expect.stringMatching(/mapExamples/),
    });
    const own = data.mapExamples<Pair>(points(20), ([x, y], { random: r }) => [
      { ...x!, values: Float32Array.from(x!.values as Float32Array, (v) => v + r.next()) },
      y!,
    ]);
    const trainer = await start(own);
    await expect(trainer.step()).resolves.toBeUndefined();
  });

  it("of ops that see one row each is taken: products, activations, other types", async () => {
    const w = randn([4, 4], new Random(2));
    await expect(
      start(
        points(70).map((x, y) => [x.matmul(w).tanh(), y] as const),
        { physicalBatch: 64 },
      ),
    ).resolves.toBeDefined();
  });
});
