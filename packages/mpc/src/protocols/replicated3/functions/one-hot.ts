/**
 * @file One-hot rows of secret indices. [index >= t] for every threshold t at once (7 rounds with the bits as integers), and
 * [index = t] = [index >= t] - [index >= t + 1], local. Exact. 23.5 B for each threshold, index and party.
 */
import {
  addPublic,
  type Context,
  copy,
  free,
  type Shares,
  signBits,
  stridedRead,
  sub,
  view,
  zeros,
} from "../primitives/index.ts";

/** Adds the public integer `value` to rows of zeros. */
function constant(ctx: Context, n: number, value: bigint): Shares {
  const none = zeros(ctx, n);
  const out = addPublic(ctx, none, value);
  free(ctx, none);
  return out;
}

/** [index >= first], ..., [index >= first + count - 1] as integers [count, n]. */
async function atLeast(ctx: Context, id: number, index: Shares, first: number, count: number): Promise<Shares> {
  const { n } = index;
  if (count <= 0) return zeros(ctx, 0);
  const all = stridedRead(ctx, index, [count, n], [0, 1]);
  const thresholds = new BigInt64Array(count * n);
  for (let t = 0; t < count; t++) thresholds.fill(-BigInt(first + t), t * n, (t + 1) * n);
  const d = addPublic(ctx, all, thresholds);
  const { bits, integers } = await signBits(ctx, id, d, { integers: true });
  for (const x of [all, d, bits]) free(ctx, x);
  return integers!;
}

/** Integers [classes, n] in one column per index [n]; an index outside 0 .. classes - 1 gives a column of zeros. Ids id, id + 1. */
export async function oneHotColumns(ctx: Context, id: number, index: Shares, classes: number): Promise<Shares> {
  const { n } = index;
  const bits = await atLeast(ctx, id, index, 0, classes + 1);
  const out = sub(ctx, view(bits, 0, classes * n), view(bits, n, classes * n));
  free(ctx, bits);
  return out;
}

/** The same for indices that are certain to lie inside: two thresholds fewer. */
export async function oneHotInside(ctx: Context, id: number, index: Shares, classes: number): Promise<Shares> {
  const { n } = index;
  if (classes === 1) return constant(ctx, n, 1n);
  const bits = await atLeast(ctx, id, index, 1, classes - 1);
  const one = constant(ctx, n, 1n);
  const first = sub(ctx, one, view(bits, 0, n));
  const last = view(bits, (classes - 2) * n, n);
  const middle = sub(ctx, view(bits, 0, (classes - 2) * n), view(bits, n, (classes - 2) * n));
  const out = stacked(ctx, [first, middle, copy(ctx, last)]);
  for (const x of [bits, one]) free(ctx, x);
  return out;
}

/** Rows one below the other; the parts are freed. */
export function stacked(ctx: Context, parts: readonly Shares[]): Shares {
  const n = parts.reduce((sum, x) => sum + x.n, 0);
  const depth = Math.max(...parts.map((x) => x.depth));
  const out = { a: ctx.alloc(8 * n), b: ctx.alloc(8 * n), n, depth };
  let at = 0;
  for (const x of parts) {
    for (const c of ["a", "b"] as const) if (x.n > 0) ctx.kernels.addScalar64(x[c], 0n, out[c] + 8 * at, x.n);
    at += x.n;
    free(ctx, x);
  }
  return out;
}
