/** @file Packing: strided views of a matrix into panels that the micro-kernels read in order. */

/** Four rows of `kc` values -> kc groups of four, `step` bytes apart (a transposing copy). Rows beyond `rows` are zero. */
export function pack4T(src: usize, rowBytes: usize, rows: i32, kc: i32, dst: usize, step: usize): void {
  let k = 0;
  if (rows == 4) {
    const s1 = src + rowBytes, s2 = s1 + rowBytes, s3 = s2 + rowBytes;
    for (; k + 4 <= kc; k += 4) {
      const o = (<usize>k) << 2;
      const r0 = v128.load(src + o), r1 = v128.load(s1 + o), r2 = v128.load(s2 + o), r3 = v128.load(s3 + o);
      const t0 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
      const t2 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
      v128.store(dst, v128.shuffle<i64>(t0, t1, 0, 2));
      v128.store(dst + step, v128.shuffle<i64>(t0, t1, 1, 3));
      v128.store(dst + 2 * step, v128.shuffle<i64>(t2, t3, 0, 2));
      v128.store(dst + 3 * step, v128.shuffle<i64>(t2, t3, 1, 3));
      dst += 4 * step;
    }
  }
  packGeneral(src + ((<usize>k) << 2), rowBytes, 4, rows, kc - k, dst, step);
}

/** Four columns of `kc` rows, contiguous in a row -> kc groups of four. */
function pack4N(src: usize, rowBytes: usize, cols: i32, kc: i32, dst: usize, step: usize): void {
  if (cols < 4) return packGeneral(src, 4, rowBytes, cols, kc, dst, step);
  for (let k = 0; k < kc; ++k) {
    v128.store(dst, v128.load(src));
    src += rowBytes;
    dst += step;
  }
}

/** Any strides: `valid` of four lanes, `laneBytes` apart, for kc steps `stepBytes` apart. */
function packGeneral(src: usize, laneBytes: usize, stepBytes: usize, valid: i32, kc: i32, dst: usize, step: usize): void {
  for (let k = 0; k < kc; ++k) {
    for (let i = 0; i < 4; ++i) {
      f32.store(dst + ((<usize>i) << 2), i < valid ? f32.load(src + <usize>i * laneBytes) : 0);
    }
    src += stepBytes;
    dst += step;
  }
}

/** A panel `width` wide (a multiple of 4) of an [outer, k] view; so, sk = strides in elements of the panel axis and of k.
 *  Columns beyond `valid` are zero. */
export function packPanel(src: usize, so: i32, sk: i32, width: i32, valid: i32, kc: i32, dst: usize): void {
  for (let g = 0; g < width; g += 4) {
    const v = max(0, min(4, valid - g)), d = dst + ((<usize>g) << 2), step = (<usize>width) << 2;
    const s = src + ((<usize>(g * so)) << 2);
    if (so == 1) pack4N(s, (<usize>sk) << 2, v, kc, d, step);
    else if (sk == 1) pack4T(s, (<usize>so) << 2, v, kc, d, step);
    else packGeneral(s, (<usize>so) << 2, (<usize>sk) << 2, v, kc, d, step);
  }
}
