/**
 * @file Stable sorting along the first axis of x [n, columns], ascending. What is compared and moved follows from n alone.
 *
 * Up to RANKED elements, in 15 rounds: all n (n - 1) / 2 comparisons at once (7 rounds) add up to every element's place; the one-hot
 * rows of the places (7 rounds) times the elements (1 round). 23.5 B for each of the n (n - 1) / 2 + n (n - 1) bits, 8 B an element.
 *
 * Above: Batcher's merge exchange (Knuth, TAOCP 3, 5.2.2, Algorithm M), t (t + 1) / 2 layers of 7 rounds for t = ceil(log2 n), about
 * n t^2 / 4 comparators of 26.1 B, or 36.8 B with places. Equal elements keep their order: (x, place) is compared as
 * x 2^t + place, for which abs x < 2^(62 - t) as a ring integer.
 */
import {
  add,
  addPublic,
  type Context,
  copy,
  free,
  fromPublic,
  matmulPublic,
  mulPublicInteger,
  mulRaw,
  neg,
  reshare,
  type Shares,
  signBits,
  stridedRead,
  stridedWrite,
  sub,
  sum,
  sumRaw,
} from "../primitives/index.ts";
import { levelsOf } from "./clear.ts";
import { oneHotInside, stacked } from "./one-hot.ts";

/** Most elements that are ranked all at once. */
export const RANKED = 32;

/** Sorted elements [n, columns] and, where asked for, the places they came from, as integers. */
export interface Sorted {
  readonly values: Shares;
  readonly places: Shares | undefined;
}

export interface SortOptions {
  readonly descending: boolean;
  readonly places: boolean;
}

/** x is kept. Ids id .. id + 233. */
export async function sortRows(ctx: Context, id: number, x: Shares, n: number, options: SortOptions): Promise<Sorted> {
  const signed = options.descending ? neg(ctx, x) : copy(ctx, x);
  const sorted = await (n <= RANKED ? byRank : exchangeRows)(ctx, id, signed, n, options.places);
  if (!options.descending) return sorted;
  const values = neg(ctx, sorted.values);
  free(ctx, sorted.values);
  return { ...sorted, values };
}

/** Place k in every column of row k. */
function rowNumbers(n: number, columns: number): BigInt64Array {
  const out = new BigInt64Array(n * columns);
  for (let k = 0; k < n; k++) out.fill(BigInt(k), k * columns, (k + 1) * columns);
  return out;
}

/** What adds [x_k >= x_j] for j < k, a row each, up to the place of k: +1 at k's row, -1 at j's; and j's n - 1 - j from the start. */
function counting(n: number): { readonly matrix: BigInt64Array; readonly pairs: number } {
  const pairs = (n * (n - 1)) / 2;
  const matrix = new BigInt64Array(n * pairs);
  for (let j = 0, row = 0; j < n; j++) {
    for (let k = j + 1; k < n; k++, row++) {
      matrix[k * pairs + row] = 1n;
      matrix[j * pairs + row] = -1n;
    }
  }
  return { matrix, pairs };
}

/** Place that every element takes, [n, columns]. */
async function ranks(ctx: Context, id: number, x: Shares, n: number): Promise<Shares> {
  const columns = x.n / n;
  const { matrix, pairs } = counting(n);
  const differences: Shares[] = [];
  for (let j = 0; j < n - 1; j++) {
    const rest = stridedRead(ctx, x, [n - 1 - j, columns], [columns, 1], (j + 1) * columns);
    const own = stridedRead(ctx, x, [n - 1 - j, columns], [0, 1], j * columns);
    differences.push(sub(ctx, rest, own));
    free(ctx, rest);
    free(ctx, own);
  }
  const d = stacked(ctx, differences);
  const { bits, integers } = await signBits(ctx, id, d, { integers: true });
  const counted = matmulPublic(ctx, matrix, integers!, { m: n, k: pairs, n: columns });
  const base = rowNumbers(n, columns).map((k) => BigInt(n - 1) - k);
  const out = addPublic(ctx, counted, base);
  for (const y of [d, bits, integers!, counted]) free(ctx, y);
  return out;
}

async function byRank(ctx: Context, id: number, x: Shares, n: number, places: boolean): Promise<Sorted> {
  const columns = x.n / n;
  if (n <= 1 || columns === 0) return { values: x, places: places ? fromPublic(ctx, rowNumbers(n, columns)) : undefined };
  const rank = await ranks(ctx, id, x, n);
  const hot = await oneHotInside(ctx, id + 2, rank, n);
  free(ctx, rank);
  const wide = stridedRead(ctx, x, [n, n * columns], [0, 1]);
  const raw = sumRaw(ctx, mulRaw(ctx, hot, wide), n, n, columns);
  const values = await reshare(ctx, id + 4, raw);
  const from = places ? numbered(ctx, hot, n, columns) : undefined;
  for (const y of [x, hot, wide]) free(ctx, y);
  return { values, places: from };
}

/** The row number that is hot, of [place, n, columns]. */
function numbered(ctx: Context, hot: Shares, n: number, columns: number): Shares {
  const all = new BigInt64Array(n * n * columns);
  const numbers = rowNumbers(n, columns);
  for (let p = 0; p < n; p++) all.set(numbers, p * n * columns);
  const weighted = mulPublicInteger(ctx, hot, all);
  const out = sum(ctx, weighted, n, n, columns);
  free(ctx, weighted);
  return out;
}

/** A layer: row i against row i + distance, for i < n - distance whose bit `block` is set (or not). */
export interface Layer {
  readonly block: number;
  readonly set: boolean;
  readonly distance: number;
}

/** The layers of merge exchange for n elements. */
export function mergeExchange(n: number): Layer[] {
  const layers: Layer[] = [];
  const top = 2 ** (levelsOf(n) - 1);
  for (let block = top; block >= 1; block /= 2) {
    layers.push({ block, set: false, distance: block });
    for (let q = top; q > block; q /= 2) layers.push({ block, set: true, distance: q - block });
  }
  return layers;
}

/** The rows i of a layer as strided blocks: whole ones, and what is left at the end. */
function blocksOf(
  { block, set, distance }: Layer,
  n: number,
): { readonly at: number; readonly shape: readonly [number, number] }[] {
  const first = set ? block : 0;
  const room = n - distance - first;
  if (room <= 0) return [];
  const whole = Math.floor(room / (2 * block));
  const rest = Math.min(room - whole * 2 * block, block);
  const out: { at: number; shape: [number, number] }[] = [];
  if (whole > 0) out.push({ at: first, shape: [whole, block] });
  if (rest > 0) out.push({ at: first + whole * 2 * block, shape: [1, rest] });
  return out;
}

/** Both sides of a layer's comparators, and the way back. */
class Side {
  readonly #ctx: Context;
  readonly #layer: Layer;
  readonly #n: number;
  readonly #columns: number;

  constructor(ctx: Context, layer: Layer, n: number, columns: number) {
    this.#ctx = ctx;
    this.#layer = layer;
    this.#n = n;
    this.#columns = columns;
  }

  /** Rows i (shift 0) or i + distance; fresh. */
  read(x: Shares, shift: number): Shares {
    const c = this.#columns;
    const strides = [2 * this.#layer.block * c, c, 1];
    const parts = blocksOf(this.#layer, this.#n).map(({ at, shape }) =>
      stridedRead(this.#ctx, x, [...shape, c], strides, (at + shift) * c),
    );
    return stacked(this.#ctx, parts);
  }

  /** Writes rows back into x; they are freed. */
  write(rows: Shares, x: Shares, shift: number): Shares {
    const c = this.#columns;
    const strides = [2 * this.#layer.block * c, c, 1];
    let [out, from] = [x, 0];
    for (const { at, shape } of blocksOf(this.#layer, this.#n)) {
      const n = shape[0] * shape[1] * c;
      const part = { ...rows, a: rows.a + 8 * from, b: rows.b + 8 * from, n };
      out = stridedWrite(this.#ctx, part, out, [...shape, c], strides, (at + shift) * c);
      from += n;
    }
    free(this.#ctx, rows);
    return out;
  }
}

/** One layer on the elements and, beside them, their places. Ids id .. id + 2. */
async function exchange(
  ctx: Context,
  id: number,
  arrays: readonly Shares[],
  layer: Layer,
  n: number,
): Promise<readonly Shares[]> {
  const side = new Side(ctx, layer, n, arrays[0]!.n / n);
  const low = arrays.map((x) => side.read(x, 0));
  const high = arrays.map((x) => side.read(x, layer.distance));
  const d = low.map((x, i) => sub(ctx, x, high[i]!));
  const key = keyOf(ctx, d, levelsOf(n));
  // Of equal elements without places the exchange changes nothing.
  const { bits, injected } = await signBits(ctx, id, key, { inject: d });
  const out = arrays.map((x, i) => {
    const moved = side.write(sub(ctx, low[i]!, injected[i]!), x, 0);
    return side.write(add(ctx, high[i]!, injected[i]!), moved, layer.distance);
  });
  for (const y of [...low, ...high, ...injected, ...d, bits, key]) free(ctx, y);
  return out;
}

/** dx 2^t + dplace; dx alone without places. Fresh. */
function keyOf(ctx: Context, [dx, dplace]: readonly Shares[], bits: number): Shares {
  if (!dplace) return copy(ctx, dx!);
  const long = mulPublicInteger(ctx, dx!, 1n << BigInt(bits));
  const out = add(ctx, long, dplace);
  free(ctx, long);
  return out;
}

/** By merge exchange, whatever n; x is freed. */
export async function exchangeRows(ctx: Context, id: number, x: Shares, n: number, places: boolean): Promise<Sorted> {
  const columns = x.n / n;
  let arrays: readonly Shares[] = places ? [x, fromPublic(ctx, rowNumbers(n, columns))] : [x];
  if (columns > 0) {
    for (const [i, layer] of mergeExchange(n).entries()) arrays = await exchange(ctx, id + 3 * i, arrays, layer, n);
  }
  return { values: arrays[0]!, places: arrays[1] };
}
