/**
 * @file A smooth function on an interval by its Chebyshev expansion (Trefethen 2019, ch. 3-8).
 *
 * Steps: 1. y in [-1, 1], T_1 = y. 2. T_(a+b) = 2 T_a T_b - T_|a-b| doubles the known degrees in one product (2 rounds each level):
 * ceil(log2 d) levels for degree d. 3. The sum of c_k T_k, local, with one truncation (2 rounds, the caller's).
 * |T_k| <= 1: nothing grows. The error is that of the expansion plus about d units of 2^-s.
 */
import {
  add,
  addPublic,
  type Context,
  free,
  mulPublicInteger,
  mulRaw,
  type Shares,
  stridedRead,
  stridedWrite,
  sub,
  truncate,
  view,
  zeros,
} from "../primitives/index.ts";
import { cosine } from "./clear.ts";

/** pi k (i + 1/2) / n, brought to [-pi, pi]. */
function angle(k: number, i: number, n: number): number {
  const turns = (k * (2 * i + 1)) % (4 * n);
  return (Math.PI * (turns > 2 * n ? turns - 4 * n : turns)) / (2 * n);
}

/** Coefficients c_0 .. c_d of f on [lo, hi], by interpolation at d + 1 Chebyshev points. */
export function coefficients(f: (x: number) => number, lo: number, hi: number, degree: number): number[] {
  const n = degree + 1;
  const values = Array.from({ length: n }, (_, i) => f((lo + hi) / 2 + ((hi - lo) / 2) * cosine(angle(1, i, n))));
  return Array.from({ length: n }, (_, k) => {
    const sum = values.reduce((s, v, i) => s + v * cosine(angle(k, i, n)), 0);
    return (sum * (k === 0 ? 1 : 2)) / n;
  });
}

/** Rows T_1 .. T_degree of y [n] with s fraction bits, |y| <= 1: [degree, n]. Ids id .. id + ceil(log2 degree) - 1. */
export async function basis(ctx: Context, id: number, y: Shares, degree: number, s: number): Promise<Shares> {
  const { n } = y;
  let all = stridedWrite(ctx, y, zeros(ctx, degree * n), [n], [1]);
  for (let known = 1, level = 0; known < degree; level++) {
    const count = Math.min(known, degree - known);
    // T_(known + k) = 2 T_known T_k - T_(known - k), k = 1 .. count.
    const top = stridedRead(ctx, all, [count, n], [0, 1], (known - 1) * n);
    const raw = mulRaw(ctx, top, view(all, 0, count * n));
    const half = await truncate(ctx, id + level, raw, s - 1);
    free(ctx, top);
    const below = lower(ctx, all, known, count, n, s);
    const made = sub(ctx, half, below);
    all = stridedWrite(ctx, made, all, [made.n], [1], known * n);
    for (const x of [half, below, made]) free(ctx, x);
    known += count;
  }
  return all;
}

/** Rows T_(known - 1) .. T_(known - count); T_0 = 1. */
function lower(ctx: Context, all: Shares, known: number, count: number, n: number, s: number): Shares {
  let out = zeros(ctx, count * n);
  const rows = Math.min(count, known - 1);
  if (rows > 0) {
    const read = stridedRead(ctx, all, [rows, n], [-n, 1], (known - 2) * n);
    out = stridedWrite(ctx, read, out, [rows * n], [1]);
    free(ctx, read);
  }
  if (count < known) return out;
  const one = addPublic(ctx, view(out, (known - 1) * n, n), 1n << BigInt(s));
  const filled = stridedWrite(ctx, one, out, [n], [1], (known - 1) * n);
  free(ctx, one);
  return filled;
}

/** Fraction bits of the coefficients. */
export const COEFFICIENT_BITS = 20;

/** sum of c_k T_k over rows [degree, n] of s fraction bits: shares with s + 20 fraction bits. Local. */
export function series(ctx: Context, rows: Shares, c: readonly number[], s: number): Shares {
  const n = rows.n / (c.length - 1);
  const unit = 2 ** COEFFICIENT_BITS;
  const none = zeros(ctx, n);
  let total = addPublic(ctx, none, BigInt(Math.round(c[0]! * unit)) << BigInt(s));
  free(ctx, none);
  for (let k = 1; k < c.length; k++) {
    const part = mulPublicInteger(ctx, view(rows, (k - 1) * n, n), BigInt(Math.round(c[k]! * unit)));
    const next = add(ctx, total, part);
    free(ctx, total);
    free(ctx, part);
    total = next;
  }
  return total;
}
