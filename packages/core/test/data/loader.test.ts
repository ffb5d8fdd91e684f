/** @file Datasets and loaders: order, batches, epochs, and taking up a saved place. */
import { describe, expect, test } from "vitest";
import { concat } from "../../src/data/combine.ts";
import { Dataset } from "../../src/data/dataset.ts";
import { mapExamples } from "../../src/data/examples.ts";
import type { DataLoader } from "../../src/data/loader.ts";
import { batches, tensorDataset } from "../../src/data/tensors.ts";
import { defaultDevice } from "../../src/engine/default-device.ts";
import { engineStats } from "../../src/engine/engine.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

test("columns are one list: two of them side by side are refused with the way to write them", () => {
  const [x, y] = [Tensor.from([1, 2]), Tensor.from(Int32Array.of(0, 1))];
  const loose = tensorDataset as (...columns: readonly unknown[]) => unknown;
  expect(codeOf(() => loose(x, y))).toBe("ARGUMENT_INVALID");
  expect(codeOf(() => loose([x], y))).toBe("ARGUMENT_INVALID");
});

/** Rows [i, i + 0.5] with label i. */
const numbers = (n: number): Dataset<readonly [Tensor, Tensor]> =>
  tensorDataset([
    { values: Float32Array.from({ length: 2 * n }, (_, i) => i / 2), shape: [n, 2], dtype: "f32" },
    { values: Int32Array.from({ length: n }, (_, i) => i), shape: [n], dtype: "i32" },
  ]);

/** The labels of one epoch, batch by batch. */
async function epoch(loader: DataLoader<readonly [Tensor, Tensor]>): Promise<number[][]> {
  const out: number[][] = [];
  for await (const [x, y] of loader) {
    const labels = Array.from(await y.data(), Number);
    expect([...(await x.data())]).toEqual(labels.flatMap((i) => [i, i + 0.5]));
    out.push(labels);
  }
  return out;
}

describe("a loader", () => {
  test("gives every sample once, in order, the last batch shorter unless dropped", async () => {
    expect(await epoch(numbers(7).batch(3))).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(await epoch(numbers(7).batch(3, { dropLast: true }))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect([numbers(7).batch(3).length, numbers(7).batch(3, { dropLast: true }).length]).toEqual([3, 2]);
    expect(await epoch(numbers(0).batch(3))).toEqual([]);
  });

  test("shuffles anew every epoch, the same way for the same seed", async () => {
    const run = async (seed: number): Promise<number[][]> => {
      const loader = numbers(50).shuffle({ seed }).batch(7);
      return [(await epoch(loader)).flat(), (await epoch(loader)).flat()];
    };
    const [first, second] = (await run(3)) as [number[], number[]];
    expect([...first].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(second).not.toEqual(first);
    expect(await run(3)).toEqual([first, second]);
    expect(await run(4)).not.toEqual([first, second]);
  });

  test("goes on where its state was saved, in the middle of an epoch and at its end", async () => {
    const make = (): DataLoader<readonly [Tensor, Tensor]> => numbers(20).shuffle({ seed: 1 }).batch(6);
    const whole = make();
    const expected = [await epoch(whole), await epoch(whole), await epoch(whole)];
    for (let stop = 1; stop <= 4; stop++) {
      const before = make();
      const seen: number[][] = [];
      await epoch(before);
      for await (const [, y] of before) {
        seen.push(Array.from(await y.data(), Number));
        if (seen.length === stop) break;
      }
      const after = make();
      after.loadState(JSON.parse(JSON.stringify(before.state())));
      const rest = stop === 4 ? [] : await epoch(after);
      expect([...seen, ...rest]).toEqual(expected[1]);
      expect(after.epoch).toBe(2);
      expect(await epoch(after)).toEqual(expected[2]);
    }
  });

  test("starts the next epoch after a break", async () => {
    const whole = numbers(9).shuffle({ seed: 2 }).batch(4);
    const expected = [await epoch(whole), await epoch(whole)];
    const loader = numbers(9).shuffle({ seed: 2 }).batch(4);
    for await (const _ of loader) break;
    expect(loader.state().position).toBe(1);
    expect(await epoch(loader)).toEqual(expected[1]);
  });

  test("refuses the state of other data, another seed or batch size", () => {
    const state = numbers(20).shuffle({ seed: 1 }).batch(6).state();
    expect(codeOf(() => numbers(20).shuffle({ seed: 2 }).batch(6).loadState(state))).toBe("STATE_MISMATCH");
    expect(codeOf(() => numbers(21).shuffle({ seed: 1 }).batch(6).loadState(state))).toBe("STATE_MISMATCH");
    expect(codeOf(() => numbers(20).shuffle({ seed: 1 }).batch(5).loadState(state))).toBe("STATE_MISMATCH");
    expect(
      codeOf(() =>
        numbers(20)
          .shuffle({ seed: 1 })
          .batch(6)
          .loadState({ ...state, position: 9 }),
      ),
    ).toBe("STATE_MISMATCH");
  });

  test("reading ahead changes nothing but when samples are read", async () => {
    class Slow extends Dataset<readonly [Tensor]> {
      readonly reads: number[][] = [];
      constructor() {
        super("slow", 10);
      }
      override async read(indices: Int32Array): Promise<readonly [Tensor]> {
        this.reads.push([...indices]);
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (indices.includes(9)) throw new Error("sample 9 is bad");
        return [Tensor.from(Int32Array.from(indices))];
      }
    }
    const slow = new Slow();
    const seen: number[] = [];
    const run = async (): Promise<void> => {
      for await (const [x] of slow.batch(2).prefetch(2)) {
        seen.push(Number((await x.data())[0]));
        if (seen.length === 1) expect(slow.reads.length).toBe(3);
      }
    };
    await expect(run()).rejects.toThrow("sample 9 is bad");
    expect(seen).toEqual([0, 2, 4, 6]);
  });
});

describe("a dataset", () => {
  test("maps batches, lazily, and takes before or after shuffling", async () => {
    const doubled = numbers(5).map((x, y) => [x.mul(2), y.add(10)] as const);
    for await (const [x, y] of doubled.batch(5)) {
      expect(await x.tolist()).toEqual([
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7],
        [8, 9],
      ]);
      expect(await y.tolist()).toEqual([10, 11, 12, 13, 14]);
    }
    expect((await epoch(numbers(9).take(3).shuffle({ seed: 5 }).batch(9))).flat().sort()).toEqual([0, 1, 2]);
    expect((await epoch(numbers(90).shuffle({ seed: 5 }).take(3).batch(9))).flat().some((i) => i > 2)).toBe(true);
    expect(numbers(4).take(9).length).toBe(4);
  });

  test("keeps bytes as bytes and reads them scaled", async () => {
    const pixels = tensorDataset([
      { bytes: { values: Uint8Array.of(0, 51, 255, 102), shape: [2, 2], dtype: "u8" }, scale: 1 / 255, shift: -0.5 },
    ]);
    for await (const [x] of pixels.batch(2)) {
      expect(x.dtype).toBe("f32");
      for (const [i, v] of [-0.5, -0.3, 0.5, -0.1].entries()) expect((await x.data())[i]).toBeCloseTo(v, 6);
    }
  });

  test("holds tensors and i64 columns, and refuses columns of different length", async () => {
    const data = tensorDataset([
      Tensor.from([1, 2, 3]).mul(2),
      { values: BigInt64Array.of(5n, 6n, 2n ** 60n), shape: [3], dtype: "i64" },
    ]);
    for await (const [x, y] of data.batch(3))
      expect([await x.tolist(), await y.tolist()]).toEqual([
        [2, 4, 6],
        [5n, 6n, 2n ** 60n],
      ]);
    expect(codeOf(() => tensorDataset([Tensor.from([1, 2]), Tensor.from([1])]))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => tensorDataset([]))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => numbers(3).batch(0))).toBe("ARGUMENT_INVALID");
    expect(await codeOfAsync(Promise.resolve().then(() => numbers(3).take(-1)))).toBe("ARGUMENT_INVALID");
  });
});

test("batches of tensors choose rows by an input, so that one Program serves them all", async () => {
  const x = Tensor.from(
    Float32Array.from({ length: 24 }, (_, i) => i),
    [8, 3],
  );
  const y = Tensor.from(Int32Array.from({ length: 8 }, (_, i) => i));
  const device = defaultDevice();
  const before = engineStats(device).prepared;
  const seen: number[] = [];
  for (const [a, b] of batches([x, y], 2, { shuffle: { seed: 4, epoch: 1 } })) {
    const sum = await a.sum(1).sub(b.mul(9)).data();
    expect([...sum]).toEqual([3, 3]);
    seen.push(...Array.from(await b.data(), Number));
  }
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(engineStats(device).prepared - before).toBe(2);
  expect([...batches([x], 3, { dropLast: true })].length).toBe(2);
  expect([...batches([x], 3)].map(([a]) => a.shape[0])).toEqual([3, 3, 2]);
});

test("origins name the samples behind views, maps and parts: the same sample under two indices can be seen", () => {
  const [a, b] = [numbers(6), numbers(4)];
  const seen = (set: Dataset<readonly [Tensor, Tensor]>, indices: readonly number[]): number[][] =>
    set.origins(Int32Array.from(indices)).map((o) => [...o.rows]);
  const [own] = a.origins(Int32Array.of(2));
  for (const view of [a.shuffle({ seed: 1 }), a.take(3), a.map((x, y) => [x, y] as const), mapExamples(a, (e) => e)]) {
    expect(view.origins(Int32Array.of(2))).toEqual([own]);
    expect(view.origins(Int32Array.of(2))[0]!.source).toBe(own!.source);
  }
  expect(seen(a.subset([5, 3, 3]), [0, 1, 2])).toEqual([[5, 3, 3]]);
  expect(seen(concat([a, b, a.subset([1])]), [9, 0, 6, 10])).toEqual([[0], [3, 0], [1]]);
  const [first, second, third] = concat([a, b, a.subset([1])]).origins(Int32Array.of(9, 0, 10));
  expect([first!.source === own!.source, second!.source === own!.source, third!.source === own!.source]).toEqual([
    true,
    false,
    true,
  ]);
});
