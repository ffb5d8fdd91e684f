/** @file randomBits against the published vectors of Philox4x32-10. */
import { describe, expect, it } from "vitest";
import { emit } from "../../src/expr.ts";
import { philox4x32 } from "../../src/ops/random/philox.ts";
import { placeholders, run } from "./harness.ts";

/** Known answers of Random123 1.09 (file kat_vectors, `philox4x32 10`): counter, key, result. */
const KNOWN: [number[], number[], number[]][] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

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
    expect(bits(key, counter, [4])).toEqual(want);
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
    const words = bits([3, 4], [0], [40_000]);
    for (let b = 0; b < 32; b++) {
      const ones = words.reduce((n, w) => n + ((w >>> b) & 1), 0);
      expect(Math.abs(ones - 20_000)).toBeLessThan(5 * 100);
    }
  });
});
