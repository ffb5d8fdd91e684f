/**
 * @file Convolution over the rings mod 2^64 and 2^32 and its two gradients, as matrix products of the patches (im2col) of one
 * image and group at a time: at most K x P elements, which the second-level cache mostly holds. NCHW, weights
 * [O, C / groups, KH, KW]. The table has 16 i32: N C H W O KH KW, strides, top and left padding, dilations, groups, OH OW.
 */
import { gemm32, gemm32WorkspaceBytes } from "./gemm32";
import { gemm64, gemm64WorkspaceBytes } from "./strassen64";

// @ts-ignore: decorator
@inline
function field(table: usize, i: i32): i32 {
  return load<i32>(table + (<usize>i << 2));
}
// @ts-ignore: decorator
@inline
function patchSize(t: usize): i32 {
  return field(t, 1) / field(t, 13) * field(t, 5) * field(t, 6);
}
// @ts-ignore: decorator
@inline
function outputs(t: usize): i32 {
  return field(t, 14) * field(t, 15);
}
/** A 1 x 1 kernel of stride 1 without padding: the image is its own patches. */
function pointwise(t: usize): bool {
  const plain = field(t, 7) == 1 && field(t, 8) == 1 && field(t, 9) == 0 && field(t, 10) == 0;
  return plain && field(t, 5) == 1 && field(t, 6) == 1 && field(t, 14) == field(t, 2) && field(t, 15) == field(t, 3);
}

/** The outputs o with 0 <= o * stride + offset < size, as first and end. */
// @ts-ignore: decorator
@inline
function firstInside(offset: i32, stride: i32, count: i32): i32 {
  return offset >= 0 ? 0 : min((stride - 1 - offset) / stride, count);
}
// @ts-ignore: decorator
@inline
function endInside(offset: i32, stride: i32, count: i32, size: i32): i32 {
  return offset >= size ? 0 : min((size - 1 - offset) / stride + 1, count);
}

/** Patches of `channels` planes at x: columns[(c, i, j), (oh, ow)]. */
function im2col<T>(t: usize, channels: i32, x: usize, columns: usize): void {
  const h = field(t, 2), w = field(t, 3), kh = field(t, 5), kw = field(t, 6), sh = field(t, 7), sw = field(t, 8);
  const oh = field(t, 14), ow = field(t, 15), size = sizeof<T>(), line = <usize>ow * size;
  for (let c = 0; c < channels; ++c, x += <usize>(h * w) * size) {
    for (let i = 0; i < kh; ++i) {
      for (let j = 0; j < kw; ++j) {
        const left = j * field(t, 12) - field(t, 10), a = firstInside(left, sw, ow), b = max(a, endInside(left, sw, ow, w));
        for (let y = 0; y < oh; ++y, columns += line) {
          const r = y * sh + i * field(t, 11) - field(t, 9);
          if (r < 0 || r >= h) memory.fill(columns, 0, line);
          else patchLine<T>(x + <usize>(r * w) * size, left, sw, a, b, ow, columns);
        }
      }
    }
  }
}

function patchLine<T>(row: usize, left: i32, stride: i32, a: i32, b: i32, ow: i32, to: usize): void {
  const size = sizeof<T>();
  for (let q = 0; q < a; ++q) store<T>(to + <usize>q * size, 0);
  let from = row + <usize>(a * stride + left) * size;
  if (stride == 1 && b - a >= 32) memory.copy(to + <usize>a * size, from, <usize>(b - a) * size);
  else for (let q = a; q < b; ++q, from += <usize>stride * size) store<T>(to + <usize>q * size, load<T>(from));
  for (let q = b; q < ow; ++q) store<T>(to + <usize>q * size, 0);
}

/** The transpose of im2col: adds every patch element to the image element that it came from. */
function col2im<T>(t: usize, channels: i32, columns: usize, x: usize): void {
  const h = field(t, 2), w = field(t, 3), kh = field(t, 5), kw = field(t, 6), sh = field(t, 7), sw = field(t, 8);
  const oh = field(t, 14), ow = field(t, 15), size = sizeof<T>(), line = <usize>ow * size;
  for (let c = 0; c < channels; ++c, x += <usize>(h * w) * size) {
    for (let i = 0; i < kh; ++i) {
      for (let j = 0; j < kw; ++j) {
        const left = j * field(t, 12) - field(t, 10), a = firstInside(left, sw, ow), b = max(a, endInside(left, sw, ow, w));
        for (let y = 0; y < oh; ++y, columns += line) {
          const r = y * sh + i * field(t, 11) - field(t, 9);
          if (r < 0 || r >= h) continue;
          let to = x + <usize>(r * w + a * sw + left) * size;
          for (let q = a; q < b; ++q, to += <usize>sw * size) store<T>(to, load<T>(to) + load<T>(columns + <usize>q * size));
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function product<T>(m: i32, n: i32, k: i32, a: usize, rsa: i32, csa: i32, b: usize, rsb: i32, csb: i32, c: usize, acc: i32, ws: usize): void {
  if (sizeof<T>() == 8) gemm64(m, n, k, a, rsa, csa, b, rsb, csb, c, n, acc, ws);
  else gemm32(m, n, k, a, rsa, csa, b, rsb, csb, c, n, acc, ws);
}
function columnBytes<T>(t: usize): usize {
  return <usize>patchSize(t) * <usize>outputs(t) * sizeof<T>();
}
function workspaceBytes<T>(t: usize): usize {
  const k = patchSize(t), p = outputs(t), m = field(t, 4) / field(t, 13);
  const forward = sizeof<T>() == 8 ? gemm64WorkspaceBytes(m, p, k) : gemm32WorkspaceBytes(m, p, k);
  const input = sizeof<T>() == 8 ? gemm64WorkspaceBytes(k, p, m) : gemm32WorkspaceBytes(k, p, m);
  const weight = sizeof<T>() == 8 ? gemm64WorkspaceBytes(m, k, p) : gemm32WorkspaceBytes(m, k, p);
  return ((columnBytes<T>(t) + 63) & ~63) + max(forward, max(input, weight));
}

/** y[N, O, OH, OW] (+)= the convolution of x[N, C, H, W] with w. */
function forward<T>(t: usize, x: usize, w: usize, y: usize, accumulate: i32, ws: usize): void {
  const g = field(t, 13), channels = field(t, 1) / g, m = field(t, 4) / g, k = patchSize(t), p = outputs(t);
  const image = <usize>(channels * field(t, 2) * field(t, 3)) * sizeof<T>(), direct = pointwise(t);
  const next = ws + ((columnBytes<T>(t) + 63) & ~63), size = sizeof<T>();
  for (let n = 0; n < field(t, 0); ++n) {
    for (let i = 0; i < g; ++i, x += image, y += <usize>m * <usize>p * size) {
      if (!direct) im2col<T>(t, channels, x, ws);
      product<T>(m, p, k, w + <usize>i * <usize>m * <usize>k * size, k, 1, direct ? x : ws, p, 1, y, accumulate, next);
    }
  }
}

/** dx[N, C, H, W] (+)= the gradient of the input, from dy[N, O, OH, OW] and w. */
function inputGradient<T>(t: usize, dy: usize, w: usize, dx: usize, accumulate: i32, ws: usize): void {
  const g = field(t, 13), channels = field(t, 1) / g, m = field(t, 4) / g, k = patchSize(t), p = outputs(t);
  const image = <usize>(channels * field(t, 2) * field(t, 3)) * sizeof<T>(), direct = pointwise(t);
  const next = ws + ((columnBytes<T>(t) + 63) & ~63), size = sizeof<T>();
  for (let n = 0; n < field(t, 0); ++n) {
    for (let i = 0; i < g; ++i, dx += image, dy += <usize>m * <usize>p * size) {
      const weights = w + <usize>i * <usize>m * <usize>k * size;
      product<T>(k, p, m, weights, 1, k, dy, p, 1, direct ? dx : ws, direct ? accumulate : 0, next);
      if (direct) continue;
      if (!accumulate) memory.fill(dx, 0, image);
      col2im<T>(t, channels, ws, dx);
    }
  }
}

/** dw[O, C / groups, KH, KW] (+)= the gradient of the weights, from x and dy. */
function weightGradient<T>(t: usize, x: usize, dy: usize, dw: usize, accumulate: i32, ws: usize): void {
  const g = field(t, 13), channels = field(t, 1) / g, m = field(t, 4) / g, k = patchSize(t), p = outputs(t);
  const image = <usize>(channels * field(t, 2) * field(t, 3)) * sizeof<T>(), direct = pointwise(t);
  const next = ws + ((columnBytes<T>(t) + 63) & ~63), size = sizeof<T>();
  const block = <usize>m * <usize>k * size;
  if (!field(t, 0) && !accumulate) memory.fill(dw, 0, block * <usize>g);
  for (let n = 0; n < field(t, 0); ++n) {
    for (let i = 0; i < g; ++i, x += image, dy += <usize>m * <usize>p * size) {
      if (!direct) im2col<T>(t, channels, x, ws);
      product<T>(m, k, p, dy, p, 1, direct ? x : ws, 1, p, dw + <usize>i * block, accumulate | (n > 0 ? 1 : 0), next);
    }
  }
}

/** Bytes at workspace for each of the three convolutions of this table. */
export function convWorkspaceBytes64(table: usize): usize { return workspaceBytes<u64>(table); }
export function convWorkspaceBytes32(table: usize): usize { return workspaceBytes<u32>(table); }

export function convForward64(table: usize, x: usize, w: usize, y: usize, accumulate: i32, workspace: usize): void {
  forward<u64>(table, x, w, y, accumulate, workspace);
}
export function convForward32(table: usize, x: usize, w: usize, y: usize, accumulate: i32, workspace: usize): void {
  forward<u32>(table, x, w, y, accumulate, workspace);
}
export function convInputGradient64(table: usize, dy: usize, w: usize, dx: usize, accumulate: i32, workspace: usize): void {
  inputGradient<u64>(table, dy, w, dx, accumulate, workspace);
}
export function convInputGradient32(table: usize, dy: usize, w: usize, dx: usize, accumulate: i32, workspace: usize): void {
  inputGradient<u32>(table, dy, w, dx, accumulate, workspace);
}
export function convWeightGradient64(table: usize, x: usize, dy: usize, dw: usize, accumulate: i32, workspace: usize): void {
  weightGradient<u64>(table, x, dy, dw, accumulate, workspace);
}
export function convWeightGradient32(table: usize, x: usize, dy: usize, dw: usize, accumulate: i32, workspace: usize): void {
  weightGradient<u32>(table, x, dy, dw, accumulate, workspace);
}
