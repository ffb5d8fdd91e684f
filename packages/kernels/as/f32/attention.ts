/** @file Attention: softmax(scale q k^T + mask) v and its gradient. The scores exist for one block of queries at a time, in scratch memory. */
import { address, bytes4, ceilDiv, sumLanes, word } from "./arguments";
import { GEMM_SCRATCH, multiply } from "./gemm";
import { mask } from "./lanes";
import { exp4 } from "./math";
import { ACC } from "./micro.gen";
import { part, scratch, tid } from "./threads";

// Scores of one block: 128 KiB stay in L2 beside what the products read. At most so many rows. The same in src/f32/attention.ts.
const BLOCK: i32 = 32768;
const ROWS: i32 = 256;

const CAUSAL: i32 = 1, ADD: i32 = 2, CHOOSE: i32 = 4;

let side: usize = 0, S: i32 = 0, E: i32 = 0, D: i32 = 0, flags: i32 = 0, scale: f32 = 0;
/** Elements of a row of scores in scratch memory, rows of a block. */
let ld: i32 = 0, rows: i32 = 0;

/** Bytes from the first element to that of batch entry h = i0 * n1 + i1 and row i of operand o (0 q, 1 k, 2 v, 3 out, 4 g). */
@inline
function at(o: i32, i0: i32, i1: i32, i: i32): usize {
  const s = side + <usize>(o * 12);
  return bytes4(i0 * load<i32>(s) + i1 * load<i32>(s, 4) + i * load<i32>(s, 8));
}
@inline
function rowStride(o: i32): i32 {
  return load<i32>(side + <usize>(o * 12), 8);
}

/** words: 0 side, 1 q, 2 k, 3 v, 4 out, 5 g, 6 mask, 7 n0, 8 n1, 9 L, 10 S, 11 E, 12 D, 13 flags, 14 scale, 15 W. */
function open(a: usize): void {
  side = address(a, 0);
  S = word(a, 10);
  E = word(a, 11);
  D = word(a, 12);
  flags = word(a, 13);
  scale = load<f32>(a + 56);
  ld = (S + 3) & ~3;
  rows = max(4, min(ROWS, BLOCK / ld));
}

/** Sets elements from `from` to the end of the last vector of `to` elements. */
@inline
function fillTail(p: usize, from: i32, to: i32, value: f32): void {
  for (let j = from, e = (to + 3) & ~3; j < e; ++j) f32.store(p + bytes4(j), value);
}

/** One row of `cols` products at p becomes exp(score - largest); returns their sum. `seen`: keys before the causal border. */
function softmaxRow(p: usize, cols: i32, seen: i32, m: usize, mc: i32): f32 {
  const k = f32x4.splat(scale);
  if (flags & ADD) {
    const same = mc == 0 ? v128.load_splat<f32>(m) : f32x4.splat(0);
    for (let j = 0; j < cols; j += 4) {
      const b = mc == 0 ? same : v128.load(m + bytes4(j));
      v128.store(p + bytes4(j), f32x4.add(f32x4.mul(v128.load(p + bytes4(j)), k), b));
    }
  } else for (let j = 0; j < cols; j += 4) v128.store(p + bytes4(j), f32x4.mul(v128.load(p + bytes4(j)), k));
  if (flags & CHOOSE) for (let j = 0; j < cols; ++j) if (load<u8>(m + <usize>(j * mc)) == 0) f32.store(p + bytes4(j), -Infinity);
  fillTail(p, min(seen, cols), cols, -Infinity);
  let high = f32x4.splat(-Infinity);
  for (let j = 0; j < cols; j += 4) high = f32x4.pmax(high, v128.load(p + bytes4(j)));
  const h = f32x4.splat(max(max(f32x4.extract_lane(high, 0), f32x4.extract_lane(high, 1)), max(f32x4.extract_lane(high, 2), f32x4.extract_lane(high, 3))));
  let sum = f32x4.splat(0);
  for (let j = 0; j < cols; j += 4) {
    const e = v128.and(exp4(f32x4.sub(v128.load(p + bytes4(j)), h)), mask(cols - j));
    v128.store(p + bytes4(j), e);
    sum = f32x4.add(sum, e);
  }
  return sumLanes(sum);
}

/** Scores of queries r0..r1 of one batch entry, as exponentials with their sums; returns how many keys they see. */
function weights(a: usize, i0: i32, i1: i32, r0: i32, r1: i32, p: usize, sums: usize): i32 {
  const cols = flags & CAUSAL ? min(S, r1) : S;
  const q = address(a, 1) + at(0, i0, i1, r0), k = address(a, 2) + at(1, i0, i1, 0);
  multiply(q, rowStride(0), 1, k, 1, rowStride(1), p, ld, r1 - r0, cols, E, 0);
  const s = side + 60, mr = load<i32>(s, 8), mc = load<i32>(s, 12), bytes = flags & CHOOSE ? 1 : 4;
  let m = address(a, 6) + <usize>((i0 * load<i32>(s) + i1 * load<i32>(s, 4) + r0 * mr) * bytes);
  for (let i = r0; i < r1; ++i) {
    const row = p + bytes4((i - r0) * ld);
    f32.store(sums + bytes4(i - r0), softmaxRow(row, cols, flags & CAUSAL ? i + 1 : cols, m, mc));
    m += <usize>(mr * bytes);
  }
  return cols;
}

/** n elements times x. */
function scaleRow(p: usize, n: i32, x: f32): void {
  const v = f32x4.splat(x);
  let j = 0;
  for (; j + 4 <= n; j += 4) v128.store(p + bytes4(j), f32x4.mul(v128.load(p + bytes4(j)), v));
  for (; j < n; ++j) f32.store(p + bytes4(j), f32.load(p + bytes4(j)) * x);
}

export function attention(a: usize): void {
  open(a);
  const n1 = word(a, 8), L = word(a, 9), blocks = ceilDiv(L, rows), units = word(a, 7) * n1 * blocks;
  const sums = scratch() + GEMM_SCRATCH, p = sums + bytes4(ROWS);
  for (let u = part(units, tid), end = part(units, tid + 1); u < end; ++u) {
    const h = u / blocks, i0 = h / n1, i1 = h % n1, r0 = (u % blocks) * rows, r1 = min(L, r0 + rows);
    const cols = weights(a, i0, i1, r0, r1, p, sums);
    const v = address(a, 3) + at(2, i0, i1, 0), y = address(a, 4) + at(3, i0, i1, r0), step = rowStride(3);
    multiply(p, ld, 1, v, rowStride(2), 1, y, step, r1 - r0, D, cols, 0);
    for (let i = 0; i < r1 - r0; ++i) scaleRow(y + bytes4(i * step), D, <f32>1 / f32.load(sums + bytes4(i)));
  }
}

/** The row p of exponentials becomes weights, the row d of their gradients those of the products. */
function gradRow(p: usize, d: usize, cols: i32, total: f32): void {
  const r = f32x4.splat(<f32>1 / total), k = f32x4.splat(scale);
  fillTail(d, cols, cols, 0);
  let sum = f32x4.splat(0);
  for (let j = 0; j < cols; j += 4) {
    const w = f32x4.mul(v128.load(p + bytes4(j)), r);
    v128.store(p + bytes4(j), w);
    sum = f32x4.add(sum, v128.and(f32x4.mul(w, v128.load(d + bytes4(j))), mask(cols - j)));
  }
  const along = f32x4.splat(sumLanes(sum));
  for (let j = 0; j < cols; j += 4) {
    const g = f32x4.sub(v128.load(d + bytes4(j)), along);
    v128.store(d + bytes4(j), f32x4.mul(f32x4.mul(v128.load(p + bytes4(j)), k), g));
  }
}

function clearRow(p: usize, n: i32): void {
  let j = 0;
  for (; j + 4 <= n; j += 4) v128.store(p + bytes4(j), f32x4.splat(0));
  for (; j < n; ++j) f32.store(p + bytes4(j), 0);
}

/** out: L rows of dq, S of dk, S of dv, each W = max(E, D) wide. Every batch entry is one thread's, so sums have one order. */
export function attentionGrad(a: usize): void {
  open(a);
  const n1 = word(a, 8), L = word(a, 9), W = word(a, 15), units = word(a, 7) * n1;
  const sums = scratch() + GEMM_SCRATCH, p = sums + bytes4(ROWS), d = p + bytes4(rows * ld), step = rowStride(3);
  for (let h = part(units, tid), end = part(units, tid + 1); h < end; ++h) {
    const i0 = h / n1, i1 = h % n1;
    const out = address(a, 4) + at(3, i0, i1, 0), dk = out + bytes4(L * step), dv = dk + bytes4(S * step);
    // The products of whole rows overwrite dq; where W > E its rows end in zeros.
    for (let i = W > E ? 0 : L; i < L + 2 * S; ++i) clearRow(out + bytes4(i * step), W);
    const k = address(a, 2) + at(1, i0, i1, 0), v = address(a, 3) + at(2, i0, i1, 0);
    for (let r0 = 0; r0 < L; r0 += rows) {
      const r1 = min(L, r0 + rows), m = r1 - r0;
      const cols = weights(a, i0, i1, r0, r1, p, sums);
      const q = address(a, 1) + at(0, i0, i1, r0), g = address(a, 5) + at(4, i0, i1, r0);
      multiply(g, rowStride(4), 1, v, 1, rowStride(2), d, ld, m, cols, D, 0);
      for (let i = 0; i < m; ++i) gradRow(p + bytes4(i * ld), d + bytes4(i * ld), cols, f32.load(sums + bytes4(i)));
      multiply(d, ld, 1, k, rowStride(1), 1, out + bytes4(r0 * step), step, m, E, cols, 0);
      multiply(d, 1, ld, q, rowStride(0), 1, dk, step, cols, E, m, ACC);
      multiply(p, 1, ld, g, rowStride(4), 1, dv, step, cols, D, m, ACC);
    }
  }
}
