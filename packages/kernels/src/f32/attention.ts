/** @file Attention and its gradient: parameters and words. */
import { GEMM_SCRATCH } from "./gemm.ts";
import { type Address, bitsOf, type Instruction, type Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

/** Elements from one entry of the two batch axes to the next, and from one row to the next; a row's elements are neighbours. */
export type RowStrides = readonly [batch0: number, batch1: number, row: number];

export interface Rows {
  readonly address: Address;
  readonly strides: RowStrides;
}

/** Added to the scores ("f32"), or deciding which count ("bool": bytes, 0 hides). Strides of both batch axes, queries and keys. */
export interface AttentionMask {
  readonly address: Address;
  readonly kind: "f32" | "bool";
  /** The last one 0 or 1. */
  readonly strides: readonly [batch0: number, batch1: number, query: number, key: number];
}

/** out [l, d] = softmax(scale q kᵀ + mask) v for q [l, e], k [s, e], v [s, d] of each of n0 x n1 batch entries. No size may be 0. */
export interface AttentionParams {
  readonly q: Rows;
  readonly k: Rows;
  readonly v: Rows;
  readonly out: Rows;
  readonly mask?: AttentionMask | undefined;
  /** Query i sees keys 0..i. */
  readonly causal: boolean;
  readonly scale: number;
  readonly n0: number;
  readonly n1: number;
  readonly l: number;
  readonly s: number;
  readonly e: number;
  readonly d: number;
}

/** out: l rows of dq, s of dk, s of dv, each max(e, d) wide, the narrower ones ending in zeros; g is the gradient of the result. */
export interface AttentionGradParams extends AttentionParams {
  readonly g: Rows;
}

export const ATTENTION_FLAGS = { CAUSAL: 1, ADD: 2, CHOOSE: 4 } as const;

function encode(opcode: number, p: AttentionParams, g: Rows): Instruction {
  const operands = [p.q, p.k, p.v, p.out, g];
  const kind = p.mask === undefined ? 0 : p.mask.kind === "f32" ? ATTENTION_FLAGS.ADD : ATTENTION_FLAGS.CHOOSE;
  const words = [0, ...operands.map((x) => x.address), p.mask?.address ?? 0, p.n0, p.n1, p.l, p.s, p.e, p.d];
  return {
    opcode,
    words: [...words, kind | (p.causal ? ATTENTION_FLAGS.CAUSAL : 0), bitsOf(p.scale), Math.max(p.e, p.d)],
    side: Int32Array.from([...operands.flatMap((x) => x.strides), ...(p.mask?.strides ?? [0, 0, 0, 0])]),
  };
}

// Scores of a block and most of its rows; the same in as/f32/attention.ts.
const BLOCK = 32768;
const ROWS = 256;

/** Bytes of scratch for a product, the sums of rows and `blocks` blocks of scores. */
function scratch(p: AttentionParams, blocks: number): number {
  const ld = (p.s + 3) & ~3;
  return GEMM_SCRATCH + 4 * ROWS + 4 * blocks * ld * Math.max(4, Math.min(ROWS, Math.floor(BLOCK / ld)));
}

export const attention: Kernel<AttentionParams> = {
  name: "attention",
  opcode: OPCODES.attention,
  encode: (p) => encode(OPCODES.attention, p, { address: 0, strides: [0, 0, 0] }),
  scratchBytes: (p) => scratch(p, 1),
};

export const attentionGrad: Kernel<AttentionGradParams> = {
  name: "attentionGrad",
  opcode: OPCODES.attentionGrad,
  encode: (p) => encode(OPCODES.attentionGrad, p, p.g),
  scratchBytes: (p) => scratch(p, 2),
};
