/** @file Bit slicing and carry trees against bigint arithmetic. */
import { describe, expect, test } from "vitest";
import { Arena, BUILDS, random, ringOf } from "./harness.ts";

/** Bit of element e in plane b of a block of planes (two u64 words each). */
function planeBit(words: readonly bigint[], block: number, b: number, e: number): bigint {
  return (words[block * 128 + 2 * b + (e & 1)]! >> BigInt(e >> 1)) & 1n;
}

describe.each(BUILDS)("bit slicing (%s)", (build) => {
  test("puts bit b of element 2 i + h at bit i of half h of plane b, and back", async () => {
    const kernels = await ringOf(build);
    const rng = random(31);
    const arena = new Arena(kernels, 64);
    const x = Array.from({ length: 384 }, () => rng.element(64));
    const src = arena.put(x);
    const dst = arena.alloc(384);
    kernels.slice128(3, src, dst);
    const planes = arena.get(dst, 384);
    for (let e = 0; e < 384; e++) {
      for (let b = 0; b < 64; b++) expect(planeBit(planes, e >> 7, b, e & 127)).toBe((x[e]! >> BigInt(b)) & 1n);
    }
    expect(arena.get(src, 384)).toEqual(x);
    kernels.unslice128(3, dst, dst);
    expect(arena.get(dst, 384)).toEqual(x);
    expect(arena.intact(dst, 384)).toBe(true);
  });

  test("the carry tree gives the carry of 63-bit and 64-bit sums, and of any number of planes", async () => {
    const kernels = await ringOf(build);
    const rng = random(32);
    for (const planes of [64, 63, 31, 5, 2, 1]) {
      const arena = new Arena(kernels, 64);
      const [a, b] = [0, 1].map(() => Array.from({ length: 128 }, () => rng.element(64)));
      const [pa, pb, carry] = [arena.put(a!), arena.put(b!), arena.alloc(2)];
      kernels.slice128(1, pa, pa);
      kernels.slice128(1, pb, pb);
      kernels.carryTree(1, planes, pa, pb, carry);
      const got = arena.get(carry, 2);
      for (let e = 0; e < 128; e++) {
        const sum = BigInt.asUintN(planes, a![e]!) + BigInt.asUintN(planes, b![e]!);
        expect((got[e & 1]! >> BigInt(e >> 1)) & 1n, `planes ${planes} element ${e}`).toBe(sum >> BigInt(planes));
      }
      expect(arena.intact(carry, 2)).toBe(true);
    }
  });

  test("three replicated parties' level of the tree recombines to the level in the clear", async () => {
    const kernels = await ringOf(build);
    const rng = random(33);
    const arena = new Arena(kernels, 64);
    const [width, n] = [32, 3];
    const words = (count: number): bigint[] => Array.from({ length: count }, () => rng.element(64));
    const perPlane = width / 8;
    const shares = (): bigint[][] => [0, 1, 2].map(() => words(2 * n * perPlane));
    const xor = (lists: readonly (readonly bigint[])[]): bigint[] =>
      lists[0]!.map((_, i) => lists.reduce((s, l) => s ^ l[i]!, 0n));
    const [g, p] = [shares(), shares()];
    const [mg, mp] = [0, 1].map(() => [0, 1, 2].map(() => words(n * perPlane)));
    // Masks of the three parties cancel: the third is the sum of the others.
    mg![2] = xor([mg![0]!, mg![1]!]);
    mp![2] = xor([mp![0]!, mp![1]!]);
    const at = { g: g.map((v) => arena.put(v)), p: p.map((v) => arena.put(v)) };
    const z = [0, 1, 2].map((i) => {
      const [zg, zp] = [arena.put(mg![i]!), arena.put(mp![i]!)];
      const next = (i + 1) % 3;
      kernels.carryLevelShares(n, width, at.g[i]!, at.g[next]!, at.p[i]!, at.p[next]!, zg, zp);
      return [arena.get(zg, n * perPlane), arena.get(zp, n * perPlane)] as const;
    });
    const [G, P] = [xor(g), xor(p)];
    const pair = (list: bigint[], i: number): [bigint, bigint] => {
      const base = Math.floor(i / perPlane) * 2 * perPlane + (i % perPlane);
      return [list[base]!, list[base + perPlane]!];
    };
    const wantG = z[0]![0].map((_, i) => pair(G, i)[1] ^ (pair(P, i)[1] & pair(G, i)[0]));
    const wantP = z[0]![1].map((_, i) => pair(P, i)[1] & pair(P, i)[0]);
    expect(xor(z.map((v) => v[0]))).toEqual(wantG);
    expect(xor(z.map((v) => v[1]))).toEqual(wantP);
  });

  test("andShares recombines to the AND, and each share depends on its mask", async () => {
    const kernels = await ringOf(build);
    const rng = random(34);
    const arena = new Arena(kernels, 64);
    const three = (): bigint[][] => [0, 1, 2].map(() => [rng.element(64), rng.element(64)]);
    const [x, y, m] = [three(), three(), three()];
    m[2] = m[0]!.map((v, i) => v ^ m[1]![i]!);
    const px = x.map((v) => arena.put(v));
    const py = y.map((v) => arena.put(v));
    const pm = m.map((v) => arena.put(v));
    const z = [0, 1, 2].map((i) => {
      const o = arena.alloc(2);
      kernels.andShares(16, px[i]!, px[(i + 1) % 3]!, py[i]!, py[(i + 1) % 3]!, pm[i]!, o);
      return arena.get(o, 2);
    });
    for (const i of [0, 1]) {
      const all = (s: bigint[][]): bigint => s[0]![i]! ^ s[1]![i]! ^ s[2]![i]!;
      expect(all(z)).toBe(all(x) & all(y));
    }
  });
});
