/** @file Counter-based random bits: parameters and words. */
import type { Address, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";
import { randomBitsReference } from "./reference/random.ts";

/**
 * y u32[n] = Philox4x32-10 (Salmon et al., SC 2011): words 4b..4b+3 are the block of counter [offset + b mod 2^32, carry, 0, 0].
 * Bit-exact on every platform. Not for secrets.
 */
export interface RandomBitsParams {
  /** Address of u32[2]. */
  readonly key: Address;
  /** Address of u32[1]: number of the first block. */
  readonly offset: Address;
  readonly y: Address;
  readonly n: number;
}
export const randomBits: Kernel<RandomBitsParams> = {
  name: "randomBits",
  opcode: OPCODES.randomBits,
  encode: (p) => ({ opcode: OPCODES.randomBits, words: [p.key, p.offset, p.y, p.n] }),
  scratchBytes: () => 0,
  reference: randomBitsReference,
};
