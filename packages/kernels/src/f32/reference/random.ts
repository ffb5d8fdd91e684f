/** @file Reference of Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011). */
import type { MemoryViews } from "../instruction.ts";
import type { RandomBitsParams } from "../random.ts";

const M0 = 0xd2511f53n;
const M1 = 0xcd9e8d57n;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** One block: 4 words from a counter of 4 words and a key of 2. */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter as [number, number, number, number];
  let [k0, k1] = key as [number, number];
  for (let round = 0; round < 10; round++) {
    const p0 = M0 * BigInt(c0);
    const p1 = M1 * BigInt(c2);
    const high = (p: bigint): number => Number(p >> 32n);
    const low = (p: bigint): number => Number(p & 0xffffffffn);
    [c0, c1, c2, c3] = [(high(p1) ^ c1 ^ k0) >>> 0, low(p1), (high(p0) ^ c3 ^ k1) >>> 0, low(p0)];
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

export function randomBitsReference(p: RandomBitsParams, { u32 }: MemoryViews): number {
  const key = [u32[p.key / 4]!, u32[p.key / 4 + 1]!];
  let first = 0n;
  for (let w = (p.offsetWords ?? 1) - 1; w >= 0; w--) first = (first << 32n) | BigInt(u32[p.offset / 4 + w]!);
  for (let i = 0; i < p.n; i += 4) {
    const counter = first + BigInt(i / 4);
    const words = philox(
      [0n, 32n, 64n, 96n].map((s) => Number((counter >> s) & 0xffffffffn)),
      key,
    );
    for (let j = 0; j < 4 && i + j < p.n; j++) u32[p.y / 4 + i + j] = words[j]!;
  }
  return 0;
}
