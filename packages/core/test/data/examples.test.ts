/** @file Datasets of examples, collation, random transforms, and datasets made of datasets. */
import { describe, expect, test } from "vitest";
import * as data from "../../src/data/index.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

const f32 = (values: number[], shape: number[] = [values.length]): data.HostArray => ({
  values: Float32Array.from(values),
  shape,
  dtype: "f32",
});
const all = async (loader: data.DataLoader<data.Batch>): Promise<unknown[]> => {
  const out: unknown[] = [];
  for await (const batch of loader) out.push(await Promise.all(batch.map((t) => t.tolist())));
  return out;
};

describe("examples", () => {
  const pairs = data.examples({ length: 5, get: (i) => [f32([i, i + 0.5]), i % 2] });

  test("are stacked; numbers become class indices, and an empty batch keeps the shapes", async () => {
    expect(await all(pairs.batch(3))).toEqual([
      [
        [
          [0, 0.5],
          [1, 1.5],
          [2, 2.5],
        ],
        [0, 1, 0],
      ],
      [
        [
          [3, 3.5],
          [4, 4.5],
        ],
        [1, 0],
      ],
    ]);
    const [x, y] = await pairs.read(new Int32Array(0));
    expect([x!.shape, x!.dtype, y!.shape, y!.dtype]).toEqual([[0, 2], "f32", [0], "i32"]);
    expect((await x!.data()).length).toBe(0);
  });

  test("of different shapes, dtypes or widths are refused by name", async () => {
    const bad: data.Example[][] = [
      [[f32([1])], [f32([1, 2])]],
      [[f32([1])], [{ values: Int32Array.of(1), shape: [1], dtype: "i32" }]],
      [[f32([1])], [f32([1]), 2]],
      [[1.5], [2]],
      [[f32([1])], [1]],
    ];
    for (const list of bad) {
      const set = data.examples({ length: 2, get: (i) => list[i]! });
      expect(await codeOfAsync(Promise.resolve(set.read(Int32Array.of(0, 1))))).toMatch(/SHAPE_MISMATCH|DTYPE_MISMATCH/);
    }
    const none = data.examples({ length: 0, get: () => [1] });
    expect(await codeOfAsync(Promise.resolve(none.read(new Int32Array(0))))).toBe("ARGUMENT_INVALID");
  });

  test("of sequences are padded, to few lengths where asked, with their lengths", async () => {
    const words = data.examples(
      {
        length: 3,
        get: (i) => [
          f32(
            Array.from({ length: 2 * (i + 1) }, (_, k) => k + 1),
            [i + 1, 2],
          ),
          i,
        ],
      },
      { collate: data.padCollate({ value: -1, multipleOf: 4, lengths: true }) },
    );
    const [x, label, lengths] = await words.read(Int32Array.of(1, 0));
    expect(await x!.tolist()).toEqual([
      [
        [1, 2],
        [3, 4],
        [-1, -1],
        [-1, -1],
      ],
      [
        [1, 2],
        [-1, -1],
        [-1, -1],
        [-1, -1],
      ],
    ]);
    expect([await label!.tolist(), await lengths!.tolist()]).toEqual([
      [1, 0],
      [2, 1],
    ]);
    const mixed = data.examples({ length: 2, get: (i) => [f32([1, 2], [1, 2].slice(i))] }, { collate: data.padCollate() });
    expect(await codeOfAsync(Promise.resolve(mixed.read(Int32Array.of(0, 1))))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => data.padCollate({ multipleOf: 0 }))).toBe("ARGUMENT_INVALID");
  });

  test("are transformed at random by seed, epoch and index alone", async () => {
    const make = (seed: number): data.Dataset<data.Batch> =>
      data.mapExamples(
        data.tensorDataset([f32([10, 20, 30, 40])]).shuffle({ seed: 1 }),
        ([x], { random }) => [f32([Number(x!.values[0]) + random.next()])],
        { seed },
      );
    const epochs = async (seed: number, size: number): Promise<unknown[]> => {
      const loader = make(seed).batch(size);
      const flat = async (): Promise<unknown> => (await all(loader)).flatMap((b) => (b as number[][][])[0]!.flat());
      return [await flat(), await flat()];
    };
    const [first, second] = (await epochs(3, 2)) as [number[], number[]];
    expect(await epochs(3, 3)).toEqual([first, second]);
    expect(second).not.toEqual(first);
    expect(await epochs(4, 2)).not.toEqual([first, second]);
    expect(first.map((v) => 10 * Math.floor(v / 10)).toSorted()).toEqual([10, 20, 30, 40]);
  });
});

describe("datasets of datasets", () => {
  const numbers = (from: number, n: number): data.Dataset<readonly [Tensor]> =>
    data.tensorDataset([{ values: Int32Array.from({ length: n }, (_, i) => from + i), shape: [n], dtype: "i32" }]);

  test("concat puts them one after the other, in any order of reading", async () => {
    const both = data.concat([numbers(0, 3), numbers(10, 0), numbers(20, 4)]);
    expect([both.length, await all(both.batch(7))]).toEqual([7, [[[0, 1, 2, 20, 21, 22, 23]]]]);
    const [x] = await both.read(Int32Array.of(6, 0, 3, 2));
    expect(await x.tolist()).toEqual([23, 0, 20, 2]);
    expect((await both.read(new Int32Array(0)))[0].shape).toEqual([0]);
    const wide = data.tensorDataset([f32([1, 2], [1, 2])]) as unknown as data.Dataset<readonly [Tensor]>;
    expect(await codeOfAsync(Promise.resolve(data.concat([numbers(0, 1), wide]).read(Int32Array.of(0, 1))))).toBe(
      "SHAPE_MISMATCH",
    );
    expect(codeOf(() => data.concat([]))).toBe("ARGUMENT_INVALID");
  });

  test("a subset has these samples, and shuffles among them", async () => {
    const some = numbers(100, 9).subset([8, 1, 4]);
    expect(await all(some.batch(5))).toEqual([[[108, 101, 104]]]);
    const shuffled = (await all(some.shuffle({ seed: 3 }).batch(5))) as number[][][];
    expect(shuffled[0]![0]!.toSorted()).toEqual([101, 104, 108]);
    const state = some.batch(2).state();
    expect(codeOf(() => numbers(100, 9).subset([8, 4, 1]).batch(2).loadState(state))).toBe("STATE_MISMATCH");
  });

  test("a random split leaves nothing out and nothing twice", async () => {
    const parts = data.randomSplit(numbers(0, 11), [0.5, 0.3, 0.2], { seed: 2 });
    expect(parts.map((p) => p.length)).toEqual([6, 3, 2]);
    const seen = (await Promise.all(parts.map((p) => all(p.batch(20))))).flat(3) as number[];
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_, i) => i));
    const again = data.randomSplit(numbers(0, 11), [6, 5], { seed: 2 });
    expect(again.map((p) => p.length)).toEqual([6, 5]);
    expect(await all(again[0]!.batch(20))).toEqual(await all(parts[0]!.batch(20)));
    for (const lengths of [
      [5, 5],
      [0.5, 0.4],
      [-1, 12],
    ])
      expect(codeOf(() => data.randomSplit(numbers(0, 11), lengths, { seed: 0 }))).toBe("ARGUMENT_INVALID");
  });
});
