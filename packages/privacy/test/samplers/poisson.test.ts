/** @file Poisson samples: coins of exactly the fraction that the rate is. */
import { poissonSample } from "@tacit/privacy";
import { expect, test } from "vitest";
import type { Bits } from "../../src/samplers/bits.ts";
import { poissonSampleFrom } from "../../src/samplers/poisson.ts";
import { chiSquaredTail } from "./statistics.ts";

const scripted = (...words: number[]): Bits => ({
  word(): number {
    const w = words.shift();
    if (w === undefined) throw new Error("no more words");
    return w;
  },
});

test("a row is in exactly where the uniform number's digits are below the rate's", () => {
  // 0.75 = 0.11: one word, and equal digits are not below.
  expect([...poissonSampleFrom(scripted(0xbfffffff, 0xc0000000, 0), 3, 0.75)()]).toEqual([0, 2]);
  // 2^-33 = 0 and 2^31 in words of 32 digits: a first word of 0 needs a second.
  expect([...poissonSampleFrom(scripted(0, 0x7fffffff, 0, 0x80000000, 1), 3, 2 ** -33)()]).toEqual([0]);
  // 2^-32 + 2^-52: the second word is 2^12.
  expect([...poissonSampleFrom(scripted(0, 1, 0x0fff, 1, 0x1000), 3, 2 ** -32 + 2 ** -52)()]).toEqual([0, 1]);
});

test("rows come as often as the rate says, and independently: χ² at a false-alarm rate of 1e-7 each", () => {
  const [n, rate, steps] = [200, 0.3, 4000];
  const draw = poissonSample(n, rate);
  const [counts, sizes] = [new Float64Array(n), new Float64Array(steps)];
  for (let s = 0; s < steps; s++) {
    const rows = draw();
    sizes[s] = rows.length;
    for (const r of rows) counts[r]!++;
  }
  const x = counts.reduce((t, c) => t + (c - steps * rate) ** 2 / (steps * rate * (1 - rate)), 0);
  expect(chiSquaredTail(x, n)).toBeGreaterThan(1e-7);
  // The size's variance is that of independent coins: n q (1 - q); a fixed-size sample has none.
  const v = sizes.reduce((t, c) => t + (c - n * rate) ** 2 / (n * rate * (1 - rate)), 0);
  expect(chiSquaredTail(v, steps)).toBeGreaterThan(1e-7);
  expect(1 - chiSquaredTail(v, steps)).toBeGreaterThan(1e-7);
});

test("all rows come at rate 1; rates that are none are refused", () => {
  expect(poissonSample(4, 1)()).toEqual(Int32Array.of(0, 1, 2, 3));
  for (const rate of [0, -0.1, 1.1, Number.NaN])
    expect(() => poissonSample(4, rate)).toThrow(expect.objectContaining({ code: "PRIVACY_PARAMETER" }));
});
