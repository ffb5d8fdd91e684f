/** @file Matrix product over the ring of integers mod 2^32: packed panels, any strides, any sizes. */
import { micro32, TILE_COLUMNS, TILE_ROWS } from "./micro32.gen";

// A B panel (256 * 8 * 4 = 8 KB) and an A panel (4 KB) share the first-level cache, an A block (128 KB) the second.
const BLOCK_K: i32 = 256;
const BLOCK_M: i32 = 128;
const BLOCK_N: i32 = 1024;

// @ts-ignore: decorator
@inline
function roundUp(n: i32, to: i32): i32 {
  return (n + to - 1) / to * to;
}
// @ts-ignore: decorator
@inline
function packedABytes(m: i32, k: i32): usize {
  return <usize>roundUp(min(m, BLOCK_M), TILE_ROWS) * <usize>min(k, BLOCK_K) * 4;
}
// @ts-ignore: decorator
@inline
function packedBBytes(n: i32, k: i32): usize {
  return <usize>roundUp(min(n, BLOCK_N), TILE_COLUMNS) * <usize>min(k, BLOCK_K) * 4;
}

/** Bytes that gemm32 needs at workspace for these sizes. */
export function gemm32WorkspaceBytes(m: i32, n: i32, k: i32): usize {
  if (m <= 0 || n <= 0 || k <= 0) return 0;
  return packedABytes(m, k) + packedBBytes(n, k) + <usize>(TILE_ROWS * TILE_COLUMNS * 4);
}

/** Panels of `width` lines: element p of line i at dst + 4 (p width + i); lines past the end are zero. */
function pack(lines: i32, k: i32, src: usize, line: usize, step: usize, dst: usize, width: i32): void {
  for (let i = 0; i < lines; i += width, src += <usize>width * line, dst += <usize>width * <usize>k * 4) {
    const count = min(width, lines - i), stride = <usize>width * 4;
    if (line == 4 && count == width) {
      let from = src, to = dst;
      for (let p = 0; p < k; ++p, from += step, to += stride) {
        for (let at: usize = 0; at < stride; at += 16) v128.store(to + at, v128.load(from + at));
      }
      continue;
    }
    for (let r = 0; r < width; ++r) {
      let from = src + <usize>r * line, to = dst + <usize>r * 4;
      if (r < count) for (let p = 0; p < k; ++p, from += step, to += stride) store<u32>(to, load<u32>(from));
      else for (let p = 0; p < k; ++p, to += stride) store<u32>(to, 0);
    }
  }
}

function copyTile(m: i32, n: i32, tile: usize, c: usize, row: usize, accumulate: i32): void {
  for (let i = 0; i < m; ++i, tile += <usize>TILE_COLUMNS * 4, c += row) {
    for (let at: usize = 0, e = <usize>n * 4; at < e; at += 4) {
      store<u32>(c + at, load<u32>(tile + at) + (accumulate ? load<u32>(c + at) : 0));
    }
  }
}

function multiplyBlock(m: i32, n: i32, k: i32, ap: usize, bp: usize, tile: usize, c: usize, row: usize, accumulate: i32): void {
  const panelA = <usize>(TILE_ROWS * k) * 4, panelB = <usize>(TILE_COLUMNS * k) * 4;
  for (let j = 0; j < n; j += TILE_COLUMNS, bp += panelB) {
    let panel = ap;
    for (let i = 0; i < m; i += TILE_ROWS, panel += panelA) {
      const to = c + <usize>i * row + <usize>j * 4;
      if (i + TILE_ROWS <= m && j + TILE_COLUMNS <= n) micro32(k, panel, bp, to, row, accumulate);
      else {
        micro32(k, panel, bp, tile, TILE_COLUMNS * 4, 0);
        copyTile(min(TILE_ROWS, m - i), min(TILE_COLUMNS, n - j), tile, to, row, accumulate);
      }
    }
  }
}

/** y[n] (+)= matrix[n, k] x[k]: strides in bytes. */
function gemv32(n: i32, k: i32, matrix: usize, line: usize, step: usize, x: usize, xs: usize, y: usize, ys: usize, acc: i32): void {
  for (; n > 0; --n, matrix += line, y += ys) {
    let s: u32 = 0, from = matrix, f = x;
    for (let p = 0; p < k; ++p, from += step, f += xs) s += load<u32>(from) * load<u32>(f);
    store<u32>(y, acc ? load<u32>(y) + s : s);
  }
}

/** As gemm64, mod 2^32: elements of 4 bytes, strides in elements, gemm32WorkspaceBytes bytes at workspace. */
export function gemm32(
  m: i32, n: i32, k: i32, a: usize, rsa: i32, csa: i32, b: usize, rsb: i32, csb: i32,
  c: usize, ldc: i32, accumulate: i32, workspace: usize,
): void {
  if (m <= 0 || n <= 0) return;
  const row = <usize>ldc * 4, ra = <usize>rsa * 4, ca = <usize>csa * 4, rb = <usize>rsb * 4, cb = <usize>csb * 4;
  if (k <= 0) {
    if (!accumulate) for (let i = 0; i < m; ++i, c += row) memory.fill(c, 0, <usize>n * 4);
    return;
  }
  if (n == 1) return gemv32(m, k, a, ra, ca, b, rb, c, row, accumulate);
  const packedA = workspace, packedB = packedA + packedABytes(m, k), tile = packedB + packedBBytes(n, k);
  for (let j = 0; j < n; j += BLOCK_N) {
    const nc = min(n - j, BLOCK_N);
    for (let p = 0; p < k; p += BLOCK_K) {
      const kc = min(k - p, BLOCK_K), acc = accumulate | (p > 0 ? 1 : 0);
      pack(nc, kc, b + <usize>p * rb + <usize>j * cb, cb, rb, packedB, TILE_COLUMNS);
      for (let i = 0; i < m; i += BLOCK_M) {
        const mc = min(m - i, BLOCK_M);
        pack(mc, kc, a + <usize>i * ra + <usize>p * ca, ra, ca, packedA, TILE_ROWS);
        multiplyBlock(mc, nc, kc, packedA, packedB, tile, c + <usize>i * row + <usize>j * 4, row, acc);
      }
    }
  }
}
