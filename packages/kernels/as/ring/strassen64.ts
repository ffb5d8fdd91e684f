/**
 * @file The matrix product mod 2^64 that callers use: gemv for one or two rows or columns, Strassen-Winograd while the
 * matrices are large, the packed product below. All are exact: a ring needs no error analysis.
 */
import { packedGemm64, packedGemm64WorkspaceBytes } from "./gemm64";
import { gemv64 } from "./gemv64";

// Halving pays when every side is at least this: with 128, products of 256 / 512 / 1024 run at 6.0 / 6.2 / 7.1 GMAC/s, with
// 512 at 5.4 / 5.8 / 6.5, with 64 at 5.3 / 5.5 / 6.4, never halving at 5.4 / 5.3 / 5.4 (Zen 4).
const STRASSEN_MIN: i32 = 128;

function halves(m: i32, n: i32, k: i32): bool {
  return min(m, min(n, k)) >= STRASSEN_MIN;
}

/** Bytes that gemm64 needs at workspace for these sizes, accumulating or not. */
export function gemm64WorkspaceBytes(m: i32, n: i32, k: i32): usize {
  if (m <= 0 || n <= 0 || k <= 0) return 0;
  const packed = packedGemm64WorkspaceBytes(m, n, k);
  if (!halves(m, n, k)) return packed;
  const hm = m >> 1, hn = n >> 1, hk = k >> 1;
  return max(packed, temporaries(hm, hn, hk) + gemm64WorkspaceBytes(hm, hn, hk));
}

/** X holds a quarter of A or of C, Y a quarter of B, Z a quarter of C. */
function temporaries(hm: i32, hn: i32, hk: i32): usize {
  return <usize>hm * <usize>max(hk, hn) * 8 + <usize>hk * <usize>hn * 8 + <usize>hm * <usize>hn * 8;
}

/** o = a + b, or a - b; `lines` lines of n elements with the given byte strides; o may be a or b. */
function combine(lines: i32, n: i32, a: usize, sa: usize, b: usize, sb: usize, o: usize, so: usize, minus: bool): void {
  const end = <usize>n * 8, vectors = end & ~15;
  for (; lines > 0; --lines, a += sa, b += sb, o += so) {
    let i: usize = 0;
    if (minus) for (; i < vectors; i += 16) v128.store(o + i, i64x2.sub(v128.load(a + i), v128.load(b + i)));
    else for (; i < vectors; i += 16) v128.store(o + i, i64x2.add(v128.load(a + i), v128.load(b + i)));
    if (i < end) store<u64>(o + i, minus ? load<u64>(a + i) - load<u64>(b + i) : load<u64>(a + i) + load<u64>(b + i));
  }
}

/** A quarter of an operand: rows by columns, one stride 8 bytes. The result keeps the orientation, packed to `line`. */
// @ts-ignore: decorator
@inline
function mix(rows: i32, columns: i32, rs: usize, cs: usize, a: usize, sa: usize, b: usize, sb: usize, o: usize, minus: bool): void {
  const byRows = cs == 8;
  const inner = byRows ? columns : rows;
  combine(byRows ? rows : columns, inner, a, sa, b, sb, o, <usize>inner * 8, minus);
}

/** Winograd's form: 7 products, 15 sums, in two temporaries (order after Boyer, Dumas, Pernet, Zhou, ISSAC 2009, table 1). */
function overwrite(
  m: i32, n: i32, k: i32, a: usize, rsa: usize, csa: usize, b: usize, rsb: usize, csb: usize, c: usize, row: usize, ws: usize,
): void {
  const x = ws, y = x + <usize>m * <usize>max(k, n) * 8, next = ws + temporaries(m, n, k);
  const a12 = a + <usize>k * csa, a21 = a + <usize>m * rsa, a22 = a21 + <usize>k * csa;
  const b12 = b + <usize>n * csb, b21 = b + <usize>k * rsb, b22 = b21 + <usize>n * csb;
  const c12 = c + <usize>n * 8, c21 = c + <usize>m * row, c22 = c21 + <usize>n * 8;
  const la = csa == 8 ? rsa : csa, lb = csb == 8 ? rsb : csb;
  // Strides of X and Y, which keep the orientation of A and B; X as a quarter of C has line w.
  const rx = csa == 8 ? <usize>k * 8 : <usize>8, cx = csa == 8 ? <usize>8 : <usize>m * 8, lx = csa == 8 ? rx : cx;
  const ry = csb == 8 ? <usize>n * 8 : <usize>8, cy = csb == 8 ? <usize>8 : <usize>k * 8, ly = csb == 8 ? ry : cy, w = <usize>n * 8;
  mix(m, k, rsa, csa, a, la, a21, la, x, true);
  mix(k, n, rsb, csb, b22, lb, b12, lb, y, true);
  multiply(m, n, k, x, rx, cx, y, ry, cy, c21, row, 0, next);
  mix(m, k, rsa, csa, a21, la, a22, la, x, false);
  mix(k, n, rsb, csb, b12, lb, b, lb, y, true);
  multiply(m, n, k, x, rx, cx, y, ry, cy, c22, row, 0, next);
  mix(m, k, rsa, csa, x, lx, a, la, x, true);
  mix(k, n, rsb, csb, b22, lb, y, ly, y, true);
  multiply(m, n, k, x, rx, cx, y, ry, cy, c12, row, 0, next);
  mix(m, k, rsa, csa, a12, la, x, lx, x, true);
  multiply(m, n, k, x, rx, cx, b22, rsb, csb, c, row, 0, next);
  multiply(m, n, k, a, rsa, csa, b, rsb, csb, x, w, 0, next);
  combine(m, n, c12, row, x, w, c12, row, false);
  combine(m, n, c21, row, c12, row, c21, row, false);
  combine(m, n, c12, row, c22, row, c12, row, false);
  combine(m, n, c22, row, c21, row, c22, row, false);
  combine(m, n, c12, row, c, row, c12, row, false);
  mix(k, n, rsb, csb, y, ly, b21, lb, y, true);
  multiply(m, n, k, a22, rsa, csa, y, ry, cy, c, row, 0, next);
  combine(m, n, c21, row, c, row, c21, row, true);
  multiply(m, n, k, a12, rsa, csa, b21, rsb, csb, c, row, 0, next);
  combine(m, n, c, row, x, w, c, row, false);
}

/** The same seven products added to what C holds; the third temporary takes the products that several quarters need. */
function accumulateInto(
  m: i32, n: i32, k: i32, a: usize, rsa: usize, csa: usize, b: usize, rsb: usize, csb: usize, c: usize, row: usize, ws: usize,
): void {
  const x = ws, y = x + <usize>m * <usize>max(k, n) * 8, z = y + <usize>k * <usize>n * 8, next = ws + temporaries(m, n, k);
  const a12 = a + <usize>k * csa, a21 = a + <usize>m * rsa, a22 = a21 + <usize>k * csa;
  const b12 = b + <usize>n * csb, b21 = b + <usize>k * rsb, b22 = b21 + <usize>n * csb;
  const c12 = c + <usize>n * 8, c21 = c + <usize>m * row, c22 = c21 + <usize>n * 8;
  const la = csa == 8 ? rsa : csa, lb = csb == 8 ? rsb : csb;
  const rx = csa == 8 ? <usize>k * 8 : <usize>8, cx = csa == 8 ? <usize>8 : <usize>m * 8, lx = csa == 8 ? rx : cx;
  const ry = csb == 8 ? <usize>n * 8 : <usize>8, cy = csb == 8 ? <usize>8 : <usize>k * 8, ly = csb == 8 ? ry : cy, w = <usize>n * 8;
  mix(m, k, rsa, csa, a, la, a21, la, x, true);
  mix(k, n, rsb, csb, b22, lb, b12, lb, y, true);
  multiply(m, n, k, x, rx, cx, y, ry, cy, z, w, 0, next);
  combine(m, n, c21, row, z, w, c21, row, false);
  combine(m, n, c22, row, z, w, c22, row, false);
  mix(m, k, rsa, csa, a21, la, a22, la, x, false);
  mix(k, n, rsb, csb, b12, lb, b, lb, y, true);
  multiply(m, n, k, x, rx, cx, y, ry, cy, z, w, 0, next);
  combine(m, n, c12, row, z, w, c12, row, false);
  combine(m, n, c22, row, z, w, c22, row, false);
  mix(m, k, rsa, csa, x, lx, a, la, x, true);
  mix(k, n, rsb, csb, b22, lb, y, ly, y, true);
  multiply(m, n, k, a, rsa, csa, b, rsb, csb, z, w, 0, next);
  combine(m, n, c, row, z, w, c, row, false);
  multiply(m, n, k, x, rx, cx, y, ry, cy, z, w, 1, next);
  combine(m, n, c12, row, z, w, c12, row, false);
  combine(m, n, c21, row, z, w, c21, row, false);
  combine(m, n, c22, row, z, w, c22, row, false);
  mix(m, k, rsa, csa, a12, la, x, lx, x, true);
  multiply(m, n, k, x, rx, cx, b22, rsb, csb, c12, row, 1, next);
  mix(k, n, rsb, csb, b21, lb, y, ly, y, true);
  multiply(m, n, k, a22, rsa, csa, y, ry, cy, c21, row, 1, next);
  multiply(m, n, k, a12, rsa, csa, b21, rsb, csb, c, row, 1, next);
}

/** Strides in bytes, sizes above zero. Odd sizes: the even part by halves, the last k, row and column by themselves. */
function multiply(
  m: i32, n: i32, k: i32, a: usize, rsa: usize, csa: usize, b: usize, rsb: usize, csb: usize,
  c: usize, row: usize, accumulate: i32, ws: usize,
): void {
  if (!halves(m, n, k) || (rsa != 8 && csa != 8) || (rsb != 8 && csb != 8)) {
    packedGemm64(m, n, k, a, rsa, csa, b, rsb, csb, c, row, accumulate, ws);
    return;
  }
  const hm = m >> 1, hn = n >> 1, hk = k >> 1;
  if (accumulate) accumulateInto(hm, hn, hk, a, rsa, csa, b, rsb, csb, c, row, ws);
  else overwrite(hm, hn, hk, a, rsa, csa, b, rsb, csb, c, row, ws);
  const em = hm * 2, en = hn * 2, ek = hk * 2;
  if (k & 1) packedGemm64(em, en, 1, a + <usize>ek * csa, rsa, csa, b + <usize>ek * rsb, rsb, csb, c, row, 1, ws);
  if (m & 1) gemv64(en, k, b, csb, rsb, a + <usize>em * rsa, csa, c + <usize>em * row, 8, accumulate);
  if (n & 1) gemv64(m, k, a, rsa, csa, b + <usize>en * csb, rsb, c + <usize>en * 8, row, accumulate);
}

/**
 * c[m, n] = (accumulate ? c : 0) + a[m, k] * b[k, n] mod 2^64. Element (i, p) of a lies at a + 8 (i rsa + p csa), likewise b;
 * so a transposed operand swaps its strides. c has row stride ldc and unit column stride; strides count elements.
 * c must not overlap a, b or workspace (gemm64WorkspaceBytes bytes). k = 0 gives zeros.
 */
export function gemm64(
  m: i32, n: i32, k: i32, a: usize, rsa: i32, csa: i32, b: usize, rsb: i32, csb: i32,
  c: usize, ldc: i32, accumulate: i32, workspace: usize,
): void {
  if (m <= 0 || n <= 0) return;
  const row = <usize>ldc * 8, ra = <usize>rsa * 8, ca = <usize>csa * 8, rb = <usize>rsb * 8, cb = <usize>csb * 8;
  if (k <= 0) {
    if (!accumulate) for (let i = 0; i < m; ++i, c += row) memory.fill(c, 0, <usize>n * 8);
  } else if (n <= 2) {
    for (let j = 0; j < n; ++j, b += cb, c += 8) gemv64(m, k, a, ra, ca, b, rb, c, row, accumulate);
  } else if (m <= 2) {
    for (let i = 0; i < m; ++i, a += ra, c += row) gemv64(n, k, b, cb, rb, a, ca, c, 8, accumulate);
  } else multiply(m, n, k, a, ra, ca, b, rb, cb, c, row, accumulate ? 1 : 0, workspace);
}
