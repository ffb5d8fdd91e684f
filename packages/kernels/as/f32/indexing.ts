/** @file Kernels that take i32 indices, and cumsum. Bad indices leave an error code; reads give 0, writes are left out. */
import { address, bytes4, word } from "./arguments";
import { fail, part, tid } from "./threads";

const LABEL_OUT_OF_RANGE: i32 = 1;
const INDEX_OUT_OF_RANGE: i32 = 2;

@inline
function inRange(k: i32, n: i32): bool {
  if (<u32>k < <u32>n) return true;
  fail(INDEX_OUT_OF_RANGE);
  return false;
}

/** words: 0 x, 1 index, 2 y, 3 outer, 4 n, 5 m, 6 inner. */
export function gather(a: usize): void {
  const x = address(a, 0), index = address(a, 1), y = address(a, 2), n = word(a, 4), m = word(a, 5), inner = word(a, 6);
  const rows = word(a, 3) * m;
  for (let r = part(rows, tid), e = part(rows, tid + 1); r < e; ++r) {
    const base = (r / m) * n;
    for (let i = 0; i < inner; ++i) {
      const at = bytes4(r * inner + i), k = load<i32>(index + at);
      store<i32>(y + at, inRange(k, n) ? load<i32>(x + bytes4((base + k) * inner + i)) : 0);
    }
  }
}

/** words: 0 src, 1 index, 2 y, 3 outer, 4 n, 5 m, 6 inner. Columns are shared out: each element of y has one thread. */
export function scatterAdd(a: usize): void {
  const src = address(a, 0), index = address(a, 1), y = address(a, 2), n = word(a, 4), m = word(a, 5), inner = word(a, 6);
  const units = word(a, 3) * inner;
  for (let u = part(units, tid), e = part(units, tid + 1); u < e; ++u) {
    const o = u / inner, i = u % inner;
    for (let j = 0; j < m; ++j) {
      const at = bytes4((o * m + j) * inner + i), k = load<i32>(index + at);
      if (!inRange(k, n)) continue;
      const d = y + bytes4((o * n + k) * inner + i);
      f32.store(d, f32.load(d) + f32.load(src + at));
    }
  }
}

/** words: 0 x, 1 index, 2 y, 3 outer, 4 n, 5 m, 6 bytes of an inner run. */
export function indexSelect(a: usize): void {
  const x = address(a, 0), index = address(a, 1), y = address(a, 2), n = word(a, 4), m = word(a, 5), bytes = <usize>word(a, 6);
  const rows = word(a, 3) * m;
  for (let r = part(rows, tid), e = part(rows, tid + 1); r < e; ++r) {
    const k = load<i32>(index + bytes4(r % m)), d = y + <usize>r * bytes;
    if (inRange(k, n)) copyRun(x + <usize>((r / m) * n + k) * bytes, d, bytes);
    else memory.fill(d, 0, bytes);
  }
}
function copyRun(src: usize, dst: usize, bytes: usize): void {
  if (bytes == 4) store<i32>(dst, load<i32>(src));
  else memory.copy(dst, src, bytes);
}

/** words: 0 src, 1 index, 2 y, 3 outer, 4 n, 5 m, 6 inner. Runs of columns are shared out: each element of y has one thread. */
export function indexAdd(a: usize): void {
  const src = address(a, 0), index = address(a, 1), y = address(a, 2), outer = word(a, 3), n = word(a, 4), m = word(a, 5), inner = word(a, 6);
  const i0 = part(inner, tid), i1 = part(inner, tid + 1);
  for (let r = 0; r < outer * m; ++r) {
    const k = load<i32>(index + bytes4(r % m));
    if (!inRange(k, n)) continue;
    const s = src + bytes4(r * inner), d = y + bytes4(((r / m) * n + k) * inner);
    let i = i0;
    for (; i + 4 <= i1; i += 4) v128.store(d + bytes4(i), f32x4.add(v128.load(d + bytes4(i)), v128.load(s + bytes4(i))));
    for (; i < i1; ++i) f32.store(d + bytes4(i), f32.load(d + bytes4(i)) + f32.load(s + bytes4(i)));
  }
}

/** words: 0 labels, 1 y, 2 n, 3 classes. */
export function oneHot(a: usize): void {
  const n = word(a, 2), classes = word(a, 3), r0 = part(n, tid), r1 = part(n, tid + 1), y = address(a, 1);
  memory.fill(y + bytes4(r0 * classes), 0, bytes4((r1 - r0) * classes));
  for (let r = r0; r < r1; ++r) {
    const k = load<i32>(address(a, 0) + bytes4(r));
    if (<u32>k < <u32>classes) f32.store(y + bytes4(r * classes + k), 1);
    else fail(LABEL_OUT_OF_RANGE);
  }
}

/** words: 0 x, 1 y, 2 outer, 3 n, 4 inner, 5 f32 (else i32). Totals of f32 are kept in f64. */
export function cumsum(a: usize): void {
  const x = address(a, 0), y = address(a, 1), n = word(a, 3), inner = word(a, 4), float = word(a, 5) != 0;
  const units = word(a, 2) * inner;
  for (let u = part(units, tid), e = part(units, tid + 1); u < e; ++u) {
    const first = (u / inner) * n * inner + (u % inner);
    let s: f64 = 0, t = 0;
    for (let j = 0; j < n; ++j) {
      const at = bytes4(first + j * inner);
      if (float) {
        s += f32.load(x + at);
        f32.store(y + at, <f32>s);
      } else {
        t += load<i32>(x + at);
        store<i32>(y + at, t);
      }
    }
  }
}
