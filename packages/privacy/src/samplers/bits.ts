/** @file Random bits for the samplers: words from the platform's CSPRNG, fetched 64 KB at a time, each used once and erased. */
import { secureRandom } from "@tacit/core/secure-random";

/** Gives uniform 32-bit words. The package exports no function that takes one, so that no caller can hand in a weak source; tests enumerate others. */
export interface Bits {
  word(): number;
}

const BYTES = 65_536;

class SecureBits implements Bits {
  #words = new Uint32Array();
  #at = 0;

  word(): number {
    if (this.#at === this.#words.length) {
      this.#words = new Uint32Array(secureRandom(BYTES).buffer);
      this.#at = 0;
    }
    const w = this.#words[this.#at]!;
    this.#words[this.#at++] = 0;
    return w;
  }
}

/** One pool for the process. */
export const secureBits: Bits = new SecureBits();

/** `n` uniform bits. */
export function bitsOf(bits: Bits, n: number): bigint {
  let out = 0n;
  let have = 0;
  for (; have + 32 <= n; have += 32) out = (out << 32n) | BigInt(bits.word());
  if (have < n) out = (out << BigInt(n - have)) | BigInt(bits.word() >>> (32 - (n - have)));
  return out;
}

/** A uniform integer of 0 ≤ x < n: drawn again where it would favour small ones. */
export function below(bits: Bits, n: bigint): bigint {
  const length = n.toString(2).length;
  for (;;) {
    const x = bitsOf(bits, length);
    if (x < n) return x;
  }
}
