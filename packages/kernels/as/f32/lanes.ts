/** @file Rows whose length is no multiple of four: masks for the last vector, and stores of some of its lanes. */

/** Lanes below `left` (all ones), the rest zero. */
@inline
export function mask(left: i32): v128 {
  return i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3));
}
/** Stores the first `left` lanes (4 or more: all). */
@inline
export function storeLanes(d: usize, v: v128, left: i32): void {
  if (left >= 4) v128.store(d, v);
  else {
    f32.store(d, f32x4.extract_lane(v, 0));
    if (left > 1) f32.store(d, f32x4.extract_lane(v, 1), 4);
    if (left > 2) f32.store(d, f32x4.extract_lane(v, 2), 8);
  }
}
