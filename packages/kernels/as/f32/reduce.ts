/** @file Reductions of f32 over the axes `reduced` and `tail` of x[outer, reduced, inner, tail]. */
import { address, bytes4, ceilDiv, word } from "./arguments";
import { reduceInt } from "./reduce-int";
import { barrier, commonScratch, nt, part, scratch, tid } from "./threads";

const SUM: i32 = 0, PROD: i32 = 1, MAX: i32 = 2;
// Elements of a row whose sum is one partial result (f64); the same in src/f32/reduce.ts.
const CHUNK: i32 = 8192;
// Terms that are added in f32 lanes before the lanes go to f64 (rows) or to the second level (columns).
const RUN: i32 = 256;
// Columns that are added up at once where there are many; the same in src/f32/reduce.ts.
const STRIP: i32 = 512;

/** words: 0 x, 1 y, 2 outer, 3 reduced, 4 inner, 5 tail, 6 operation, 7 type. */
export function reduce(a: usize): void {
  if (word(a, 7) != 0) return reduceInt(a);
  const outer = word(a, 2), reduced = word(a, 3), inner = word(a, 4), tail = word(a, 5);
  if (outer * inner == 0) return;
  if (tail > 1 && reduced == 1) rows(a, outer * inner, tail);
  else if (tail > 1) strips(a);
  else if (inner == 1) rows(a, outer, reduced);
  else columns(a);
}

@inline
function combine(x: v128, y: v128, op: i32): v128 {
  return op == SUM ? f32x4.add(x, y) : op == PROD ? f32x4.mul(x, y) : op == MAX ? f32x4.max(x, y) : f32x4.min(x, y);
}
@inline
function combine1(x: f64, y: f64, op: i32): f64 {
  return op == SUM ? x + y : op == PROD ? x * y : op == MAX ? max(x, y) : min(x, y);
}
@inline
function neutral(op: i32): f32 {
  return op == SUM ? 0 : op == PROD ? 1 : op == MAX ? -Infinity : Infinity;
}

/** n elements in a row, in f64 at the end. */
function run(x: usize, n: i32, op: i32): f64 {
  let total: f64 = neutral(op), i = 0;
  while (i + 16 <= n) {
    const e = min(n - 15, i + RUN);
    let s0 = f32x4.splat(neutral(op)), s1 = s0, s2 = s0, s3 = s0;
    for (; i < e; i += 16) {
      const p = x + bytes4(i);
      s0 = combine(s0, v128.load(p), op);
      s1 = combine(s1, v128.load(p, 16), op);
      s2 = combine(s2, v128.load(p, 32), op);
      s3 = combine(s3, v128.load(p, 48), op);
    }
    const v = combine(combine(s0, s1, op), combine(s2, s3, op), op);
    total = combine1(total, f32x4.extract_lane(v, 0), op);
    total = combine1(total, f32x4.extract_lane(v, 1), op);
    total = combine1(total, f32x4.extract_lane(v, 2), op);
    total = combine1(total, f32x4.extract_lane(v, 3), op);
  }
  for (; i < n; ++i) total = combine1(total, f32.load(x + bytes4(i)), op);
  return total;
}

/** Rows in order of memory: chunks of rows are shared out, then thread by thread the rows are put together. */
function rows(a: usize, count: i32, n: i32): void {
  const x = address(a, 0), y = address(a, 1), op = word(a, 6), chunks = max(1, ceilDiv(n, CHUNK));
  if (chunks == 1 || count >= 4 * nt) {
    for (let r = part(count, tid), e = part(count, tid + 1); r < e; ++r) {
      let total: f64 = neutral(op);
      for (let c = 0; c < chunks; ++c) total = combine1(total, run(x + bytes4(r * n + c * CHUNK), min(CHUNK, n - c * CHUNK), op), op);
      f32.store(y + bytes4(r), <f32>total);
    }
    return;
  }
  const partial = commonScratch(), units = count * chunks;
  for (let u = part(units, tid), e = part(units, tid + 1); u < e; ++u) {
    const r = u / chunks, c = u % chunks;
    f64.store(partial + ((<usize>u) << 3), run(x + bytes4(r * n + c * CHUNK), min(CHUNK, n - c * CHUNK), op));
  }
  barrier();
  for (let r = part(count, tid), e = part(count, tid + 1); r < e; ++r) {
    let total: f64 = neutral(op);
    for (let c = 0; c < chunks; ++c) total = combine1(total, f64.load(partial + ((<usize>(r * chunks + c)) << 3)), op);
    f32.store(y + bytes4(r), <f32>total);
  }
}

/** reduced > 1 and tail > 1: strips of `tail` elements in a row. */
function strips(a: usize): void {
  const x = address(a, 0), y = address(a, 1), reduced = word(a, 3), inner = word(a, 4), tail = word(a, 5), op = word(a, 6);
  const units = word(a, 2) * inner;
  for (let u = part(units, tid), e = part(units, tid + 1); u < e; ++u) {
    const o = u / inner, i = u % inner;
    let total: f64 = neutral(op);
    for (let r = 0; r < reduced; ++r) total = combine1(total, run(x + bytes4(((o * reduced + r) * inner + i) * tail), tail, op), op);
    f32.store(y + bytes4(u), <f32>total);
  }
}

/** Columns: 16 neighbours at a time, two levels of f32 sums. Reads up to 15 elements past a row, writes only its own. */
function columns(a: usize): void {
  const x = address(a, 0), y = address(a, 1), reduced = word(a, 3), inner = word(a, 4), op = word(a, 6);
  const wide = ceilDiv(inner, STRIP);
  if (inner > 64 && word(a, 2) * wide >= nt) {
    for (let u = part(word(a, 2) * wide, tid), e = part(word(a, 2) * wide, tid + 1); u < e; ++u) {
      const o = u / wide, i = (u % wide) * STRIP;
      stripColumns(x + bytes4(o * reduced * inner + i), y + bytes4(o * inner + i), reduced, inner, min(STRIP, inner - i), op);
    }
    return;
  }
  const blocks = ceilDiv(inner, 16), units = word(a, 2) * blocks;
  for (let u = part(units, tid), e = part(units, tid + 1); u < e; ++u) {
    const o = u / blocks, i = (u % blocks) * 16, width = min(16, inner - i);
    const p = x + bytes4(o * reduced * inner + i), d = y + bytes4(o * inner + i);
    if (width > 4) wideColumns(p, d, reduced, inner, width, op);
    else narrowColumns(p, d, reduced, inner, width, op);
  }
}
/** Strips of a row in order of memory, both levels of sums in scratch: 16 columns of rows 4 KiB apart or a multiple push each other out of
 *  the cache ([1024, 2048]: 2.6 ms; so 1.7). The order of every sum is that of wideColumns. */
function stripColumns(p: usize, d: usize, reduced: i32, inner: i32, width: i32, op: i32): void {
  const total = scratch(), sum = total + bytes4(STRIP), row = bytes4(inner), z = f32x4.splat(neutral(op));
  for (let j = 0; j < width; j += 4) v128.store(total + bytes4(j), z);
  for (let r = 0; r < reduced; ) {
    for (let j = 0; j < width; j += 4) v128.store(sum + bytes4(j), z);
    for (const e = min(reduced, r + RUN); r < e; ++r) {
      for (let j = 0; j < width; j += 4) v128.store(sum + bytes4(j), combine(v128.load(sum + bytes4(j)), v128.load(p + bytes4(j)), op));
      p += row;
    }
    for (let j = 0; j < width; j += 4) v128.store(total + bytes4(j), combine(v128.load(total + bytes4(j)), v128.load(sum + bytes4(j)), op));
  }
  for (let j = 0; j < width; j += 4) storeLanes(d + bytes4(j), v128.load(total + bytes4(j)), width - j);
}
function wideColumns(p: usize, d: usize, reduced: i32, inner: i32, width: i32, op: i32): void {
  const row = bytes4(inner), z = f32x4.splat(neutral(op));
  let t0 = z, t1 = z, t2 = z, t3 = z;
  for (let r = 0; r < reduced; ) {
    let s0 = z, s1 = z, s2 = z, s3 = z;
    for (const e = min(reduced, r + RUN); r < e; ++r) {
      s0 = combine(s0, v128.load(p), op);
      s1 = combine(s1, v128.load(p, 16), op);
      s2 = combine(s2, v128.load(p, 32), op);
      s3 = combine(s3, v128.load(p, 48), op);
      p += row;
    }
    t0 = combine(t0, s0, op);
    t1 = combine(t1, s1, op);
    t2 = combine(t2, s2, op);
    t3 = combine(t3, s3, op);
  }
  storeLanes(d, t0, width);
  storeLanes(d + 16, t1, width - 4);
  storeLanes(d + 32, t2, width - 8);
  storeLanes(d + 48, t3, width - 12);
}
function narrowColumns(p: usize, d: usize, reduced: i32, inner: i32, width: i32, op: i32): void {
  const row = bytes4(inner), z = f32x4.splat(neutral(op));
  let t = z;
  for (let r = 0; r < reduced; ) {
    let s = z;
    for (const e = min(reduced, r + RUN); r < e; ++r) {
      s = combine(s, v128.load(p), op);
      p += row;
    }
    t = combine(t, s, op);
  }
  storeLanes(d, t, width);
}
function storeLanes(d: usize, v: v128, n: i32): void {
  if (n >= 4) {
    v128.store(d, v);
    return;
  }
  if (n > 0) f32.store(d, f32x4.extract_lane(v, 0));
  if (n > 1) f32.store(d, f32x4.extract_lane(v, 1), 4);
  if (n > 2) f32.store(d, f32x4.extract_lane(v, 2), 8);
}
