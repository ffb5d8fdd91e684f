/**
 * @file A linear combination made into one sharing at f fraction bits, with at most one truncation (in two parts where a factor needs them).
 *
 * Bounds. Products wait untruncated, scaled by 2^(2f); a public factor s (1/N, a learning rate, a decay) is applied as the integer
 * m = round(s 2^(K - scale)) before a shift of K - f bits. K is the largest that keeps the sum of all |ring * m| below 2^62 for values of the
 * sizes of `size.ts`. With f = 16 that leaves the factor of a product below 2^16 14 significant bits (relative error 2^-15), as long as it is above
 * 2^-16; fewer below (10 at 1e-4 / 128). Of a larger product m has fewer bits, 7 below 2^23: what it lacks is a second
 * integer, the residue times 2^q, truncated beside the first one by q bits more. No more rounds, twice the bytes, an error of two
 * units at most. Products larger still are truncated to f fraction bits first, where a factor meets them, theirs or that of a value that they
 * are added to (`bounded`): 2 rounds more.
 */
import { TacitError } from "@tacit/core/errors";
import { exponentOf, log2 } from "../functions/clear.ts";
import { truncateWide, WIDE_SHIFT } from "../functions/truncate-wide.ts";
import {
  add,
  addRaw,
  addToRaw,
  type Context,
  free,
  mulPublicInteger,
  Raw,
  type Shares,
  scaleRaw,
  splitRaw,
  toRaw,
  truncate,
  truncateShares,
} from "../primitives/index.ts";
import { isCoarse, isKept, MOST_GROWTH, NARROW_SHIFT } from "./size.ts";
import { Held, integerOf, type Term } from "./value.ts";

/** A truncation takes ring values below 2^62. */
const RAW_BITS = 62;
/** Bits that a factor needs beside every term to be applied in one part. */
const FINE_BITS = 13;

/** x times an exact integer; retains or makes a Held that the caller owns. */
function timesInteger(ctx: Context, held: Held, factor: number): Held {
  if (factor === 1) return held.retain();
  return new Held(ctx, mulPublicInteger(ctx, held.shares, BigInt(factor)));
}

/** A term of integer factor with at most f fraction bits, as shares at f. Takes the term over. */
function lifted(ctx: Context, term: Term, f: number): Held | undefined {
  if (term.key !== "" || !(term.source instanceof Held) || term.scale > f) return undefined;
  const out = timesInteger(ctx, term.source, term.factor * 2 ** (f - term.scale));
  term.source.release();
  return out;
}

/** Consumes owned Helds: their sum. */
export function sumHeld(ctx: Context, xs: readonly Held[]): Held {
  return xs.reduce((x, y) => {
    const z = new Held(ctx, add(ctx, x.shares, y.shares));
    x.release();
    y.release();
    return z;
  });
}

/** A term as a raw product times an integer. Takes the term over. */
function rawTimes(ctx: Context, { source }: Term, m: bigint): Raw {
  let raw: Raw;
  if (source instanceof Held) {
    raw = toRaw(ctx, source.shares);
    source.release();
  } else raw = source;
  return m === 1n ? raw : scaleRaw(ctx, raw, m);
}

/** The same with two integers. */
function rawTimesTwo(ctx: Context, { source }: Term, high: bigint, low: bigint): readonly [Raw, Raw] {
  if (!(source instanceof Held)) return splitRaw(ctx, source, high, low);
  const raw = toRaw(ctx, source.shares);
  source.release();
  return splitRaw(ctx, raw, high, low);
}

/** Adds owned shares with `bits` fraction bits to a raw product of scale `scale`. */
function withShares(ctx: Context, raw: Raw, shares: readonly Held[], lift: number): Raw {
  return shares.reduce((sum, x) => {
    const out = addToRaw(ctx, sum, x.shares, 1n << BigInt(lift));
    x.release();
    return out;
  }, raw);
}

function sumRaws(ctx: Context, raws: readonly Raw[]): Raw {
  return raws.reduce((x, y) => addRaw(ctx, x, y));
}

/** The exponent K of the file comment, for these terms. */
export function commonScale(terms: readonly Term[], f: number): number {
  let most = 0;
  for (const { factor, bits } of terms) {
    if (!Number.isFinite(factor)) {
      throw new TacitError("MPC_RANGE", "mpc: expected a finite public factor, got another", {
        hint: "a learning rate or a constant is infinite or NaN",
      });
    }
    most += Math.abs(factor) * 2 ** Math.ceil(bits);
  }
  if (most === 0) return f + WIDE_SHIFT;
  return Math.max(Math.min(f + WIDE_SHIFT, 61 - exponentOf(most)), f);
}

/** Whether the terms need no factor: all integers, or all the same one from the same place. Never by a value: of c = 0, c and -c would be equal. */
function alike(terms: readonly Term[]): boolean {
  const first = terms[0]!;
  return terms.every((t) => t.key === first.key && (t.key === "" || integerOf(t) === integerOf(first)));
}

/** Products of one scale with a common factor kept aside: one narrow truncation, to f fraction bits. */
async function narrow(ctx: Context, id: number, terms: readonly Term[], extra: readonly Held[], f: number): Promise<Shares> {
  const { scale, key } = terms[0]!;
  const shift = scale - f;
  const only = terms[0]!.source;
  if (terms.length === 1 && only instanceof Held && (key !== "" || terms[0]!.factor === 1) && extra.length === 0) {
    const out = await truncateShares(ctx, id, only.shares, shift);
    only.release();
    return out;
  }
  const raw = sumRaws(
    ctx,
    terms.map((t) => rawTimes(ctx, t, key === "" ? BigInt(t.factor) : 1n)),
  );
  return truncate(ctx, id, withShares(ctx, raw, extra, shift), shift);
}

/** Everything at scale K with its factor as an integer: one wide truncation, or two at once. Ids `id` and `id + 1`. */
async function wide(ctx: Context, id: number, terms: readonly Term[], f: number, split: boolean): Promise<Shares> {
  const k = commonScale(terms, f);
  const factors = terms.map((t) => t.factor * 2 ** (k - t.scale));
  const whole = factors.map(Math.round);
  const room = Math.min(...terms.map((t) => 61 - t.scale - Math.ceil(t.bits)));
  if (room >= FINE_BITS && !split) {
    const raws = terms.map((t, i) => rawTimes(ctx, t, BigInt(whole[i]!)));
    return truncateWide(ctx, id, sumRaws(ctx, raws), k - f);
  }
  // A residue is at most 1/2: times 2^(room + 1) it stays below 2^room. Two of them have room, of more each gets its part.
  const crowd = exponentOf(Math.max(terms.length - 1, 1));
  const more = Math.max(0, Math.min(room + 1 - crowd, f + WIDE_SHIFT - k));
  const raws = terms.map((t, i) => {
    const residue = Math.round((factors[i]! - whole[i]!) * 2 ** more);
    return rawTimesTwo(ctx, t, BigInt(whole[i]!), BigInt(residue));
  });
  const parts = [0, 1].map((part) =>
    sumRaws(
      ctx,
      raws.map((r) => r[part]!),
    ),
  );
  const [high, low] = await Promise.all([
    truncateWide(ctx, id, parts[0]!, k - f),
    truncateWide(ctx, id + 1, parts[1]!, k + more - f),
  ]);
  const out = add(ctx, high, low);
  free(ctx, high);
  free(ctx, low);
  return out;
}

/** Least bits that a factor should have beside others, going by the Program's constants. */
const SHARED_BITS = 10;

/** What of a key only a run knows. */
const openOf = (key: string): string =>
  key
    .split("*")
    .filter((k) => k.startsWith("?"))
    .sort()
    .join("*");

/** Room beside every term that leaves any factor bits enough: of shares it is 31. */
const AMPLE_BITS = 24;

/** Terms that get one K and one truncation, or two where their factors need them (`split`). */
interface Group {
  readonly terms: readonly Term[];
  readonly split: boolean;
}

/** Terms whose ratio only a run knows, apart: at most two groups, a second one of several ratios with factors in two parts. */
function openGroups(terms: readonly Term[]): readonly Group[] | undefined {
  const kinds = [...new Set(terms.map((t) => openOf(t.key)))];
  const room = Math.min(...terms.map((t) => 61 - t.scale - Math.ceil(t.bits)));
  if (kinds.length < 2 || room >= AMPLE_BITS) return undefined;
  const first = terms.filter((t) => openOf(t.key) === kinds[0]);
  const rest = terms.filter((t) => openOf(t.key) !== kinds[0]);
  return [
    { terms: first, split: new Set(first.map((t) => t.key)).size > 1 },
    { terms: rest, split: new Set(rest.map((t) => t.key)).size > 1 },
  ];
}

/**
 * Terms that a common K serves, and those whose factors it would leave too few bits (1/N^2 beside 1/N, in a batch norm's gradient): these get a K
 * and a truncation of their own, at the same time. At most two groups; they follow from the Program, not from a factor's value.
 */
function groups(terms: readonly Term[], f: number): readonly Group[] {
  const open = openGroups(terms);
  if (open) return open;
  const own = terms.map((t) => Math.min(f + WIDE_SHIFT, 60 - t.bits - (t.fixed ?? 0)));
  const k = Math.min(...own);
  const poor = terms.map((t, i) => k < own[i]! && k - t.scale + (t.fixed ?? 0) < SHARED_BITS);
  if (!poor.includes(true)) return [{ terms, split: false }];
  return [false, true].map((apart) => ({ terms: terms.filter((_, i) => poor[i] === apart), split: false }));
}

/** What `combine` gives: one Held at f fraction bits, owned by the caller. */
export interface Combined {
  readonly held: Held;
  readonly factor: number;
  readonly key: string;
  /** Size without the factor; undefined: no factor is left, the value's own. */
  readonly bits: number | undefined;
  readonly fixed: number;
  readonly by: number;
}

/** log2 of what terms added up are below. */
function sumOfBits(terms: readonly Term[]): number {
  return Math.max(...terms.map((t) => t.bits)) + log2(terms.length);
}

/** For `keep`: no factor stays aside. */
export const NEVER: number = Number.NEGATIVE_INFINITY;
const whole = (held: Held): Combined => ({ held, factor: 1, key: "", bits: undefined, fixed: 0, by: 1 });

/**
 * Takes the terms over. A factor common to all terms stays aside where they are below 2^keep; otherwise, and with `keep` NEVER, the result is
 * plain fixed point. 0 rounds where nothing has more than f fraction bits, else 2. Ids `id` .. `id + 3`.
 */
export async function combine(ctx: Context, id: number, terms: readonly Term[], f: number, keep: number): Promise<Combined> {
  const first = terms[0]!;
  const bits = Math.max(...terms.map((t) => t.bits));
  const keepFactor = isKept(bits, keep);
  if (keepFactor && terms.length === 1 && first.source instanceof Held && first.scale === f) {
    return { held: first.source, factor: first.factor, key: first.key, bits, fixed: first.fixed ?? 0, by: integerOf(first) };
  }
  const exact: Held[] = [];
  const rest: Term[] = [];
  for (const t of terms) {
    const x = lifted(ctx, t, f);
    if (x) exact.push(x);
    else rest.push(t);
  }
  if (rest.length === 0) return whole(sumHeld(ctx, exact));
  const { scale, key, factor } = rest[0]!;
  const oneScale = rest.every((t) => t.scale === scale) && scale >= f && scale - f <= NARROW_SHIFT;
  const grows = scale > f && (rest[0]!.fixed ?? 0) > MOST_GROWTH;
  const keeps = key === "" || (keepFactor && exact.length === 0 && !grows);
  if (oneScale && alike(rest) && keeps) {
    const held = new Held(ctx, await narrow(ctx, id, rest, exact, f));
    if (key === "") return whole(held);
    return { held, factor, key, bits: sumOfBits(rest), fixed: rest[0]!.fixed ?? 0, by: integerOf(rest[0]!) };
  }
  const made = await Promise.all(groups(rest, f).map((g, i) => wide(ctx, id + 2 * i, g.terms, f, g.split)));
  return whole(sumHeld(ctx, [...made.map((shares) => new Held(ctx, shares)), ...exact]));
}

/** Whether terms meet at a common scale K: some have a factor, or products have several scales. */
export function isMixed(terms: readonly Term[], f: number): boolean {
  // An eps beside a root's argument has more than f bits, and is lifted to those of its reader.
  const scales = new Set(terms.map((t) => t.scale).filter((scale) => scale >= 2 * f));
  return scales.size > 1 || terms.some((t) => t.key !== "");
}

/** A term that meets a factor (its own or another's): truncated to f fraction bits, its factor aside, where K would be too small for it. */
export async function bounded(ctx: Context, id: number, term: Term, f: number): Promise<Term> {
  if (term.scale <= f || !isCoarse(term.scale, term.bits)) return term;
  const { held, factor, key, fixed, by } = await combine(ctx, id, [term], f, Number.POSITIVE_INFINITY);
  // All that a product may reach: at f fraction bits the factor has room beside it.
  return { source: held, scale: f, factor, key, fixed, by, bits: Math.max(term.bits, RAW_BITS - 2 * f) };
}

/** Where all terms are integers times shares at f or products of one scale: their sum as one Raw, and the shift it needs. */
export function asRaw(
  ctx: Context,
  terms: readonly Term[],
  f: number,
): { readonly raw: Raw; readonly shift: number } | undefined {
  const products = terms.filter((t) => t.source instanceof Raw);
  const scale = products[0]?.scale;
  if (scale === undefined || scale < f || scale - f > NARROW_SHIFT) return undefined;
  const fits = (t: Term): boolean => t.key === "" && (t.source instanceof Raw ? t.scale === scale : t.scale <= f);
  if (!terms.every(fits)) return undefined;
  const raw = sumRaws(
    ctx,
    products.map((t) => rawTimes(ctx, t, BigInt(t.factor))),
  );
  const shares = terms.filter((t) => t.source instanceof Held).map((t) => lifted(ctx, t, f)!);
  return { raw: withShares(ctx, raw, shares, scale - f), shift: scale - f };
}

/** Frees what `terms` own. */
export function dropTerms(ctx: Context, terms: readonly Term[]): void {
  for (const { source } of terms) {
    if (source instanceof Held) source.release();
    else free(ctx, source);
  }
}
