/**
 * @file Sign bit of x = A + B by digits, A known to roles 0 and 1, B to role 2; bit-sliced in blocks of 128 elements. On 64 bits, or on the low
 * 32 of the same shares: `digits` is 16 or 8. All but the top bit are digits of 4 bits and a top digit of 3. Per digit, role 2 shares T[j] = [b + j >= 2^k], j = 1 .. 2^k - 1;
 * roles 0 and 1 select with their own digit a: generate G = T[a] = [a + b >= 2^k], propagate P = T[a + 1] xor T[a] = [a + b = 2^k - 1].
 */
import { draw, ld, tile } from "./common";

/** Bytes of tables in a block: digits of 15 planes, the top one of 7. Whole ChaCha blocks: 58 or 28. */
// @ts-ignore: decorator
@inline
function tableBytes(digits: i32): usize {
  return 16 * <usize>(15 * digits - 8);
}

// @ts-ignore: decorator
@inline
function stage(p: usize, rows: usize, j: usize, sh: i32, m: i64): void {
  const mask = i64x2.splat(m);
  for (let k: usize = 0; k < rows; k = ((k | j) + 1) & ~j) {
    const x = ld(p + 16 * k), y = ld(p + 16 * (k + j));
    const t = v128.and(v128.xor(i64x2.shr_u(x, sh), y), mask);
    v128.store(p + 16 * (k + j), v128.xor(y, t));
    v128.store(p + 16 * k, v128.xor(x, i64x2.shl(t, sh)));
  }
}

/** 128 u64 at a -> 64 planes of 128 bits at p: bit e of plane k is bit k of element e. */
function slice128(a: usize, p: usize): void {
  for (let k: usize = 0; k < 64; k += 2) {
    const x = ld(a + 8 * k), y = ld(a + 512 + 8 * k);
    v128.store(p + 16 * k, v128.shuffle<i64>(x, y, 0, 2));
    v128.store(p + 16 * k + 16, v128.shuffle<i64>(x, y, 1, 3));
  }
  stage(p, 64, 32, 32, 0x00000000ffffffff);
  stages(p, 64);
}

/** The same for the low 32 bits: 32 planes. */
function sliceLow128(a: usize, p: usize): void {
  const low = i64x2.splat(0x00000000ffffffff);
  for (let k: usize = 0; k < 32; k += 2) {
    const w = ld(a + 8 * k), x = ld(a + 256 + 8 * k), y = ld(a + 512 + 8 * k), z = ld(a + 768 + 8 * k);
    const wx = v128.or(v128.and(w, low), i64x2.shl(x, 32)), yz = v128.or(v128.and(y, low), i64x2.shl(z, 32));
    v128.store(p + 16 * k, v128.shuffle<i64>(wx, yz, 0, 2));
    v128.store(p + 16 * k + 16, v128.shuffle<i64>(wx, yz, 1, 3));
  }
  stages(p, 32);
}

/** Transposes every 32 rows of 32-bit words. */
function stages(p: usize, rows: usize): void {
  stage(p, rows, 16, 16, 0x0000ffff0000ffff); stage(p, rows, 8, 8, 0x00ff00ff00ff00ff);
  stage(p, rows, 4, 4, 0x0f0f0f0f0f0f0f0f); stage(p, rows, 2, 2, 0x3333333333333333); stage(p, rows, 1, 1, 0x5555555555555555);
}

/** Planes of (xa + xb + c) for `count` <= 128 elements, the rest of the block as if 0; xb = 0: none. Scratch 0..1023, planes at p. */
function planes(digits: i32, xa: usize, xb: usize, c: u64, count: i32, p: usize): void {
  const sum = tile(0);
  if (count < 128) memory.fill(sum, 0, 1024);
  const bytes = <usize>count * 8, add = i64x2.splat(c);
  let i: usize = 0;
  if (xb) {
    for (; i + 16 <= bytes; i += 16) v128.store(sum + i, i64x2.add(ld(xa + i), ld(xb + i)));
    if (i < bytes) store<u64>(sum + i, load<u64>(xa + i) + load<u64>(xb + i));
  } else {
    for (; i + 16 <= bytes; i += 16) v128.store(sum + i, i64x2.add(ld(xa + i), add));
    if (i < bytes) store<u64>(sum + i, load<u64>(xa + i) + c);
  }
  if (digits == 16) slice128(sum, p);
  else sliceLow128(sum, p);
}

// @ts-ignore: decorator
@inline
function masked(o: usize, m: usize, j: usize, t: v128): void {
  v128.store(o + 16 * j, v128.xor(t, ld(m + 16 * j)));
}

/** Tables of one digit of 3 bits (planes b0..b2) xor mask. */
// @ts-ignore: decorator
@inline
function table3(b0: v128, b1: v128, b2: v128, m: usize, o: usize): void {
  const a = v128.and(b1, b0), c = v128.or(b1, b0);
  masked(o, m, 0, v128.and(b2, a)); masked(o, m, 1, v128.and(b2, b1)); masked(o, m, 2, v128.and(b2, c)); masked(o, m, 3, b2);
  masked(o, m, 4, v128.or(b2, a)); masked(o, m, 5, v128.or(b2, b1)); masked(o, m, 6, v128.or(b2, c));
}

// @ts-ignore: decorator
@inline
function table4(b0: v128, b1: v128, b2: v128, b3: v128, m: usize, o: usize): void {
  const a = v128.and(b1, b0), c = v128.or(b1, b0);
  const t1 = v128.and(b2, a), t2 = v128.and(b2, b1), t3 = v128.and(b2, c), t5 = v128.or(b2, a), t6 = v128.or(b2, b1), t7 = v128.or(b2, c);
  masked(o, m, 0, v128.and(b3, t1)); masked(o, m, 1, v128.and(b3, t2)); masked(o, m, 2, v128.and(b3, t3)); masked(o, m, 3, v128.and(b3, b2));
  masked(o, m, 4, v128.and(b3, t5)); masked(o, m, 5, v128.and(b3, t6)); masked(o, m, 6, v128.and(b3, t7)); masked(o, m, 7, b3);
  masked(o, m, 8, v128.or(b3, t1)); masked(o, m, 9, v128.or(b3, t2)); masked(o, m, 10, v128.or(b3, t3)); masked(o, m, 11, v128.or(b3, b2));
  masked(o, m, 12, v128.or(b3, t5)); masked(o, m, 13, v128.or(b3, t6)); masked(o, m, 14, v128.or(b3, t7));
}

/** Role 2: B = xa + xb. Tables xor F(tables) -> out (3,712 or 1,792 bytes a block), the top bit -> top (16 bytes a block). */
export function signDeal(digits: i32, n: i32, xa: usize, xb: usize, out: usize, top: usize, tables: usize): void {
  const p = tile(1024), mask = tile(4096), bytes = tableBytes(digits), last = <usize>(64 * digits - 16);
  for (let t = 0, block = 0; t < n; t += 128, ++block) {
    planes(digits, xa, xb, 0, min(128, n - t), p);
    v128.store(top, ld(p + last));
    // Two blocks are 116 or 56 ChaCha blocks, a multiple of the four that are made at once.
    if (!(block & 1)) draw(tables, mask, n - t > 128 ? 2 * bytes : bytes);
    let q = p, m = mask + <usize>(block & 1) * bytes;
    for (let d = 1; d < digits; ++d) {
      table4(ld(q), ld(q + 16), ld(q + 32), ld(q + 48), m, out);
      q += 64; m += 240; out += 240;
    }
    table3(ld(q), ld(q + 16), ld(q + 32), m, out);
    out += 112; xa += 1024; xb += 1024; top += 16;
  }
}

// @ts-ignore: decorator
@inline
function mux(a: v128, x: v128, y: v128): v128 {
  return v128.xor(x, v128.and(a, v128.xor(x, y)));
}

/** Of eight entries e_0 .. e_7 the one that bits a0..a2 say. */
// @ts-ignore: decorator
@inline
function mux8(a0: v128, a1: v128, a2: v128, e0: v128, e1: v128, e2: v128, e3: v128, e4: v128, e5: v128, e6: v128, e7: v128): v128 {
  return mux(a2, mux(a1, mux(a0, e0, e1), mux(a0, e2, e3)), mux(a1, mux(a0, e4, e5), mux(a0, e6, e7)));
}

/**
 * Roles 0 and 1: A + c. Pairs xor F(pairs) -> msg (planes G_0 .. G_d-1, P_1 .. P_d-1 a block), the mask itself -> keep, the top bit -> top.
 * Tables arrived at `tin` (role 1), or tin = 0 and they are F(tables) (role 0, who also adds the constant T[2^k] = 1).
 * `keep` already holds F(pairs).
 */
export function signSelect(
  digits: i32, n: i32, a: usize, c: u64, tin: usize, tables: usize, keep: usize, msg: usize, top: usize,
): void {
  const bytes = tableBytes(digits), last = <usize>(64 * digits - 16), more = <usize>(digits - 1), pairs = 16 * (2 * more + 1);
  const p = tile(1024), mask = tile(4096), zero = i64x2.splat(0), one = i64x2.splat(tin ? 0 : -1);
  for (let t = 0, block = 0; t < n; t += 128, ++block) {
    planes(digits, a, 0, c, min(128, n - t), p);
    v128.store(top, ld(p + last));
    let q = p, m = tin;
    if (tin) tin += bytes;
    else {
      if (!(block & 1)) draw(tables, mask, n - t > 128 ? 2 * bytes : bytes);
      m = mask + <usize>(block & 1) * bytes;
    }
    for (let d: usize = 0; d < more; ++d) {
      const a0 = ld(q), a1 = ld(q + 16), a2 = ld(q + 32), a3 = ld(q + 48);
      const t7 = ld(m + 96), t8 = ld(m + 112), t9 = ld(m + 128);
      const low = mux8(a0, a1, a2, zero, ld(m), ld(m + 16), ld(m + 32), ld(m + 48), ld(m + 64), ld(m + 80), t7);
      const high = mux8(a0, a1, a2, t8, t9, ld(m + 144), ld(m + 160), ld(m + 176), ld(m + 192), ld(m + 208), ld(m + 224));
      const g = mux(a3, low, high);
      v128.store(msg + 16 * d, v128.xor(g, ld(keep + 16 * d)));
      if (d) {
        const low1 = mux8(a0, a1, a2, ld(m), ld(m + 16), ld(m + 32), ld(m + 48), ld(m + 64), ld(m + 80), t7, t8);
        const high1 = mux8(a0, a1, a2, t9, ld(m + 144), ld(m + 160), ld(m + 176), ld(m + 192), ld(m + 208), ld(m + 224), one);
        v128.store(msg + 16 * (d + more), v128.xor(v128.xor(mux(a3, low1, high1), g), ld(keep + 16 * (d + more))));
      }
      q += 64; m += 240;
    }
    const a0 = ld(q), a1 = ld(q + 16), a2 = ld(q + 32), t1 = ld(m), t2 = ld(m + 16), t3 = ld(m + 32), t4 = ld(m + 48);
    const t5 = ld(m + 64), t6 = ld(m + 80), t7 = ld(m + 96);
    const g = mux8(a0, a1, a2, zero, t1, t2, t3, t4, t5, t6, t7), h = mux8(a0, a1, a2, t1, t2, t3, t4, t5, t6, t7, one);
    v128.store(msg + 16 * more, v128.xor(g, ld(keep + 16 * more)));
    v128.store(msg + 32 * more, v128.xor(v128.xor(g, h), ld(keep + 32 * more)));
    keep += pairs; msg += pairs; a += 1024; top += 16;
  }
}

/**
 * One level of the tree over m (generate, propagate) pairs: (G, P) = (G_high ^ P_high G_low, P_high P_low), pair by pair.
 * A block is planes [G_0 .. G_m-1, P_1 .. P_m-1]; x0, x1 the first and second share; o this party's 3-of-3 share, re-randomised
 * by F(low) ^ F(high), planes [G_0 .. G_h-1, P_1 .. P_h-1], h = m / 2.
 */
export function signLevel(blocks: i32, m: i32, x0: usize, x1: usize, o: usize, low: usize, high: usize): void {
  const h = <usize>(m >> 1), one: usize = 1, p = <usize>(m - 1) * 16;
  const inBytes = <usize>(2 * m - 1) * 16, outBytes: usize = (h + h - one) * 16;
  const ml = tile(0), mh = tile(4096);
  for (let first = 0; first < blocks; first += 16) {
    const group = <usize>min(16, blocks - first), bytes = group * outBytes;
    draw(low, ml, bytes);
    draw(high, mh, bytes);
    let at: usize = 0;
    for (let b: usize = 0; b < group; ++b) {
      for (let j: usize = 0; j < h; ++j) {
        const g: usize = j * 16, gl = g + g, gh = gl + 16, ph = p + gh;
        const p0 = ld(x0 + ph), p1 = ld(x1 + ph), g0 = ld(x0 + gl), g1 = ld(x1 + gl), r = v128.xor(ld(ml + at + g), ld(mh + at + g));
        const pg = v128.xor(v128.and(p0, v128.xor(g0, g1)), v128.and(p1, g0));
        v128.store(o + g, v128.xor(v128.xor(pg, ld(x0 + gh)), r));
        if (j) {
          const k: usize = (h + j - one) * 16, q0 = ld(x0 + p + gl), q1 = ld(x1 + p + gl), s = v128.xor(ld(ml + at + k), ld(mh + at + k));
          v128.store(o + k, v128.xor(v128.xor(v128.and(p0, v128.xor(q0, q1)), v128.and(p1, q0)), s));
        }
      }
      x0 += inBytes; x1 += inBytes; o += outBytes; at += outBytes;
    }
  }
}

/** One plane of every block: 16 bytes at offset of each `stride`. */
export function takePlane(blocks: i32, src: usize, stride: usize, dst: usize): void {
  for (let b = 0; b < blocks; ++b, src += stride, dst += 16) v128.store(dst, ld(src));
}

/** o = 3-of-3 share of a and b, re-randomised by F(low) ^ F(high); bytes a multiple of 16. */
export function andShare(bytes: usize, a0: usize, a1: usize, b0: usize, b1: usize, o: usize, low: usize, high: usize): void {
  const ml = tile(0), mh = tile(4096);
  for (let t: usize = 0; t < bytes; t += 4096) {
    const e = min<usize>(4096, bytes - t);
    draw(low, ml, e);
    draw(high, mh, e);
    for (let i: usize = 0; i < e; i += 16) {
      const x0 = ld(a0 + t + i), y0 = ld(b0 + t + i);
      const xy = v128.xor(v128.and(x0, v128.xor(y0, ld(b1 + t + i))), v128.and(ld(a1 + t + i), y0));
      v128.store(o + t + i, v128.xor(xy, v128.xor(ld(ml + i), ld(mh + i))));
    }
  }
}

/** o = a ^ b ^ flip (0 or -1, every bit), bytes a multiple of 16; b = 0: o = a ^ flip. */
export function xorBytes(bytes: usize, a: usize, b: usize, o: usize, flip: i32): void {
  const f = i32x4.splat(flip);
  if (!b) for (let i: usize = 0; i < bytes; i += 16) v128.store(o + i, v128.xor(f, ld(a + i)));
  else for (let i: usize = 0; i < bytes; i += 16) v128.store(o + i, v128.xor(f, v128.xor(ld(a + i), ld(b + i))));
}
