/** @file Random: known answers, exact reproducibility, distributions, state; and secureRandom. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { philox4x32 } from "../../src/philox.ts";
import { Random } from "../../src/random.ts";
import { secureRandom } from "../../src/secure-random.ts";

const hex = (words: Iterable<number>): string => [...words].map((w) => w.toString(16).padStart(8, "0")).join(" ");

describe("Random", () => {
  test("is the keystream of its seed, block after block", () => {
    const seed = 0x299f31d0a4093822n;
    const random = new Random(seed);
    const got = Array.from({ length: 8 }, () => random.bits());
    const blocks = [0, 1].flatMap((i) => {
      const block = Uint32Array.of(i, 0, 0, 0);
      philox4x32(Uint32Array.of(0xa4093822, 0x299f31d0), block, block);
      return [...block];
    });
    expect(got).toEqual(blocks);
  });

  test("gives the same numbers on every platform: these, bit for bit", () => {
    const random = new Random(42);
    const floats = [...random.normal(4), ...random.uniform(2)];
    const bits = hex(new Uint32Array(Float64Array.from(floats).buffer));
    expect(bits).toMatchInlineSnapshot(
      `"8f071c34 3fc71d1e ef3a9bdd 3fd4030d d07e9afc 3ff2d4ce 5cfcabea 3ff945c0 eeb65d74 3fd4e408 59e2c112 3fd4a7d2"`,
    );
    expect([...random.permutation(10)]).toMatchInlineSnapshot(`
      [
        5,
        1,
        7,
        9,
        6,
        4,
        8,
        2,
        0,
        3,
      ]
    `);
    expect(Array.from({ length: 5 }, () => random.integer(-3, 1000))).toMatchInlineSnapshot(`
      [
        957,
        138,
        25,
        126,
        202,
      ]
    `);
    expect(random.fork("dropout").bits()).toMatchInlineSnapshot(`26160315`);
  });

  test("continues from its state, wherever that was taken, also over a carry of the counter", () => {
    fc.assert(
      fc.property(fc.nat(25), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0, 0xfffffffe), (n, seed, low) => {
        const from = new Random(seed).state();
        const random = Random.from({ ...from, counter: [low, low === 0 ? 0 : 0xffffffff, 3, 0] });
        for (let i = 0; i < n; i++) random.bits();
        const copy = Random.from(JSON.parse(JSON.stringify(random.state())));
        const ahead = Array.from({ length: 12 }, () => random.bits());
        expect(Array.from({ length: 12 }, () => copy.bits())).toEqual(ahead);
        expect(copy.state()).toEqual(random.state());
      }),
    );
  });

  test("carries from word to word of its counter", () => {
    const random = Random.from({ key: [1, 2], counter: [0xffffffff, 0xffffffff, 7, 0], used: 4 });
    random.bits();
    expect(random.state().counter).toEqual([0, 0, 8, 0]);
  });

  test("forks into streams that differ by label and by seed, without advancing", () => {
    const random = new Random(5);
    const before = random.state();
    const labels = ["a", "b", "", "aaaaaaaa", "aaaaaaaaa", 1, "1", "init", "shuffle"];
    const first = labels.map((l) => random.fork(l).bits());
    expect(new Set([...first, random.fork("a").fork("b").bits(), new Random(6).fork("a").bits()]).size).toBe(labels.length + 2);
    expect(random.state()).toEqual(before);
    expect(random.fork("a").bits()).toBe(first[0]);
  });

  test("normal numbers follow the polar method with an exact logarithm, and have the moments of a normal distribution", () => {
    const [random, twin] = [new Random(9), new Random(9)];
    const n = 20_000;
    const xs = random.normal(n);
    for (let i = 0; i < 500; i++) {
      let [u, v, s] = [0, 0, 0];
      do {
        u = 2 * twin.next() - 1;
        v = 2 * twin.next() - 1;
        s = u * u + v * v;
      } while (s === 0 || s >= 1);
      expect(Math.abs(xs[i]! - u * Math.sqrt((-2 * Math.log(s)) / s))).toBeLessThan(1e-14);
    }
    const moment = (k: number): number => xs.reduce((sum, x) => sum + x ** k, 0) / n;
    // Five standard deviations of each sample moment.
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    expect(new Random(9).normal(3, 10, 2)).toEqual(Float64Array.from(new Random(9).normal(3), (x) => 10 + 2 * x));
  });

  test("integers are uniform: chi-squared over 7 values, also for a range above 2^32", () => {
    const random = new Random(1);
    for (const scale of [1, 2 ** 40]) {
      const counts = new Array<number>(7).fill(0);
      const n = 14_000;
      for (let i = 0; i < n; i++) counts[Math.floor(random.integer(0, 7 * scale) / scale)]!++;
      const chi = counts.reduce((sum, c) => sum + (c - n / 7) ** 2 / (n / 7), 0);
      // 6 degrees of freedom: above 35 with probability 4e-6.
      expect(chi).toBeLessThan(35);
    }
  });

  test("permutations hold every index once and reach every order", () => {
    const random = new Random(2);
    expect([...random.permutation(100)].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    const seen = new Set(Array.from({ length: 300 }, () => random.permutation(4).join("")));
    expect(seen.size).toBe(24);
    expect(random.shuffle(["x"])).toEqual(["x"]);
    expect(random.permutation(0)).toHaveLength(0);
  });

  test("refuses seeds, ranges and states that are none", () => {
    for (const seed of [-1, 0.5, Number.NaN, 2 ** 60, -1n, 2n ** 64n]) {
      expect(() => new Random(seed)).toThrow(expect.objectContaining({ code: "SEED_INVALID" }));
    }
    const random = new Random(0);
    for (const [low, high] of [
      [0, 0],
      [3, 2],
      [0, Number.NaN],
      [0.5, 2],
      [-(2 ** 53) + 1, 2 ** 53 - 1],
    ] as const) {
      expect(() => random.integer(low, high)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    }
    const good = random.state();
    for (const bad of [{ used: 5 }, { key: [1] }, { counter: [1, 2, 3, -1] }, { counter: [1, 2, 3, 2 ** 32] }]) {
      expect(() => Random.from({ ...good, ...bad })).toThrow(expect.objectContaining({ code: "SEED_INVALID" }));
    }
  });
});

describe("secureRandom", () => {
  test("gives as many bytes as asked, over the quota of one call, never the same", () => {
    const bytes = secureRandom(200_000);
    expect(bytes).toHaveLength(200_000);
    const counts = new Array<number>(256).fill(0);
    for (const b of bytes) counts[b]!++;
    const chi = counts.reduce((sum, c) => sum + (c - 781.25) ** 2 / 781.25, 0);
    // 255 degrees of freedom: above 400 with probability 1e-8.
    expect(chi).toBeLessThan(400);
    expect(secureRandom(16)).not.toEqual(secureRandom(16));
    expect(secureRandom(0)).toHaveLength(0);
    expect(() => secureRandom(-1)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });
});
