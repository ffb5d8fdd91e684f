/** @file Layer normalisation and its gradient along rows of c elements; rows are shared out. Loads past the end of a row are masked. */
import { address, bytes4, madd, sumLanes, word } from "./arguments";
import { mask, storeLanes } from "./lanes";
import { part, tid } from "./threads";

// Terms that are added in f32 lanes before the lanes go to f64.
const RUN: i32 = 1024;

/** Mean of a row. */
function mean(x: usize, c: i32): f64 {
  let total: f64 = 0;
  for (let j = 0; j < c; ) {
    let s = f32x4.splat(0);
    for (const e = min(c, j + RUN); j < e; j += 4) s = f32x4.add(s, v128.and(v128.load(x + bytes4(j)), mask(c - j)));
    total += <f64>sumLanes(s);
  }
  return total / <f64>c;
}

/** Mean of (x - m) squared. */
function meanSquare(x: usize, c: i32, m: v128): f64 {
  let total: f64 = 0;
  for (let j = 0; j < c; ) {
    let s = f32x4.splat(0);
    for (const e = min(c, j + RUN); j < e; j += 4) {
      const d = v128.and(f32x4.sub(v128.load(x + bytes4(j)), m), mask(c - j));
      s = madd(d, d, s);
    }
    total += <f64>sumLanes(s);
  }
  return total / <f64>c;
}

/** Mean of g times (x - m). */
function meanProduct(g: usize, x: usize, c: i32, m: v128): f64 {
  let total: f64 = 0;
  for (let j = 0; j < c; ) {
    let s = f32x4.splat(0);
    for (const e = min(c, j + RUN); j < e; j += 4) {
      s = madd(v128.and(v128.load(g + bytes4(j)), mask(c - j)), v128.and(f32x4.sub(v128.load(x + bytes4(j)), m), mask(c - j)), s);
    }
    total += <f64>sumLanes(s);
  }
  return total / <f64>c;
}

/** 1/sigma from the mean square and eps. */
@inline
function inverseOf(square: f64, eps: f64): f64 {
  return <f64>1 / Math.sqrt(square + eps);
}

/** words: 0 x, 1 y, 2 n, 3 c, 4 centre, 5-6 eps (f64). y may be x. */
export function layerNorm(a: usize): void {
  const n = word(a, 2), c = word(a, 3), centre = word(a, 4) != 0, eps = load<f64>(a + 20);
  for (let i = part(n, tid), e = part(n, tid + 1); i < e; ++i) {
    const x = address(a, 0) + bytes4(i * c), y = address(a, 1) + bytes4(i * c);
    const m = f32x4.splat(centre ? <f32>mean(x, c) : 0);
    const r = f32x4.splat(<f32>inverseOf(meanSquare(x, c, m), eps));
    for (let j = 0; j < c; j += 4) storeLanes(y + bytes4(j), f32x4.mul(f32x4.sub(v128.load(x + bytes4(j)), m), r), c - j);
  }
}

/** words: 0 g, 1 x, 2 dx, 3 n, 4 c, 5 centre, 6-7 eps (f64). dx = r (g - mean g - (x - m) r^2 mean(g (x - m))). dx may be g or x. */
export function layerNormGrad(a: usize): void {
  const n = word(a, 3), c = word(a, 4), centre = word(a, 5) != 0, eps = load<f64>(a + 24);
  for (let i = part(n, tid), e = part(n, tid + 1); i < e; ++i) {
    const g = address(a, 0) + bytes4(i * c), x = address(a, 1) + bytes4(i * c), d = address(a, 2) + bytes4(i * c);
    const m = f32x4.splat(centre ? <f32>mean(x, c) : 0);
    const r = inverseOf(meanSquare(x, c, m), eps);
    const along = f32x4.splat(<f32>(-r * r * r * meanProduct(g, x, c, m)));
    const less = f32x4.splat(centre ? <f32>(-r * mean(g, c)) : 0), scale = f32x4.splat(<f32>r);
    for (let j = 0; j < c; j += 4) {
      const v = madd(v128.load(g + bytes4(j)), scale, less);
      storeLanes(d + bytes4(j), madd(f32x4.sub(v128.load(x + bytes4(j)), m), along, v), c - j);
    }
  }
}
