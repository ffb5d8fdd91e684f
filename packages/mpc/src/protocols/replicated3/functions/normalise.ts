/**
 * @file Bringing a number of a known range into one octave, by comparing it with every power of the base at once.
 *
 * Steps for v in [B^lo, B^hi), B = 2 or 4: 1. b_k = [v >= B^k], k = lo .. hi - 1, as integers (7 rounds, 23.5 bytes per comparison).
 * 2. b_k - b_(k+1) is 1 for the octave of v and 0 elsewhere: any function of the octave is a public linear combination, local.
 * `signed`: the same for -v; weights of a negative number are negated, so that v times an odd function of its octave is positive.
 * v = 0 (below every power) gives 0 everywhere.
 */
import {
  add,
  addPublic,
  type Context,
  free,
  mulPublicInteger,
  type Shares,
  signBits,
  stridedRead,
  sub,
  view,
  zeros,
} from "../primitives/index.ts";

export interface Octaves {
  readonly base: 2 | 4;
  /** Exponents of the base. */
  readonly lo: number;
  readonly hi: number;
  readonly signed: boolean;
}

/** Indicators of the octave: rows k = lo .. hi - 1 (and as many for negative v) of integers 0 and 1. */
export interface Octave {
  readonly range: Octaves;
  readonly rows: Shares;
  readonly n: number;
}

/** base^k in units of 2^-f; at least one unit. */
function power({ base }: Octaves, k: number, f: number): bigint {
  const bits = (base === 4 ? 2 * k : k) + f;
  return bits < 0 ? 1n : 1n << BigInt(bits);
}

/** x - base^k for every k, one row each; then -x - base^k. */
function comparisons(ctx: Context, x: Shares, range: Octaves, f: number): Shares {
  const count = range.hi - range.lo;
  const sides = range.signed ? 2 : 1;
  const { n } = x;
  const powers = new BigInt64Array(sides * count * n);
  for (let k = 0; k < sides * count; k++) powers.fill(-power(range, range.lo + (k % count), f), k * n, (k + 1) * n);
  const repeated = stridedRead(ctx, x, [sides * count, n], [0, 1]);
  const half = 8 * count * n;
  if (sides === 2) for (const c of ["a", "b"] as const) ctx.kernels.neg64(repeated[c] + half, repeated[c] + half, count * n);
  const out = addPublic(ctx, repeated, powers);
  free(ctx, repeated);
  return out;
}

/** Most fraction bits of a plain value. */
const PLAIN_BITS = 16;

/** Ids id and id + 1. */
export async function octaveOf(ctx: Context, id: number, x: Shares, range: Octaves, f: number): Promise<Octave> {
  const d = comparisons(ctx, x, range, f);
  // An argument with more fraction bits than values have may be beyond what the session's range says of them.
  const width = f > PLAIN_BITS ? 64 : ctx.width;
  const { bits, integers } = await signBits(ctx, id, d, { integers: true, width });
  free(ctx, d);
  free(ctx, bits);
  return { range, rows: integers!, n: x.n };
}

/** The sum over octaves of weight(k) where v is in octave k (negated for negative v). Local. `weight` gives ring integers. */
export function weigh(ctx: Context, { range, rows, n }: Octave, weight: (k: number) => bigint): Shares {
  const count = range.hi - range.lo;
  // sum of w_k (b_k - b_(k+1)) = sum of (w_k - w_(k-1)) b_k.
  const steps = Array.from({ length: count }, (_, k) => weight(range.lo + k) - (k === 0 ? 0n : weight(range.lo + k - 1)));
  let total = zeros(ctx, n);
  for (let side = 0; side < (range.signed ? 2 : 1); side++) {
    for (const [k, step] of steps.entries()) {
      const part = mulPublicInteger(ctx, view(rows, (side * count + k) * n, n), step);
      const next = side === 0 ? add(ctx, total, part) : sub(ctx, total, part);
      free(ctx, total);
      free(ctx, part);
      total = next;
    }
  }
  return total;
}
