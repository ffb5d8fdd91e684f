/** @file Counter-based random bits: parameters and words. */
import type { Address, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

/**
 * y u32[n] = Philox4x32-10 (Salmon et al., SC 2011): words 4b..4b+3 are the block of the 128-bit counter offset + b, which wraps.
 * Bit-exact on every platform. Not for secrets.
 */
export interface RandomBitsParams {
  /** Address of u32[2]. */
  readonly key: Address;
  /** Address of u32[offsetWords]: counter of the first block, low word first; words that are not given are 0. */
  readonly offset: Address;
  /** 1 to 4; 1 unless said. */
  readonly offsetWords?: number;
  readonly y: Address;
  readonly n: number;
}
export const randomBits: Kernel<RandomBitsParams> = {
  name: "randomBits",
  opcode: OPCODES.randomBits,
  encode: (p) => ({ opcode: OPCODES.randomBits, words: [p.key, p.offset, p.y, p.n, p.offsetWords ?? 1] }),
  // Vectors of the two key words of each round.
  scratchBytes: () => 320,
};
