/** @file CSV tables as datasets: types, missing values, classes, standardisation. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as data from "../../src/data/index.ts";
import { codeOfAsync } from "../errors.ts";

const TEXT = `age,colour,weight,kind
1,red,10,cat
2,blue,,dog
3,red,30,cat
4,"green, dark",NA,bird
`;

const rows = async (t: data.Table): Promise<unknown[]> => {
  const [x, y] = await t.dataset.read(Int32Array.from({ length: t.dataset.length }, (_, i) => i));
  return [await x!.tolist(), y === undefined ? null : await y.tolist()];
};

describe("a table", () => {
  test("has numbers, categories as one-hot features, and classes", async () => {
    const t = await data.csv(TEXT, { label: "kind", missing: "drop" });
    expect([t.names, t.classes, t.dropped]).toEqual([["age", "colour=red", "weight"], ["cat"], 2]);
    expect(await rows(t)).toEqual([
      [
        [1, 1, 10],
        [3, 1, 30],
      ],
      [0, 0],
    ]);
    const filled = await data.csv(new TextEncoder().encode(TEXT), { label: -1, missing: 0, columns: ["weight", 1] });
    expect([filled.names, filled.classes]).toEqual([
      ["weight", "colour=blue", "colour=green, dark", "colour=red"],
      ["bird", "cat", "dog"],
    ]);
    expect(await rows(filled)).toEqual([
      [
        [10, 0, 0, 1],
        [0, 1, 0, 0],
        [30, 0, 0, 1],
        [0, 0, 1, 0],
      ],
      [1, 2, 1, 0],
    ]);
  });

  test("has numbers to predict, categories of numbers, and no label, where that is said", async () => {
    const t = await data.csv("a,b\n1,2.5\n7,-1\n", { label: "b", types: { a: "category", b: "number" } });
    expect(t.names).toEqual(["a=1", "a=7"]);
    expect(await rows(t)).toEqual([
      [
        [1, 0],
        [0, 1],
      ],
      [2.5, -1],
    ]);
    expect(await rows(await data.csv("1;2\n3;4\n", { delimiter: ";" }))).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
      null,
    ]);
  });

  test("comes from a file, and what is wrong is named by line and column", async () => {
    const root = await mkdtemp(join(tmpdir(), "tacit-"));
    try {
      await writeFile(join(root, "t.csv"), TEXT);
      expect((await data.csv(join(root, "t.csv"), { missing: 1 })).dataset.length).toBe(4);
      expect(await codeOfAsync(data.csv(join(root, "none.csv")))).toBe("FILE_READ");
    } finally {
      await rm(root, { recursive: true });
    }
    await expect(data.csv(TEXT, { label: "kind" })).rejects.toThrow("csv line 3 column 3: expected a finite number, got nothing");
    await expect(data.csv("a,b\n1,x\n2,\n", { label: "b" })).rejects.toThrow(
      "csv line 3 column 2: expected a label, got nothing",
    );
    await expect(data.csv(TEXT, { types: { age: "word" as never } })).rejects.toThrow("type number or category");
    expect(await codeOfAsync(data.csv(TEXT, { columns: ["size"] }))).toBe("CSV_INVALID");
    expect(await codeOfAsync(data.csv(TEXT, { types: { size: "number" } }))).toBe("CSV_INVALID");
    expect(await codeOfAsync(data.csv(TEXT, { label: "kind", columns: ["age", "kind"] }))).toBe("ARGUMENT_INVALID");
    expect(await codeOfAsync(data.csv("a\n1,2\n"))).toBe("CSV_INVALID");
    expect(await codeOfAsync(data.csv("a\n1\n", { missing: Number.NaN }))).toBe("ARGUMENT_INVALID");
  });
});

test("standardisation is fitted on the training part and used on both", async () => {
  const table = await data.csv("x,y,z\n1,5,0\n3,5,1\n5,5,0\n100,7,1\n", { label: "z" });
  const [train, rest] = [table.dataset.subset([0, 1, 2]), table.dataset.subset([3])];
  const s = await data.standardizer(train);
  expect([[...s.mean], [...s.std]]).toEqual([
    [3, 5],
    [Math.sqrt(8 / 3), 1],
  ]);
  const [x, y] = await s.apply(rest).read(Int32Array.of(0));
  expect((await x!.data())[0]).toBeCloseTo(97 / Math.sqrt(8 / 3), 4);
  expect([(await x!.data())[1], await y!.tolist()]).toEqual([2, [1]]);
  expect(await codeOfAsync(data.standardizer(train.take(0)))).toBe("ARGUMENT_INVALID");
});

test("a folder of files is one table; what is wrong in it names its file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tacit-csv-"));
  try {
    await writeFile(join(folder, "b.csv"), "x,y\n3,cat\n");
    await writeFile(join(folder, "a.csv"), "x,y\n1,dog\n2,cat\n");
    await writeFile(join(folder, "notes.txt"), "no table");
    const t = await data.csv(folder, { label: "y" });
    expect([t.classes, await rows(t)]).toEqual([
      ["cat", "dog"],
      [
        [[1], [2], [3]],
        [1, 0, 0],
      ],
    ]);
    await writeFile(join(folder, "c.csv"), "x,y\n4,cat\nfour,cat\n");
    const types = { x: "number" } as const;
    await expect(data.csv(folder, { label: "y", types })).rejects.toThrow(`${join(folder, "c.csv")} line 3 column 1`);
    await writeFile(join(folder, "c.csv"), "y,x\ncat,4\n");
    expect(await codeOfAsync(data.csv(folder))).toBe("CSV_INVALID");
    expect(await codeOfAsync(data.csv(join(folder, "nowhere")))).toBe("FILE_READ");
  } finally {
    await rm(folder, { recursive: true });
  }
});
