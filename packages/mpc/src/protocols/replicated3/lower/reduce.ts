/** @file Sums (local; raw products are summed before their one truncation), products, extrema, all and any over axes. */
import { type Shape, sizeOf, stridesOf } from "@tacit/core/program";
import { log2 } from "../functions/clear.ts";
import { stacked } from "../functions/one-hot.ts";
import {
  type Context,
  copy,
  free,
  fromPublic,
  mulRaw,
  neg,
  type Raw,
  type Shares,
  signBits,
  stridedRead,
  sum,
  sumRaw,
  truncate,
  view,
} from "../primitives/index.ts";
import { combine } from "./combine.ts";
import { tournament } from "./pool.ts";
import { fractionBitsOf, type Handler, type NodeRun } from "./run.ts";
import { foldedOf, KEPT_BITS } from "./size.ts";
import { Held, SecretBits, type SecretValue, type Term } from "./value.ts";

/** The axes of a reduction, and the same with the reduced axes last. */
interface Axes {
  readonly axes: readonly number[];
  readonly kept: readonly number[];
}

function axesOf(n: NodeRun): Axes {
  const axes = n.attrs.slice(1);
  const kept = n
    .arg(0)
    .shape.map((_, d) => d)
    .filter((d) => !axes.includes(d));
  return { axes, kept };
}

/** [outer, axis, inner] where the reduced axes lie side by side, else undefined. */
function blocks(shape: Shape, axes: readonly number[]): readonly [number, number, number] | undefined {
  const real = axes.filter((d) => shape[d] !== 1);
  if (real.length === 0) return [sizeOf(shape), 1, 1];
  const [first, last] = [real[0]!, real[real.length - 1]!];
  for (let d = first; d <= last; d++) if (!real.includes(d) && shape[d] !== 1) return undefined;
  return [sizeOf(shape.slice(0, first)), sizeOf(shape.slice(first, last + 1)), sizeOf(shape.slice(last + 1))];
}

/** x with the axes in this order; fresh. */
function reordered(ctx: Context, x: Shares, shape: Shape, order: readonly number[]): Shares {
  const strides = stridesOf(shape);
  return stridedRead(
    ctx,
    x,
    order.map((d) => shape[d]!),
    order.map((d) => strides[d]!),
  );
}

function sumShares(n: NodeRun, x: Shares): Shares {
  const { shape } = n.arg(0);
  const { axes, kept } = axesOf(n);
  const split = blocks(shape, axes);
  if (split) return sum(n.ctx, x, ...split);
  const moved = reordered(n.ctx, x, shape, [...kept, ...axes]);
  const out = sum(n.ctx, moved, sizeOf(kept.map((d) => shape[d]!)), sizeOf(axes.map((d) => shape[d]!)), 1);
  free(n.ctx, moved);
  return out;
}

const total: Handler = async (n) => {
  const split = blocks(n.arg(0).shape, axesOf(n).axes);
  const terms = await n.terms(0);
  const local = terms.every((t) => t.source instanceof Held || split !== undefined);
  const more = log2(Math.max(foldedOf(n.run.plan.program, n.node), 1));
  if (!local) return viaShares(n, terms, more);
  const summed = terms.map((t): Term => {
    const bits = t.bits + more;
    if (t.source instanceof Held) {
      const out = new Held(n.ctx, sumShares(n, t.source.shares));
      t.source.release();
      return { ...t, source: out, bits };
    }
    return { ...t, source: sumRaw(n.ctx, t.source as Raw, ...split!), bits };
  });
  return n.of(await n.bounded(summed));
};

/** A raw product whose axes do not lie side by side: truncated first. */
async function viaShares(n: NodeRun, terms: readonly Term[], more: number): Promise<SecretValue> {
  const scale = fractionBitsOf(n.aval, n.f);
  const {
    held,
    factor,
    key,
    fixed,
    by,
    bits = n.run.plan.sizes[n.node.args[0]!]!.after,
  } = await combine(n.ctx, n.step(0), terms, scale, KEPT_BITS);
  const out = sumShares(n, held.shares);
  held.release();
  return n.result(out, scale, { factor, key, fixed, by, bits: bits + more });
}

/** The largest (or smallest) over all reduced axes together: a tournament. */
const extremum =
  (largest: boolean): Handler =>
  (n) =>
    n.plain(0, async (x) => {
      const { shape } = n.arg(0);
      const { axes, kept } = axesOf(n);
      const count = sizeOf(axes.map((d) => shape[d]!));
      let slots = axes.length === 0 ? copy(n.ctx, x) : reordered(n.ctx, x, shape, [...axes, ...kept]);
      if (!largest) slots = negated(n.ctx, slots);
      const { y, levels } = await tournament(n.ctx, n.step(0), slots, count, n.width);
      for (const bits of levels) free(n.ctx, bits);
      return n.result(largest ? y : negated(n.ctx, y), fractionBitsOf(n.aval, n.f));
    });

/** Whether all (at least one) of the bits are set: their sum reaches a count. */
const quantified =
  (every: boolean): Handler =>
  (n) =>
    n.plain(0, async (x) => {
      const added = sumShares(n, x);
      const count = sizeOf(axesOf(n).axes.map((d) => n.arg(0).shape[d]!));
      // A sum of so few bits is small whatever the session's range.
      const width = count < 2 ** 30 ? 32 : 64;
      const { bits } = await signBits(n.ctx, n.step(0), added, { threshold: BigInt(every ? count : 1), width });
      free(n.ctx, added);
      return new SecretBits(n.ctx, n.aval.shape, bits);
    });

/** A tree of products: 2 rounds a level, half a unit of error each. */
const prod: Handler = (n) =>
  n.plain(0, async (x) => {
    const { shape } = n.arg(0);
    const { axes, kept } = axesOf(n);
    const size = sizeOf(n.aval.shape);
    let count = sizeOf(axes.map((d) => shape[d]!));
    if (count === 0) return n.result(fromPublic(n.ctx, new BigInt64Array(size).fill(1n << BigInt(n.f))), n.f);
    let rows = axes.length === 0 ? copy(n.ctx, x) : reordered(n.ctx, x, shape, [...axes, ...kept]);
    for (let level = 0; count > 1; level++) {
      const half = (count >> 1) * size;
      const raw = mulRaw(n.ctx, view(rows, 0, half), view(rows, half, half));
      const made = await truncate(n.ctx, n.step(level), raw, n.f);
      const rest = copy(n.ctx, view(rows, 2 * half, rows.n - 2 * half));
      free(n.ctx, rows);
      rows = stacked(n.ctx, [made, rest]);
      count = (count + 1) >> 1;
    }
    return n.result(rows, n.f);
  });

function negated(ctx: Context, x: Shares): Shares {
  const out = neg(ctx, x);
  free(ctx, x);
  return out;
}

export const REDUCE: ReadonlyMap<string, Handler> = new Map(
  Object.entries({
    sum: total,
    amax: extremum(true),
    amin: extremum(false),
    all: quantified(true),
    any: quantified(false),
    prod,
  }),
);
