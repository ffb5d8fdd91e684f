/** @file Datasets read by Workers of a browser. */
import { data, type Tensor } from "@tacit/core";
import { expect, it } from "vitest";

type Pair = readonly [Tensor, Tensor];
const url = new URL("./worker-data.ts", import.meta.url);

async function read(loader: data.DataLoader<Pair>): Promise<{ rows: number[]; workers: number[] }> {
  const seen = { rows: [] as number[], workers: [] as number[] };
  for await (const [x, by] of loader) {
    seen.rows.push(...[...(await x.data())].map(Number));
    seen.workers.push(...[...(await by.data())].map(Number));
  }
  return seen;
}

it("two Workers give the batches that the page gives, in order", async () => {
  const dataset = (await data.fromModule<Pair>(url)).take(9).shuffle({ seed: 2 });
  const page = await read(dataset.batch(2));
  const workers = await read(dataset.batch(2, { workers: 2 }));
  expect(workers.rows).toEqual(page.rows);
  expect([new Set(page.workers), new Set(workers.workers)]).toEqual([new Set([0]), new Set([1])]);
});

it("a Worker's error arrives with its message", async () => {
  const dataset = await data.fromModule<Pair>(url);
  await expect(read(dataset.batch(5, { workers: 1 }))).rejects.toThrow("sample 9 is bad");
});
