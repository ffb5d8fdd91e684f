/** @file Dice: seeded choices of the fuzzers, the same on every machine. */

/** mulberry32 (T. Ettinger, public domain): a state of 32 bits is enough to make inputs, and prints as one number. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** A whole number from 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.u32() / 2 ** 32) * n);
  }

  /** True once in n. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }

  bytes(n: number): Uint8Array {
    const out = new Uint8Array(n);
    for (let i = 0; i < n; i++) out[i] = this.u32() & 255;
    return out;
  }

  /** Dice whose rolls depend on `bytes` alone (FNV-1a): a failing input is all that is needed to see it fail again. */
  static of(bytes: Uint8Array): Dice {
    let h = 0x811c9dc5;
    for (const b of bytes) h = Math.imul(h ^ b, 0x01000193);
    return new Dice(h >>> 0);
  }
}
