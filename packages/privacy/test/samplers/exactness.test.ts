/** @file Exactness, not by statistics: what the coins compare with is a proven interval, and the table's bounds bracket the law. */
import { describe, expect, it } from "vitest";
import { lessThan } from "../../src/samplers/bernoulli.ts";
import type { Bits } from "../../src/samplers/bits.ts";
import { difference, expMinus } from "../../src/samplers/rational.ts";
import { TableSampler } from "../../src/samplers/table.ts";

/** Words from a list; running out is an error. */
const scripted = (...words: number[]): Bits => ({
  word(): number {
    const w = words.shift();
    if (w === undefined) throw new Error("no more words");
    return w;
  },
});

describe("e^-x of fractions", () => {
  it("is bracketed at every precision by what a higher precision says", () => {
    for (const x of [
      { n: 1n, d: 3n },
      { n: 22n, d: 7n },
      { n: 1n, d: 10n ** 12n },
      { n: 999n, d: 10n },
      { n: 5n, d: 1n },
    ]) {
      const fine = expMinus(x, 900);
      for (const bits of [1, 8, 53, 64, 128, 400]) {
        const { lo, hi } = expMinus(x, bits);
        const shift = BigInt(900 - bits);
        expect(hi - lo <= 2n).toBe(true);
        expect(lo << shift <= fine.hi).toBe(true);
        expect(hi << shift >= fine.lo).toBe(true);
        expect(lo << shift <= fine.lo || lo === 0n).toBe(true);
        expect(hi << shift >= fine.hi).toBe(true);
      }
    }
  });

  it("gives the digits of e^-1", () => {
    const { lo } = expMinus({ n: 1n, d: 1n }, 200);
    expect(((lo * 10n ** 40n) >> 200n).toString()).toBe("3678794411714423215955237701614608674458");
  });

  it("has exact differences of doubles", () => {
    const { n, d } = difference(0.3, 0.1);
    expect(Number((n * 2n ** 60n) / d) / 2 ** 60).toBeCloseTo(0.2, 15);
    expect(difference(1e300, -1e-300).d).toBeGreaterThan(1n);
    expect(difference(5, 5).n).toBe(0n);
  });
});

describe("comparison of a uniform real with a real number", () => {
  it("draws more bits where the first ones do not decide", () => {
    const third = (bits: number): { lo: bigint; hi: bigint } => {
      const lo = (1n << BigInt(bits)) / 3n;
      return { lo, hi: lo + 1n };
    };
    const [a, b] = [0x55555555, 0x55555555];
    // 0.0101...: the first 64 bits of 1/3 are its own; the next word decides.
    expect(lessThan(scripted(a, b, a, 0), 0n, 0, third)).toBe(true);
    expect(lessThan(scripted(a, b, a, 0xffffffff), 0n, 0, third)).toBe(false);
    expect(lessThan(scripted(0, 0), 0n, 0, third)).toBe(true);
  });
});

describe("the table", () => {
  const gaussian = (sigma: bigint) => (x: bigint) => (bits: number) => expMinus({ n: x * x, d: 2n * sigma * sigma }, bits);

  it("takes x exactly where v + U < s f(x): enumerated over U at one v", () => {
    const law = { f: gaussian(2000n), unit: 2000, end: 18_000, symmetric: true };
    const sampler = new TableSampler(law);
    // Many scripted draws around block boundaries must give the same x for the same words: no hidden state.
    for (let i = 0; i < 50; i++) {
      const words = [Math.imul(i, 0x9e3779b1) >>> 0, Math.imul(i + 7, 0x85ebca6b) >>> 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
      expect(sampler.sample(scripted(...words))).toBe(sampler.sample(scripted(...words)));
    }
  });

  /** Words that a test can draw again: a hash of a counter. */
  const counted = (seed: number): Bits => {
    let i = seed;
    return {
      word(): number {
        let h = Math.imul(i++ ^ 0x9e3779b9, 0x85ebca6b);
        h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
        return (h ^ (h >>> 16)) >>> 0;
      },
    };
  };

  it("gives the same integers to an array as one by one, from the same words", () => {
    for (const [sigma, size] of [
      [0.3, 1],
      [3, 1],
      [700, 1],
      [144_180, 1],
      [3e6, 2],
    ] as const) {
      const law = {
        f: (x: bigint) => (b: number) => expMinus({ n: 100n * x * x, d: 2n * BigInt(sigma * 10) ** 2n }, b),
        unit: Math.max(1, sigma),
        end: Math.ceil(9 * Math.max(1, sigma)),
        symmetric: true,
      };
      const sampler = new TableSampler(law);
      const together = new Float64Array(20_000).fill(size);
      sampler.addTo(counted(5), together);
      const bits = counted(5);
      expect(together.every((x) => x - size === sampler.sample(bits))).toBe(true);
    }
  });

  it("takes what the closer bounds take exactly where v + U < s f(x): against the law to 120 bits", () => {
    const [sigma, BITS] = [20_000n, 120];
    const law = { f: gaussian(sigma), unit: 20_000, end: 180_000, symmetric: true };
    const sampler = new TableSampler(law);
    // The table as its comment says: blocks of 64, weights s f rounded up, s such that they sum to just below 2^52.
    const blocks = Math.ceil(180_000 / 64);
    const heights = Array.from({ length: blocks }, (_, q) => law.f(BigInt(64 * q))(64).hi);
    const scale = ((2n ** 52n - BigInt(2 * blocks + 8)) << 64n) / heights.reduce((a, b) => a + b);
    const sums = [0];
    for (const h of heights) sums.push(sums.at(-1)! + Number((h * scale) >> 64n) + 1);
    let near = 0;
    for (let q = 0; q < blocks; q += 3) {
      for (const r of [0, 1, 31, 63]) {
        const height = ((law.f(BigInt(64 * q + r))(BITS).lo * scale) >> BigInt(BITS)) + 1n;
        for (const off of [-3, 2]) {
          const v = Number(height) + off;
          if (v < 0 || v >= sums[q + 1]! - sums[q]!) continue;
          const t = sums[q]! + v;
          const high = Math.floor(t / 2 ** 32) + r * 2 ** 20;
          // Taken: the sample is x, whatever the words after these. Not taken: the next two words give another.
          const zero = [0, 0, 0, 0];
          const got = sampler.sample(scripted(high, t % 2 ** 32, ...zero));
          expect(got === 64 * q + r, `block ${q}, ${r}, ${off}`).toBe(off < 0 || (q === 0 && r === 0));
          near++;
        }
      }
    }
    expect(near).toBeGreaterThan(2000);
  });

  it("refuses a law whose tail is not small at its end", () => {
    expect(() => new TableSampler({ f: gaussian(100n), unit: 100, end: 200, symmetric: true })).toThrow("small at its end");
  });

  it("reaches its tail, where its envelope lies above the law", () => {
    // A law that ends early, in units of 1: the tail has weight 4 of 2^52. With t in it, words of ones take it or not, but end.
    const law = { f: gaussian(3n), unit: 3, end: 27, symmetric: true };
    const sampler = new TableSampler(law);
    const last = scripted(0x000fffff, 0xfffffff0, ...Array.from({ length: 64 }, (_, i) => (i * 0x1234567) >>> 0));
    expect(Number.isInteger(sampler.sample(last))).toBe(true);
  });
});
