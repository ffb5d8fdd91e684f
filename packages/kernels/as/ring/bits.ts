/** @file Bit slicing: 128 elements of 64 bits <-> 64 planes of 128 bits; and the (generate, propagate) carry tree on planes. */

// @ts-ignore: decorator
@inline
function difference(a: v128, b: v128, shift: i32, mask: v128): v128 {
  return v128.and(v128.xor(i64x2.shr_u(a, shift), b), mask);
}

/**
 * Two exchanges of a bit-matrix transpose at once, at distances 2 d and d planes: each swaps the high half of every group
 * of bits in one plane with the low half in the other. Four planes per step, so that memory is passed three times, not six.
 */
function exchange(planes: usize, d: i32, wide: v128, narrow: v128): void {
  const step = <usize>d << 4;
  for (let base = 0; base < 64; base += 4 * d) {
    for (let i = base; i < base + d; ++i) {
      const p0 = planes + (<usize>i << 4), p1 = p0 + step, p2 = p1 + step, p3 = p2 + step;
      let a = v128.load(p0), b = v128.load(p1), c = v128.load(p2), e = v128.load(p3);
      const t = difference(a, c, 2 * d, wide), u = difference(b, e, 2 * d, wide);
      c = v128.xor(c, t); a = v128.xor(a, i64x2.shl(t, 2 * d));
      e = v128.xor(e, u); b = v128.xor(b, i64x2.shl(u, 2 * d));
      const v = difference(a, b, d, narrow), w = difference(c, e, d, narrow);
      v128.store(p0, v128.xor(a, i64x2.shl(v, d))); v128.store(p1, v128.xor(b, v));
      v128.store(p2, v128.xor(c, i64x2.shl(w, d))); v128.store(p3, v128.xor(e, w));
    }
  }
}

/** Transposes the two 64 x 64 bit matrices that lie side by side in 64 vectors. Its own inverse. */
function transpose(planes: usize): void {
  exchange(planes, 16, i64x2.splat(0x00000000ffffffff), i64x2.splat(0x0000ffff0000ffff));
  exchange(planes, 4, i64x2.splat(0x00ff00ff00ff00ff), i64x2.splat(0x0f0f0f0f0f0f0f0f));
  exchange(planes, 1, i64x2.splat(0x3333333333333333), i64x2.splat(0x5555555555555555));
}

/**
 * blocks of 128 u64 at src -> blocks of 64 planes at dst (1024 bytes each, dst may be src). Bit b of element 2 i + h
 * becomes bit i of half h of plane b: neighbours stay in one vector, so nothing is shuffled.
 */
export function slice128(blocks: i32, src: usize, dst: usize): void {
  if (src != dst) memory.copy(dst, src, <usize>blocks << 10);
  for (; blocks > 0; --blocks, dst += 1024) transpose(dst);
}

/** The inverse of slice128. */
export function unslice128(blocks: i32, src: usize, dst: usize): void {
  slice128(blocks, src, dst);
}

/**
 * One level of a carry tree, in the clear or on values held by one party: of 2 n planes of g and p (16 bytes each), plane
 * 2 i lower than 2 i + 1, makes n planes g' = g1 xor (p1 and g0), p' = p1 and p0. Written in place, at the front. An odd
 * last plane is moved along. Returns the number of planes left.
 */
export function carryLevel(planes: i32, g: usize, p: usize): i32 {
  const half = planes >> 1;
  for (let i = 0; i < half; ++i) {
    const from = <usize>i << 5, to = <usize>i << 4;
    const p1 = v128.load(p + from, 16);
    v128.store(g + to, v128.xor(v128.load(g + from, 16), v128.and(p1, v128.load(g + from))));
    v128.store(p + to, v128.and(p1, v128.load(p + from)));
  }
  if (planes & 1) {
    const from = <usize>(planes - 1) << 4, to = <usize>half << 4;
    v128.store(g + to, v128.load(g + from));
    v128.store(p + to, v128.load(p + from));
  }
  return (planes + 1) >> 1;
}

/**
 * All levels at once on a tile: `blocks` blocks of `planes` planes of a and b (planes << 4 bytes per block, lowest bit
 * first); carry gets one vector per block: the carry out of a + b. Overwrites a (with g) and b (with p).
 */
export function carryTree(blocks: i32, planes: i32, a: usize, b: usize, carry: usize): void {
  const size = <usize>planes << 4;
  for (; blocks > 0; --blocks, a += size, b += size, carry += 16) {
    for (let i: usize = 0; i < size; i += 16) {
      const x = v128.load(a + i), y = v128.load(b + i);
      v128.store(a + i, v128.and(x, y));
      v128.store(b + i, v128.xor(x, y));
    }
    let left = planes;
    while (left > 1) left = carryLevel(left, a, b);
    v128.store(carry, planes > 0 ? v128.load(a) : i64x2.splat(0));
  }
}

/**
 * The local part of one AND between XOR-shared planes in two-of-three replicated form: o = x0 y0 xor x0 y1 xor x1 y0
 * xor mask, `bytes` a multiple of 16.
 */
export function andShares(bytes: usize, x0: usize, x1: usize, y0: usize, y1: usize, mask: usize, o: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const a = v128.load(x0 + i), b = v128.load(y0 + i);
    const t = v128.xor(v128.and(a, v128.xor(b, v128.load(y1 + i))), v128.and(v128.load(x1 + i), b));
    v128.store(o + i, v128.xor(t, v128.load(mask + i)));
  }
}

/**
 * One level of the tree over XOR shares, replicated (first share g0, p0; second g1, p1): n pairs of neighbouring planes of
 * `width` bytes. zg, zp: this party's masks, then its new first shares, to be sent on:
 * zg ^= G1 xor (P1 and G0), zp ^= P1 and P0, where G0 is the lower and G1 the higher plane of a pair.
 */
export function carryLevelShares(n: i32, width: usize, g0: usize, g1: usize, p0: usize, p1: usize, zg: usize, zp: usize): void {
  for (; n > 0; --n) {
    for (let i: usize = 0; i < width; i += 16) {
      const hi = i + width;
      const a = v128.load(p0 + hi), b = v128.load(p1 + hi), ab = v128.xor(a, b);
      const gl0 = v128.load(g0 + i), pl0 = v128.load(p0 + i);
      const g = v128.xor(v128.and(ab, gl0), v128.and(a, v128.load(g1 + i)));
      const p = v128.xor(v128.and(ab, pl0), v128.and(a, v128.load(p1 + i)));
      v128.store(zg + i, v128.xor(v128.load(zg + i), v128.xor(g, v128.load(g0 + hi))));
      v128.store(zp + i, v128.xor(v128.load(zp + i), p));
    }
    g0 += 2 * width; g1 += 2 * width; p0 += 2 * width; p1 += 2 * width; zg += width; zp += width;
  }
}
