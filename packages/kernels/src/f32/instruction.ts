/** @file The unit of a plan: one instruction of 32 words, and what a row of the kernel table looks like. */

/** 32-bit words of one instruction: opcode, then 31 arguments. */
export const WORDS = 32 as const;

/** Bit patterns in order of the argument words (numbers are stored modulo 2^32), and a side table if 31 words are not enough. */
export interface Instruction {
  readonly opcode: number;
  readonly words: readonly number[];
  /** Must lie in memory while the plan lives; its byte address goes into argument word 0. */
  readonly side?: Int32Array;
}

/** Codes that a kernel leaves in the error word, with the code of the error that callers throw. */
export const ERRORS = {
  1: "LABEL_OUT_OF_RANGE",
  2: "INDEX_OUT_OF_RANGE",
} as const;
export type DataError = (typeof ERRORS)[keyof typeof ERRORS];

/** Memory seen as arrays; all start at byte 0. References work on the same addresses as kernels. */
export interface MemoryViews {
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u8: Uint8Array;
}

/** Bytes of memory; a multiple of 64 for buffers. */
export type Address = number;

/** A row of the kernel table. `P` names byte addresses, sizes and strides; strides count elements. */
export interface Kernel<P> {
  readonly name: string;
  readonly opcode: number;
  encode(params: P): Instruction;
  /** Bytes of scratch memory that each thread needs (see F32Engine.reserveScratch). */
  scratchBytes(params: P): number;
}

/** Element types that kernels know, with their bytes. A bool is one byte, 0 or 1. */
export const ELEMENT_BYTES = { f32: 4, i32: 4, u32: 4, u8: 1, bool: 1 } as const;
export type ElementType = keyof typeof ELEMENT_BYTES;

/** Views of one buffer. */
export function viewsOf(buffer: ArrayBufferLike): MemoryViews {
  return { f32: new Float32Array(buffer), i32: new Int32Array(buffer), u32: new Uint32Array(buffer), u8: new Uint8Array(buffer) };
}

/** The bits of an f32, as a word. */
export function bitsOf(value: number): number {
  scratchFloat[0] = value;
  return scratchWord[0]!;
}
const scratchFloat = new Float32Array(1);
const scratchWord = new Int32Array(scratchFloat.buffer);

/** Writes instruction `index` of a plan whose table starts at byte `table`; `side` is where its side table was put. */
export function writeInstruction(memory: MemoryViews, table: Address, index: number, instruction: Instruction, side = 0): void {
  const at = (table >>> 2) + index * WORDS;
  memory.i32.fill(0, at, at + WORDS);
  memory.i32[at] = instruction.opcode;
  memory.i32.set(instruction.words, at + 1);
  if (!instruction.side) return;
  memory.i32.set(instruction.side, side >>> 2);
  memory.i32[at + 1] = side;
}
