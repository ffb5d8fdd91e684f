/** @file Reference of the matrix product: sums in f64, rounded once. */
import { type GemmParams, PANEL, PANEL_ROWS, type PackMatrixParams } from "../gemm.ts";
import type { MemoryViews } from "../instruction.ts";

export function gemmReference(p: GemmParams, { f32 }: MemoryViews): number {
  const { m, n, k, rsa = k, csa = 1, rsb = n, csb = 1, ldc = n, batch = 1 } = p;
  const { batchStrideA = m * k, batchStrideB = p.packed ? 0 : k * n, batchStrideC = m * ldc } = p;
  for (let t = 0; t < batch; t++) {
    const a = p.a / 4 + t * batchStrideA;
    const b = p.b / 4 + t * batchStrideB;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let s = 0;
        for (let l = 0; l < k; l++)
          s += f32[a + i * rsa + l * csa]! * f32[b + (p.packed ? packedAt(n, k, l, j) : l * rsb + j * csb)]!;
        const c = p.c / 4 + t * batchStrideC + i * ldc + j;
        f32[c] = epilogue(p, f32, s, c, i, j);
      }
    }
  }
  return 0;
}

/** Where a packed B [k,n] holds row l, column j: blocks of PANEL_ROWS rows, in each panel after panel, in each row after row. */
function packedAt(n: number, k: number, l: number, j: number): number {
  const first = l - (l % PANEL_ROWS);
  const rows = Math.min(PANEL_ROWS, k - first);
  const panel = Math.floor(j / PANEL);
  return first * PANEL * Math.ceil(n / PANEL) + panel * PANEL * rows + (l - first) * PANEL + (j % PANEL);
}

export function packMatrixReference({ b, out, n, k, rsb, csb }: PackMatrixParams, { f32 }: MemoryViews): number {
  for (let l = 0; l < k; l++) {
    for (let j = 0; j < PANEL * Math.ceil(n / PANEL); j++) {
      f32[out / 4 + packedAt(n, k, l, j)] = j < n ? f32[b / 4 + l * rsb + j * csb]! : 0;
    }
  }
  return 0;
}

function epilogue(p: GemmParams, f32: Float32Array, s: number, c: number, i: number, j: number): number {
  if (p.axpy !== undefined) return f32[c]! - f32[p.axpy / 4]! * s;
  if (p.accumulate) s += f32[c]!;
  if (p.rowBias !== undefined) s += f32[p.rowBias / 4 + i]!;
  else if (p.colBias !== undefined) s += f32[p.colBias / 4 + j]!;
  return p.relu ? Math.max(s, 0) : s;
}
