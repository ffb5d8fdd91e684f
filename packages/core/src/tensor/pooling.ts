/** @file Pooling with `ceilMode`: a last window that hangs over the end is served by an image that is extended there. */
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { padded } from "./padding.ts";

/** Rows and columns that windows reach beyond the padding, when the number of windows is rounded up; a window must begin inside. */
function overhang(x: Expr, [kh, kw, sh, sw, ph, pw]: readonly number[]): readonly [number, number] {
  const beyond = (n: number, k: number, s: number, p: number): number => {
    let count = Math.ceil((n + 2 * p - k) / s) + 1;
    if ((count - 1) * s >= n + p) count--;
    return Math.max(0, (count - 1) * s + k - (n + 2 * p)) || 0;
  };
  return [beyond(x.shape[2]!, kh!, sh!, ph!), beyond(x.shape[3]!, kw!, sw!, pw!)];
}

/** attrs: [kH, kW, sH, sW, pH, pW]. What the image is extended by is -∞, as the padding is. */
export function maximumPool(x: Expr, attrs: readonly number[], ceilMode = false): Expr {
  const [down, right] = ceilMode ? overhang(x, attrs) : [0, 0];
  return op.maxPool2d(down + right > 0 ? padded(x, [0, right, 0, down], { value: Number.NEGATIVE_INFINITY }) : x, attrs);
}

/**
 * The mean of every window over the places that count: those of the image and, with `countIncludePad`, of the padding, never those
 * beyond. It is the mean of the extended image over the mean of a mask of what counts.
 */
export function averagePool(x: Expr, attrs: readonly number[], countIncludePad: number, ceilMode = false): Expr {
  const [down, right] = ceilMode ? overhang(x, attrs) : [0, 0];
  if (down + right === 0) return op.avgPool2d(x, [...attrs, countIncludePad]);
  const [kh, kw, sh, sw, ph, pw] = attrs as [number, number, number, number, number, number];
  const image = [1, 1, x.shape[2]!, x.shape[3]!];
  const padding = [pw, pw + right, ph, ph + down];
  const counts = op.full(countIncludePad === 1 ? [1, 1, image[2]! + 2 * ph, image[3]! + 2 * pw] : image, x.dtype, 1);
  const mask = padded(counts, countIncludePad === 1 ? [0, right, 0, down] : padding, {});
  const mean = (y: Expr): Expr => op.avgPool2d(y, [kh, kw, sh, sw, 0, 0, 1]);
  return op.div(mean(padded(x, padding, {})), mean(mask));
}
