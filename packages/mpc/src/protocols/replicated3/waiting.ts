/**
 * @file Range analysis of what waits: products that are not truncated yet, and values beside which a public factor stands. The same terms as the
 * executor's (`lower/value.ts`, `lower/combine.ts`), with what each can reach and the place that `lower/size.ts` gives it.
 */
import { type Interval, magnitude, nearest } from "./intervals.ts";
import {
  EXACT_LIMIT,
  foldedOf,
  isCoarse,
  isKept,
  KEPT_BITS,
  MOST_GROWTH,
  MOST_SHIFT,
  NARROW_SHIFT,
  overlapOf,
  productsOf,
  SHARE_BITS,
} from "./lower/size.ts";
import type { Site } from "./ranges.ts";

/** A truncation takes ring values below 2^62. */
export const RAW_LIMIT_BITS = 62;

/** A term: its magnitude and place (log2) without factors. `key` as in `Term`; `by` is an integer factor, known from the Program. */
interface Part {
  readonly size: number;
  readonly place: number;
  readonly scale: number;
  readonly key: string;
  readonly by: number;
  /** log2 of what constants make of the factor. */
  readonly fixed: number;
  /** It was warned of where it came to be. */
  readonly warned: boolean;
}
/** None: plain fixed point. */
export type Waiting = readonly Part[];

const MOVES = new Set("permute expand slice pad flip reluGrad maxPool2dGrad".split(" "));
const LINEAR = new Set("add sub neg reshape cast".split(" "));

export const power2 = (x: number): string => `2^${Math.log2(x).toFixed(1)}`;
const log2 = (count: number): number => Math.log2(Math.max(count, 1));
const before = (s: Site): number => s.plan.sizes[s.id]!.before;

/** Argument i as terms: a plain one is as large as its value. */
function partsOf(s: Site, i: number): Waiting {
  const waits = s.waiting[i]!;
  return waits.length > 0 ? waits : [plain(s, i)];
}

/** A value whose own factors were applied is taken to be as small as they made it. */
function plain(s: Site, i: number): Part {
  const size = s.plan.sizes[s.node.args[i]!]!;
  const place = Math.min(size.before, size.after);
  return { size: magnitude(s.args[i]!), place, scale: s.f, key: "", by: 1, fixed: 0, warned: false };
}

/** As one sharing that keeps its factor where it is below 2^keep; undefined: its factor is applied. */
function single(w: Waiting, f: number, keep: number): Part | undefined {
  const first = w[0];
  if (!first || first.key === "" || w.some((p) => p.key !== first.key || p.by !== first.by)) return undefined;
  if (first.scale > f && first.fixed > MOST_GROWTH) return undefined;
  if (!isKept(Math.max(...w.map((p) => p.place)), keep)) return undefined;
  const size = w.reduce((sum, p) => sum + p.size, 0);
  const place = Math.max(...w.map((p) => p.place)) + log2(w.length);
  return { ...first, size, place, scale: f, warned: w.some((p) => p.warned) };
}

/** The same for a product, where a plain value has no place. */
function operand(s: Site, i: number): Pick<Part, "size" | "key" | "place" | "fixed"> {
  const found = single(s.waiting[i]!, s.f, KEPT_BITS);
  if (!found) return { size: magnitude(s.args[i]!), key: "", place: 0, fixed: 0 };
  // A square takes the factor of a product before, another product after: whichever is larger.
  const raw = s.node.op === "mul" && s.waiting[i]!.some((p) => p.scale > s.f);
  return raw ? { ...found, size: Math.max(found.size, magnitude(s.args[i]!)) } : found;
}

const joined = (...keys: readonly string[]): string => keys.filter((k) => k !== "").join("*");

/** A sum of `count` products of arguments 0 and 1. */
function ofProducts(s: Site, count: number): Waiting {
  const [x, y] = [operand(s, 0), operand(s, 1)];
  const made = { size: count * x.size * y.size, place: before(s), scale: 2 * s.f, by: 1, warned: false };
  const out = [{ ...made, key: joined(x.key, y.key), fixed: x.fixed + y.fixed }];
  return s.node.op === "mul" ? out : bounded(out, s.f);
}

/** By a public array, whose elements become ring integers. */
function byArray(s: Site, secret: number): Waiting {
  const { size, key, place, fixed } = operand(s, secret);
  const known = s.args[1 - secret]!;
  const by = s.node.op === "div" ? 1 / nearest(known) : magnitude(known);
  return [{ size: size * by, key, place: Math.max(before(s), place), scale: 2 * s.f, by: 1, fixed, warned: false }];
}

/** By a public scalar, which waits unless it is an integer or moves the scale. */
function byScalar(s: Site, secret: number): Waiting {
  const known = s.node.args[1 - secret]!;
  const given = Number(s.plan.fixed.get(known)?.[0] ?? Number.NaN);
  const c = s.node.op === "div" ? 1 / given : given;
  const key = `${s.node.op === "div" ? "1/" : ""}${known}`;
  const parts = partsOf(s, secret).map((p): Part => {
    const total = p.by * c;
    if (p.key === "" && Number.isInteger(total) && Math.abs(total) <= EXACT_LIMIT) return { ...p, by: total };
    const k = -Math.log2(Math.abs(total));
    if (
      p.key === "" &&
      Number.isInteger(k) &&
      k > 0 &&
      k <= MOST_SHIFT &&
      p.scale >= 2 * s.f &&
      p.scale + k - s.f <= NARROW_SHIFT
    )
      return { ...p, by: Math.sign(total), scale: p.scale + k, size: p.size * 2 ** -k, place: p.place - k };
    const constant = p.key === "" ? log2(Math.abs(p.by)) : p.fixed;
    return { ...p, key: joined(p.key, key), fixed: constant + (given === 0 || Number.isNaN(given) ? 0 : Math.log2(Math.abs(c))) };
  });
  const isPlain = parts.every((p) => p.key === "" && p.scale <= s.f);
  return isPlain ? [] : bounded(parts, s.f);
}

/** Several terms side by side. */
function together(s: Site): Waiting {
  if (s.waiting.every((w) => w.length === 0)) return [];
  const sign = (i: number): number => (s.node.op === "neg" || (s.node.op === "sub" && i === 1) ? -1 : 1);
  const parts = s.waiting.flatMap((_, i) => partsOf(s, i).map((p) => ({ ...p, by: p.by * sign(i) })));
  return bounded(parts, s.f);
}

/** Whether terms meet at a common scale: some have a factor, or products have several scales. */
function isMixed(w: Waiting, f: number): boolean {
  return w.some((p) => p.key !== "") || new Set(w.map((p) => p.scale).filter((scale) => scale >= 2 * f)).size > 1;
}

/** Terms that are too large to meet a factor are truncated before. */
function bounded(w: Waiting, f: number): Waiting {
  if (!isMixed(w, f)) return w;
  return w.map((p) => {
    if (p.scale <= f || !isCoarse(p.scale, p.place)) return p;
    return { ...p, scale: f, place: Math.max(p.place, RAW_LIMIT_BITS - 2 * f) };
  });
}

/** `count` of a kind added up. */
const folded = (w: Waiting, count: number): Waiting =>
  w.map((p) => ({ ...p, size: p.size * count, place: p.place + log2(count) }));

/** Moved, one by one. */
function moved(s: Site): Waiting {
  const found = single(s.waiting[0]!, s.f, Number.POSITIVE_INFINITY);
  if (!found) return [];
  if (s.node.op !== "maxPool2dGrad") return [{ ...found, place: Math.max(found.place, before(s)) }];
  // Of few windows, found at once, the factor of a large value is applied before.
  const size = !isKept(found.place) ? Math.max(found.size, magnitude(s.args[0]!)) : found.size;
  return folded([{ ...found, size }], overlapOf(s.node.attrs));
}

/** A place that no term is too large for. */
const ALWAYS_FINE = 22;

/** Averages of windows: one weight waits, several are an array. */
function averaged(s: Site): Waiting {
  const own = operand(s, 0);
  const places = s.node.op === "avgPool2d" ? s.node.attrs[0]! * s.node.attrs[1]! : overlapOf(s.node.attrs);
  const weights = (s.node.attrs[4] !== 0 || s.node.attrs[5] !== 0) && s.node.attrs[6] === 0;
  const place = Math.max(before(s), own.place + log2(places));
  const size = own.size * places;
  const key = joined(own.key, `w${s.id}`);
  // Where padding does not count, weights may be equal all the same: taken as both.
  const { fixed } = own;
  if (weights) return [{ size, key, place: Math.min(place, ALWAYS_FINE), scale: 2 * s.f, by: 1, fixed, warned: false }];
  return [{ size, key, place, scale: s.f, by: 1, fixed, warned: false }];
}

/** (p m - t) g for probabilities p and the mass m of a row's target t. */
function residual(s: Site): Waiting {
  const classes = s.plan.program.aval(s.node.args[0]!).shape[1]!;
  const size = classes * magnitude(s.args[1]!);
  const made = { place: before(s), by: 1, fixed: 0, warned: false };
  if (!s.secret[2] && s.plan.uniform[s.node.args[2]!]) return [{ ...made, size, scale: s.f, key: `${s.node.args[2]}` }];
  const g = s.secret[2] ? operand(s, 2) : { size: magnitude(s.args[2]!), key: "" };
  return [{ ...made, size: size * g.size, scale: 2 * s.f, key: g.key }];
}

/** What of a node's result waits. */
export function waitingOf(s: Site, out: Interval): Waiting {
  const { op } = s.node;
  const count = productsOf(s.plan.program, s.node);
  if (count !== undefined) return s.secret[0] && s.secret[1] ? ofProducts(s, count) : ofKnown(s, count);
  if (op === "mul" || (op === "div" && !s.secret[1])) {
    const known = s.secret.indexOf(false);
    if (known < 0) return ofProducts(s, 1);
    return s.plan.uniform[s.node.args[known]!] ? byScalar(s, 1 - known) : byArray(s, 1 - known);
  }
  if (LINEAR.has(op)) return together(s);
  if (op === "sum") return bounded(folded(s.waiting[0]!, foldedOf(s.plan.program, s.node)), s.f);
  if (op === "softmaxCrossEntropyGrad") return residual(s);
  if (op === "softmaxCrossEntropy")
    return [{ size: magnitude(out), place: before(s), scale: 2 * s.f, key: "", by: 1, fixed: 0, warned: false }];
  if (op.startsWith("avgPool2d")) return averaged(s);
  return MOVES.has(op) ? moved(s) : [];
}

/** Of a secret and a public array. */
function ofKnown(s: Site, count: number): Waiting {
  const secret = s.secret[0] ? 0 : 1;
  const { size, key, fixed } = operand(s, secret);
  const all = count * size * magnitude(s.args[1 - secret]!);
  return bounded([{ size: all, key, place: before(s), scale: 2 * s.f, by: 1, fixed, warned: false }], s.f);
}

/** Products of one kind are added up, and multiplied by integers, before one truncation. */
function checkSum(s: Site, w: Waiting, out: Interval): void {
  const key = w[0]?.key ?? "";
  const most = RAW_LIMIT_BITS - Math.max(s.f, ...w.map((p) => p.scale));
  if (most === RAW_LIMIT_BITS - s.f || s.waiting.every((x) => x.length === 0) || w.some((p) => p.key !== key)) return;
  const reach = key === "" ? magnitude(out) : w.reduce((sum, p) => sum + p.size, 0);
  if (Number.isFinite(reach) && reach >= 2 ** most)
    s.warn(`a sum of products can reach ${power2(reach)}, fixed point takes less than ${power2(2 ** most)}`);
}

/** Warns where what waits leaves its place; gives the same, marked. */
export function checkWaiting(s: Site, w: Waiting, out: Interval): Waiting {
  checkSum(s, w, out);
  if (!isMixed(w, s.f)) return w;
  return w.map((p) => {
    const limit = Math.min(p.place, RAW_LIMIT_BITS - 2 * s.f);
    if (p.warned || (p.key === "" && p.scale <= s.f) || !Number.isFinite(p.size) || p.size < 2 ** limit) return p;
    if (p.key === "")
      s.warn(
        `a product of ${power2(p.size)} is added to a value that waits for a public factor, which takes less than ${power2(2 ** limit)}`,
      );
    else s.warn(`a value of ${power2(p.size)} waits for a public factor, which takes less than ${power2(2 ** limit)}`);
    return { ...p, warned: true };
  });
}

/** Several readers read one sharing; what is returned has no factor left. */
export function settled(w: Waiting, s: Site): Waiting {
  if (s.plan.uses[s.id]! < 2 || w.length === 0) return w;
  const returned = s.plan.returned[s.id]!;
  if (w.length === 1 && w[0]!.scale === s.f && !returned) return w;
  const kept = returned ? undefined : single(w, s.f, SHARE_BITS);
  return kept ? [kept] : [];
}
