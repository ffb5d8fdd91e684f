/** @file Fixed-point numbers in the ring of 64-bit integers: round(x * 2^f) modulo 2^64. */
import { TacitError } from "@tacit/core/errors";
import { type Aval, DTYPE, type TypedArray } from "@tacit/core/program";

const TWO_32 = 4_294_967_296;
/** Raw values stay below 2^62: the bound of exact truncation. */
const RAW_LIMIT = 2 ** 62;

/** Fraction bits of a dtype: floats have `fractionBits`, integers and bool none. */
export const fractionOf = (aval: Aval, fractionBits: number): number => (DTYPE[aval.dtype].float ? fractionBits : 0);

/**
 * Ring elements of `values`; ties round towards plus infinity.
 * @throws TacitError INPUT_OUT_OF_RANGE for NaN, infinities and magnitudes of 2^(62-f) or more; the message has the position, not the value
 */
export function encodeFixed(values: TypedArray, fraction: number): BigUint64Array<ArrayBuffer> {
  const words = new BigUint64Array(values.length);
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    for (let i = 0; i < values.length; i++) words[i] = BigInt.asUintN(64, values[i]! << BigInt(fraction));
    return words;
  }
  const halves = new Uint32Array(words.buffer);
  const scale = 2 ** fraction;
  for (let i = 0; i < values.length; i++) {
    const raw = Math.round(values[i]! * scale);
    if (!(Math.abs(raw) < RAW_LIMIT)) {
      throw new TacitError(
        "INPUT_OUT_OF_RANGE",
        `share: expected finite values below 2^${62 - fraction}, got another at element ${i}`,
        {
          hint: "scale the data, or use fewer fraction bits",
        },
      );
    }
    const high = Math.floor(raw / TWO_32);
    halves[2 * i] = raw - high * TWO_32;
    halves[2 * i + 1] = high >>> 0;
  }
  return words;
}

/** Values of ring elements in the array type of `aval`. */
export function decodeFixed(words: BigUint64Array, aval: Aval, fraction: number): TypedArray {
  const values = DTYPE[aval.dtype].make(words.length);
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    for (let i = 0; i < words.length; i++) values[i] = BigInt.asIntN(64, words[i]!) >> BigInt(fraction);
    return values;
  }
  const halves = new Uint32Array(words.buffer, words.byteOffset, words.length * 2);
  const scale = 2 ** -fraction;
  for (let i = 0; i < words.length; i++) values[i] = ((halves[2 * i + 1]! | 0) * TWO_32 + halves[2 * i]!) * scale;
  return values;
}
