/** @file randomBits against the published vectors of Philox4x32-10. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cpu } from "../../src/device/cpu/index.ts";
import { emit } from "../../src/expr.ts";
import { philox4x32 } from "../../src/philox.ts";
import { Random } from "../../src/random.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { placeholders, run } from "./harness.ts";

interface Known {
  readonly philox4x32_10: readonly { readonly counter: string[]; readonly key: string[]; readonly result: string[] }[];
}
const vectors = JSON.parse(readFileSync(new URL("../../../../vectors/philox.json", import.meta.url), "utf8")) as Known;
const words = (list: readonly string[]): number[] => list.map((w) => Number.parseInt(w, 16));
const KNOWN = vectors.philox4x32_10.map((v) => [words(v.counter), words(v.key), words(v.result)] as const);

function bits(key: number[], offset: number[], shape: number[]): number[] {
  const leaves = placeholders([
    { shape: [2], dtype: "u32" },
    { shape: [offset.length], dtype: "u32" },
  ]);
  return [...run([emit("randomBits", leaves, shape)], leaves, [Uint32Array.from(key), Uint32Array.from(offset)])[0]!].map(Number);
}

describe("randomBits", () => {
  it.each(KNOWN)("gives the published words for counter %j and key %j", (counter, key, want) => {
    const out = new Uint32Array(4);
    philox4x32(Uint32Array.from(key), Uint32Array.from(counter), out);
    expect([...out]).toEqual(want);
    expect(bits([...key], [...counter], [4])).toEqual(want);
    const random = Random.from({ key, counter, used: 4 });
    expect([random.bits(), random.bits(), random.bits(), random.bits()]).toEqual(want);
  });

  it("is one stream in Random, in the op and in the kernels, also on threads and over the end of a counter word", async () => {
    const devices = [cpu(), cpu({ threads: 3 })];
    try {
      for (const [key, offset, n] of [
        [[7, 9], [0], 1],
        [[0xffffffff, 3], [0xfffffffd], 1003],
        [[0, 0x80000000], [12345], 70_001],
        [[1, 2], [0xfffffff0, 0xffffffff], 1003],
        [[1, 2], [0xffffffff, 0xffffffff, 5], 30],
        [[3, 4], [0, 17, 2], 8],
        [[5, 6], [0xfffffffe, 0xffffffff, 0xffffffff, 0xffffffff], 29],
      ] as const) {
        const counter = [0, 1, 2, 3].map((w) => offset[w] ?? 0) as [number, number, number, number];
        const random = Random.from({ key, counter, used: 4 });
        const want = Uint32Array.from({ length: n }, () => random.bits());
        expect(Uint32Array.from(bits([...key], [...offset], [n]))).toEqual(want);
        for (const device of devices) {
          const made = Tensor.adopt(Uint32Array.from(key), [2], "u32", { device });
          const at = Tensor.adopt(Uint32Array.from(offset), [offset.length], "u32", { device });
          expect(await made.randomBits(at, [n]).data()).toEqual(want);
        }
      }
    } finally {
      await Promise.all(devices.map((d) => d.stop()));
    }
  });

  it("cuts one stream: a later offset continues where blocks of four end", () => {
    const all = bits([7, 9], [5], [3, 7]);
    expect(bits([7, 9], [6], [17])).toEqual(all.slice(4));
  });

  it("carries the counter into its next word", () => {
    expect(bits([1, 2], [0xffffffff], [8]).slice(4)).toEqual(bits([1, 2], [0, 1], [4]));
    expect(bits([1, 2], [0xffffffff, 0xffffffff], [8]).slice(4)).toEqual(bits([1, 2], [0, 0, 1], [4]));
  });

  it("looks uniform: each bit is set in half of 40,000 words within five standard deviations", () => {
    const drawn = bits([3, 4], [0], [40_000]);
    for (let b = 0; b < 32; b++) {
      const ones = drawn.reduce((n, w) => n + ((w >>> b) & 1), 0);
      expect(Math.abs(ones - 20_000)).toBeLessThan(5 * 100);
    }
  });
});
