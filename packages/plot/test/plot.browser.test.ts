/** @file Every SVG in a real browser: its XML parser takes it, an image of it loads, nothing in it runs, and it is not blank. */
import { describe, expect, test } from "vitest";
import { plot } from "../src/index.ts";
import { CORPUS } from "./corpus.ts";

/** The picture as an `<img>` loads it, drawn on a canvas. */
async function pixelsOf(svg: string): Promise<{ width: number; height: number; data: Uint8ClampedArray }> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d")!;
  context.drawImage(image, 0, 0);
  return { width: canvas.width, height: canvas.height, data: context.getImageData(0, 0, canvas.width, canvas.height).data };
}

describe.each(Object.entries(CORPUS))("%s", (_, make) => {
  test("is XML to the browser's parser, loads as an image of its size, and shows something", async () => {
    const svg = (await make()).svg();
    const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
    expect(parsed.querySelector("parsererror")?.textContent).toBeUndefined();
    expect(parsed.querySelector("script")).toBeNull();
    const { width, height, data } = await pixelsOf(svg);
    expect(Math.abs(width - Number(parsed.documentElement.getAttribute("width")))).toBeLessThanOrEqual(1);
    expect(height).toBeGreaterThan(20);
    const middle = new Set<number>();
    for (let i = 0; i < data.length; i += 4) middle.add((data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!);
    expect(middle.size).toBeGreaterThan(2);
  });
});

test("no text is cut: every label lies within the picture", async () => {
  const cut: string[] = [];
  for (const [name, make] of Object.entries(CORPUS)) {
    const holder = document.createElement("div");
    holder.innerHTML = (await make()).svg();
    document.body.append(holder);
    const frame = holder.firstElementChild!.getBoundingClientRect();
    for (const text of holder.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      const [left, right] = [box.left - frame.left, frame.right - box.right];
      const [top, bottom] = [box.top - frame.top, frame.bottom - box.bottom];
      if (Math.min(left, right) < -1 || Math.min(top, bottom) < -2)
        cut.push(`${name}: ${text.lastChild?.textContent} has ${[left, right, top, bottom].map(Math.round)} to the edges`);
    }
    holder.remove();
  }
  expect(cut).toEqual([]);
});

test("the pixels of an embedded picture are those that were given, enlarged and sharp", async () => {
  const { width, data } = await pixelsOf(plot.images({ values: [0, 255, 255, 0], shape: [2, 2] }, { range: [0, 255] }).svg());
  const at = (x: number, y: number): number => data[(y * width + x) * 4]!;
  expect([at(60, 60), at(200, 60), at(60, 200), at(200, 200)]).toEqual([0, 255, 255, 0]);
});

test("saving is refused where there are no files", async () => {
  await expect(plot.bars([1]).save("a.svg")).rejects.toMatchObject({ code: "FILE_UNSUPPORTED" });
});
