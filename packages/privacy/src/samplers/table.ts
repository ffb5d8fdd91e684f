/**
 * @file Exact sampling of integers with mass ∝ f(|x|), f(0) = 1 falling and log-concave, from a table of integers.
 *
 * Rejection sampling (von Neumann 1951). x ≥ 0 is cut into blocks of B = 2^b integers. Block q has an integer weight E_q ≥ s f(qB), an
 * upper bound on s f in it, and a lower bound L_q ≤ s f(qB + B - 1). A sample:
 *  1. an integer t, uniform below the sum of the weights, finds block q and v = t - Σ_{i<q} E_i, uniform below E_q;
 *  2. x = qB + r with r uniform below B, and a sign; (0, minus) is drawn again;
 *  3. v < L_q: x is taken. Otherwise x is taken if v + U < s f(x), U uniform in [0, 1), computed to as many bits as the comparison
 *     needs (`lessThan`); else all is drawn again.
 * Given (q, r, sign), step 3 takes x with probability exactly s f(x) / E_q, as L_q ≤ s f(x) ≤ E_q; so the mass of x is
 * (E_q / sum) (1 / 2B) (s f(x) / E_q) ∝ f(x). No rounding enters, and no floating-point number is between the bits and x: the
 * arrays hold integers below 2^53. The bounds may be loose: that costs time, not exactness.
 *
 * Beyond the last block the weight is one entry of its own: blocks of `unit` integers, the j-th with probability 2^-(j+1), which
 * lies above f there (checked when the table is made).
 */

import { refuse } from "../check.ts";
import { lessThan, type Real } from "./bernoulli.ts";
import { type Bits, bitsOf } from "./bits.ts";

export interface Law {
  /** f(x) for x ≥ 0, as a real number. */
  f(x: bigint): Real;
  /** A length over which f falls by a constant factor or so. */
  readonly unit: number;
  /** f is below 2^-58 from here on, and falls by half and more at each further `unit`. */
  readonly end: number;
  /** Negative values too. */
  readonly symmetric: boolean;
}

/** Blocks for each `unit`: of 256, three in a thousand samples need step 3's computation. */
const BLOCKS = 256;
/** The weights sum to just below 2^52. */
const TOTAL_BITS = 52;
/** 2^14 entries: a step of the search in one sample of seven for 2600 blocks; of 2^12 it is two of three, 7 ns more. */
const GUIDE_BITS = 14;
/** The tail's weight. */
const TAIL = 4;
const WORD = 2 ** 32;
const MOST_UNIT = 2 ** 46;

export class TableSampler {
  readonly #law: Law;
  readonly #blockBits: number;
  /** s of the file comment. */
  readonly #scale: bigint;
  /** #sums[q]: weights of the blocks before q. The last entry is the tail. */
  readonly #sums: Float64Array;
  /** #low[q] ≤ s f(qB). */
  readonly #low: Float64Array;
  /** L_q is #low[q + #next]: that of the next block's start, as f falls; of the block itself where it is one integer. */
  readonly #next: 0 | 1;
  /** First block for each value of t's top bits. */
  readonly #guide: Uint16Array | Uint32Array;

  /** @throws TacitError PRIVACY_PARAMETER for a unit from 2^46 on; RangeError for a law that is not as `Law` says */
  constructor(law: Law) {
    // Samples would pass 2^53, where doubles are no longer all integers.
    if (!(law.unit < MOST_UNIT)) refuse("sampler", "a scale below 2^46", "a larger one", "use a coarser grid");
    this.#law = law;
    this.#blockBits = Math.max(0, Math.floor(Math.log2(law.unit / BLOCKS)));
    const size = 2 ** this.#blockBits;
    const blocks = Math.ceil(law.end / size);
    const heights = Array.from({ length: blocks + 1 }, (_, q) => law.f(BigInt(q * size))(64));
    // Weights are rounded up, by at most 2 each, and the tail has its own.
    const sum = heights.slice(0, blocks).reduce((t, h) => t + h.hi, 0n);
    const room = 2n ** BigInt(TOTAL_BITS) - BigInt(2 * blocks + 8);
    this.#scale = (room << 64n) / sum;
    const scaled = (h: bigint): number => Number((h * this.#scale) >> 64n);
    this.#sums = new Float64Array(blocks + 2);
    this.#low = Float64Array.from(heights, (h) => scaled(h.lo));
    this.#next = size === 1 ? 0 : 1;
    for (let q = 0; q < blocks; q++) this.#sums[q + 1] = this.#sums[q]! + scaled(heights[q]!.hi) + 1;
    this.#sums[blocks + 1] = this.#sums[blocks]! + TAIL;
    this.#guide = this.#makeGuide();
    this.#checkTail(blocks * size);
  }

  /** The envelope of the tail lies above f in its first block, and f falls at least as fast: see `Law.end`. */
  #checkTail(start: number): void {
    const f = this.#scaled(this.#law.f(BigInt(start)), 1 + this.#tailBits - this.#blockBits);
    if (f.hi > BigInt(TAIL)) throw new RangeError("table: expected a law that is small at its end, got another");
  }

  /** log2 of the integers in one block of the tail. */
  get #tailBits(): number {
    return Math.ceil(Math.log2(this.#law.unit));
  }

  #makeGuide(): Uint32Array {
    const guide = new Uint32Array(2 ** GUIDE_BITS);
    let q = 0;
    for (let g = 0; g < guide.length; g++) {
      while (q + 1 < this.#sums.length && this.#sums[q + 1]! <= g * 2 ** (TOTAL_BITS - GUIDE_BITS)) q++;
      guide[g] = q;
    }
    return guide;
  }

  /** One sample. |x| < 2^53 for units below 2^46. */
  sample(bits: Bits): number {
    for (;;) {
      const x = this.#from(bits.word(), bits.word(), bits);
      if (x !== undefined) return x;
    }
  }

  /**
   * Adds a sample to each element: the steps of `#from` written out for what nearly every sample is (a block decided by its lower bound), a
   * third of the time of `sample`; all else goes to `#from` with the same words.
   */
  addTo(bits: Bits, out: Float64Array): void {
    const [sums, low, next, guide, last] = [this.#sums, this.#low, this.#next, this.#guide, this.#sums.length - 2];
    const [size, mask, signs] = [2 ** this.#blockBits, 2 ** this.#blockBits - 1, this.#law.symmetric ? 1 : 0];
    const short = this.#blockBits <= 11;
    for (let i = 0; i < out.length; ) {
      const first = bits.word();
      const second = bits.word();
      const t = (first & 0xfffff) * WORD + second;
      let q = guide[(first & 0xfffff) >>> (20 - GUIDE_BITS)]!;
      while (q <= last && sums[q + 1]! <= t) q++;
      const x = q * size + ((first >>> 20) & 0x7ff & mask);
      if (short && x > 0 && q < last && t - sums[q]! < low[q + next]!) {
        out[i++]! += ((first >> 31) & signs) === 0 ? x : -x;
        continue;
      }
      const slow = this.#from(first, second, bits);
      if (slow !== undefined) out[i++]! += slow;
    }
  }

  /** The sample that begins with these two words; undefined: rejected. */
  #from(high: number, low: number, bits: Bits): number | undefined {
    const sums = this.#sums;
    const last = sums.length - 2;
    // 52 bits: all of `low`, 20 of `high`; its upper 12 are the sign and up to 11 bits of r.
    const t = (high & 0xfffff) * WORD + low;
    let q = this.#guide[(high & 0xfffff) >>> (20 - GUIDE_BITS)]!;
    while (q <= last && sums[q + 1]! <= t) q++;
    if (q > last) return undefined;
    const negative = this.#law.symmetric && high >>> 31 === 1;
    if (q === last) {
      const far = this.#tail(BigInt(t - sums[q]!), bits);
      return far !== undefined && negative ? -far : far;
    }
    const r = this.#blockBits === 0 ? 0 : this.#within((high >>> 20) & 0x7ff, bits);
    const x = q * 2 ** this.#blockBits + r;
    if (negative && x === 0) return undefined;
    const v = t - sums[q]!;
    const taken = v < this.#low[q + this.#next]! || (this.#bounded(v, q, r) ?? this.#decide(BigInt(v), BigInt(x), bits));
    if (!taken) return undefined;
    return negative ? -x : x;
  }

  /** r: the 11 bits at hand, or more. */
  #within(spare: number, bits: Bits): number {
    const n = this.#blockBits;
    return n <= 11 ? spare & (2 ** n - 1) : Number(bitsOf(bits, n));
  }

  /**
   * v + U < s f(a + r), a = qB, where closer bounds tell; undefined: they do not. They follow from log-concavity alone, with t = r / B:
   *  - below, f(a + r) ≥ f(a)^(1-t) f(a + B)^t ≥ 1 / ((1-t) / f(a) + t / f(a + B)), a geometric and a harmonic mean;
   *  - above, log f falls after a at least as fast as before: f(a + r) ≤ f(a) ρ^t ≤ f(a) (1 - t (1 - ρ)), ρ = f(a) / f(a - B).
   * Both rise with f(a) and the first with f(a + B), the second falls with f(a - B): bounds of those give bounds of these, by integers
   * rounded outward. They leave one sample in 10^5 to `#decide`, which takes longer than a hundred others.
   */
  #bounded(v: number, q: number, r: number): boolean | undefined {
    const [B, R] = [1n << BigInt(this.#blockBits), BigInt(r)];
    const [here, next] = [BigInt(this.#low[q]!), BigInt(this.#low[q + 1]!)];
    const weights = (B - R) * next + R * here;
    if (weights > 0n && BigInt(v) + 1n <= (here * next * B) / weights) return true;
    if (q === 0) return undefined;
    const [most, before] = [BigInt(this.#sums[q + 1]! - this.#sums[q]!), BigInt(this.#low[q - 1]!)];
    // `most` is an upper bound and so may exceed a lower one: the slope is 0 then.
    const fall = before > most ? before - most : 0n;
    if (before > 0n && BigInt(v) * B * before >= most * (B * before - R * fall)) return false;
    return undefined;
  }

  /** v + U < s f(x). */
  #decide(v: bigint, x: bigint, bits: Bits): boolean {
    const f = this.#law.f(x);
    return lessThan(bits, v, 0, (b) => this.#scaled(f, b));
  }

  /** s f to `b` fraction bits. */
  #scaled(f: Real, b: number): { readonly lo: bigint; readonly hi: bigint } {
    const more = TOTAL_BITS + 8;
    const { lo, hi } = f(b + more);
    return { lo: (lo * this.#scale) >> BigInt(more), hi: ((hi * this.#scale) >> BigInt(more)) + 1n };
  }

  /** A sample of the tail; undefined: rejected. */
  #tail(v: bigint, bits: Bits): number | undefined {
    let j = 0;
    while (bits.word() >>> 31 === 0) j++;
    const r = Number(bitsOf(bits, this.#tailBits));
    const start = (this.#low.length - 1) * 2 ** this.#blockBits;
    const x = start + j * 2 ** this.#tailBits + r;
    // An integer of the tail is proposed with (TAIL / sum) 2^-(j+1) 2^-tailBits, one of a block with (E / sum) 2^-blockBits.
    const f = this.#law.f(BigInt(x));
    const lift = j + 1 + this.#tailBits - this.#blockBits;
    return lessThan(bits, v, 0, (b) => this.#scaled(f, b + lift)) ? x : undefined;
  }
}
