/** @file Access to the argument words of an instruction, and small helpers that every kernel uses. */

@inline
export function word(a: usize, i: i32): i32 {
  return load<i32>(a + ((<usize>i) << 2));
}
@inline
export function address(a: usize, i: i32): usize {
  return <usize>load<i32>(a + ((<usize>i) << 2));
}
/** Bytes of n 4-byte elements (n may be negative: an offset). */
@inline
export function bytes4(n: i32): usize {
  return (<usize>n) << 2;
}
@inline
export function align64(p: usize): usize {
  return (p + 63) & ~63;
}
@inline
export function ceilDiv(a: i32, b: i32): i32 {
  return (a + b - 1) / b;
}
/** Rounds towards minus infinity; b > 0. */
@inline
export function floorDiv(a: i32, b: i32): i32 {
  const q = a / b;
  return q * b > a ? q - 1 : q;
}
@inline
export function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}
/** a * b + c: one rounding with relaxed SIMD, two without. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(c, f32x4.mul(a, b));
}
