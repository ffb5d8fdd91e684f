/** @file Numbers as ring integers: fixed point with f fraction bits, modulo 2^64. */
import { TacitError } from "@tacit/core/errors";
import type { TypedArray } from "@tacit/core/program";

const TWO32 = 2 ** 32;
/** Largest magnitude of a public float as a ring integer: doubles are exact up to here. */
const MOST = 2 ** 53;

/**
 * round(x * 2^bits) of every element. Bigint arrays are taken modulo 2^64.
 * @throws MPC_RANGE for a float that is NaN, infinite or at least 2^53 / 2^bits: it would become another number, silently
 */
export function toRing(values: TypedArray, bits: number): BigInt64Array {
  if (values instanceof BigInt64Array) return bits === 0 ? values : values.map((v) => v << BigInt(bits));
  if (values instanceof BigUint64Array) return new BigInt64Array(values.map((v) => v << BigInt(bits)).buffer);
  const out = new BigInt64Array(values.length);
  const words = new Int32Array(out.buffer);
  const unit = 2 ** bits;
  for (let i = 0; i < values.length; i++) {
    const v = Math.round(values[i]! * unit);
    if (!(Math.abs(v) < MOST)) {
      throw new TacitError("MPC_RANGE", `mpc: expected finite values below 2^${53 - bits}, got another at position ${i}`, {
        hint: "a mask of -Infinity becomes a large finite number, such as -1000",
      });
    }
    words[2 * i] = v | 0;
    if (v >= TWO32 || v < -TWO32) words[2 * i] = Number(BigInt.asIntN(32, BigInt(v)));
    words[2 * i + 1] = Math.floor(v / TWO32);
  }
  return out;
}

/** The other way, into an array of the same length. */
export function fromRing(words: BigInt64Array, bits: number, out: TypedArray): void {
  if (out instanceof BigInt64Array || out instanceof BigUint64Array) {
    for (let i = 0; i < out.length; i++) out[i] = words[i]!;
    return;
  }
  const unit = 2 ** -bits;
  for (let i = 0; i < out.length; i++) out[i] = Number(words[i]!) * unit;
}
