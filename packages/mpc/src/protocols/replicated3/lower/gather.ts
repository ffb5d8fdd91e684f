/** @file Ops with indices, and running sums: with public indices the op table's own plain computation on each component, as 64-bit integers. */
import { type Aval, OPS, sizeOf, type TypedArray } from "@tacit/core/program";
import { ALL_PAIRS, COLUMNS, ofWinners } from "../functions/maximum.ts";
import {
  bitsToArithmetic,
  copy,
  free,
  mulPublicInteger,
  neg,
  type Shares,
  stridedRead,
  stridedWrite,
  sum,
  view,
  zeros,
} from "../primitives/index.ts";
import { route, tournament } from "./pool.ts";
import { fractionBitsOf, type Handler, type NodeRun } from "./run.ts";
import * as bySecret from "./secret-index.ts";
import { gatherSorted } from "./sort.ts";

/** A local linear map of secret arguments; the others are public. */
async function onComponents(n: NodeRun, secret: readonly number[]): Promise<Shares> {
  const held = await Promise.all(secret.map((i) => n.run.plain(n.node.args[i]!)));
  const known = await Promise.all(n.node.args.map((_, i) => (secret.includes(i) ? undefined : n.publicValues(i))));
  const avals = n.node.args.map((_, i): Aval => (secret.includes(i) ? { ...n.arg(i), dtype: "i64" } : n.arg(i)));
  const size = sizeOf(n.aval.shape);
  const depth = Math.max(...held.map((h) => h.shares.depth));
  const out = { a: n.ctx.alloc(8 * size), b: n.ctx.alloc(8 * size), n: size, depth };
  for (const c of ["a", "b"] as const) {
    const args = known.map((values, i): TypedArray => {
      if (values) return values;
      const { shares } = held[secret.indexOf(i)]!;
      const bytes = n.ctx.memory.bytes(shares[c], 8 * shares.n);
      return new BigInt64Array(bytes.buffer, bytes.byteOffset, shares.n).slice();
    });
    const result = OPS.get(n.node.op)!.reference(args, avals, n.attrs, { shape: n.aval.shape, dtype: "i64" });
    n.ctx.memory.write(out[c], result as BigInt64Array);
  }
  for (const h of held) h.release();
  return out;
}

const local =
  (...secret: readonly number[]): Handler =>
  async (n) =>
    n.result(await onComponents(n, secret), fractionBitsOf(n.aval, n.f));

/** Public indices: local. Secret ones: `secretly`. */
const byIndex =
  (secretly: Handler, ...secret: readonly number[]): Handler =>
  (n) => {
    const sorted = n.run.plan.sorts.get(n.id);
    if (sorted) return gatherSorted(n, sorted.group, sorted.rows);
    return n.isPublic(1) ? local(...secret)(n) : secretly(n);
  };

/** The place of the first maximum of x [count, n]: the one-hot vector times 0, 1, 2, ... x is freed. */
async function placeOfMaximum(n: NodeRun, x: Shares, count: number): Promise<Shares> {
  const place = (hot: Shares): Shares => {
    const size = hot.n / count;
    const places = new BigInt64Array(hot.n);
    for (let k = 0; k < count; k++) places.fill(BigInt(k), k * size, (k + 1) * size);
    const weighted = mulPublicInteger(n.ctx, hot, places);
    const out = sum(n.ctx, weighted, 1, count, size);
    free(n.ctx, weighted);
    free(n.ctx, hot);
    return out;
  };
  if (count < 2 || count > ALL_PAIRS) return place(await oneHotByTournament(n, x, count));
  const out = await ofWinners(n.ctx, n.step(0), x, count, { width: n.width }, async (part, _own, hot) => {
    const integers = await bitsToArithmetic(n.ctx, part.id + 8, hot);
    free(n.ctx, hot);
    return place(integers);
  });
  free(n.ctx, x);
  return out;
}

/** One-hot integers [count, n] of the first maximum of x [count, n], which is freed. */
async function oneHotByTournament(n: NodeRun, x: Shares, count: number): Promise<Shares> {
  const size = x.n / count;
  const { y, levels } = await tournament(n.ctx, n.step(0), x, count, n.width);
  free(n.ctx, y);
  const none = zeros(n.ctx, size);
  const one = n.ctx.me === 1 ? none : addOne(n, none);
  const out = await route(n.ctx, n.step(30), one, levels, count);
  for (const bits of levels) free(n.ctx, bits);
  return out;
}

/** Adds the public integer 1 in place: component x_0. */
function addOne(n: NodeRun, x: Shares): Shares {
  const at = n.ctx.me === 0 ? x.a : x.b;
  n.ctx.kernels.addScalar64(at, 1n, at, x.n);
  return x;
}

const argExtremum =
  (largest: boolean): Handler =>
  (n) =>
    n.plain(0, async (x) => {
      const { shape } = n.arg(0);
      const axis = n.attrs[0]!;
      const [outer, count, inner] = [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))];
      const columns = outer * inner;
      const padded = count >= 2 && count <= ALL_PAIRS ? Math.ceil(columns / COLUMNS) * COLUMNS : columns;
      const slots = stridedRead(n.ctx, x, [count, outer, inner], [inner, count * inner, 1]);
      const signed = largest ? copy(n.ctx, slots) : neg(n.ctx, slots);
      const wide = stridedWrite(n.ctx, signed, zeros(n.ctx, count * padded), [count, columns], [padded, 1]);
      free(n.ctx, slots);
      free(n.ctx, signed);
      const all = await placeOfMaximum(n, wide, count);
      const out = copy(n.ctx, view(all, 0, columns));
      free(n.ctx, all);
      return n.result(out, 0);
    });

export const GATHER: ReadonlyMap<string, Handler> = new Map(
  Object.entries({
    gather: byIndex(bySecret.gather, 0),
    indexSelect: byIndex(bySecret.indexSelect, 0),
    cumsum: local(0),
    scatter: local(0, 2),
    scatterAdd: byIndex(bySecret.scatterAdd, 0, 2),
    indexAdd: byIndex(bySecret.indexAdd, 0, 2),
    oneHot: bySecret.oneHot,
    argmax: argExtremum(true),
    argmin: argExtremum(false),
  }),
);
