/**
 * @file Functions over the whole stated range: normalise (7 rounds), then a product, a polynomial or Goldschmidt on one octave, and
 * a product back. Inside, 24 fraction bits. Ranges are constants here, checked by the range analysis and by the tests' shadow.
 *
 * | function | range of v | result | rounds | error |
 * | x / v, 1 / v | 2^-12 <= abs v < 2^14 | below 2^13 | 17 | 2^-14.5 + 2^-14.5 abs result |
 * | sqrt | 0 <= v < 2^14 | | 23 | 2^-14.5 + 2^-16 result |
 * | rsqrt | 2^-12 <= v < 2^14 | up to 2^6 | 23 | 2^-14.5 + 2^-15 result |
 * | log | 2^-16 <= v < 2^14 | | 19 | 2^-14 |
 *
 * v = 0 gives 0 (log: about -11.4). Bytes: 23.5 per comparison (52 for a
 * division, 15 for a root, 30 for a logarithm) and 11 per product.
 */
import { DIVISOR, POSITIVE } from "../bounds.ts";
import {
  add,
  addPublic,
  type Context,
  copy,
  free,
  mulPublicInteger,
  mulRaw,
  type Raw,
  type Shares,
  stridedWrite,
  truncate,
  truncateShares,
  view,
  zeros,
} from "../primitives/index.ts";
import { basis, COEFFICIENT_BITS, coefficients, series } from "./chebyshev.ts";
import { logarithm } from "./clear.ts";
import { divideRows, INNER } from "./divide.ts";
import { type Octave, octaveOf, weigh } from "./normalise.ts";
import { truncateWide } from "./truncate-wide.ts";

/** Fraction bits of a power of two that scales: exact for every octave of the ranges above. */
const SCALE = 16;

/** trunc(x y) to INNER fraction bits, with `bits` fraction bits in the product. */
function product(ctx: Context, id: number, x: Shares, y: Shares, bits: number): Promise<Shares> {
  return truncate(ctx, id, mulRaw(ctx, x, y), bits - INNER);
}

/**
 * x / v for numerators x (undefined: 1), f fraction bits, the result too. Ids id .. id + 8.
 * 1. c = 2^-k of v's octave, signed. 2. u = v c in [1, 2), and x c. 3. r = 1 / u by Goldschmidt. 4. r (x c).
 */
export async function divide(ctx: Context, id: number, x: Shares | undefined, v: Shares, f: number): Promise<Shares> {
  const octave = await octaveOf(ctx, id, v, { base: 2, ...DIVISOR, signed: true }, f);
  const c = weigh(ctx, octave, (k) => 1n << BigInt(SCALE - k));
  free(ctx, octave.rows);
  const [u, scaled] = await Promise.all([
    product(ctx, id + 2, v, c, f + SCALE),
    x ? truncate(ctx, id + 3, mulRaw(ctx, x, c), f) : Promise.resolve(copy(ctx, c)),
  ]);
  free(ctx, c);
  const { n } = v;
  const none = zeros(ctx, n);
  const one = addPublic(ctx, none, 1n << BigInt(INNER));
  let both = stridedWrite(ctx, one, zeros(ctx, 2 * n), [n], [1]);
  both = stridedWrite(ctx, u, both, [n], [1], n);
  for (const y of [none, one, u]) free(ctx, y);
  const r = await divideRows(ctx, id + 4, both, 1, 2);
  const out = await toFraction(ctx, id + 8, mulRaw(ctx, r, scaled), INNER + SCALE, f);
  free(ctx, r);
  free(ctx, scaled);
  return out;
}

/** A raw product of `scale` fraction bits as shares with f. */
export function toFraction(ctx: Context, id: number, raw: Raw, scale: number, f: number): Promise<Shares> {
  return scale - f <= 31 ? truncate(ctx, id, raw, scale - f) : truncateWide(ctx, id, raw, scale - f);
}

/** f(u) for u in [lo, hi] with INNER fraction bits, by a polynomial; INNER bits out. Ids id .. id + 5. */
export async function polynomial(
  ctx: Context,
  id: number,
  u: Shares,
  f: (x: number) => number,
  [lo, hi]: readonly [number, number],
  tolerance: number,
): Promise<Shares> {
  const c = trimmed(coefficients(f, lo, hi, MAX_DEGREE), tolerance);
  const y = await toUnit(ctx, id, u, lo, hi);
  const rows = await basis(ctx, id + 1, y, c.length - 1, INNER);
  const long = series(ctx, rows, c, INNER);
  const out = await truncateShares(ctx, id + 7, long, COEFFICIENT_BITS);
  for (const x of [y, rows, long]) free(ctx, x);
  return out;
}

const MAX_DEGREE = 40;

/** Coefficients without a tail that sums to less than the tolerance. */
export function trimmed(c: readonly number[], tolerance: number): number[] {
  let length = c.length;
  for (let tail = Math.abs(c[length - 1]!); length > 2 && tail < tolerance; tail += Math.abs(c[length - 1]!)) length--;
  return c.slice(0, length);
}

/** (2 u - lo - hi) / (hi - lo). Local where the slope is an integer, else one truncation. */
async function toUnit(ctx: Context, id: number, u: Shares, lo: number, hi: number): Promise<Shares> {
  const slope = 2 / (hi - lo);
  const exact = Number.isInteger(slope);
  const bits = exact ? 0 : COEFFICIENT_BITS;
  const steep = mulPublicInteger(ctx, u, BigInt(Math.round(slope * 2 ** bits)));
  const offset = BigInt(Math.round(((lo + hi) / (hi - lo)) * 2 ** INNER)) << BigInt(bits);
  const moved = addPublic(ctx, steep, -offset);
  free(ctx, steep);
  if (exact) return moved;
  const out = await truncateShares(ctx, id, moved, bits);
  free(ctx, moved);
  return out;
}

/** value where v is below every power, else 0. Local. */
function missing(ctx: Context, { rows, n }: Octave, value: bigint): Shares {
  const present = mulPublicInteger(ctx, view(rows, 0, n), -value);
  const out = addPublic(ctx, present, value);
  free(ctx, present);
  return out;
}

/** v in the octaves of a base, times what brings it to [1/base, 1); INNER fraction bits. Ids id .. id + 2. */
async function normalised(
  ctx: Context,
  id: number,
  v: Shares,
  base: 2 | 4,
  f: number,
): Promise<{ readonly u: Shares; readonly octave: Octave }> {
  const least = Math.min(POSITIVE.lo, -f);
  const [lo, hi] = base === 2 ? [least, POSITIVE.hi] : [least / 2, POSITIVE.hi / 2];
  const octave = await octaveOf(ctx, id, v, { base, lo, hi, signed: false }, f);
  const step = base === 2 ? 1 : 2;
  const c = weigh(ctx, octave, (k) => 1n << BigInt(SCALE - step * (k + 1)));
  const inside = await product(ctx, id + 2, v, c, f + SCALE);
  free(ctx, c);
  // Below every power: u = 3/4, so that the polynomial stays in its interval.
  const below = missing(ctx, octave, 3n << BigInt(INNER - 2));
  const u = add(ctx, inside, below);
  free(ctx, inside);
  free(ctx, below);
  return { u, octave };
}

/**
 * v^(1/2) or v^(-1/2), v with g fraction bits (even), the result with f: the root of u in [1/4, 1) times 2^(k+1) or 2^-(k+1). Ids
 * id .. id + 12.
 */
export async function root(ctx: Context, id: number, v: Shares, inverse: boolean, g: number, f: number): Promise<Shares> {
  const { u, octave } = await normalised(ctx, id, v, 4, g);
  const power = weigh(ctx, octave, (k) => 1n << BigInt(SCALE + (inverse ? -(k + 1) : k + 1)));
  free(ctx, octave.rows);
  const of = inverse ? (x: number): number => 1 / Math.sqrt(x) : Math.sqrt;
  const r = await polynomial(ctx, id + 3, u, of, [0.25, 1], 2 ** -21);
  const out = await toFraction(ctx, id + 12, mulRaw(ctx, r, power), INNER + SCALE, f);
  for (const x of [u, r, power]) free(ctx, x);
  return out;
}

/** log v, f fraction bits: log of u in [1/2, 1) plus (k + 1) log 2. Below 2^-16: about log 2^-16. Ids id .. id + 11. */
export async function log(ctx: Context, id: number, v: Shares, f: number): Promise<Shares> {
  const { u, octave } = await normalised(ctx, id, v, 2, f);
  const ln2 = logarithm(2);
  const ring = (x: number): bigint => BigInt(Math.round(x * 2 ** INNER));
  const whole = weigh(ctx, octave, (k) => ring((k + 1) * ln2));
  const least = missing(ctx, octave, ring(POSITIVE.lo * ln2));
  free(ctx, octave.rows);
  const part = await polynomial(ctx, id + 3, u, logarithm, [0.5, 1], 2 ** -21);
  const sums = [add(ctx, whole, least)];
  sums.push(add(ctx, sums[0]!, part));
  const out = await truncateShares(ctx, id + 11, sums[1]!, INNER - f);
  for (const x of [u, whole, least, part, ...sums]) free(ctx, x);
  return out;
}
