/**
 * @file exp of a fixed-point number in the clear, bit-identical on every machine: tables and products of IEEE doubles made with
 * + - * / only. Two parties that compute the same factor must get the same integer.
 */

/** Fraction bits of a factor. */
export const FACTOR_BITS = 30;
/** Bits of v that the upper table takes. */
const UPPER = 10;
const TWO32 = 2 ** 32;

/** e^x for |x| <= 1/2, by its series: below one unit of 2^-52. */
function series(x: number): number {
  let sum = 1;
  for (let k = 22; k >= 1; k--) sum = 1 + (x / k) * sum;
  return sum;
}

/** e^x for any x of moderate size, by repeated squaring. */
export function exponential(x: number): number {
  let halvings = 0;
  let y = x;
  for (; y > 0.5 || y < -0.5; y /= 2) halvings++;
  let e = series(y);
  for (; halvings > 0; halvings--) e *= e;
  return e;
}

/** exp(v / 2^g - offset) with `bits` fraction bits, v the low m bits of a word. */
export interface LowExp {
  readonly m: number;
  readonly g: number;
  readonly offset: number;
  readonly bits: number;
}

/** Its two tables: upper and lower digits of v. */
interface Tables {
  readonly upper: Float64Array;
  readonly lower: Float64Array;
  readonly split: number;
}

const made = new Map<string, Tables>();

function tables({ m, g, offset }: LowExp): Tables {
  const key = `${m}.${g}.${offset}`;
  let found = made.get(key);
  if (!found) {
    const split = m - UPPER;
    const upper = Float64Array.from({ length: 2 ** UPPER }, (_, i) => exponential((i * 2 ** split) / 2 ** g - offset));
    const lower = Float64Array.from({ length: 2 ** split }, (_, i) => exponential(i / 2 ** g));
    made.set(key, (found = { upper, lower, split }));
  }
  return found;
}

/** Of every u64 word at `from` the rounded factor, into `to` (u64 words, values below 2^53). */
export function expLow(from: Int32Array, to: Int32Array, n: number, what: LowExp): void {
  const { upper, lower, split } = tables(what);
  const mask = 2 ** what.m - 1;
  const low = 2 ** split - 1;
  const unit = 2 ** what.bits;
  for (let i = 0; i < n; i++) {
    const v = from[2 * i]! & mask;
    const e = Math.floor(upper[v >>> split]! * lower[v & low]! * unit + 0.5);
    const high = Math.floor(e / TWO32);
    to[2 * i] = e - high * TWO32;
    to[2 * i + 1] = high;
  }
}
