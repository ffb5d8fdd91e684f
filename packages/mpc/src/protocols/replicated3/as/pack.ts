/**
 * @file Values of w <= 32 bits, packed. A tile of m values (rounded up to 8) takes m w / 8 bytes: its low 16 bits as u16, then
 * (w >= 24 apart) bytes, then one bit plane per bit that is left. At w = 17 that is one u16 array and one bit plane.
 */
import { ld } from "./common";

// @ts-ignore: decorator
@inline
function up8(m: i32): usize {
  return <usize>((m + 7) & ~7);
}

/** u32 at src -> packed at dst; returns the bytes written. src must have room for 7 more, which are cleared. */
export function pack(src: usize, m: i32, w: i32, dst: usize): usize {
  const count = up8(m), start = dst;
  for (let i = <usize>m; i < count; ++i) store<u32>(src + 4 * i, 0);
  let bit = 0;
  for (; bit + 16 <= w; bit += 16, dst += 2 * count)
    for (let i: usize = 0; i < count; i += 8) {
      const a = i32x4.shr_u(ld(src + 4 * i), bit), b = i32x4.shr_u(ld(src + 4 * i + 16), bit);
      v128.store(dst + 2 * i, v128.shuffle<i16>(a, b, 0, 2, 4, 6, 8, 10, 12, 14));
    }
  if (bit + 8 <= w) {
    for (let i: usize = 0; i < count; i += 8) {
      const a = i32x4.shr_u(ld(src + 4 * i), bit), b = i32x4.shr_u(ld(src + 4 * i + 16), bit);
      const bytes = v128.shuffle<u8>(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
      store<u64>(dst + i, i64x2.extract_lane(bytes, 0));
    }
    bit += 8;
    dst += count;
  }
  for (; bit < w; ++bit, dst += count >> 3)
    for (let i: usize = 0; i < count; i += 8) {
      const a = i32x4.bitmask(i32x4.shl(ld(src + 4 * i), 31 - bit)), b = i32x4.bitmask(i32x4.shl(ld(src + 4 * i + 16), 31 - bit));
      store<u8>(dst + (i >> 3), <u8>(a | (b << 4)));
    }
  return dst - start;
}

/** The inverse: packed at src -> u32 at dst (room for 7 more); returns the bytes read. */
export function unpack(src: usize, m: i32, w: i32, dst: usize): usize {
  const count = up8(m), start = src;
  const one = i32x4(1, 2, 4, 8), four = i32x4(16, 32, 64, 128);
  let bit = 0;
  memory.fill(dst, 0, 4 * count);
  for (; bit + 16 <= w; bit += 16, src += 2 * count)
    for (let i: usize = 0; i < count; i += 8) {
      const v = ld(src + 2 * i);
      v128.store(dst + 4 * i, v128.or(ld(dst + 4 * i), i32x4.shl(i32x4.extend_low_i16x8_u(v), bit)));
      v128.store(dst + 4 * i + 16, v128.or(ld(dst + 4 * i + 16), i32x4.shl(i32x4.extend_high_i16x8_u(v), bit)));
    }
  if (bit + 8 <= w) {
    for (let i: usize = 0; i < count; ++i) store<u32>(dst + 4 * i, load<u32>(dst + 4 * i) | (<u32>load<u8>(src + i) << bit));
    bit += 8;
    src += count;
  }
  for (; bit < w; ++bit, src += count >> 3) {
    const set = i32x4.splat(1 << bit), none = i32x4.splat(0);
    for (let i: usize = 0; i < count; i += 8) {
      const v = i32x4.splat(<i32>load<u8>(src + (i >> 3)));
      v128.store(dst + 4 * i, v128.or(ld(dst + 4 * i), v128.and(set, i32x4.ne(v128.and(v, one), none))));
      v128.store(dst + 4 * i + 16, v128.or(ld(dst + 4 * i + 16), v128.and(set, i32x4.ne(v128.and(v, four), none))));
    }
  }
  return src - start;
}
