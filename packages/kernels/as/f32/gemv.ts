/** @file Vector-matrix products: y[j] = epilogue(sum over k of x[k] * B[k, j]). */
import { bytes4, madd, sumLanes } from "./arguments";
import { ACC, AXPY, COLBIAS, RELU, ROWBIAS } from "./micro.gen";

/** The epilogue of one element; the same order of operations as the tiles of `finish`. */
@inline
function emit(p: usize, v: f32, j: i32, f: i32, bias: usize, alpha: f32): void {
  if (f & AXPY) {
    f32.store(p, f32.load(p) + alpha * v);
    return;
  }
  if (f & ACC) v += f32.load(p);
  if (f & ROWBIAS) v += f32.load(bias);
  if (f & COLBIAS) v += f32.load(bias + bytes4(j));
  if (f & RELU) v = v < 0 ? 0 : v;
  f32.store(p, v);
}

function emitVector(c: usize, sc: usize, j: i32, j1: i32, v: v128, f: i32, bias: usize, alpha: f32): void {
  const p = c + <usize>j * sc;
  emit(p, f32x4.extract_lane(v, 0), j, f, bias, alpha);
  if (j + 1 < j1) emit(p + sc, f32x4.extract_lane(v, 1), j + 1, f, bias, alpha);
  if (j + 2 < j1) emit(p + 2 * sc, f32x4.extract_lane(v, 2), j + 2, f, bias, alpha);
  if (j + 3 < j1) emit(p + 3 * sc, f32x4.extract_lane(v, 3), j + 3, f, bias, alpha);
}

/** Columns contiguous: 32 columns (8 accumulators) at a time, the rest 4 at a time (reads up to 3 elements past a row). */
export function axpyRow(x: usize, sx: i32, b: usize, sk: i32, K: i32, c: usize, sc: usize, j0: i32, j1: i32, f: i32, bias: usize, alpha: f32): void {
  const dx = bytes4(sx), db = bytes4(sk);
  let j = j0;
  for (; j + 32 <= j1; j += 32) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, q = x, p = b + bytes4(j);
    for (let k = 0; k < K; ++k) {
      const v = v128.load_splat<f32>(q);
      s0 = madd(v, v128.load(p), s0);
      s1 = madd(v, v128.load(p, 16), s1);
      s2 = madd(v, v128.load(p, 32), s2);
      s3 = madd(v, v128.load(p, 48), s3);
      s4 = madd(v, v128.load(p, 64), s4);
      s5 = madd(v, v128.load(p, 80), s5);
      s6 = madd(v, v128.load(p, 96), s6);
      s7 = madd(v, v128.load(p, 112), s7);
      q += dx;
      p += db;
    }
    emitVector(c, sc, j, j1, s0, f, bias, alpha);
    emitVector(c, sc, j + 4, j1, s1, f, bias, alpha);
    emitVector(c, sc, j + 8, j1, s2, f, bias, alpha);
    emitVector(c, sc, j + 12, j1, s3, f, bias, alpha);
    emitVector(c, sc, j + 16, j1, s4, f, bias, alpha);
    emitVector(c, sc, j + 20, j1, s5, f, bias, alpha);
    emitVector(c, sc, j + 24, j1, s6, f, bias, alpha);
    emitVector(c, sc, j + 28, j1, s7, f, bias, alpha);
  }
  for (; j < j1; j += 4) {
    let s = f32x4.splat(0), q = x, p = b + bytes4(j);
    for (let k = 0; k < K; ++k) {
      s = madd(v128.load_splat<f32>(q), v128.load(p), s);
      q += dx;
      p += db;
    }
    emitVector(c, sc, j, j1, s, f, bias, alpha);
  }
}

/** Rows contiguous in k (sk = sx = 1, else element by element): one dot product per column. */
export function dotRow(x: usize, sx: i32, b: usize, sk: i32, sj: i32, K: i32, c: usize, sc: usize, j0: i32, j1: i32, f: i32, bias: usize, alpha: f32): void {
  const dense = sk == 1 && sx == 1;
  for (let j = j0; j < j1; ++j) {
    const row = b + bytes4(j * sj);
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, k = 0, t: f32 = 0;
    if (dense) {
      for (; k + 16 <= K; k += 16) {
        const q = x + bytes4(k), p = row + bytes4(k);
        s0 = madd(v128.load(q), v128.load(p), s0);
        s1 = madd(v128.load(q, 16), v128.load(p, 16), s1);
        s2 = madd(v128.load(q, 32), v128.load(p, 32), s2);
        s3 = madd(v128.load(q, 48), v128.load(p, 48), s3);
      }
    }
    for (; k < K; ++k) t += f32.load(x + bytes4(k * sx)) * f32.load(row + bytes4(k * sk));
    emit(c + <usize>j * sc, sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))) + t, j, f, bias, alpha);
  }
}
