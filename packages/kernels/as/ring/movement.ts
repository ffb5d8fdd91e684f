/** @file Moving and summing: strided copies of up to six dimensions, sums along an axis. */

/** A row of a strided copy: n elements; strides in bytes may be zero (expand) or negative (flip). */
function copyRow64(n: i32, src: usize, ss: isize, dst: usize, ds: isize): void {
  if (ss == 8 && ds == 8) memory.copy(dst, src, <usize>n * 8);
  else for (; n > 0; --n, src += ss, dst += ds) store<u64>(dst, load<u64>(src));
}
function copyRow32(n: i32, src: usize, ss: isize, dst: usize, ds: isize): void {
  if (ss == 4 && ds == 4) memory.copy(dst, src, <usize>n * 4);
  else for (; n > 0; --n, src += ss, dst += ds) store<u32>(dst, load<u32>(src));
}

/** Blocks of a transpose keep eight lines of both sides in cache. */
const BLOCK: i32 = 8;

function copyPlane(bytes: i32, n1: i32, s1: isize, d1: isize, n0: i32, s0: isize, d0: isize, src: usize, dst: usize): void {
  const transposed = (s0 != bytes || d0 != bytes) && (s1 == bytes || d1 == bytes) && n0 > BLOCK && n1 > BLOCK;
  const block = transposed ? BLOCK : n0;
  for (let j = 0; j < n0; j += block) {
    const count = min(block, n0 - j);
    let from = src + <isize>j * s0, to = dst + <isize>j * d0;
    for (let i = 0; i < n1; ++i, from += s1, to += d1) {
      if (bytes == 8) copyRow64(count, from, s0, to, d0);
      else copyRow32(count, from, s0, to, d0);
    }
  }
}

/**
 * dst <- src, elements of 8 or 4 bytes over n5 x n4 x n3 x n2 x n1 x n0. The table has 18 i32: n5..n0, source strides s5..s0,
 * destination strides d5..d0, in elements. Zero strides expand, negative ones flip (src is the address of the first element
 * taken). Covers permute, slice, pad and cat pieces. Source and destination must not overlap.
 */
export function stridedCopy(bytes: i32, table: usize, src: usize, dst: usize): void {
  copyDims(bytes, table, 0, src, dst);
}

function copyDims(bytes: i32, table: usize, level: i32, src: usize, dst: usize): void {
  const at = table + (<usize>level << 2);
  const n = load<i32>(at), s = <isize>load<i32>(at, 24) * bytes, d = <isize>load<i32>(at, 48) * bytes;
  if (level == 4) {
    copyPlane(bytes, n, s, d, load<i32>(at, 4), <isize>load<i32>(at, 28) * bytes, <isize>load<i32>(at, 52) * bytes, src, dst);
    return;
  }
  for (let i = 0; i < n; ++i, src += s, dst += d) copyDims(bytes, table, level + 1, src, dst);
}

/** o[outer, inner] = sum over the middle of x[outer, reduced, inner]. */
export function sum64(outer: i32, reduced: i32, inner: i32, x: usize, o: usize): void {
  const row = <usize>inner * 8;
  for (let a = 0; a < outer; ++a, o += row) {
    if (inner == 1) {
      store<u64>(o, sumLine64(reduced, x));
      x += <usize>reduced * 8;
      continue;
    }
    memory.fill(o, 0, row);
    for (let r = 0; r < reduced; ++r, x += row) {
      let i: usize = 0;
      for (const e = row & ~15; i < e; i += 16) v128.store(o + i, i64x2.add(v128.load(o + i), v128.load(x + i)));
      if (i < row) store<u64>(o + i, load<u64>(o + i) + load<u64>(x + i));
    }
  }
}
function sumLine64(n: i32, x: usize): u64 {
  let s0 = i64x2.splat(0), s1 = i64x2.splat(0);
  for (; n >= 4; n -= 4, x += 32) {
    s0 = i64x2.add(s0, v128.load(x));
    s1 = i64x2.add(s1, v128.load(x, 16));
  }
  s0 = i64x2.add(s0, s1);
  let s: u64 = i64x2.extract_lane(s0, 0) + i64x2.extract_lane(s0, 1);
  for (; n > 0; --n, x += 8) s += load<u64>(x);
  return s;
}

/** As sum64, mod 2^32. */
export function sum32(outer: i32, reduced: i32, inner: i32, x: usize, o: usize): void {
  const row = <usize>inner * 4;
  for (let a = 0; a < outer; ++a, o += row) {
    memory.fill(o, 0, row);
    if (inner == 1) {
      let s = i32x4.splat(0), t: u32 = 0, n = reduced;
      for (; n >= 4; n -= 4, x += 16) s = i32x4.add(s, v128.load(x));
      for (; n > 0; --n, x += 4) t += load<u32>(x);
      t += i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 1) + i32x4.extract_lane(s, 2) + i32x4.extract_lane(s, 3);
      store<u32>(o, t);
      continue;
    }
    for (let r = 0; r < reduced; ++r, x += row) {
      let i: usize = 0;
      for (const e = row & ~15; i < e; i += 16) v128.store(o + i, i32x4.add(v128.load(o + i), v128.load(x + i)));
      for (; i < row; i += 4) store<u32>(o + i, load<u32>(o + i) + load<u32>(x + i));
    }
  }
}
