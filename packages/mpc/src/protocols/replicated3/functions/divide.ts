/**
 * @file Division by a number in a known range [1, C]: Goldschmidt (1964) with the minimax linear start.
 *
 * Steps, D in [1, C] with s = 24 fraction bits, numerators N:
 * 1. r = 8 (C + 1 - D) / (2 (C + 1)^2 - (C - 1)^2): 1 - D r is the Chebyshev polynomial T_2 scaled, at most
 *    e = (C - 1)^2 / (2 (C + 1)^2 - (C - 1)^2) in magnitude. Local (10-bit coefficients).
 * 2. (N, D) <- (N r, D r) (2 rounds).
 * 3. While e > 2^-15.5: F = 2 - D, (N, D) <- (N F, D F), e <- e^2 (2 rounds each; the last time N only).
 * Relative error below 2^-15 plus one unit of 2^-24 per step. C = 10: e = 0.503, 4 iterations, 10 rounds; 14 + 4 * 11 bytes per numerator.
 */
import {
  addPublic,
  type Context,
  free,
  mulPublicInteger,
  mulRowRaw,
  neg,
  type Shares,
  stridedRead,
  truncate,
  view,
} from "../primitives/index.ts";
import { truncateWide } from "./truncate-wide.ts";

/** Fraction bits inside. */
export const INNER = 24;
const COEFFICIENT = 10;
const TARGET = 2 ** -15.5;

/** The linear start for [1, C]: r = (p - q D), and its error. */
export function start(c: number): { readonly p: number; readonly q: number; readonly error: number } {
  const total = 2 * (c + 1) ** 2 - (c - 1) ** 2;
  return { p: (8 * (c + 1)) / total, q: 8 / total, error: (c - 1) ** 2 / total };
}

/** Iterations after the start for [1, C]. */
export function iterations(c: number): number {
  let e = start(c).error;
  let k = 0;
  for (; e > TARGET; e *= e) k++;
  return k;
}

/** k - x, with k in units of x. */
function from(ctx: Context, x: Shares, k: bigint): Shares {
  const minus = neg(ctx, x);
  const out = addPublic(ctx, minus, k);
  free(ctx, minus);
  return out;
}

/**
 * x [rows + 1, n] with 24 fraction bits: numerators, and in the last row their denominators in [1, limit]. Returns the quotients
 * [rows, n] with 24 fraction bits. Ids id .. id + iterations(limit). x is freed.
 */
export async function divideRows(ctx: Context, id: number, x: Shares, rows: number, limit: number): Promise<Shares> {
  const n = x.n / (rows + 1);
  const { p, q } = start(limit);
  const slope = BigInt(Math.round(q * 2 ** COEFFICIENT));
  const steep = mulPublicInteger(ctx, view(x, rows * n, n), slope);
  const r = from(ctx, steep, BigInt(Math.round(p * 2 ** COEFFICIENT)) << BigInt(INNER));
  free(ctx, steep);
  let current = await truncateWide(ctx, id, mulRowRaw(ctx, x, r, rows + 1, n), INNER + COEFFICIENT);
  free(ctx, x);
  free(ctx, r);
  const count = iterations(limit);
  for (let k = 1; k <= count; k++) {
    const factor = from(ctx, view(current, rows * n, n), 2n << BigInt(INNER));
    const keep = k === count ? rows : rows + 1;
    const raw = mulRowRaw(ctx, view(current, 0, keep * n), factor, keep, n);
    const next = await truncate(ctx, id + k, raw, INNER);
    free(ctx, factor);
    free(ctx, current);
    current = next;
  }
  if (count > 0) return current;
  const numerators = stridedRead(ctx, current, [rows * n], [1]);
  free(ctx, current);
  return numerators;
}
