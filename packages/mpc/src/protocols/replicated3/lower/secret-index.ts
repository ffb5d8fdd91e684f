/**
 * @file Secret indices: one-hot rows of them (exact comparisons), then products with integers, which need no truncation. An index
 * outside selects 0 and adds nothing: that it is outside cannot be seen.
 */
import { type Shape, sizeOf, stridesOf } from "@tacit/core/program";
import { oneHotColumns } from "../functions/one-hot.ts";
import {
  add,
  type Context,
  free,
  matmulPublic,
  matmulRaw,
  mulRaw,
  reshare,
  type Shares,
  stridedRead,
  stridedWrite,
  sumRaw,
  zeros,
} from "../primitives/index.ts";
import { toRing } from "./fixed-point.ts";
import { fractionBitsOf, type Handler, type NodeRun } from "./run.ts";
import type { SecretValue } from "./value.ts";

/** Steps: the one-hot rows, and the product's re-sharing. */
const PRODUCT_STEP = 4;

/** One-hot columns [classes, indices] of argument i. */
function hotColumns(n: NodeRun, i: number, classes: number): Promise<Shares> {
  return n.plain(i, (index) => oneHotColumns(n.ctx, n.step(0), index, classes));
}

export const oneHot: Handler = async (n) => {
  const classes = n.attrs[0]!;
  const hot = await hotColumns(n, 0, classes);
  const out = stridedRead(n.ctx, hot, [hot.n / classes, classes], [1, hot.n / classes]);
  free(n.ctx, hot);
  return n.result(out, 0);
};

interface Line {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}

function lineOf(shape: Shape, axis: number): Line {
  return { outer: sizeOf(shape.slice(0, axis)), n: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}

/** hot (transposed: [m, n]) times argument `i` [outer, n, inner]: [outer, m, inner] at the argument's own scale. */
async function selected(n: NodeRun, i: number, hot: Shares, s: Line, m: number, transposed: boolean): Promise<Shares> {
  const shape = { m, k: s.n, n: s.inner, transposeA: transposed, batch: s.outer, strideA: 0 };
  if (n.isPublic(i)) {
    const values = toRing(await n.publicValues(i), fractionBitsOf(n.arg(i), n.f));
    return matmulPublic(n.ctx, hot, values, shape);
  }
  return n.plain(i, (x) => reshare(n.ctx, n.step(PRODUCT_STEP), matmulRaw(n.ctx, n.step(0), hot, x, shape)));
}

/** Rows of x at secret places: an embedding. */
export const indexSelect: Handler = async (n) => {
  const line = lineOf(n.arg(0).shape, n.attrs[0]!);
  const hot = await hotColumns(n, 1, line.n);
  const out = await selected(n, 0, hot, line, n.arg(1).shape[0]!, true);
  free(n.ctx, hot);
  return n.result(out, fractionBitsOf(n.aval, n.f));
};

/** base + added, both at the result's scale; `added` is freed. */
async function onto(n: NodeRun, added: Shares): Promise<SecretValue> {
  const base = await n.run.plain(n.node.args[0]!);
  const out = add(n.ctx, base.shares, added);
  base.release();
  free(n.ctx, added);
  return n.result(out, fractionBitsOf(n.aval, n.f));
}

/** Rows of src added at secret places: an embedding's gradient. */
export const indexAdd: Handler = async (n) => {
  const into = lineOf(n.aval.shape, n.attrs[0]!);
  const hot = await hotColumns(n, 1, into.n);
  const count = n.arg(1).shape[0]!;
  const out = await selected(n, 2, hot, { ...into, n: count }, into.n, false);
  free(n.ctx, hot);
  return onto(n, out);
};

/** hot [classes, ...index] times x as [classes, ...index], summed over an axis of [outer, axis, inner]; one round. */
async function summedProduct(ctx: Context, id: number, hot: Shares, x: Shares, s: Line): Promise<Shares> {
  return reshare(ctx, id, sumRaw(ctx, mulRaw(ctx, hot, x), s.outer, s.n, s.inner));
}

/** out[.., j, ..] = sum over k of [index[.., j, ..] = k] x[.., k, ..]. */
export const gather: Handler = async (n) => {
  const axis = n.attrs[0]!;
  const { shape } = n.arg(0);
  const classes = shape[axis]!;
  const places = n.arg(1).shape;
  const hot = await hotColumns(n, 1, classes);
  const strides = stridesOf(shape);
  const at = [strides[axis]!, ...places.map((_, d) => (d === axis ? 0 : strides[d]!))];
  const out = await n.plain(0, async (x) => {
    const wide = stridedRead(n.ctx, x, [classes, ...places], at);
    const line = { outer: 1, n: classes, inner: sizeOf(places) };
    const made = await summedProduct(n.ctx, n.step(PRODUCT_STEP), hot, wide, line);
    free(n.ctx, wide);
    return made;
  });
  free(n.ctx, hot);
  return n.result(out, fractionBitsOf(n.aval, n.f));
};

/** base[.., k, ..] + sum over j of [index[.., j, ..] = k] src[.., j, ..]. */
export const scatterAdd: Handler = async (n) => {
  const axis = n.attrs[0]!;
  const { shape } = n.aval;
  const classes = shape[axis]!;
  const places = n.arg(1).shape;
  const { outer, n: count, inner } = lineOf(places, axis);
  const hot = await hotColumns(n, 1, classes);
  const added = await n.plain(2, async (src) => {
    const wide = stridedRead(n.ctx, src, [classes, src.n], [0, 1]);
    const made = await summedProduct(n.ctx, n.step(PRODUCT_STEP), hot, wide, { outer: classes * outer, n: count, inner });
    free(n.ctx, wide);
    return made;
  });
  free(n.ctx, hot);
  const strides = stridesOf(shape);
  const others = places.map((_, d) => d).filter((d) => d !== axis);
  const out = stridedWrite(
    n.ctx,
    added,
    zeros(n.ctx, sizeOf(shape)),
    [classes, ...others.map((d) => places[d]!)],
    [strides[axis]!, ...others.map((d) => strides[d]!)],
  );
  free(n.ctx, added);
  return onto(n, out);
};
