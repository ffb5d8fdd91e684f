/**
 * @file The maximum over C classes, and where it is.
 *
 * Steps, C <= 16, for x [C, n]:
 * 1. All C (C - 1) / 2 differences z_k - z_j, j < k; their bits [z_k > z_j] as bit shares (6 rounds). j beats k iff not [z_k > z_j]:
 *    of equals the first wins, so that exactly one class does.
 * 2. For every class the conjunction of its C - 1 bits (ceil(log2(C - 1)) rounds): a one-hot vector.
 * 3. Its bits times z, summed over the classes (1 round).
 * 11 rounds for C = 10; C (C - 1) / 2 comparisons of 15.5 B and C injections of 10.7 B per column and party. Exact.
 *
 * C > 16: a tournament of pairs, 7 rounds a level.
 */
import {
  andTree,
  type BitShares,
  bitBytes,
  type Context,
  free,
  inject,
  type Shares,
  type SplitBits,
  signBits,
  sum,
  toSplitBits,
  type Width,
} from "../primitives/index.ts";

/** Most classes that are compared all at once. */
export const ALL_PAIRS = 16;
/** Columns are a multiple of this: whole blocks of bits. */
export const COLUMNS = 128;

/** z_k - z_j for all j < k, one row per pair. */
function differences(ctx: Context, x: Shares, classes: number, n: number): Shares {
  const pairs = (classes * (classes - 1)) / 2;
  const d = { a: ctx.alloc(8 * pairs * n), b: ctx.alloc(8 * pairs * n), n: pairs * n, depth: x.depth };
  for (let j = 0, at = 0; j < classes - 1; j++) {
    const rows = classes - 1 - j;
    for (const c of ["a", "b"] as const) {
      ctx.kernels.subRow64(rows, n, x[c] + 8 * (j + 1) * n, x[c] + 8 * j * n, d[c] + 8 * at * n);
    }
    at += rows;
  }
  return d;
}

/** For t = 0 .. C - 2: at class j, whether it beats its t-th rival. Rows of `won` are [z_k > z_j]. */
function rivals(ctx: Context, won: BitShares, classes: number, n: number): BitShares[] {
  const line = bitBytes(n);
  const row = (j: number, k: number): number => (j * (2 * classes - j - 1)) / 2 + (k - j - 1);
  return Array.from({ length: classes - 1 }, (_, t) => {
    const out = { a: ctx.alloc(line * classes), b: ctx.alloc(line * classes), n: classes * n, depth: won.depth };
    for (let j = 0; j < classes; j++) {
      const k = t < j ? t : t + 1;
      const at = line * (k > j ? row(j, k) : row(k, j));
      // Not a bit: component x_0 is flipped (party 0 has it first, party 2 second).
      const [flipA, flipB] = k > j ? [ctx.me === 0 ? -1 : 0, ctx.me === 2 ? -1 : 0] : [0, 0];
      ctx.kernels.xorBytes(line, won.a + at, 0, out.a + line * j, flipA);
      ctx.kernels.xorBytes(line, won.b + at, 0, out.b + line * j, flipB);
    }
    return out;
  });
}

/** One-hot bits [classes, n] of the first maximum of every column; n a multiple of 128, 2 <= classes <= 16. Ids id .. id + 2. */
export async function winners(ctx: Context, id: number, x: Shares, classes: number, width: Width): Promise<SplitBits> {
  const n = x.n / classes;
  const d = differences(ctx, x, classes, n);
  const { bits, bitShares } = await signBits(ctx, id, d, { threshold: 1n, bitShares: true, width });
  free(ctx, d);
  free(ctx, bits);
  const beats = rivals(ctx, bitShares!, classes, n);
  free(ctx, bitShares!);
  const all = await andTree(ctx, id + 2, beats);
  for (const b of beats) free(ctx, b);
  const hot = toSplitBits(ctx, id + 3, all);
  free(ctx, all);
  return hot;
}

/** The maximum of every column of x [classes, n], n a multiple of 128. Ids id .. id + 4 (2 to 16 classes). */
export async function maximum(ctx: Context, id: number, x: Shares, classes: number, width: Width = 64): Promise<Shares> {
  const n = x.n / classes;
  const hot = await winners(ctx, id, x, classes, width);
  const chosen = await inject(ctx, id + 4, hot, x);
  free(ctx, hot);
  const out = sum(ctx, chosen, 1, classes, n);
  free(ctx, chosen);
  return out;
}
