/** @file Reductions: parameters and words. */
import { KernelError } from "../errors.ts";
import type { Address, ElementType, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

const OPS = { sum: 0, prod: 1, max: 2, min: 3 } as const;
const TYPES = { f32: 0, i32: 1, u32: 2, u8: 3, bool: 4 } as const satisfies Record<ElementType, number>;

/**
 * y[outer, inner] = reduction of x[outer, reduced, inner, tail] over `reduced` and `tail` (tail default 1), both in `dtype`.
 * The tail serves bias gradients ([1, N, C, H*W]) without a transposed copy. Sums of f32 keep totals in f64 (or two
 * levels of f32); a NaN makes max and min NaN. `all` and `any` of bool are min and max. Integer sums wrap.
 * An empty reduction gives 0 (sum), 1 (prod), and the lowest or highest value (max, min).
 */
export interface ReduceParams {
  readonly op: keyof typeof OPS;
  readonly dtype: ElementType;
  readonly x: Address;
  readonly y: Address;
  readonly outer: number;
  readonly reduced: number;
  readonly inner: number;
  readonly tail?: number;
}

// Chunks of a long f32 row whose partial sums all threads compute; the same in as/f32/reduce.ts.
export const CHUNK = 8192;
// Two levels of sums of a strip of columns, in f32.
const STRIP_BYTES = 2 * 4 * 512;

export const reduce: Kernel<ReduceParams> = {
  name: "reduce",
  opcode: OPCODES.reduce,
  encode: (p) => ({
    opcode: OPCODES.reduce,
    words: [p.x, p.y, p.outer, p.reduced, p.inner, p.tail ?? 1, OPS[p.op], TYPES[p.dtype]],
  }),
  scratchBytes: (p) => Math.max(STRIP_BYTES, 8 * Math.ceil((p.reduced * (p.tail ?? 1)) / CHUNK) * p.outer) + 64,
};

/** y[outer, inner] i32 = index along `reduced` of the largest (smallest) x[outer, reduced, inner]: the first of equals; a NaN wins. */
export interface ArgReduceParams {
  readonly op: "argmax" | "argmin";
  readonly dtype: ElementType;
  readonly x: Address;
  readonly y: Address;
  readonly outer: number;
  readonly reduced: number;
  readonly inner: number;
}
export const argReduce: Kernel<ArgReduceParams> = {
  name: "argReduce",
  opcode: OPCODES.argReduce,
  encode(p) {
    if (p.reduced === 0 && p.outer * p.inner > 0) {
      throw new KernelError("KERNEL_EMPTY_REDUCTION", `${p.op}: expected at least 1 element, got 0`, "check the axis");
    }
    return {
      opcode: OPCODES.argReduce,
      words: [p.x, p.y, p.outer, p.reduced, p.inner, p.op === "argmax" ? 0 : 1, TYPES[p.dtype]],
    };
  },
  scratchBytes: () => 0,
};
