/** @file Coins of an exact bias: a fraction, or e^-x of one. */
import { type Bits, below, bitsOf, secureBits } from "./bits.ts";
import { expMinus, type Rational } from "./rational.ts";

/** True with probability exactly n / d, 0 ≤ n ≤ d. */
export const bernoulli = ({ n, d }: Rational): boolean => below(secureBits, d) < n;

/** A real number in [lo, hi] 2^-bits, with hi - lo as small as asked: what `lessThan` compares with. */
export type Real = (bits: number) => { readonly lo: bigint; readonly hi: bigint };

/**
 * Whether (whole + U) 2^-shift < x for U uniform in [0, 1) and the real number x. U's bits are drawn as they are needed and x is computed
 * to as many: the answer has exactly the right law, whatever the precision at which it fell.
 */
export function lessThan(bits: Bits, whole: bigint, shift: number, x: Real): boolean {
  let [u, drawn] = [whole, 0];
  for (;;) {
    u = (u << 64n) | bitsOf(bits, 64);
    drawn += 64;
    const { lo, hi } = x(shift + drawn);
    if (u + 1n <= lo) return true;
    if (u >= hi) return false;
  }
}

/** True with probability exactly e^-x. */
export const bernoulliExp = (x: Rational): boolean => lessThan(secureBits, 0n, 0, (b) => expMinus(x, b));
