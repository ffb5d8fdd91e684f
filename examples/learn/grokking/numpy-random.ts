/**
 * @file NumPy's legacy generator, bit for bit: `seed(n)`, `rand`, `randn`, `randint`. Python teaching code draws its first weights from
 * it, so who wants the same numbers needs the same draws. MT19937: Matsumoto and Nishimura, "Mersenne Twister" (ACM TOMACS 8, 1998).
 */
import { logRounded } from "./log.ts";

const N = 624;
const M = 397;

/** What `np.random.seed(seed)` starts. One stream serves all draws, so their order matters. */
export class NumpyRandom {
  private readonly words = new Uint32Array(N);
  private at = N;
  /** The polar method makes two normal numbers at a time; the second waits here. */
  private waiting: number | null = null;

  /** @param seed an integer in 0..2^32-1 */
  constructor(seed: number) {
    if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) throw new RangeError("expected an integer seed below 2^32");
    const w = this.words;
    w[0] = seed;
    for (let i = 1; i < N; i++) w[i] = Math.imul(1812433253, w[i - 1]! ^ (w[i - 1]! >>> 30)) + i;
  }

  /** All words anew: word i from its successor's low bits, its own high bit and the word 397 places on. */
  private twist(): void {
    const w = this.words;
    for (let i = 0; i < N; i++) {
      const y = (w[i]! & 0x80000000) | (w[(i + 1) % N]! & 0x7fffffff);
      w[i] = w[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.at = 0;
  }

  /** The next 32 bits. */
  bits(): number {
    if (this.at === N) this.twist();
    let y = this.words[this.at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Uniform in [0, 1) with 53 bits. */
  next(): number {
    const high = this.bits() >>> 5;
    return (high * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53;
  }

  /** One standard normal number: Marsaglia's polar method, the second of a pair before the first. */
  gaussian(): number {
    if (this.waiting !== null) {
      const kept = this.waiting;
      this.waiting = null;
      return kept;
    }
    for (;;) {
      const u = 2 * this.next() - 1;
      const v = 2 * this.next() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const f = Math.sqrt((-2 * logRounded(s)) / s);
      this.waiting = f * u;
      return f * v;
    }
  }

  /** `np.random.rand` of `count` numbers, row-major. */
  rand(count: number): Float64Array {
    return Float64Array.from({ length: count }, () => this.next());
  }

  /** `np.random.randn` of `count` numbers, row-major. */
  randn(count: number): Float64Array {
    return Float64Array.from({ length: count }, () => this.gaussian());
  }

  /** `np.random.randint(low, high)` for a range of at most 2^32: masked words, those too large rejected. */
  randint(low: number, high: number): number {
    const last = high - low - 1;
    if (!(last >= 0 && last < 2 ** 32)) throw new RangeError("expected low < high, at most 2^32 apart");
    if (last === 0) return low;
    const mask = 0xffffffff >>> Math.clz32(last);
    for (;;) {
      const x = (this.bits() & mask) >>> 0;
      if (x <= last) return low + x;
    }
  }
}
