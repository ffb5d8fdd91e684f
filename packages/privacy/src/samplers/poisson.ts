/** @file Poisson samples: each of n rows by itself, with a probability that is exactly the fraction of a double. */
import { refuse, whole } from "../check.ts";
import { type Bits, secureBits } from "./bits.ts";

const WORD = 2 ** 32;

/**
 * The binary digits of `rate`, 32 at a time: a double in (0, 1) is a finite row of them, read off without rounding (products with 2^32
 * are exact, and so is what is left after the whole part).
 */
function digits(rate: number): readonly number[] {
  const words: number[] = [];
  for (let rest = rate; rest > 0; ) {
    const scaled = rest * WORD;
    const word = Math.floor(scaled);
    words.push(word);
    rest = scaled - word;
  }
  return words;
}

/**
 * A sampler of the indices among 0..n-1 that are in, in rising order; each is in with probability exactly `rate`, alone and anew.
 * A uniform number U in [0, 1) is compared with the rate digit by digit, and drawn only as far as the comparison needs: Pr[U < rate] is
 * exactly `rate`. Nearly always 32 bits decide.
 * @throws TacitError PRIVACY_PARAMETER
 */
export const poissonSample = (n: number, rate: number): (() => Int32Array) => poissonSampleFrom(secureBits, n, rate);

/** The same from any bits: for tests, and not exported by the package. */
export function poissonSampleFrom(bits: Bits, n: number, rate: number): () => Int32Array {
  whole("poissonSample", "a number of rows", n, 0);
  if (!(rate > 0 && rate <= 1))
    refuse("poissonSample", "a rate above 0, at most 1", typeof rate === "number" ? `${rate}` : typeof rate);
  if (rate === 1) return () => Int32Array.from({ length: n }, (_, i) => i);
  const words = digits(rate);
  const first = words[0]!;
  /** U < rate, where the first digits of both are equal. */
  const further = (): boolean => {
    for (let i = 1; i < words.length; i++) {
      const u = bits.word();
      if (u !== words[i]) return u < words[i]!;
    }
    return false;
  };
  return () => {
    const found: number[] = [];
    for (let i = 0; i < n; i++) {
      const u = bits.word();
      if (u < first || (u === first && further())) found.push(i);
    }
    return Int32Array.from(found);
  };
}
