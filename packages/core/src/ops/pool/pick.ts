/** @file The transpose of maxPool2dGrad: reads a second image where each window's first maximum lies. */
import type { Expr } from "../../expr.ts";
import { add, bitAnd, bitNot, bitOr, eq, full, lit, ne, pad, slice, where } from "../emit.ts";

/**
 * h, x [N,C,H,W], y = maxPool2d(x) [N,C,OH,OW] -> [N,C,OH,OW]: kH·kW shifted strided slices, of which the first that equals y counts.
 * Padding never equals: a padded image of ones tells it apart.
 */
export function pickMaxima(h: Expr, x: Expr, y: Expr, attrs: readonly number[]): Expr {
  const [kh, kw, sh, sw, ph, pw] = attrs as [number, number, number, number, number, number];
  const [n, c, oh, ow] = y.shape as [number, number, number, number];
  const padded = (v: Expr): Expr => pad(v, [0, 0, ph, pw], [0, 0, ph, pw]);
  const [hs, xs, inside] = [padded(h), padded(x), padded(full(x.shape, "bool", 1))];
  let picked = full(y.shape, y.dtype, 0);
  let found = full(y.shape, "bool", 0);
  for (let p = 0; p < kh; p++) {
    for (let q = 0; q < kw; q++) {
      const stop = [n, c, p + (oh - 1) * sh + 1, q + (ow - 1) * sw + 1];
      const window = (v: Expr): Expr => slice(v, [0, 0, p, q], stop, [1, 1, sh, sw]);
      const value = window(xs);
      const hit = bitAnd(bitAnd(window(inside), bitNot(found)), bitOr(eq(value, y), ne(value, value)));
      picked = add(picked, where(hit, window(hs), lit(h, 0)));
      found = bitOr(found, hit);
    }
  }
  return picked;
}
