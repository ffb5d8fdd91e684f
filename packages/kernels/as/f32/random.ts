/** @file Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011): four blocks at a time, one per lane. */
import { address, bytes4, ceilDiv, word } from "./arguments";
import { part, scratch, tid } from "./threads";

const M0: i32 = 0xd2511f53;
const M1: i32 = 0xcd9e8d57;
const W0: i32 = 0x9e3779b9;
const W1: i32 = 0xbb67ae85;
const ROUNDS: i32 = 10;

/** words: 0 key (u32[2]), 1 offset, 2 y, 3 n, 4 words of the offset (1 to 4, low first). Units of 4 blocks are shared out. */
export function randomBits(a: usize): void {
  const y = address(a, 2), n = word(a, 3), key = address(a, 0), units = ceilDiv(n, 16);
  const low = offsetWord(a, 0) | (offsetWord(a, 1) << 32), high = offsetWord(a, 2) | (offsetWord(a, 3) << 32);
  const keys = scratch();
  keySchedule(load<i32>(key), load<i32>(key, 4), keys);
  for (let u = part(units, tid), e = part(units, tid + 1); u < e; ++u) {
    const b = low + 4 * <u64>u;
    blocks(b, high + <u64>(b < low), keys, y + bytes4(16 * u), n - 16 * u);
  }
}
@inline
function offsetWord(a: usize, i: i32): u64 {
  return i < word(a, 4) ? <u64>load<u32>(address(a, 1) + bytes4(i)) : 0;
}

/** The keys of the rounds as vectors: in memory, they are operands of the exclusive or (13 % faster than made anew). */
function keySchedule(k0: i32, k1: i32, keys: usize): void {
  for (let round = 0; round < ROUNDS; ++round) {
    v128.store(keys, i32x4.splat(k0));
    v128.store(keys, i32x4.splat(k1), 16);
    keys += 32;
    k0 += W0;
    k1 += W1;
  }
}

/** Words of 4 blocks from the counter b + 2^64 high on; `left` of them are stored. */
function blocks(b: u64, high: u64, keys: usize, y: usize, left: i32): void {
  let x0 = i32x4(<i32>b, <i32>(b + 1), <i32>(b + 2), <i32>(b + 3));
  let x1 = i32x4(<i32>(b >> 32), <i32>((b + 1) >> 32), <i32>((b + 2) >> 32), <i32>((b + 3) >> 32));
  let x2 = i32x4.splat(<i32>high), x3 = i32x4.splat(<i32>(high >> 32));
  if (b + 3 < b) {
    // The low half wraps within these blocks: each lane after it takes the carry.
    const h1 = high + <u64>(b + 1 < b), h2 = high + <u64>(b + 2 < b), h3 = high + 1;
    x2 = i32x4(<i32>high, <i32>h1, <i32>h2, <i32>h3);
    x3 = i32x4(<i32>(high >> 32), <i32>(h1 >> 32), <i32>(h2 >> 32), <i32>(h3 >> 32));
  }
  const m0 = i32x4.splat(M0), m1 = i32x4.splat(M1);
  for (let round = 0; round < ROUNDS; ++round) {
    const h0 = highWords(x0, m0), h1 = highWords(x2, m1), l0 = i32x4.mul(x0, m0), l1 = i32x4.mul(x2, m1);
    x0 = v128.xor(v128.xor(h1, x1), v128.load(keys));
    x1 = l1;
    x2 = v128.xor(v128.xor(h0, x3), v128.load(keys, 16));
    x3 = l0;
    keys += 32;
  }
  const t0 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5), t1 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5);
  const t2 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7), t3 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  put(y, v128.shuffle<i64>(t0, t1, 0, 2), left);
  put(y + 16, v128.shuffle<i64>(t0, t1, 1, 3), left - 4);
  put(y + 32, v128.shuffle<i64>(t2, t3, 0, 2), left - 8);
  put(y + 48, v128.shuffle<i64>(t2, t3, 1, 3), left - 12);
}
/** High words of the 64-bit products of lanes. */
@inline
function highWords(x: v128, m: v128): v128 {
  return v128.shuffle<i32>(i64x2.extmul_low_i32x4_u(x, m), i64x2.extmul_high_i32x4_u(x, m), 1, 3, 5, 7);
}
function put(y: usize, v: v128, left: i32): void {
  if (left >= 4) v128.store(y, v);
  else if (left > 0) {
    store<i32>(y, i32x4.extract_lane(v, 0));
    if (left > 1) store<i32>(y, i32x4.extract_lane(v, 1), 4);
    if (left > 2) store<i32>(y, i32x4.extract_lane(v, 2), 8);
  }
}
