/** @file Transforms of pictures: their values, their randomness, what they refuse. */
import { readFileSync } from "node:fs";
import { type data, Random, TacitError, Tensor } from "@tacit/core";
import { describe, expect, test } from "vitest";
import * as t from "../src/transforms.ts";

const picture = (shape: readonly number[], at: (i: number) => number = (i) => i): data.HostArray => ({
  values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => at(i)),
  shape,
  dtype: "f32",
});
const random = (): Random => new Random(1);
const values = (p: data.HostArray): number[] => Array.from(p.values, Number);
const code = (run: () => unknown): string => {
  try {
    run();
  } catch (e) {
    return e instanceof TacitError ? e.code : String(e);
  }
  return "no error";
};

interface Case {
  readonly from: readonly number[];
  readonly to: readonly [number, number];
  readonly values: readonly number[];
  readonly wanted: readonly number[];
}
const { cases } = JSON.parse(readFileSync(new URL("../../../vectors/vision.json", import.meta.url), "utf8")) as { cases: Case[] };

test.each(cases.map((c) => ({ c, what: `${c.from.join("x")} to ${c.to.join("x")}` })))(
  "resize of $what is PyTorch's interpolate",
  ({ c }) => {
    const got = t.resize(c.to)(
      picture(c.from, (i) => c.values[i]!),
      random(),
    );
    expect(got.shape).toEqual([c.from[0], ...c.to]);
    for (const [i, v] of values(got).entries()) expect(v).toBeCloseTo(c.wanted[i]!, 5);
  },
);

describe("cropping", () => {
  test("takes the middle of pictures and of batches alike, and borders small pictures with 0", async () => {
    const p = picture([2, 4, 5]);
    const middle = t.centerCrop([2, 3]);
    expect(values(middle(p))).toEqual([6, 7, 8, 11, 12, 13, 26, 27, 28, 31, 32, 33]);
    const batch = Tensor.from(
      Float32Array.from({ length: 40 }, (_, i) => i),
      [1, 2, 4, 5],
    );
    expect([...(await middle(batch).data())]).toEqual(values(middle(p)));
    expect(values(t.centerCrop([3, 2])(picture([1, 2, 2], (i) => i + 1)))).toEqual([1, 2, 3, 4, 0, 0]);
    expect(code(() => t.centerCrop(9)(batch))).toBe("SHAPE_MISMATCH");
  });

  test("at random takes every place that fits, and with padding those at the border too", () => {
    const crop = t.randomCrop(2, { padding: 1 });
    const generator = random();
    const seen = new Set(
      Array.from({ length: 400 }, () =>
        values(
          crop(
            picture([1, 2, 2], (i) => i + 1),
            generator,
          ),
        ).join(),
      ),
    );
    expect([...seen].toSorted()).toEqual(
      ["0,0,0,1", "0,0,1,2", "0,0,2,0", "0,1,0,3", "1,2,3,4", "2,0,4,0", "0,3,0,0", "3,4,0,0", "4,0,0,0"].toSorted(),
    );
    expect(code(() => t.randomCrop(3)(picture([1, 2, 5]), random()))).toBe("SHAPE_MISMATCH");
  });
});

describe("turning", () => {
  test("by a right angle moves every pixel, and back again", () => {
    const p = picture([2, 3, 3]);
    expect(values(t.rotate(90)(p, random())).slice(0, 9)).toEqual([2, 5, 8, 1, 4, 7, 0, 3, 6]);
    expect(values(t.rotate(-90)(t.rotate(90)(p, random()), random()))).toEqual(values(p));
    expect(values(t.rotate(180)(p, random())).slice(0, 9)).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
    const turned = values(
      t.rotate(45)(
        picture([1, 5, 5], () => 1),
        random(),
      ),
    );
    expect([0, 2, 4, 10, 12, 14, 20, 22, 24].map((i) => turned[i])).toEqual([0, 1, 0, 1, 1, 1, 0, 1, 0]);
  });

  test("over happens always, never, or half of the time", () => {
    const p = picture([1, 2, 3]);
    expect(values(t.randomHorizontalFlip(1)(p, random()))).toEqual([2, 1, 0, 5, 4, 3]);
    expect(values(t.randomVerticalFlip(1)(p, random()))).toEqual([3, 4, 5, 0, 1, 2]);
    expect(t.randomHorizontalFlip(0)(p, random())).toBe(p);
    const [flip, generator] = [t.randomHorizontalFlip(), random()];
    const turned = Array.from({ length: 1000 }, () => flip(p, generator)).filter((q) => q !== p).length;
    expect(Math.abs(turned - 500)).toBeLessThan(80); // 5σ
  });
});

test("normalize is the same on a picture and on a tensor, channel by channel", async () => {
  const scale = t.normalize([1, 10], [2, 4]);
  const p = picture([2, 1, 2]);
  expect(values(scale(p))).toEqual([-0.5, 0, -2, -1.75]);
  expect([...(await scale(Tensor.from(p.values, [1, 2, 1, 2])).data())]).toEqual([-0.5, 0, -2, -1.75]);
  expect(code(() => scale(picture([3, 1, 1])))).toBe("SHAPE_MISMATCH");
  expect(code(() => scale(Tensor.from([1], [1, 1, 1])))).toBe("SHAPE_MISMATCH");
});

test("compose runs them in order on one generator, and the same seed gives the same picture", () => {
  const all = t.compose(
    t.randomCrop(5, { padding: 2 }),
    t.randomHorizontalFlip(),
    t.randomRotation(30),
    t.colorJitter({ brightness: 0.3, contrast: 0.2 }),
    t.resize(7),
  );
  const p = picture([3, 6, 6], (i) => (i % 7) / 7);
  const run = (seed: number): number[] => values(all(p, new Random(seed)));
  expect(run(1)).toEqual(run(1));
  expect(run(2)).not.toEqual(run(1));
  expect(run(1).every((v) => v >= 0 && v <= 1)).toBe(true);
  expect(values(p)).toEqual(values(picture([3, 6, 6], (i) => (i % 7) / 7)));
});

test("what is no picture and what no option can be is refused", () => {
  expect(code(() => t.resize(3)(picture([4, 4]), random()))).toBe("SHAPE_MISMATCH");
  expect(code(() => t.resize(3)({ values: Uint8Array.of(1), shape: [1, 1, 1], dtype: "u8" }, random()))).toBe("DTYPE_MISMATCH");
  const bad: (() => unknown)[] = [
    () => t.resize(0),
    () => t.resize([2, 1.5]),
    () => t.centerCrop(-1),
    () => t.randomCrop(2, { padding: -1 }),
    () => t.randomHorizontalFlip(2),
    () => t.normalize([1], [0]),
    () => t.normalize([1, 2], [1]),
    () => t.rotate(Number.NaN),
    () => t.randomRotation(-1),
    () => t.colorJitter({ contrast: 2 }),
  ];
  for (const run of bad) expect(code(run), String(run)).toBe("ARGUMENT_INVALID");
});
