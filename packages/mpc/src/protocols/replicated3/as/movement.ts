/** @file Movement of u64 elements: strided reads and writes (permute, slice, expand, flip, pad, cat), sums over an axis, columns of images. */
import { ld, tile } from "./common";

// @ts-ignore: decorator
@inline
function line(src: usize, dst: usize, n: i32, stride: isize, write: i32): void {
  if (stride == 1) memory.copy(dst, src, <usize>n * 8);
  else if (write) for (let i = 0; i < n; ++i, src += 8, dst += stride * 8) store<u64>(dst, load<u64>(src));
  else for (let i = 0; i < n; ++i, src += stride * 8, dst += 8) store<u64>(dst, load<u64>(src));
}

/**
 * Descriptor: rank sizes (i32), then rank strides (i32, elements). write = 0: contiguous dst from strided src;
 * write = 1: strided dst from contiguous src. rank 1 .. 8.
 */
export function strided(descriptor: usize, rank: i32, src: usize, dst: usize, write: i32): void {
  const counter = tile(0), last = rank - 1, n = load<i32>(descriptor + 4 * last);
  const strides = descriptor + 4 * rank, inner = <isize>load<i32>(strides + 4 * last);
  memory.fill(counter, 0, 64);
  for (let d = 0; d < rank; ++d) if (!load<i32>(descriptor + 4 * d)) return;
  for (;;) {
    line(src, dst, n, inner, write);
    if (write) src += <usize>n * 8;
    else dst += <usize>n * 8;
    let d = last - 1;
    for (; d >= 0; --d) {
      const size = load<i32>(descriptor + 4 * d), c = load<i32>(counter + 4 * d) + 1, step = <isize>load<i32>(strides + 4 * d) * 8;
      const move = c < size ? step : step * (1 - size);
      if (write) dst += move;
      else src += move;
      store<i32>(counter + 4 * d, c < size ? c : 0);
      if (c < size) break;
    }
    if (d < 0) return;
  }
}

/** o[outer, inner] = sum of x[outer, axis, inner] over the axis. */
export function sumAxis(outer: i32, axis: i32, inner: i32, x: usize, o: usize): void {
  const bytes = <usize>inner * 8, vectors = bytes & ~15;
  if (inner == 1) {
    for (let i = 0; i < outer; ++i, o += 8) {
      let s: u64 = 0;
      for (let j = 0; j < axis; ++j, x += 8) s += load<u64>(x);
      store<u64>(o, s);
    }
    return;
  }
  for (let i = 0; i < outer; ++i, o += bytes) {
    memory.fill(o, 0, bytes);
    for (let j = 0; j < axis; ++j, x += bytes) {
      for (let k: usize = 0; k < vectors; k += 16) v128.store(o + k, i64x2.add(ld(o + k), ld(x + k)));
      if (vectors < bytes) store<u64>(o + vectors, load<u64>(o + vectors) + load<u64>(x + vectors));
    }
  }
}

/**
 * One image [c, h, w] -> columns [c kh kw, oh ow] (zeros outside), or with add = 1 the transpose: columns added into the image.
 */
export function columns(
  c: i32, h: i32, w: i32, kh: i32, kw: i32, sh: i32, sw: i32, ph: i32, pw: i32, dh: i32, dw: i32, oh: i32, ow: i32,
  image: usize, cols: usize, add: i32,
): void {
  const bytes = <usize>ow * 8;
  for (let k = 0; k < c; ++k, image += <usize>(h * w) * 8)
    for (let i = 0; i < kh; ++i)
      for (let j = 0; j < kw; ++j)
        for (let y = 0; y < oh; ++y, cols += bytes) {
          const row = y * sh + i * dh - ph, first = j * dw - pw;
          if (row < 0 || row >= h) {
            if (!add) memory.fill(cols, 0, bytes);
            continue;
          }
          // Output columns x with 0 <= first + x sw < w.
          const x0 = first < 0 ? min((sw - 1 - first) / sw, ow) : 0, x1 = first < w ? min((w - 1 - first) / sw + 1, ow) : 0;
          const src = image + (<usize>(row * w) << 3) + (<isize>first << 3), step = <usize>sw * 8;
          if (add) {
            for (let x = x0; x < x1; ++x) {
              const p = src + <usize>x * step;
              store<u64>(p, load<u64>(p) + load<u64>(cols + 8 * <usize>x));
            }
          } else {
            if (x0 > 0) memory.fill(cols, 0, <usize>x0 * 8);
            if (sw == 1 && x1 > x0) memory.copy(cols + 8 * <usize>x0, src + 8 * <usize>x0, <usize>(x1 - x0) * 8);
            else for (let x = x0; x < x1; ++x) store<u64>(cols + 8 * <usize>x, load<u64>(src + <usize>x * step));
            const end = max(x0, x1);
            if (end < ow) memory.fill(cols + 8 * <usize>end, 0, <usize>(ow - end) * 8);
          }
        }
}
