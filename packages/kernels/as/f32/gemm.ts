/** @file C[batch,M,N] = epilogue(A[batch,M,K] x B[batch,K,N]); A and B are strided views (strides in elements), packed on the fly. */
import { address, bytes4, ceilDiv, word } from "./arguments";
import { ACC, AXPY, COLBIAS, MR, NR, ROWBIAS, finish, micro, microEdge } from "./micro.gen";
import { packPanels } from "./pack";
import { dotRow, axpyRow } from "./gemv";
import { nt, part, scratch, tid } from "./threads";

// A block of A (96 x 256: 96 KiB) and a panel of B stay in L2 and L1; measured in scripts/bench.ts.
const KC: i32 = 256;
const MC: i32 = 96;
const NC: i32 = 512;

/** Scratch memory of a product: one tile, a block of A, a panel of B, and a line of slack. The same in src/f32/gemm.ts. */
export const GEMM_SCRATCH: usize = 1024 + 4 * 256 * (96 + 512 + 8);

let rsa: i32 = 0, csa: i32 = 0, rsb: i32 = 0, csb: i32 = 0, ldc: usize = 0;
let flags: i32 = 0, bias: usize = 0, alpha: f32 = 0;

/** Flag: B was packed by `packMatrix`; its strides mean nothing. */
const PACKED: i32 = 32;
/** Columns of a packed B, in whole panels; 0 where B is packed on the fly. */
let packedColumns: i32 = 0;

/** One block: rows ii..ii+mc, columns jc..jc+nc of C, from packed panels. */
function tiles(C: usize, wsA: usize, wsB: usize, ii: i32, mc: i32, jc: i32, nc: i32, kc: i32, f: i32, tile: usize): void {
  for (let j = 0; j < nc; j += NR) {
    const nr = min(NR, nc - j), bp = wsB + bytes4(j * kc);
    for (let i = 0; i < mc; i += MR) {
      const mr = min(MR, mc - i), ap = wsA + bytes4(i * kc);
      const cp = C + <usize>(ii + i) * ldc + bytes4(jc + j);
      const b = f & ROWBIAS ? bias + bytes4(ii + i) : f & COLBIAS ? bias + bytes4(jc + j) : 0;
      if (mr == MR && nr == NR) micro(kc, ap, bp, cp, ldc, f, b, alpha);
      else {
        microEdge(kc, ap, bp, tile, mr, nr);
        finish(tile, mr, nr, cp, ldc, f, b, alpha);
      }
    }
  }
}

/** Rows kk..kk+kc and columns jc..jc+nc of B as panels. */
function packBlock(B: usize, kk: i32, kc: i32, jc: i32, nc: i32, dst: usize): void {
  packPanels(B + bytes4(kk * rsb + jc * csb), csb, rsb, NR, nc, kc, dst);
}

/** Rows m0..m1 and columns n0..n1 of one product. Every sum over k is made in the same order whatever the ranges. */
function product(A: usize, B: usize, C: usize, K: i32, m0: i32, m1: i32, n0: i32, n1: i32): void {
  const tile = scratch(), wsA = tile + 1024, wsB = wsA + ((MC * KC) << 2);
  for (let jc = n0; jc < n1; jc += NC) {
    const nc = min(NC, n1 - jc);
    let kk = 0;
    do {
      const kc = min(KC, K - kk), last = kk + kc >= K;
      // AXPY tiles add alpha times the partial product of every K block; the others accumulate, then finish.
      const f = flags & AXPY ? AXPY : (kk > 0 ? ACC : flags & ACC) | (last ? flags & ~ACC : 0);
      const bp = packedColumns ? B + bytes4(kk * packedColumns + jc * kc) : wsB;
      if (!packedColumns) packBlock(B, kk, kc, jc, nc, bp);
      for (let ii = m0; ii < m1; ii += MC) {
        const mc = min(MC, m1 - ii);
        packPanels(A + bytes4(ii * rsa + kk * csa), rsa, csa, MR, mc, kc, wsA);
        tiles(C, wsA, bp, ii, mc, jc, nc, kc, f, tile);
      }
      kk += KC;
    } while (kk < K);
  }
}

/** One product, this thread's share of it (`share` 0: all of it). */
function whole(A: usize, B: usize, C: usize, M: i32, N: i32, K: i32, share: bool): void {
  const t = share ? tid : 0, n = share ? nt : 1;
  if ((M == 1 || N == 1) && !packedColumns) return vector(A, B, C, M, N, K, t, n);
  let m0 = 0, m1 = M, n0 = 0, n1 = N;
  if (n > 1) {
    if (N >= M) {
      const u = ceilDiv(N, NR);
      n0 = part(u, t) * NR;
      n1 = min(N, part(u, t + 1) * NR);
    } else {
      const u = ceilDiv(M, MR);
      m0 = part(u, t) * MR;
      m1 = min(M, part(u, t + 1) * MR);
    }
  }
  if (m0 < m1 && n0 < n1) product(A, B, C, K, m0, m1, n0, n1);
}

/** M = 1 or N = 1: the matrix is read once, not packed. A column is computed as the row of the transposed product. */
function vector(A: usize, B: usize, C: usize, M: i32, N: i32, K: i32, t: i32, n: i32): void {
  const row = M == 1;
  const x = row ? A : B, sx = row ? csa : rsb, y = row ? B : A, columns = row ? N : M;
  const sk = row ? rsb : csa, sj = row ? csb : rsa, sc: usize = row ? 4 : ldc;
  let f = flags;
  if (!row) f = (f & ~(ROWBIAS | COLBIAS)) | (f & ROWBIAS ? COLBIAS : 0) | (f & COLBIAS ? ROWBIAS : 0);
  // 32 columns are one unit of work, so that every thread walks whole cache lines.
  const u = ceilDiv(columns, 32);
  const j0 = n > 1 ? part(u, t) * 32 : 0, j1 = n > 1 ? min(columns, part(u, t + 1) * 32) : columns;
  if (sj == 1) axpyRow(x, sx, y, sk, K, C, sc, j0, j1, f, bias, alpha);
  else dotRow(x, sx, y, sk, sj, K, C, sc, j0, j1, f, bias, alpha);
}

/** C[M,N] (+)= A x B by this thread alone, for kernels made of products; f is 0 or ACC, strides and ld in elements. */
export function multiply(A: usize, ra: i32, ca: i32, B: usize, rb: i32, cb: i32, C: usize, ld: i32, M: i32, N: i32, K: i32, f: i32): void {
  rsa = ra;
  csa = ca;
  rsb = rb;
  csb = cb;
  ldc = bytes4(ld);
  flags = f;
  packedColumns = 0;
  whole(A, B, C, M, N, K, false);
}

/** words: 0 A, 1 B, 2 C, 3 M, 4 N, 5 K, 6 rsa, 7 csa, 8 rsb, 9 csb, 10 ldc, 11 batch, 12 sa, 13 sb, 14 sc, 15 flags, 16 bias,
 *  17 address of the step (AXPY: C -= step * A x B). One stride of each view should be 1 (others are slow). */
export function gemm(a: usize): void {
  const A = address(a, 0), B = address(a, 1), C = address(a, 2);
  const M = word(a, 3), N = word(a, 4), K = word(a, 5), batch = word(a, 11);
  rsa = word(a, 6);
  csa = word(a, 7);
  rsb = word(a, 8);
  csb = word(a, 9);
  ldc = bytes4(word(a, 10));
  flags = word(a, 15) & ~PACKED;
  packedColumns = word(a, 15) & PACKED ? ceilDiv(N, NR) * NR : 0;
  bias = address(a, 16);
  alpha = flags & AXPY ? -f32.load(address(a, 17)) : 0;
  if (M == 0 || N == 0) return;
  const sa = bytes4(word(a, 12)), sb = bytes4(word(a, 13)), sc = bytes4(word(a, 14));
  // Many products: each thread computes some of them. Few: each is shared out.
  const many = batch >= 4 * nt || nt == 1;
  const b0 = many ? part(batch, tid) : 0, b1 = many ? part(batch, tid + 1) : batch;
  for (let b = b0; b < b1; ++b) whole(A + <usize>b * sa, B + <usize>b * sb, C + <usize>b * sc, M, N, K, !many);
}

/** B for many products, packed once: words: 0 B, 1 out [K, N in whole panels], 2 N, 3 K, 4 rsb, 5 csb. */
export function packMatrix(a: usize): void {
  const B = address(a, 0), out = address(a, 1), N = word(a, 2), K = word(a, 3), panels = ceilDiv(N, NR);
  rsb = word(a, 4);
  csb = word(a, 5);
  const j0 = part(panels, tid) * NR, j1 = min(N, part(panels, tid + 1) * NR);
  for (let kk = 0; kk < K; kk += KC) {
    const kc = min(KC, K - kk);
    if (j0 < j1) packBlock(B, kk, kc, j0, j1 - j0, out + bytes4(kk * panels * NR + j0 * kc));
  }
}
