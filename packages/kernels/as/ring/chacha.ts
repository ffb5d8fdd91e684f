/** @file ChaCha8/12/20 keystream, RFC 8439 state layout: 16 u32 words, word 12 the block counter, words 13..15 the nonce. */
import { fourBlocks, fourBlocksXor } from "./chacha-blocks.gen";

/** Counter before, advanced by blocks in the state. Traps rather than let the 32-bit counter wrap: keystream is used once. */
function take(state: usize, blocks: u32): u32 {
  const counter = load<u32>(state, 48);
  if (<u64>counter + <u64>blocks > 0xffffffff) unreachable();
  store<u32>(state, counter + blocks, 48);
  return counter;
}

// @ts-ignore: decorator
@inline
function rotl16(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}
// @ts-ignore: decorator
@inline
function rotl(x: v128, n: i32): v128 {
  return v128.or(i32x4.shl(x, n), i32x4.shr_u(x, 32 - n));
}

// @ts-ignore: decorator
@inline
function emit(src: usize, out: usize, at: usize, v: v128): void {
  v128.store(out + at, src ? v128.xor(v128.load(src + at), v) : v);
}

/** The first n < 16 bytes of v, xor src if given. */
function emitPart(src: usize, out: usize, n: usize, v: v128): void {
  let word: u64 = i64x2.extract_lane(v, 0);
  for (let i: usize = 0; i < n; ++i) {
    if (i == 8) word = i64x2.extract_lane(v, 1);
    store<u8>(out + i, <u8>word ^ (src ? load<u8>(src + i) : 0));
    word >>= 8;
  }
}

/** One block, rows of the state as vectors; the first `bytes` <= 64 of it. */
function oneBlock(state: usize, counter: u32, src: usize, out: usize, bytes: usize, rounds: i32): void {
  const s0 = v128.load(state), s1 = v128.load(state, 16), s2 = v128.load(state, 32);
  const s3 = i32x4.replace_lane(v128.load(state, 48), 0, counter);
  let a = s0, b = s1, c = s2, d = s3;
  for (let r = 0; r < rounds; ++r) {
    a = i32x4.add(a, b); d = rotl16(v128.xor(d, a));
    c = i32x4.add(c, d); b = rotl(v128.xor(b, c), 12);
    a = i32x4.add(a, b); d = rotl(v128.xor(d, a), 8);
    c = i32x4.add(c, d); b = rotl(v128.xor(b, c), 7);
    // Even rounds leave the columns for the diagonals; odd rounds turn back.
    if (r & 1) {
      b = v128.shuffle<i32>(b, b, 3, 0, 1, 2); c = v128.shuffle<i32>(c, c, 2, 3, 0, 1); d = v128.shuffle<i32>(d, d, 1, 2, 3, 0);
    } else {
      b = v128.shuffle<i32>(b, b, 1, 2, 3, 0); c = v128.shuffle<i32>(c, c, 2, 3, 0, 1); d = v128.shuffle<i32>(d, d, 3, 0, 1, 2);
    }
  }
  a = i32x4.add(a, s0); b = i32x4.add(b, s1); c = i32x4.add(c, s2); d = i32x4.add(d, s3);
  if (bytes == 64) {
    emit(src, out, 0, a); emit(src, out, 16, b); emit(src, out, 32, c); emit(src, out, 48, d);
    return;
  }
  for (let at: usize = 0; at < bytes; at += 16) {
    if (bytes - at >= 16) emit(src, out, at, a);
    else emitPart(src ? src + at : 0, out + at, bytes - at, a);
    a = b; b = c; c = d;
  }
}

/**
 * Writes blocks * 64 bytes of keystream at out and advances the counter. rounds: 8, 12 or 20.
 * Traps when the counter would wrap (so block 2^32 - 1 is never made).
 */
export function chachaKeystream(state: usize, out: usize, blocks: u32, rounds: i32): void {
  let counter = take(state, blocks);
  for (; blocks >= 4; blocks -= 4, counter += 4, out += 256) fourBlocks(state, counter, out, rounds);
  for (; blocks > 0; --blocks, ++counter, out += 64) oneBlock(state, counter, 0, out, 64, rounds);
}

/**
 * out = src xor keystream, `bytes` long (any length; src == out allowed). Advances the counter by ceil(bytes / 64):
 * what is left of the last block is never used.
 */
export function chachaXor(state: usize, src: usize, out: usize, bytes: usize, rounds: i32): void {
  if (!bytes) return;
  let counter = take(state, <u32>((bytes - 1) >> 6) + 1);
  for (; bytes >= 256; bytes -= 256, counter += 4, src += 256, out += 256) fourBlocksXor(state, counter, src, out, rounds);
  for (; bytes > 0; ++counter, src += 64, out += 64) {
    const n = min<usize>(bytes, 64);
    oneBlock(state, counter, src, out, n, rounds);
    bytes -= n;
  }
}

/** Writes zeros over bytes at ptr. The optimiser does not remove stores to linear memory. */
export function zeroise(ptr: usize, bytes: usize): void {
  memory.fill(ptr, 0, bytes);
}
