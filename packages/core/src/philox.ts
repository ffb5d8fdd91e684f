/** @file Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011), bit-exact everywhere: behind `Random` and `randomBits`. */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
/** Weyl increments of the key: golden ratio and √3 - 1, times 2^32. */
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;

/** High 32 bits of the 64-bit product of two u32. */
function mulHigh(a: number, b: number): number {
  const [a1, a0, b1, b0] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  // Every partial sum stays below 2^53.
  const middle = a1 * b0 + Math.floor((a0 * b0) / 0x10000);
  return (a1 * b1 + Math.floor((middle + a0 * b1) / 0x10000)) >>> 0;
}

/** One block: 4 words from a 2-word key and a 4-word counter; all u32, word 0 lowest. `out` may be the counter. */
export function philox4x32(key: Uint32Array, counter: Uint32Array, out: Uint32Array, at = 0): void {
  let [k0, k1] = [key[0]!, key[1]!];
  let [c0, c1, c2, c3] = [counter[0]!, counter[1]!, counter[2]!, counter[3]!];
  for (let r = 0; r < ROUNDS; r++) {
    const [h0, l0] = [mulHigh(M0, c0), Math.imul(M0, c0) >>> 0];
    const [h1, l1] = [mulHigh(M1, c2), Math.imul(M1, c2) >>> 0];
    c0 = (h1 ^ c1 ^ k0) >>> 0;
    c1 = l1;
    c2 = (h0 ^ c3 ^ k1) >>> 0;
    c3 = l0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  const words = [c0, c1, c2, c3];
  for (let i = 0; i < 4 && at + i < out.length; i++) out[at + i] = words[i]!;
}

/** Adds 1 to a counter of 128 bits, word 0 lowest; after the last comes 0. */
export function countUp(counter: Uint32Array): void {
  for (let w = 0; w < 4; w++) {
    counter[w]!++;
    if (counter[w] !== 0) return;
  }
}

/** Fills `out` from the counter `offset` (1 to 4 words, low first) upwards, one block for every 4 words; the counter has 128 bits. */
export function philoxFill(key: Uint32Array, offset: Uint32Array, out: Uint32Array): void {
  const counter = new Uint32Array(4);
  counter.set(offset);
  for (let at = 0; at < out.length; at += 4) {
    philox4x32(key, counter, out, at);
    countUp(counter);
  }
}
