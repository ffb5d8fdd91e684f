/** @file The scalar functions behind the elementwise ops, on f64 and on bigint. */

/** Ties to even, as IEEE roundToIntegralTiesToEven and PyTorch. */
export function roundHalfEven(x: number): number {
  const r = Math.round(x);
  // Math.round takes ties upwards; an odd result of a tie moves down by one. -0.5 gives -0.
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

/** PyTorch's sign: 0 for NaN, +0 for both zeros. */
export const signOf = (x: number): number => (x > 0 ? 1 : x < 0 ? -1 : 0);

/** The branch keeps exp from overflowing on either side. */
export function sigmoidOf(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/**
 * erf in f64: below 2.5 the series of Abramowitz & Stegun 7.1.6, whose terms are all of one sign, so that nothing cancels; above it
 * the continued fraction of erfc (7.1.14) from 60 terms inwards. At 6 and beyond erf is 1 in f64.
 */
export function erfOf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a >= 6) return Math.sign(x);
  if (a < 2.5) {
    // Σ 2^n x^(2n+1) / (1·3·…·(2n+1)) · e^(-x²)
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) sum += term *= (2 * x * x) / (2 * n + 1);
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let f = a;
  for (let k = 60; k >= 1; k--) f = a + k / 2 / f;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * f));
}

/** The constants of gelu: its cubic coefficient is that of Hendrycks & Gimpel (2016). */
export const SQRT_HALF: number = Math.SQRT1_2;
export const GELU_TANH_CUBIC = 0.044715;
export const SQRT_2_OVER_PI: number = Math.sqrt(2 / Math.PI);

export const geluOf = (x: number, tanhApprox: boolean): number =>
  tanhApprox
    ? 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + GELU_TANH_CUBIC * x * x * x)))
    : 0.5 * x * (1 + erfOf(x * SQRT_HALF));

/** C's pow: JavaScript alone gives NaN for 1 ** ±Infinity, 1 ** NaN and (-1) ** ±Infinity, where IEEE 754 and PyTorch give 1. */
export function powOf(a: number, b: number): number {
  if (a === 1) return 1;
  if (a === -1 && (b === Number.POSITIVE_INFINITY || b === Number.NEGATIVE_INFINITY)) return 1;
  return a ** b;
}

/** a^b modulo 2^32 for b >= 0; for b < 0 PyTorch's integers: 0, except for bases 1 and -1. */
export function powInt32(a: number, b: number): number {
  if (b < 0) return a === 1 ? 1 : a === -1 ? (b % 2 === 0 ? 1 : -1) : 0;
  let r = 1;
  for (let base = a | 0, e = b; e > 0; e = Math.floor(e / 2)) {
    if (e % 2 === 1) r = Math.imul(r, base);
    base = Math.imul(base, base);
  }
  return r;
}

export function powInt64(a: bigint, b: bigint): bigint {
  if (b < 0n) return a === 1n ? 1n : a === -1n ? (b % 2n === 0n ? 1n : -1n) : 0n;
  let r = 1n;
  for (let base = BigInt.asIntN(64, a), e = b; e > 0n; e >>= 1n) {
    if (e & 1n) r = BigInt.asIntN(64, r * base);
    base = BigInt.asIntN(64, base * base);
  }
  return r;
}

/** NaN if either is NaN. */
export const maximumOf = (a: number, b: number): number => (Number.isNaN(a) || a > b ? a : b);
export const minimumOf = (a: number, b: number): number => (Number.isNaN(a) || a < b ? a : b);

/** The larger of two bigints: Math.max takes none. */
export function largerBig(a: bigint, b: bigint): bigint {
  if (a < b) return b;
  return a;
}
export function smallerBig(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}
