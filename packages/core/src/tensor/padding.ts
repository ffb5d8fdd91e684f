/** @file Padding: constant, reflected, replicated and circular, written with slices, flips and cat; negative widths cut off. */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";

/** The new tensor's extent along each dimension, innermost first, as PyTorch's `F.pad`: [left, right, top, bottom, ...]. */
export type Padding = readonly number[];

/** What the new places hold: a constant, the mirror image without the edge, the edge itself, or the other end. */
export interface PadOptions {
  readonly mode?: "constant" | "reflect" | "replicate" | "circular";
  /** For `"constant"`; 0 by default. */
  readonly value?: number;
}

interface Widths {
  readonly lo: readonly number[];
  readonly hi: readonly number[];
}

function widths(x: Expr, padding: Padding): Widths {
  const rank = x.shape.length;
  if (padding.length % 2 !== 0 || padding.length > 2 * rank || !padding.every(Number.isInteger)) {
    expected("ARGUMENT_INVALID", "pad", `pairs of integers for at most ${rank} dimensions`, `${padding.length} numbers`);
  }
  const at = (end: 0 | 1): number[] => x.shape.map((_, d) => padding[2 * (rank - 1 - d) + end] ?? 0);
  return { lo: at(0), hi: at(1) };
}

/** Places first..last-1 along `axis`. */
function part(x: Expr, axis: number, first: number, last: number): Expr {
  return op.slice(
    x,
    x.shape.map((_, d) => (d === axis ? first : 0)),
    x.shape.map((n, d) => (d === axis ? last : n)),
  );
}

/** Negative widths cut off. @throws SHAPE_MISMATCH when nothing would be left to cut from */
function cropped(x: Expr, { lo, hi }: Widths): Expr {
  if (lo.every((w) => w >= 0) && hi.every((w) => w >= 0)) return x;
  return lo.reduce((y, _, d) => {
    const n = x.shape[d]!;
    const [first, last] = [Math.max(0, -lo[d]!), n - Math.max(0, -hi[d]!)];
    if (first > last) expected("SHAPE_MISMATCH", "pad", `at most ${n} elements cut from dimension ${d}`, `${first + n - last}`);
    return part(y, d, first, last);
  }, x);
}

function constant(x: Expr, lo: readonly number[], hi: readonly number[], value: number): Expr {
  const y = op.pad(x, lo, hi);
  if (value === 0) return y;
  const inside = op.ne(op.pad(op.full(x.shape, "i32", 1), lo, hi), op.constant("i32", 0));
  return op.where(inside, y, op.lit(y, value));
}

/** Up to `most` elements of the tensor itself may stand before and after it along `axis`. */
const SIDES = {
  reflect: {
    most: (n: number) => n - 1,
    before: (x: Expr, axis: number, w: number) => op.flip(part(x, axis, 1, w + 1), [axis]),
    after: (x: Expr, axis: number, w: number) => op.flip(part(x, axis, x.shape[axis]! - 1 - w, x.shape[axis]! - 1), [axis]),
  },
  circular: {
    most: (n: number) => n,
    before: (x: Expr, axis: number, w: number) => part(x, axis, x.shape[axis]! - w, x.shape[axis]!),
    after: (x: Expr, axis: number, w: number) => part(x, axis, 0, w),
  },
  replicate: {
    most: (n: number) => (n > 0 ? Number.POSITIVE_INFINITY : 0),
    before: (x: Expr, axis: number, w: number) => edge(x, axis, 0, w),
    after: (x: Expr, axis: number, w: number) => edge(x, axis, x.shape[axis]! - 1, w),
  },
} as const;

const edge = (x: Expr, axis: number, at: number, width: number): Expr =>
  op.expand(
    part(x, axis, at, at + 1),
    x.shape.map((n, d) => (d === axis ? width : n)),
  );

function sided(x: Expr, mode: keyof typeof SIDES, axis: number, lo: number, hi: number): Expr {
  if (lo === 0 && hi === 0) return x;
  const { most, before, after } = SIDES[mode];
  const limit = most(x.shape[axis]!);
  if (Math.max(lo, hi) > limit)
    expected("ARGUMENT_INVALID", "pad", `${mode} widths of at most ${limit} in dimension ${axis}`, `${lo} and ${hi}`);
  const parts = [...(lo > 0 ? [before(x, axis, lo)] : []), x, ...(hi > 0 ? [after(x, axis, hi)] : [])];
  return op.cat(parts, axis);
}

/** @throws ARGUMENT_INVALID for odd lists and widths that a mode cannot fill; SHAPE_MISMATCH when more is cut off than there is */
export function padded(x: Expr, padding: Padding, { mode = "constant", value = 0 }: PadOptions): Expr {
  const all = widths(x, padding);
  const [lo, hi] = [all.lo.map((w) => Math.max(0, w)), all.hi.map((w) => Math.max(0, w))];
  const y = cropped(x, all);
  if (mode === "constant") return constant(y, lo, hi, value);
  if (!Object.hasOwn(SIDES, mode))
    expected("ARGUMENT_INVALID", "pad", "the mode constant, reflect, replicate or circular", JSON.stringify(mode));
  return lo.reduce((z, _, d) => sided(z, mode, d, lo[d]!, hi[d]!), y);
}
