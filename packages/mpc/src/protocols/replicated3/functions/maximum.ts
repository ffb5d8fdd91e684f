/**
 * @file The maximum over C classes, and which class it is, by comparing all pairs at once.
 *
 * Steps, C <= 16, for x [C, n]:
 * 1. All C (C - 1) / 2 differences z_k - z_j, j < k; their bits [z_k > z_j] (6 rounds). j beats k iff not [z_k > z_j]: of equals
 *    the first wins, so that exactly one class does. With `positive` also [z_j > 0]: then none wins where none is above 0.
 * 2. For every class the conjunction of its bits (1 round for up to 6, else 2): a one-hot vector.
 * 3. Its bits times z, summed over the classes (1 round).
 * 9 rounds for C = 10, 8 for up to 7 classes; C (C - 1) / 2 comparisons of 15.5 B and C injections of 10.7 B per column and party. Exact.
 *
 * Columns are cut in parts where there are enough, each with ids and roles of its own: a part's role 2 deals a round early, which a
 * party that has all roles at once could not.
 * C > 16: a tournament of pairs, 7 rounds a level.
 */
import {
  bitBytes,
  type Context,
  conjunction,
  free,
  inject,
  type Piece,
  type Role,
  type Shares,
  type SplitBits,
  signBitsOn,
  stridedRead,
  stridedWrite,
  sum,
  type Width,
  zeros,
} from "../primitives/index.ts";

/** Most classes that are compared all at once. */
export const ALL_PAIRS = 16;
/** Columns are a multiple of this: whole blocks of bits. */
export const COLUMNS = 128;
/** Comparisons from which columns are cut in three, and about as many as a part has at most. */
const [CUT, MOST] = [3072, 120_000];
const MOST_PARTS = 9;
/** Ids of a part: comparisons, 7 for conjunctions, one that the caller may use. */
const IDS = 9;
/** Ids that the functions below may take. */
export const WINNER_IDS: number = MOST_PARTS * IDS;

/** Columns [lo, lo + n), whole blocks; this party's role there; where its ids begin. */
export interface ColumnPart {
  readonly lo: number;
  readonly n: number;
  readonly role: Role;
  readonly id: number;
}

/** How classes are compared. */
export interface Comparing {
  /** Bits that differences fit: as for `signBits`. */
  readonly width: Width;
  /** Also with 0: then none wins where none is above it. */
  readonly positive?: boolean;
}

/** How many comparisons a column needs. */
export function comparisons(classes: number, positive: boolean): number {
  return (classes * (classes - 1)) / 2 + (positive ? classes : 0);
}

function partsOf(ctx: Context, id: number, n: number, rows: number): ColumnPart[] {
  const blocks = n / COLUMNS;
  const many = 3 * Math.max(1, Math.round((rows * n) / (3 * MOST)));
  const count = rows * n < CUT ? 1 : Math.min(many, blocks, MOST_PARTS);
  return Array.from({ length: count }, (_, i) => {
    const [lo, hi] = [i, i + 1].map((k) => Math.floor((blocks * k) / count) * COLUMNS) as [number, number];
    return { lo, n: hi - lo, role: ((ctx.me + i + id) % 3) as Role, id: id + IDS * i };
  });
}

/** `rows` rows of a part as one piece. */
const pieceOf = (p: ColumnPart, rows: number): Piece => ({ index: 0, role: p.role, lo: 0, n: rows * p.n });

/** z_k - z_j for all j < k, one row per pair; with `positive` z_j itself in further rows. */
function differences(ctx: Context, x: Shares, classes: number, positive: boolean): Shares {
  const rows = comparisons(classes, positive);
  const n = x.n / classes;
  const d = { a: ctx.alloc(8 * rows * n), b: ctx.alloc(8 * rows * n), n: rows * n, depth: x.depth };
  for (const c of ["a", "b"] as const) {
    let to = d[c];
    for (let j = 0; j < classes - 1; j++) {
      const count = classes - 1 - j;
      ctx.kernels.subRow64(count, n, x[c] + 8 * (j + 1) * n, x[c] + 8 * j * n, to);
      to += 8 * count * n;
    }
    if (positive) ctx.kernels.addScalar64(x[c], 0n, to, classes * n);
  }
  return d;
}

/** The row of [z_k > z_j], j < k. */
const pairRow = (classes: number, j: number, k: number): number => (j * (2 * classes - j - 1)) / 2 + (k - j - 1);

/** For t = 0, 1, ...: at class j whether it beats its t-th rival; last, with `positive`, whether it is above 0. */
function rivals(ctx: Context, won: SplitBits, part: ColumnPart, classes: number, positive: boolean): SplitBits[] {
  const line = bitBytes(part.n);
  const pieces = [pieceOf(part, classes)];
  return Array.from({ length: classes - 1 + (positive ? 1 : 0) }, (_, t) => {
    const words = ctx.alloc(line * classes);
    for (let j = 0; j < classes; j++) {
      const k = t < j ? t : t + 1;
      const own = t === classes - 1;
      const row = own ? comparisons(classes, false) + j : pairRow(classes, Math.min(j, k), Math.max(j, k));
      // Not a bit: u is flipped, which roles 0 and 1 have.
      const flip = !own && k > j && part.role !== 2 ? -1 : 0;
      ctx.kernels.xorBytes(line, won.words + line * row, 0, words + line * j, flip);
    }
    return { words, n: classes * part.n, depth: won.depth, pieces };
  });
}

/** One-hot bits [classes, n] of the first maximum of every column of a part x [classes, n]. */
async function winners(ctx: Context, part: ColumnPart, x: Shares, classes: number, o: Comparing): Promise<SplitBits> {
  const d = differences(ctx, x, classes, o.positive ?? false);
  const { bits } = await signBitsOn(ctx, part.id, d, { threshold: 1n, width: o.width }, [pieceOf(part, d.n / part.n)]);
  free(ctx, d);
  const beats = rivals(ctx, bits, part, classes, o.positive ?? false);
  free(ctx, bits);
  const hot = await conjunction(ctx, part.id + 1, beats);
  for (const b of beats) free(ctx, b);
  return hot;
}

/**
 * Finds the winners of x [classes, n] part by part (with `positive`: none where no class is above 0) and makes of each part's x and
 * one-hot bits, both [classes, part.n], one value per column; `use` owns the bits, and may take the id `part.id + 8`. The values, [n].
 * n is a multiple of 128, 2 <= classes <= 16 (with `positive`: from 1 on). Ids id .. id + WINNER_IDS - 1.
 */
export async function ofWinners(
  ctx: Context,
  id: number,
  x: Shares,
  classes: number,
  comparing: Comparing,
  use: (part: ColumnPart, x: Shares, hot: SplitBits) => Promise<Shares>,
): Promise<Shares> {
  const n = x.n / classes;
  const parts = partsOf(ctx, id, n, comparisons(classes, comparing.positive ?? false));
  const values = await Promise.all(
    parts.map(async (part) => {
      const own = stridedRead(ctx, x, [classes, part.n], [n, 1], part.lo);
      const value = await use(part, own, await winners(ctx, part, own, classes, comparing));
      free(ctx, own);
      return value;
    }),
  );
  let out = zeros(ctx, n);
  for (const [i, value] of values.entries()) {
    out = stridedWrite(ctx, value, out, [value.n], [1], parts[i]!.lo);
    free(ctx, value);
  }
  return out;
}

/** The winning value of every column: bits times x, summed over the classes. One round. */
export async function chosen(ctx: Context, id: number, x: Shares, hot: SplitBits, classes: number): Promise<Shares> {
  const all = await inject(ctx, id, hot, x);
  const out = sum(ctx, all, 1, classes, x.n / classes);
  free(ctx, all);
  return out;
}

/** The maximum of every column of x [classes, n]: as `ofWinners`. */
export function maximum(ctx: Context, id: number, x: Shares, classes: number, width: Width = 64): Promise<Shares> {
  return ofWinners(ctx, id, x, classes, { width }, async (part, own, hot) => {
    const out = await chosen(ctx, part.id + 8, own, hot, classes);
    free(ctx, hot);
    return out;
  });
}
