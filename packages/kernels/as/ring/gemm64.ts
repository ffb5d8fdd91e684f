/** @file The packed product of matrices mod 2^64: panels, any strides, any sizes. */
import { micro64, TILE_COLUMNS, TILE_ROWS, VECTOR_COLUMNS } from "./micro64.gen";

// Depth of a block: a B panel (256 * 6 * 8 = 12 KB) and an A panel (4 KB) share the 32 KB first-level cache.
const BLOCK_K: i32 = 256;
// Rows of a packed A block (128 * 256 * 8 = 256 KB) and columns of a packed B block (768 * 256 * 8 = 1.5 MB).
const BLOCK_M: i32 = TILE_ROWS * 64;
const BLOCK_N: i32 = TILE_COLUMNS * 128;
const TILE_BYTES: usize = <usize>(TILE_ROWS * TILE_COLUMNS * 8 + 64);

// @ts-ignore: decorator
@inline
function roundUp(n: i32, to: i32): i32 {
  return (n + to - 1) / to * to;
}
/** Bytes of packed panels: k rounded up to pairs, and one more element per row or column for the correction. */
function packedBytes(lines: i32, k: i32): usize {
  return <usize>lines * <usize>(roundUp(k, 2) + 1) * 8;
}

/** Workspace of the packed product alone. */
export function packedGemm64WorkspaceBytes(m: i32, n: i32, k: i32): usize {
  const kc = min(k, BLOCK_K);
  const a = packedBytes(roundUp(min(m, BLOCK_M), TILE_ROWS), kc), b = packedBytes(roundUp(min(n, BLOCK_N), TILE_COLUMNS), kc);
  return ((a + 63) & ~63) + ((b + 63) & ~63) + TILE_BYTES;
}

/**
 * One row of A (or column of B) into its panel: elements 2p and 2p+1 at dst + p * pair and dst + p * pair + odd,
 * and the negative sum of their products at correction.
 */
function packLine(src: usize, stride: usize, k: i32, dst: usize, pair: usize, odd: usize, correction: usize): void {
  let sum: u64 = 0;
  if (stride == 8 && odd == 8) {
    for (let p = k >> 1; p > 0; --p, src += 16, dst += pair) {
      v128.store(dst, v128.load(src));
      sum -= load<u64>(src) * load<u64>(src, 8);
    }
  } else for (let p = k >> 1; p > 0; --p) {
    const x = load<u64>(src), y = load<u64>(src + stride);
    store<u64>(dst, x);
    store<u64>(dst + odd, y);
    sum -= x * y;
    src += stride * 2;
    dst += pair;
  }
  if (k & 1) {
    store<u64>(dst, load<u64>(src));
    store<u64>(dst + odd, 0);
  }
  store<u64>(correction, sum);
}

/** A line of zeros, where a tile reaches over the edge. */
function packZeros(k: i32, dst: usize, pair: usize, odd: usize, correction: usize): void {
  for (let p = (k + 1) >> 1; p > 0; --p, dst += pair) {
    store<u64>(dst, 0);
    store<u64>(dst + odd, 0);
  }
  store<u64>(correction, 0);
}

function packA(m: i32, k: i32, a: usize, rowStride: usize, columnStride: usize, dst: usize): void {
  const pairs = <usize>((k + 1) >> 1), pair = <usize>TILE_ROWS * 16, panel = pairs * pair;
  for (let i = 0; i < m; i += TILE_ROWS, dst += panel + TILE_ROWS * 8) {
    for (let r = 0; r < TILE_ROWS; ++r) {
      const at = dst + <usize>r * 16, correction = dst + panel + <usize>r * 8;
      if (i + r < m) packLine(a + <usize>(i + r) * rowStride, columnStride, k, at, pair, 8, correction);
      else packZeros(k, at, pair, 8, correction);
    }
  }
}

/**
 * A whole panel with unit column stride: the group of four columns as vectors and the two scalar columns beside it, each
 * row read once. (Tiles of another shape take packLine.)
 */
function packPanel(src: usize, rowStride: usize, k: i32, dst: usize): void {
  let s0 = i64x2.splat(0), s1 = i64x2.splat(0), s2 = i64x2.splat(0);
  const zero = i64x2.splat(0);
  for (let p = k; p > 0; p -= 2) {
    const next = src + rowStride;
    const x0 = v128.load(src), x1 = v128.load(src, 16), x2 = v128.load(src, 32);
    let y0 = zero, y1 = zero, y2 = zero;
    if (p > 1) { y0 = v128.load(next); y1 = v128.load(next, 16); y2 = v128.load(next, 32); }
    v128.store(dst, x0); v128.store(dst, x1, 16); v128.store(dst, y0, 32); v128.store(dst, y1, 48);
    v128.store(dst, v128.shuffle<i64>(x2, y2, 0, 2), 64); v128.store(dst, v128.shuffle<i64>(x2, y2, 1, 3), 80);
    s0 = i64x2.sub(s0, i64x2.mul(x0, y0));
    s1 = i64x2.sub(s1, i64x2.mul(x1, y1));
    s2 = i64x2.sub(s2, i64x2.mul(x2, y2));
    src = next + rowStride;
    dst += 96;
  }
  v128.store(dst, s0); v128.store(dst, s1, 16); v128.store(dst, s2, 32);
}

function packB(n: i32, k: i32, b: usize, rowStride: usize, columnStride: usize, dst: usize): void {
  const pairs = <usize>((k + 1) >> 1), pair = <usize>TILE_COLUMNS * 16, panel = pairs * pair;
  for (let j = 0; j < n; j += TILE_COLUMNS, dst += panel + TILE_COLUMNS * 8) {
    if (VECTOR_COLUMNS == 4 && TILE_COLUMNS == 6 && columnStride == 8 && j + 6 <= n) {
      packPanel(b + <usize>j * 8, rowStride, k, dst);
      continue;
    }
    for (let c = 0; c < TILE_COLUMNS; ++c) {
      const vector = c < VECTOR_COLUMNS;
      const at = dst + (vector ? <usize>(c & ~3) * 16 + <usize>(c & 3) * 8 : <usize>c * 16), odd: usize = vector ? 32 : 8;
      const src = b + <usize>(j + c) * columnStride, correction = dst + panel + <usize>c * 8;
      if (j + c < n) packLine(src, rowStride, k, at, pair, odd, correction);
      else packZeros(k, at, pair, odd, correction);
    }
  }
}

/** The part of a tile that lies inside C. */
function copyTile(m: i32, n: i32, tile: usize, c: usize, row: usize, accumulate: i32): void {
  for (let i = 0; i < m; ++i, tile += <usize>TILE_COLUMNS * 8, c += row) {
    for (let at: usize = 0, e = <usize>n * 8; at < e; at += 8) {
      store<u64>(c + at, load<u64>(tile + at) + (accumulate ? load<u64>(c + at) : 0));
    }
  }
}

function multiplyBlock(m: i32, n: i32, k: i32, ap: usize, bp: usize, tile: usize, c: usize, row: usize, accumulate: i32): void {
  const pairs = (k + 1) >> 1;
  const panelA = packedBytes(TILE_ROWS, k), panelB = packedBytes(TILE_COLUMNS, k);
  for (let j = 0; j < n; j += TILE_COLUMNS, bp += panelB) {
    let panel = ap;
    for (let i = 0; i < m; i += TILE_ROWS, panel += panelA) {
      const to = c + <usize>i * row + <usize>j * 8;
      if (i + TILE_ROWS <= m && j + TILE_COLUMNS <= n) micro64(pairs, panel, bp, to, row, accumulate);
      else {
        micro64(pairs, panel, bp, tile, TILE_COLUMNS * 8, 0);
        copyTile(min(TILE_ROWS, m - i), min(TILE_COLUMNS, n - j), tile, to, row, accumulate);
      }
    }
  }
}

/** As gemm64, always by the packed product; strides in bytes; m, n, k > 0. */
export function packedGemm64(
  m: i32, n: i32, k: i32, a: usize, rsa: usize, csa: usize, b: usize, rsb: usize, csb: usize,
  c: usize, row: usize, accumulate: i32, workspace: usize,
): void {
  const kcMax = min(k, BLOCK_K);
  const packedA = workspace, packedB = packedA + ((packedBytes(roundUp(min(m, BLOCK_M), TILE_ROWS), kcMax) + 63) & ~63);
  const tile = packedB + ((packedBytes(roundUp(min(n, BLOCK_N), TILE_COLUMNS), kcMax) + 63) & ~63);
  for (let j = 0; j < n; j += BLOCK_N) {
    const nc = min(n - j, BLOCK_N);
    for (let p = 0; p < k; p += BLOCK_K) {
      const kc = min(k - p, BLOCK_K);
      packB(nc, kc, b + <usize>p * rsb + <usize>j * csb, rsb, csb, packedB);
      for (let i = 0; i < m; i += BLOCK_M) {
        const mc = min(m - i, BLOCK_M);
        packA(mc, kc, a + <usize>i * rsa + <usize>p * csa, rsa, csa, packedA);
        multiplyBlock(mc, nc, kc, packedA, packedB, tile, c + <usize>i * row + <usize>j * 8, row, accumulate | (p > 0 ? 1 : 0));
      }
    }
  }
}
