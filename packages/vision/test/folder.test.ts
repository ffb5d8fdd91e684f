/** @file Folders of pictures: classes, order, lazy reading, faults that name the file. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { data } from "@tacit/core";
import { encode } from "fast-png";
import { afterAll, beforeAll, expect, test } from "vitest";
import { imageFolder, transforms } from "../src/index.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tacit-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A picture of one colour. */
const png = (width: number, height: number, rgb: readonly number[]): Uint8Array =>
  encode({ width, height, channels: 3, depth: 8, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => rgb[i % 3]!) });

async function folder(name: string, files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(join(root, name, path, ".."), { recursive: true });
    await writeFile(join(root, name, path), bytes);
  }
  return join(root, name);
}

const pets = (): Promise<string> =>
  folder("pets", {
    "dog/b.png": png(3, 2, [51, 0, 255]),
    "dog/a.PNG": png(3, 2, [0, 0, 0]),
    "dog/notes.txt": new Uint8Array(3),
    "cat/deep/1.png": png(3, 2, [255, 255, 255]),
    "cat/9.png": png(3, 2, [255, 0, 0]),
    "readme.md": new Uint8Array(3),
  });

test("folders are classes, sorted, and pictures f32 [n, 3, height, width] in [0, 1]", async () => {
  const path = await pets();
  const { dataset, classes, files } = await imageFolder(path);
  expect(classes).toEqual(["cat", "dog"]);
  expect(files.map((f) => [f.path.slice(path.length + 1), f.label])).toEqual([
    ["cat/9.png", 0],
    ["cat/deep/1.png", 0],
    ["dog/a.PNG", 1],
    ["dog/b.png", 1],
  ]);
  const [x, y] = await dataset.read(Int32Array.of(3, 0));
  expect([x.shape, await y.tolist()]).toEqual([
    [2, 3, 2, 3],
    [1, 0],
  ]);
  const values = await x.data();
  for (const [i, want] of [0.2, 0, 1].entries()) expect(values[6 * i]).toBeCloseTo(want, 6);
  expect([values[18], values[24]]).toEqual([1, 0]);
});

test("pictures are made gray and fitted, and random transforms follow seed and epoch", async () => {
  const options = { size: [4, 4], grayscale: true } as const;
  const { dataset } = await imageFolder(await pets(), options);
  const [x] = await dataset.read(Int32Array.of(0, 1));
  expect(x.shape).toEqual([2, 1, 4, 4]);
  expect((await x.data())[0]).toBeCloseTo(0.299, 6);
  const transform = transforms.colorJitter({ brightness: 0.5 });
  const epochs = async (size: number): Promise<number[][]> => {
    const loader = (await imageFolder(await pets(), { ...options, transform, seed: 3 })).dataset.batch(size);
    const epoch = async (): Promise<number[]> => {
      const out: number[] = [];
      for await (const [batch] of loader) out.push(...[...(await batch.data())].map(Number));
      return out;
    };
    return [await epoch(), await epoch()];
  };
  const [first, second] = await epochs(4);
  expect(await epochs(3)).toEqual([first, second]);
  expect(second).not.toEqual(first);
});

test("a file that cannot be read is named when its batch is read, not before", async () => {
  const bad = await folder("bad", {
    "a/1.png": png(2, 2, [0, 0, 0]),
    "a/2.png": Uint8Array.of(1, 2, 3),
    "b/1.png": png(5, 2, [0, 0, 0]),
  });
  const { dataset } = await imageFolder(bad);
  const [x] = await dataset.read(Int32Array.of(0));
  expect(x.shape).toEqual([1, 3, 2, 2]);
  await expect(dataset.read(Int32Array.of(1))).rejects.toMatchObject({
    code: "PNG_INVALID",
    message: `${join(bad, "a/2.png")}: png: expected a PNG file, got another kind of file`,
  });
  await expect(dataset.read(Int32Array.of(2))).rejects.toThrow(
    `${join(bad, "b/1.png")}: expected a picture of 2x2 as the first, got 2x5`,
  );
  const small = await imageFolder(bad, { limits: { pixels: 4 } });
  await expect(small.dataset.read(Int32Array.of(2))).rejects.toMatchObject({ code: "SIZE_LIMIT" });
  await rm(join(bad, "b/1.png"));
  await expect(dataset.read(Int32Array.of(2))).rejects.toMatchObject({ code: "FILE_READ" });
});

test("a place without classes, or a class without pictures, is refused", async () => {
  await expect(imageFolder(join(root, "nowhere"))).rejects.toMatchObject({ code: "DATA_NOT_FOUND" });
  await expect(imageFolder(await folder("flat", { "1.png": png(1, 1, [0, 0, 0]) }))).rejects.toThrow(
    "expected a folder for each class",
  );
  const empty = await folder("empty", { "a/1.png": png(1, 1, [0, 0, 0]), "b/1.jpg": new Uint8Array(1) });
  await expect(imageFolder(empty)).rejects.toThrow(`${join(empty, "b")}: expected at least one .png file, got none`);
});

test("it splits, and an empty batch keeps its shape", async () => {
  const { dataset } = await imageFolder(await pets());
  const [a, b] = data.randomSplit(dataset, [3, 1], { seed: 0 });
  expect([a!.length, b!.length]).toEqual([3, 1]);
  const [x, y] = await dataset.read(new Int32Array(0));
  expect([x.shape, y.shape]).toEqual([[0, 3, 2, 3], [0]]);
});
