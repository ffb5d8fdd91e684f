/** @file Moving data: strided copies (6 dimensions, elements of 1, 4 or 8 bytes), fill, iota. */
import { address, bytes4, ceilDiv, word } from "./arguments";
import { part, tid } from "./threads";

let size: i32 = 4;
let inner: i32 = 0, innerSrc: i32 = 0, innerDst: i32 = 0;
// Where `locate` put the current row.
let atSrc: usize = 0, atDst: usize = 0;

/** words: 0 src, 1 dst, 2 element bytes, 3-8 sizes, 9-14 strides of src, 15-20 strides of dst. The last dimension is the innermost. */
export function stridedCopy(a: usize): void {
  size = word(a, 2);
  inner = word(a, 8);
  innerSrc = word(a, 14);
  innerDst = word(a, 20);
  // Two inner dimensions of 4-byte elements, one contiguous in src, the other in dst: transposed in 4x4 blocks.
  if (size == 4 && innerDst == 1 && innerSrc != 1 && word(a, 13) == 1 && word(a, 7) > 1) return transposes(a);
  const rows = outer(a, 5);
  if (rows == 1) return splitRow(a);
  for (let r = part(rows, tid), e = part(rows, tid + 1); r < e; ++r) {
    locate(a, r, 5);
    row(atSrc, atDst, inner);
  }
}
/** One long row is shared out itself. */
function splitRow(a: usize): void {
  const i0 = part(inner, tid), i1 = part(inner, tid + 1);
  row(address(a, 0) + <usize>(i0 * innerSrc * size), address(a, 1) + <usize>(i0 * innerDst * size), i1 - i0);
}
/** Product of the first `dims` sizes. */
function outer(a: usize, dims: i32): i32 {
  let n = 1;
  for (let d = 0; d < dims; ++d) n *= word(a, 3 + d);
  return n;
}
/** Addresses of row r over the first `dims` dimensions. */
function locate(a: usize, r: i32, dims: i32): void {
  let s = 0, d = 0;
  for (let i = dims - 1; i >= 0; --i) {
    const m = word(a, 3 + i);
    if (m == 1) continue;
    const x = r % m;
    r /= m;
    s += x * word(a, 9 + i);
    d += x * word(a, 15 + i);
  }
  atSrc = address(a, 0) + <usize>(s * size);
  atDst = address(a, 1) + <usize>(d * size);
}

function row(src: usize, dst: usize, n: i32): void {
  if (innerSrc == 1 && innerDst == 1) return runs(src, dst, n * size);
  const ds = <usize>(innerSrc * size), dd = <usize>(innerDst * size);
  if (size == 4) {
    for (let i = 0; i < n; ++i) {
      store<i32>(dst, load<i32>(src));
      src += ds;
      dst += dd;
    }
  } else if (size == 1) {
    for (let i = 0; i < n; ++i) {
      store<u8>(dst, load<u8>(src));
      src += ds;
      dst += dd;
    }
  } else {
    for (let i = 0; i < n; ++i) {
      store<i64>(dst, load<i64>(src));
      src += ds;
      dst += dd;
    }
  }
}
/** Short runs by hand: a call of memory.copy costs more than they do. */
function runs(src: usize, dst: usize, bytes: i32): void {
  if (bytes > 256) {
    memory.copy(dst, src, bytes);
    return;
  }
  let i = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(dst + <usize>i, v128.load(src + <usize>i));
  for (; i + 4 <= bytes; i += 4) store<i32>(dst + <usize>i, load<i32>(src + <usize>i));
  for (; i < bytes; ++i) store<u8>(dst + <usize>i, load<u8>(src + <usize>i));
}

/** dst[p * dp + q] = src[p + q * innerSrc], p in the last but one dimension, q in the last; strips of 4 p are shared out. */
function transposes(a: usize): void {
  const np = word(a, 7), dp = bytes4(word(a, 19)), sq = bytes4(innerSrc), matrices = outer(a, 4), strips = ceilDiv(np, 4);
  const units = matrices * strips;
  for (let u = part(units, tid), e = part(units, tid + 1); u < e; ++u) {
    locate(a, u / strips, 4);
    const p = (u % strips) * 4;
    strip(atSrc + bytes4(p), sq, atDst + <usize>p * dp, dp, min(4, np - p), inner);
  }
}
function strip(src: usize, sq: usize, dst: usize, dp: usize, rows: i32, n: i32): void {
  let q = 0;
  if (rows == 4) {
    for (; q + 4 <= n; q += 4) {
      const r0 = v128.load(src), r1 = v128.load(src + sq), r2 = v128.load(src + 2 * sq), r3 = v128.load(src + 3 * sq);
      const t0 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
      const t2 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
      v128.store(dst, v128.shuffle<i64>(t0, t1, 0, 2));
      v128.store(dst + dp, v128.shuffle<i64>(t0, t1, 1, 3));
      v128.store(dst + 2 * dp, v128.shuffle<i64>(t2, t3, 0, 2));
      v128.store(dst + 3 * dp, v128.shuffle<i64>(t2, t3, 1, 3));
      src += 4 * sq;
      dst += 16;
    }
  }
  for (; q < n; ++q) {
    for (let p = 0; p < rows; ++p) store<i32>(dst + <usize>p * dp, load<i32>(src + bytes4(p)));
    src += sq;
    dst += 4;
  }
}

/** words: 0 y, 1 bytes, 2 pattern of 4 bytes. Units of 4 KiB are shared out. */
export function fill(a: usize): void {
  const bytes = word(a, 1), units = <i32>((<u32>bytes + 4095) >> 12), pattern = i32x4.splat(word(a, 2));
  let p = address(a, 0) + ((<usize>part(units, tid)) << 12);
  const e = min(address(a, 0) + ((<usize>part(units, tid + 1)) << 12), address(a, 0) + <usize>bytes);
  for (; p + 16 <= e; p += 16) v128.store(p, pattern);
  for (let i = 0; p < e; ++p, ++i) store<u8>(p, <u8>(word(a, 2) >> (8 * (i & 3))));
}

/** words: 0 y, 1 outer, 2 size, 3 inner, 4 as f32. */
export function iota(a: usize): void {
  const y = address(a, 0), n = word(a, 2), step = word(a, 3), float = word(a, 4) != 0, count = word(a, 1) * n * step;
  for (let i = part(count, tid), e = part(count, tid + 1); i < e; ++i) {
    const v = (i / step) % n;
    if (float) f32.store(y + bytes4(i), <f32>v);
    else store<i32>(y + bytes4(i), v);
  }
}
