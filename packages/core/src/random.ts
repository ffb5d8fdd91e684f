/**
 * @file Random: the reproducible door to randomness (initial weights, shuffling, dropout seeds). Never for shares, keys, masks or DP
 * noise: those come from secure-random.ts. Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 */
import { expected } from "./errors.ts";
import { countUp, philox4x32 } from "./philox.ts";

/** What `state()` returns: everything that decides the numbers to come. */
export interface RandomState {
  /** Key: 2 words. */
  readonly key: readonly number[];
  /** Counter of the next block: 4 words, lowest first. */
  readonly counter: readonly number[];
  /** Words of the current block that were used, 0 to 4. */
  readonly used: number;
}

const word = (x: number): boolean => Number.isInteger(x) && x >= 0 && x <= 0xffffffff;

/** A counter-based generator with a 64-bit key: same seed, same numbers, on every platform. */
export class Random {
  private readonly key: Uint32Array;
  private readonly counter = new Uint32Array(4);
  private readonly block = new Uint32Array(4);
  private used = 4;

  /** @param seed an integer in 0..2^64-1. @throws SEED_INVALID */
  constructor(seed: number | bigint) {
    const fits = typeof seed === "bigint" ? seed >= 0n && seed < 2n ** 64n : Number.isSafeInteger(seed) && seed >= 0;
    if (!fits) expected("SEED_INVALID", "Random", "an integer in 0..2^53-1, or a bigint below 2^64", `${seed}`);
    const big = BigInt(seed);
    this.key = Uint32Array.of(Number(big & 0xffffffffn), Number(big >> 32n));
  }

  /** The generator as `state()` left it. @throws SEED_INVALID when the state is not one */
  static from(state: RandomState): Random {
    const { key, counter, used } = state;
    const good =
      key.length === 2 &&
      counter.length === 4 &&
      [...key, ...counter].every(word) &&
      Number.isInteger(used) &&
      used >= 0 &&
      used <= 4;
    if (!good) expected("SEED_INVALID", "Random.from", "a key of 2 words, a counter of 4, 0 to 4 words used", "something else");
    const random = new Random(0);
    random.key.set(key);
    random.counter.set(counter);
    random.used = used;
    if (used < 4) {
      // The block in use is the one before the counter.
      random.block.set(counter);
      for (let i = 0; i < 4 && random.block[i]!-- === 0; i++);
      philox4x32(random.key, random.block, random.block);
    }
    return random;
  }

  /** For checkpoints: plain numbers. */
  state(): RandomState {
    return { key: [...this.key], counter: [...this.counter], used: this.used };
  }

  /** An independent generator: its key is drawn from this one's key and the label; this one does not advance. */
  fork(label: string | number): Random {
    const child = new Random(0);
    // A sponge over Philox: absorb the label two words at a time, keyed by this generator's key.
    const bytes = new TextEncoder().encode(`${typeof label}:${label}`);
    const state = Uint32Array.of(0, 0, bytes.length, 0x666f726b);
    for (let i = 0; i < bytes.length; i += 8) {
      for (let j = i; j < Math.min(i + 8, bytes.length); j++) state[(j - i) >> 2]! ^= bytes[j]! << (8 * (j & 3));
      philox4x32(this.key, state, state);
    }
    child.key.set(state.subarray(0, 2));
    return child;
  }

  /** The next 32 random bits. */
  bits(): number {
    if (this.used === 4) {
      philox4x32(this.key, this.counter, this.block);
      countUp(this.counter);
      this.used = 0;
    }
    return this.block[this.used++]!;
  }

  /** Uniform in [0, 1) with 53 bits. */
  next(): number {
    const high = this.bits() >>> 5;
    const low = this.bits() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** `n` numbers uniform in [low, high), f64. */
  uniform(n: number, low = 0, high = 1): Float64Array {
    return Float64Array.from({ length: n }, () => low + (high - low) * this.next());
  }

  /**
   * One standard normal number, by Marsaglia's polar method with a logarithm made of + - * / alone: bit-exact wherever IEEE 754 is.
   */
  gaussian(): number {
    for (;;) {
      const u = 2 * this.next() - 1;
      const v = 2 * this.next() - 1;
      const s = u * u + v * v;
      // The second number of the pair is dropped, so that the state stays a counter.
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * exactLog(s)) / s);
    }
  }

  /** `n` normal numbers, f64. */
  normal(n: number, mean = 0, std = 1): Float64Array {
    return Float64Array.from({ length: n }, () => mean + std * this.gaussian());
  }

  /** An integer in [low, high), without bias. @throws ARGUMENT_INVALID unless 1 <= high - low <= 2^53 */
  integer(low: number, high: number): number {
    const range = high - low;
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || range < 1 || !Number.isSafeInteger(range)) {
      expected("ARGUMENT_INVALID", "integer", "safe integers low < high", `${low} and ${high}`);
    }
    const small = range <= 2 ** 32;
    const span = small ? 2 ** 32 : 2 ** 53;
    const limit = span - (span % range);
    for (;;) {
      const x = small ? this.bits() : this.next() * 2 ** 53;
      if (x < limit) return low + (x % range);
    }
  }

  /** 0..n-1 in a random order (Fisher-Yates). */
  permutation(n: number): Int32Array {
    return this.shuffle(Int32Array.from({ length: n }, (_, i) => i));
  }

  /** Shuffles in place (Fisher-Yates). */
  shuffle<T, A extends { readonly length: number; [i: number]: T }>(list: A): A {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.integer(0, i + 1);
      const x = list[i]!;
      list[i] = list[j]!;
      list[j] = x;
    }
    return list;
  }
}

/**
 * log(x) for 0 < x < 1, by + - * / alone: `Math.log` may differ in the last bit between engines. x = m 2^e with m in [√½, √2),
 * log m = 2 artanh((m-1)/(m+1)); 15 terms leave an error below 2^-52.
 */
function exactLog(x: number): number {
  let e = 0;
  while (x < Math.SQRT1_2) {
    x *= 2;
    e--;
  }
  const t = (x - 1) / (x + 1);
  const t2 = t * t;
  let sum = 0;
  for (let k = 29; k >= 1; k -= 2) sum = sum * t2 + 1 / k;
  return e * Math.LN2 + 2 * t * sum;
}
