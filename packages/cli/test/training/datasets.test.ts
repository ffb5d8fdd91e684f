/** @file A user's own data: what is held out for the test. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeIdx } from "@tacit/core/data";
import { expect, test, vi } from "vitest";
import { openData } from "../../src/training/datasets.ts";

test("a file that is sorted by class gives every class to both sets, each picture once and with its own label", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tacit-split-"));
  try {
    const n = 200;
    // Picture i is all i; its label is the half of the file that it stands in.
    const values = Uint8Array.from({ length: n * 784 }, (_, k) => Math.floor(k / 784));
    const labels = Uint8Array.from({ length: n }, (_, i) => (i < n / 2 ? 0 : 1));
    await writeFile(join(folder, "pictures.idx"), encodeIdx({ values, shape: [n, 28, 28], dtype: "u8" }));
    await writeFile(join(folder, "labels.idx"), encodeIdx({ values: labels, shape: [n], dtype: "u8" }));
    const found = await openData(join(folder, "pictures.idx"), join(folder, "labels.idx"));
    const seen: number[] = [];
    for (const [set, size] of [
      [found.train, 170],
      [found.test, 30],
    ] as const) {
      expect(set.length).toBe(size);
      const [x, y] = await set.read(Int32Array.from({ length: size }, (_, i) => i));
      const pixels = await x.data();
      const classes = Array.from(await y.data(), Number);
      expect(new Set(classes)).toEqual(new Set([0, 1]));
      for (let i = 0; i < size; i++) {
        const picture = Math.round(Number(pixels[i * 784 + (i % 784)]) * 255);
        expect(classes[i]).toBe(picture < n / 2 ? 0 : 1);
        seen.push(picture);
      }
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("classes that no picture shows are named", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tacit-missing-"));
  const texts: string[] = [];
  const heard = vi.spyOn(process.stderr, "write").mockImplementation((text) => texts.push(String(text)) > 0);
  try {
    const path = join(folder, "few.csv");
    const row = (label: number): string => `${label},${new Array(784).fill(0.5).join(",")}\n`;
    await writeFile(path, row(0) + row(3) + row(1));
    await openData(path);
    expect(texts.splice(0)).toEqual(["note: no example of class 2\n"]);
    await writeFile(path, row(0) + row(1));
    await openData(path);
    await writeFile(path, row(0) + row(12));
    await openData(path);
    expect(texts).toEqual(["note: no example of class 1, 2, 3, 4, 5, 6, 7, 8 and 3 more\n"]);
  } finally {
    heard.mockRestore();
    await rm(folder, { recursive: true });
  }
});
