/** @file Exact fractions of big integers, and e^-x of them to any precision, as an interval. */
import { positive } from "../check.ts";

/** numerator / denominator, both non-negative, denominator above 0. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** Exactly the value of a double: each is an integer times a power of two. */
export function rational(where: string, name: string, x: number): Rational {
  return exact(positive(where, name, x));
}

/** Guard bits: each of at most 200 steps below loses less than two units, 2^9 in all. */
const GUARD = 12n;

/**
 * Bounds lo ≤ e^-x 2^bits ≤ hi, hi - lo = 2, for x = n / d ≥ 0.
 *
 * e^-x = (e^(-x / 2^k))^(2^k) with x / 2^k ≤ 1/2, in fixed point of `bits` and some guard bits more. The Taylor sum alternates with
 * falling terms, so its error is below the first term left out (below one unit); each unit of error before the k squarings is
 * at most doubled by each, so k further guard bits hold the sum of all to one unit of the result.
 */
export function expMinus(x: Rational, bits: number): { readonly lo: bigint; readonly hi: bigint } {
  if (x.n === 0n) return { lo: (1n << BigInt(bits)) - 1n, hi: (1n << BigInt(bits)) + 1n };
  const whole = x.n / x.d;
  // e^-x < 2^-(1.44 x): below one unit.
  if (whole > BigInt(bits)) return { lo: 0n, hi: 2n };
  const k = BigInt((2n * (whole + 1n)).toString(2).length);
  const p = BigInt(bits) + GUARD + 2n * k;
  const one = 1n << p;
  const y = (x.n << (p - k)) / x.d;
  let sum = one;
  let term = one;
  for (let i = 1n; term > 0n; i++) {
    term = (term * y) / (i << p);
    sum += i % 2n === 1n ? -term : term;
  }
  for (let i = 0n; i < k; i++) sum = (sum * sum) >> p;
  const out = sum >> (p - BigInt(bits));
  return { lo: out > 0n ? out - 1n : 0n, hi: out + (out > 0n ? 1n : 2n) };
}

/** Exactly a - b of two finite doubles, where a ≥ b. */
export function difference(a: number, b: number): Rational {
  const [x, y] = [exact(a), exact(b)];
  return { n: x.n * y.d - y.n * x.d, d: x.d * y.d };
}

export const times = (a: Rational, b: Rational): Rational => ({ n: a.n * b.n, d: a.d * b.d });
export const over = (a: Rational, b: Rational): Rational => ({ n: a.n * b.d, d: a.d * b.n });

/** The fraction that a finite double is: an integer times a power of two. */
function exact(x: number): Rational {
  let [m, e] = [x, 0];
  while (!Number.isInteger(m)) {
    m *= 2;
    e++;
  }
  return { n: BigInt(m), d: 1n << BigInt(e) };
}
