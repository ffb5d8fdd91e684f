/** @file Matrix product: its parameters and words. */
import type { Address, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

/** C[batch,m,n] = epilogue(A[batch,m,k] x B[batch,k,n]), f32. Any size may be 0 (k = 0 gives the epilogue of zeros). */
export interface GemmParams {
  readonly a: Address;
  readonly b: Address;
  readonly c: Address;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Strides in elements of rows and columns. Fast if one of each pair is 1. Default: row-major. */
  readonly rsa?: number;
  readonly csa?: number;
  readonly rsb?: number;
  readonly csb?: number;
  /** b was packed by `packMatrix` (its strides mean nothing, and one matrix serves all batches): for many products with one B. */
  readonly packed?: boolean;
  /** Elements from one row of C to the next (default n). */
  readonly ldc?: number;
  /** Products (default 1) and elements from one matrix to the next; 0 uses one matrix for all (defaults: m*k, k*n, m*ldc). */
  readonly batch?: number;
  readonly batchStrideA?: number;
  readonly batchStrideB?: number;
  readonly batchStrideC?: number;
  /** Epilogue, in this order: add the old C, add a bias of m (per row) or n (per column), relu. */
  readonly accumulate?: boolean;
  readonly rowBias?: Address;
  readonly colBias?: Address;
  readonly relu?: boolean;
  /** Address of a step s: C -= s * (A x B), and nothing else of the epilogue. */
  readonly axpy?: Address;
}

export const GEMM_FLAGS = { ACCUMULATE: 1, ROW_BIAS: 2, COL_BIAS: 4, RELU: 8, AXPY: 16, PACKED: 32 } as const;

/** One tile, a block of A (96 x 256) and a panel of B (512 x 256); the same in as/f32/gemm.ts. */
export const GEMM_SCRATCH = 631808;

function flags(p: GemmParams): number {
  const packed = p.packed ? GEMM_FLAGS.PACKED : 0;
  if (p.axpy !== undefined) return GEMM_FLAGS.AXPY | packed;
  return (
    packed |
    (p.accumulate ? GEMM_FLAGS.ACCUMULATE : 0) |
    (p.rowBias !== undefined ? GEMM_FLAGS.ROW_BIAS : 0) |
    (p.colBias !== undefined ? GEMM_FLAGS.COL_BIAS : 0) |
    (p.relu ? GEMM_FLAGS.RELU : 0)
  );
}

export const gemm: Kernel<GemmParams> = {
  name: "gemm",
  opcode: OPCODES.gemm,
  encode(p) {
    const { rsa = p.k, csa = 1, rsb = p.n, csb = 1, ldc = p.n, batch = 1 } = p;
    const { batchStrideA = p.m * p.k, batchStrideB = p.packed ? 0 : p.k * p.n, batchStrideC = p.m * ldc } = p;
    const bias = p.rowBias ?? p.colBias ?? 0;
    const strides = [rsa, csa, rsb, csb, ldc, batch, batchStrideA, batchStrideB, batchStrideC];
    return { opcode: OPCODES.gemm, words: [p.a, p.b, p.c, p.m, p.n, p.k, ...strides, flags(p), bias, p.axpy ?? 0] };
  },
  scratchBytes: () => GEMM_SCRATCH,
};

/** Columns of a panel of B: NR of the micro-kernel. */
export const PANEL = 8;
/** Rows of B that are packed together: KC of the product. */
export const PANEL_ROWS = 256;

/** B[k,n] in the order in which the product reads it, for `gemm` with `packed`. */
export interface PackMatrixParams {
  readonly b: Address;
  /** Room for `packedElements(n, k)` elements. */
  readonly out: Address;
  readonly n: number;
  readonly k: number;
  /** Strides in elements of rows and columns. */
  readonly rsb: number;
  readonly csb: number;
}

/** Elements of a packed B: whole panels. */
export const packedElements = (n: number, k: number): number => k * PANEL * Math.ceil(n / PANEL);

export const packMatrix: Kernel<PackMatrixParams> = {
  name: "packMatrix",
  opcode: OPCODES.packMatrix,
  encode: (p) => ({ opcode: OPCODES.packMatrix, words: [p.b, p.out, p.n, p.k, p.rsb, p.csb] }),
  scratchBytes: () => 0,
};
