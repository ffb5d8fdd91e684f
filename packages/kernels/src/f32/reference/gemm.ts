/** @file Reference of the matrix product: sums in f64, rounded once. */
import type { GemmParams } from "../gemm.ts";
import type { MemoryViews } from "../instruction.ts";

export function gemmReference(p: GemmParams, { f32 }: MemoryViews): number {
  const { m, n, k, rsa = k, csa = 1, rsb = n, csb = 1, ldc = n, batch = 1 } = p;
  const { batchStrideA = m * k, batchStrideB = k * n, batchStrideC = m * ldc } = p;
  for (let t = 0; t < batch; t++) {
    const a = p.a / 4 + t * batchStrideA;
    const b = p.b / 4 + t * batchStrideB;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let s = 0;
        for (let l = 0; l < k; l++) s += f32[a + i * rsa + l * csa]! * f32[b + l * rsb + j * csb]!;
        const c = p.c / 4 + t * batchStrideC + i * ldc + j;
        f32[c] = epilogue(p, f32, s, c, i, j);
      }
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
