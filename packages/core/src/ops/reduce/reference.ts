/** @file Reference reductions. Floats accumulate in f64, integers in their own width. */
import { type Aval, sizeOf, stridesOf } from "../../program/aval.ts";
import { DTYPE } from "../../program/dtype.ts";
import type { Reference } from "../row.ts";
import { allocate, bigs, isBig, numbers, offsets, split } from "../walk.ts";

/** For each element of x, the element of the result that it belongs to. */
function targets(x: Aval, attrs: readonly number[]): Int32Array {
  const axes = attrs.slice(1);
  const kept = x.shape.map((size, d) => (axes.includes(d) ? 1 : size));
  const strides = stridesOf(kept).map((s, d) => (axes.includes(d) ? 0 : s));
  return offsets(x.shape, strides);
}

export interface Monoid {
  readonly start: (dtype: Aval["dtype"]) => number;
  readonly step: (a: number, b: number) => number;
  /** For i32, u32, u8 where the f64 step would lose bits. */
  readonly int?: (a: number, b: number) => number;
  readonly bigStart?: (dtype: Aval["dtype"]) => bigint;
  readonly bigStep?: (a: bigint, b: bigint) => bigint;
}

export const reduceReference =
  (m: Monoid): Reference =>
  ([x], [aval], attrs, out) => {
    const at = targets(aval!, attrs);
    const y = allocate(out);
    if (isBig(y)) {
      const from = bigs(x);
      y.fill(m.bigStart!(out.dtype));
      for (let i = 0; i < from.length; i++) y[at[i]!] = m.bigStep!(y[at[i]!]!, from[i]!);
      return y;
    }
    const from = numbers(x);
    const total = new Float64Array(sizeOf(out.shape)).fill(m.start(out.dtype));
    const step = !DTYPE[out.dtype].float && m.int ? m.int : m.step;
    for (let i = 0; i < from.length; i++) total[at[i]!] = step(total[at[i]!]!, from[i]!);
    y.set(total);
    return y;
  };

/** Position of the first best along the axis; NaN is better than any number. */
export const argReference =
  (better: (a: number | bigint, b: number | bigint) => boolean): Reference =>
  ([x], [aval], attrs, out) => {
    const { outer, n, inner } = split(aval!.shape, attrs[0]!);
    const y = numbers(allocate(out));
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const base = o * n * inner + i;
        let best = 0;
        for (let k = 1; k < n; k++) {
          const [old, now] = [x![base + best * inner]!, x![base + k * inner]!];
          if (Number.isNaN(old)) break;
          if (Number.isNaN(now) || better(now, old)) best = k;
        }
        y[o * inner + i] = best;
      }
    }
    return y;
  };

export const cumsumReference: Reference = ([x], [aval], attrs, out) => {
  const { outer, n, inner } = split(aval!.shape, attrs[0]!);
  const y = allocate(out);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const base = o * n * inner + i;
      if (isBig(y)) {
        let sum = 0n;
        for (let k = 0; k < n; k++) y[base + k * inner] = sum += bigs(x)[base + k * inner]!;
        continue;
      }
      const wrap = !DTYPE[out.dtype].float;
      let sum = 0;
      for (let k = 0; k < n; k++) {
        sum += numbers(x)[base + k * inner]!;
        if (wrap) sum |= 0;
        y[base + k * inner] = sum;
      }
    }
  }
  return y;
};
