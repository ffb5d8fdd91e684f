/**
 * @file exp of a fixed-point number in the clear, bit-identical on every machine: tables and products of IEEE doubles made with
 * + - * / only. Two parties that compute the same factor must get the same integer.
 */

/** Fraction bits of a factor. */
export const FACTOR_BITS = 30;
const HALF = 10;

/** e^x for |x| <= 1/2, by its series: below one unit of 2^-52. */
function series(x: number): number {
  let sum = 1;
  for (let k = 22; k >= 1; k--) sum = 1 + (x / k) * sum;
  return sum;
}

/** e^x for any x of moderate size, by repeated squaring. */
function exact(x: number): number {
  let halvings = 0;
  let y = x;
  for (; y > 0.5 || y < -0.5; y /= 2) halvings++;
  let e = series(y);
  for (; halvings > 0; halvings--) e *= e;
  return e;
}

/** The two tables of exp(i / 2^bits - offset), i in [0, 2^m): upper and lower digits. */
interface Tables {
  readonly upper: Float64Array;
  readonly lower: Float64Array;
  readonly split: number;
}

const made = new Map<string, Tables>();

function tables(m: number, bits: number, offset: number): Tables {
  const key = `${m}.${bits}.${offset}`;
  let found = made.get(key);
  if (!found) {
    const split = m - HALF;
    const upper = Float64Array.from({ length: 2 ** HALF }, (_, i) => exact((i * 2 ** split) / 2 ** bits - offset));
    const lower = Float64Array.from({ length: 2 ** split }, (_, i) => exact(i / 2 ** bits));
    made.set(key, (found = { upper, lower, split }));
  }
  return found;
}

/** round(2^30 exp(v / 2^bits - offset)) of the low m bits v of every word at `from`, into `to` (little-endian u64, below 2^53). */
export function expLow(from: Int32Array, to: Int32Array, n: number, m: number, bits: number, offset: number): void {
  const { upper, lower, split } = tables(m, bits, offset);
  const mask = 2 ** m - 1;
  const low = 2 ** split - 1;
  const unit = 2 ** FACTOR_BITS;
  for (let i = 0; i < n; i++) {
    const v = from[2 * i]! & mask;
    const e = Math.floor(upper[v >>> split]! * lower[v & low]! * unit + 0.5);
    to[2 * i] = e | 0;
    if (e >= 2 ** 31) to[2 * i] = (e % 2 ** 32) | 0;
    to[2 * i + 1] = Math.floor(e / 2 ** 32);
  }
}
