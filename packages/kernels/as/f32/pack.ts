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

/** Lanes that are packed at once where they lie side by side: two cache lines of each row. Visited 4 or 8 at a time, rows that are 4 KiB
 *  apart or a multiple push each other out of the cache before the rest of their lines is read (128x2048x1024: 26 ms; so 15). */
const LANES: i32 = 32;

/** `count` lanes as panels of `width` (4 or 8), kc steps each, one panel behind the other; strides as in packPanel. */
export function packPanels(src: usize, so: i32, sk: i32, width: i32, count: i32, kc: i32, dst: usize): void {
  let j = 0;
  if (so == 1) for (; j + LANES <= count; j += LANES) packLanes(src + ((<usize>j) << 2), (<usize>sk) << 2, width, kc, dst + ((<usize>(j * kc)) << 2));
  for (; j < count; j += width) packPanel(src + ((<usize>(j * so)) << 2), so, sk, width, count - j, kc, dst + ((<usize>(j * kc)) << 2));
}

/** 32 lanes, contiguous in a row of `rowBytes`. */
function packLanes(src: usize, rowBytes: usize, width: i32, kc: i32, dst: usize): void {
  const step = (<usize>width) << 2, panel = step * <usize>kc;
  // Vector v of a row: its panel, and its place there.
  const next: usize = width == 8 ? 16 : panel, pair: usize = width == 8 ? panel : 2 * panel;
  const d1 = dst + next, d2 = dst + pair, d3 = d2 + next, d4 = d2 + pair, d5 = d4 + next, d6 = d4 + pair, d7 = d6 + next;
  let o: usize = 0;
  for (let k = 0; k < kc; ++k) {
    v128.store(dst + o, v128.load(src));
    v128.store(d1 + o, v128.load(src, 16));
    v128.store(d2 + o, v128.load(src, 32));
    v128.store(d3 + o, v128.load(src, 48));
    v128.store(d4 + o, v128.load(src, 64));
    v128.store(d5 + o, v128.load(src, 80));
    v128.store(d6 + o, v128.load(src, 96));
    v128.store(d7 + o, v128.load(src, 112));
    src += rowBytes;
    o += step;
  }
}
