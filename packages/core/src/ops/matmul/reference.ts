/** @file Reference matrix product: sums in f64, or modulo 2^32 and 2^64 for integers. */
import { type Aval, sizeOf } from "../../program/aval.ts";
import { DTYPE } from "../../program/dtype.ts";
import type { Reference } from "../row.ts";
import { allocate, bigs, isBig, numbers } from "../walk.ts";

interface Geometry {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Element strides: batch, row of the product, inner index. */
  readonly a: readonly [number, number, number];
  /** Element strides: batch, inner index, column of the product. */
  readonly b: readonly [number, number, number];
}

function geometry([a, b]: readonly Aval[], attrs: readonly number[], out: Aval): Geometry {
  const [m, n] = out.shape.slice(-2) as [number, number];
  const k = a!.shape.at(attrs[0] === 1 ? -2 : -1)!;
  const stepA = a!.shape.length === 2 ? 0 : m * k;
  const stepB = b!.shape.length === 2 ? 0 : k * n;
  return {
    batch: sizeOf(out.shape.slice(0, -2)),
    m,
    n,
    k,
    a: attrs[0] === 1 ? [stepA, 1, m] : [stepA, k, 1],
    b: attrs[1] === 1 ? [stepB, 1, k] : [stepB, n, 1],
  };
}

/** Calls `dot(at, p, q)` for each element of the product, with the offsets of its row and its column. */
function eachElement(g: Geometry, dot: (at: number, p: number, q: number) => void): void {
  for (let s = 0, at = 0; s < g.batch; s++) {
    for (let i = 0; i < g.m; i++) {
      for (let j = 0; j < g.n; j++, at++) dot(at, s * g.a[0] + i * g.a[1], s * g.b[0] + j * g.b[2]);
    }
  }
}

export const matmulReference: Reference = ([a, b], avals, attrs, out) => {
  const g = geometry(avals, attrs, out);
  const [stepA, stepB] = [g.a[2], g.b[1]];
  const y = allocate(out);
  if (isBig(y)) {
    const [x, w] = [bigs(a), bigs(b)];
    eachElement(g, (at, p, q) => {
      let sum = 0n;
      for (let k = 0; k < g.k; k++) sum += x[p + k * stepA]! * w[q + k * stepB]!;
      y[at] = sum;
    });
    return y;
  }
  const [x, w] = [numbers(a), numbers(b)];
  const float = DTYPE[out.dtype].float;
  eachElement(g, (at, p, q) => {
    let sum = 0;
    if (float) for (let k = 0; k < g.k; k++) sum += x[p + k * stepA]! * w[q + k * stepB]!;
    else for (let k = 0; k < g.k; k++) sum = (sum + Math.imul(x[p + k * stepA]!, w[q + k * stepB]!)) | 0;
    y[at] = sum;
  });
  return y;
};
