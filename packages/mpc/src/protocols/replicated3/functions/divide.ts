/**
 * @file Division by a number in a known range [1, C]: Goldschmidt (1964) with the minimax linear start.
 *
 * Steps, D in [1, C] with s fraction bits (24; 20 for C > 16), numerators N:
 * 1. r = 8 (C + 1 - D) / (2 (C + 1)^2 - (C - 1)^2): 1 - D r is the Chebyshev polynomial T_2 scaled, at most
 *    e = (C - 1)^2 / (2 (C + 1)^2 - (C - 1)^2) in magnitude. Local.
 * 2. (N, D) <- (N r, D r) (2 rounds).
 * 3. While e > 2^-15.5: F = 2 - D, (N, D) <- (N F, D F), e <- e^2 (2 rounds each; the last time N only).
 * Relative error below 2^-15 plus one unit of 2^-s per step. C = 10: e = 0.503, 4 iterations, 10 rounds; 14 + 4 * 11 bytes per numerator.
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

/** Fraction bits inside, for ranges up to [1, 16]. */
export const INNER = 24;
/** Beyond, where the start's coefficients need the bits: 11 steps still lose less than 2^-16. */
const INNER_LARGE = 20;

/** Fraction bits of numerators and denominators in [1, limit]. */
export function innerBits(limit: number): number {
  return limit <= 16 ? INNER : INNER_LARGE;
}

/** Fraction bits of the start's coefficients: D r < 1.6 with 2 s + these stays below 2^62. */
function coefficientBits(s: number): number {
  return 60 - 2 * s;
}
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
 * x [rows + 1, n] with s = innerBits(limit) fraction bits: numerators, and in the last row their denominators in [1, limit]. Returns the quotients
 * [rows, n], s fraction bits too. Ids id .. id + iterations(limit). x is freed.
 */
export async function divideRows(ctx: Context, id: number, x: Shares, rows: number, limit: number): Promise<Shares> {
  const n = x.n / (rows + 1);
  const { p, q } = start(limit);
  const inner = innerBits(limit);
  const bits = coefficientBits(inner);
  const slope = BigInt(Math.round(q * 2 ** bits));
  const steep = mulPublicInteger(ctx, view(x, rows * n, n), slope);
  const r = from(ctx, steep, BigInt(Math.round(p * 2 ** bits)) << BigInt(inner));
  free(ctx, steep);
  let current = await truncateWide(ctx, id, mulRowRaw(ctx, x, r, rows + 1, n), inner + bits);
  free(ctx, x);
  free(ctx, r);
  const count = iterations(limit);
  for (let k = 1; k <= count; k++) {
    const factor = from(ctx, view(current, rows * n, n), 2n << BigInt(inner));
    const keep = k === count ? rows : rows + 1;
    const raw = mulRowRaw(ctx, view(current, 0, keep * n), factor, keep, n);
    const next = await truncate(ctx, id + k, raw, inner);
    free(ctx, factor);
    free(ctx, current);
    current = next;
  }
  if (count > 0) return current;
  const numerators = stridedRead(ctx, current, [rows * n], [1]);
  free(ctx, current);
  return numerators;
}
