/** @file Softmax family along rows of c elements; rows are shared out. Loads past the end of a row are masked. */
import { address, bytes4, sumLanes, word } from "./arguments";
import { mask, storeLanes } from "./lanes";
import { exp4, log4 } from "./math";
import { part, tid } from "./threads";

function rowMax(x: usize, c: i32): f32 {
  const low = f32x4.splat(-Infinity);
  let m = low;
  for (let j = 0; j < c; j += 4) m = f32x4.max(m, v128.bitselect(v128.load(x + bytes4(j)), low, mask(c - j)));
  return max(max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)), max(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)));
}
/** Sum of exp(x - high). */
function rowSum(x: usize, c: i32, high: f32): f32 {
  const h = f32x4.splat(high);
  let s = f32x4.splat(0);
  for (let j = 0; j < c; j += 4) s = f32x4.add(s, v128.and(exp4(f32x4.sub(v128.load(x + bytes4(j)), h)), mask(c - j)));
  return sumLanes(s);
}
@inline
function log1(x: f32): f32 {
  return f32x4.extract_lane(log4(f32x4.splat(x)), 0);
}

/** words: 0 x, 1 y, 2 n, 3 c, 4 log. */
export function softmax(a: usize): void {
  const n = word(a, 2), c = word(a, 3), log = word(a, 4) != 0;
  for (let i = part(n, tid), e = part(n, tid + 1); i < e; ++i) {
    const x = address(a, 0) + bytes4(i * c), y = address(a, 1) + bytes4(i * c);
    const high = rowMax(x, c), h = f32x4.splat(high), total = rowSum(x, c, high);
    const last = f32x4.splat(log ? log1(total) : <f32>1 / total);
    for (let j = 0; j < c; j += 4) {
      const d = f32x4.sub(v128.load(x + bytes4(j)), h);
      storeLanes(y + bytes4(j), log ? f32x4.sub(d, last) : f32x4.mul(exp4(d), last), c - j);
    }
  }
}

/** words: 0 logits, 1 target, 2 losses, 3 n, 4 c. A class of target 0 adds nothing, also where its log-probability is -inf. */
export function softmaxCrossEntropy(a: usize): void {
  const n = word(a, 3), c = word(a, 4);
  for (let i = part(n, tid), e = part(n, tid + 1); i < e; ++i) {
    const x = address(a, 0) + bytes4(i * c), t = address(a, 1) + bytes4(i * c);
    const high = rowMax(x, c), h = f32x4.splat(high), l = f32x4.splat(log1(rowSum(x, c, high)));
    let s = f32x4.splat(0);
    for (let j = 0; j < c; j += 4) {
      const d = f32x4.sub(f32x4.sub(v128.load(x + bytes4(j)), h), l);
      const w = v128.load(t + bytes4(j)), counts = v128.and(f32x4.ne(w, f32x4.splat(0)), mask(c - j));
      s = f32x4.sub(s, v128.and(f32x4.mul(w, d), counts));
    }
    f32.store(address(a, 2) + bytes4(i), sumLanes(s));
  }
}

/** words: 0 logits, 1 target, 2 g, 3 elements between rows' g, 4 grad, 5 n, 6 c. */
export function softmaxCrossEntropyGrad(a: usize): void {
  const n = word(a, 5), c = word(a, 6), stride = word(a, 3);
  for (let i = part(n, tid), e = part(n, tid + 1); i < e; ++i) {
    const x = address(a, 0) + bytes4(i * c), t = address(a, 1) + bytes4(i * c), y = address(a, 4) + bytes4(i * c);
    const g = f32x4.splat(f32.load(address(a, 2) + bytes4(i * stride)));
    const high = rowMax(x, c), h = f32x4.splat(high), total = rowSum(x, c, high);
    let weight = f32x4.splat(0);
    for (let j = 0; j < c; j += 4) weight = f32x4.add(weight, v128.and(v128.load(t + bytes4(j)), mask(c - j)));
    const k = f32x4.splat(sumLanes(weight) / total);
    for (let j = 0; j < c; j += 4) {
      const p = f32x4.mul(exp4(f32x4.sub(v128.load(x + bytes4(j)), h)), k);
      storeLanes(y + bytes4(j), f32x4.mul(f32x4.sub(p, v128.load(t + bytes4(j))), g), c - j);
    }
  }
}
