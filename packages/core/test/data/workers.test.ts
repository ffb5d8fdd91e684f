/** @file Worker threads that read a dataset: real ones. */
import { describe, expect, test } from "vitest";
import * as data from "../../src/data/index.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

type Pair = readonly [Tensor, Tensor];
const url = new URL("./worker-data.ts", import.meta.url);
const good = async (): Promise<data.Dataset<Pair>> =>
  (await data.fromModule<Pair>(url)).subset(Array.from({ length: 12 }, (_, i) => i));

interface Seen {
  readonly rows: number[];
  readonly threads: Set<number>;
}
async function read(loader: data.DataLoader<Pair>, most = Number.POSITIVE_INFINITY): Promise<Seen> {
  const seen: Seen = { rows: [], threads: new Set() };
  let batches = 0;
  for await (const [x, thread] of loader) {
    seen.rows.push(...[...(await x.data())].map(Number));
    for (const t of await thread.data()) seen.threads.add(Number(t));
    if (++batches === most) break;
  }
  return seen;
}

/** Threads of this process that have not ended. */
const threads = (): number => process.getActiveResourcesInfo().filter((r) => r === "MessagePort" || r === "Worker").length;
async function settled(wanted: number): Promise<boolean> {
  for (let i = 0; i < 500 && threads() > wanted; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  return threads() <= wanted;
}

describe("worker threads", () => {
  test("give the same batches as this thread, in order, epoch after epoch, and end with the iteration", async () => {
    const before = threads();
    const dataset = (await good()).shuffle({ seed: 1 });
    const [here, there] = [dataset.batch(5), dataset.batch(5, { workers: 2 })];
    for (let epoch = 0; epoch < 2; epoch++) {
      const [wanted, got] = [await read(here), await read(there)];
      expect(got.rows).toEqual(wanted.rows);
      expect([...wanted.threads]).toEqual([0]);
      expect([got.threads.size, got.threads.has(0)]).toEqual([2, false]);
    }
    expect(await settled(before)).toBe(true);
  });

  test("end on an early break, and a saved place goes on in new ones", async () => {
    const before = threads();
    const loader = (await good()).batch(3, { workers: 2, prefetch: 1 });
    const first = await read(loader, 2);
    expect(await settled(before)).toBe(true);
    const again = (await good()).batch(3, { workers: 1 });
    again.loadState(loader.state());
    const rows = [...first.rows, ...(await read(again)).rows];
    expect(rows.filter((_, i) => i % 2 === 0)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  test("hand their errors over with code, message and hint, and end", async () => {
    const before = threads();
    const dataset = await data.fromModule<Pair>(url);
    await expect(read(dataset.batch(4, { workers: 2 }))).rejects.toMatchObject({
      code: "PNG_INVALID",
      message: "sample 13: expected a picture, got none",
      hint: "draw one",
    });
    expect(await settled(before)).toBe(true);
    const fatal = await data.fromModule<Pair>(url, { name: "fatal" });
    expect(await codeOfAsync(read(fatal.batch(2, { workers: 1 })))).toBe("DATA_WORKER");
  });

  test("read what mapExamples works on, with the same randomness as here", async () => {
    const dataset = data.mapExamples<Pair>(await good(), ([x, thread], { random }) => [
      { ...x!, values: Float32Array.from([...x!.values], (v) => Number(v) + random.next()) },
      Number(thread!.values[0]),
    ]);
    const [here, there] = [await read(dataset.batch(5)), await read(dataset.batch(5, { workers: 1 }))];
    expect(there.rows).toEqual(here.rows);
    expect(there.threads.has(0)).toBe(false);
  });

  test("run what comes before map, and this thread what map adds", async () => {
    const dataset = (await good()).map((x, thread) => [x.mul(2), thread] as const);
    const plain = await read((await good()).batch(4));
    const doubled = await read(dataset.batch(4, { workers: 1 }));
    expect(doubled.rows).toEqual(plain.rows.map((v) => Math.fround(2 * v)));
    expect(doubled.threads.has(0)).toBe(false);
  });

  test("need a dataset of a module", async () => {
    expect(await codeOfAsync(data.fromModule(url, { name: "nothing" }))).toBe("ARGUMENT_INVALID");
    const plain = data.tensorDataset([{ values: Float32Array.of(1), shape: [1], dtype: "f32" }]);
    expect(codeOf(() => plain.batch(1, { workers: 1 }))).toBe("no error");
    expect(await codeOfAsync(plain.batch(1, { workers: 1 })[Symbol.asyncIterator]().next())).toBe("ARGUMENT_INVALID");
  });
});
