/**
 * @file Functions of public numbers from + - * / only, for coefficients and for the structure of messages, which all parties must compute
 * bit-identically: `Math.log2`, `Math.cos` and the like may differ between engines (ECMA-262, 21.3.2).
 */

/** cos(x), |x| <= pi, by the series of cos(x / 8) and three doublings. */
export function cosine(x: number): number {
  const y = (x / 8) ** 2;
  let c = 1;
  for (let k = 20; k >= 2; k -= 2) c = 1 - (y / (k * (k - 1))) * c;
  for (let i = 0; i < 3; i++) c = 2 * c * c - 1;
  return c;
}

/** ln(x), x > 0, by 2 atanh((u - 1) / (u + 1)) of u in [1, 2). */
export function logarithm(x: number): number {
  let u = x;
  let e = 0;
  for (; u >= 2; u /= 2) e++;
  for (; u < 1; u *= 2) e--;
  return e * LN2 + atanh2(u);
}

function atanh2(u: number): number {
  const t = (u - 1) / (u + 1);
  const t2 = t * t;
  let sum = 0;
  for (let k = 41; k >= 1; k -= 2) sum = 1 / k + t2 * sum;
  return 2 * t * sum;
}

const LN2: number = 2 * atanh2(Math.SQRT2);

/** floor(log2 |x|) of a finite number other than 0, from its bits. */
export function exponentOf(x: number): number {
  const words = new Uint32Array(Float64Array.of(Math.abs(x)).buffer);
  const e = words[1]! >>> 20;
  return e === 0 ? -1074 : e - 1023;
}

/** Bits of a logarithm's fraction: beyond what a size is known to, and exact arithmetic's noise stays below the last of them. */
const LOG2_BITS = 32;

/** log2 |x| of a finite number other than 0, from its exponent and repeated squaring; absolute error below 2^-31. Exact for powers of two. */
export function log2(x: number): number {
  let e = exponentOf(x);
  let u = Math.abs(x) / 2 ** e;
  // Subnormal numbers have no leading bit.
  for (; u >= 2; u /= 2) e++;
  let fraction = 0;
  for (let bit = 1 / 2; bit >= 2 ** -LOG2_BITS && u !== 1; bit /= 2) {
    u *= u;
    if (u < 2) continue;
    u /= 2;
    fraction += bit;
  }
  return e + fraction;
}

/** Smallest k with 2^k >= n, for an integer n below 2^31; 0 below 2. */
export function levelsOf(n: number): number {
  return 32 - Math.clz32(Math.max(n, 1) - 1);
}
