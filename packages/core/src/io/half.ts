/** @file Small floats (IEEE binary16, bfloat16, and the 8-bit ones of OCP's "8-bit floating point", 2023): widened to f32 exactly, and 16 bits written by rounding to nearest even. */

/** Widens binary16 bit patterns. Subnormals, infinities and NaN (payload kept in the high bits) included. */
export function widenF16(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) {
    const h = bits[i]!;
    const sign = (h & 0x8000) << 16;
    const exponent = (h >> 10) & 31;
    const fraction = h & 0x3ff;
    if (exponent === 0) {
      out[i] = fraction * 2 ** -24; // zero or subnormal: fraction · 2^-24 is exact in f32
      words[i] = (words[i]! | sign) >>> 0;
    } else {
      const wide = exponent === 31 ? 255 : exponent + 112; // bias 15 to bias 127
      words[i] = (sign | (wide << 23) | (fraction << 13)) >>> 0;
    }
  }
  return out;
}

/** Widens bfloat16 bit patterns: the upper half of an f32. */
export function widenBf16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/** Widens F8_E5M2: the upper half of a binary16. */
export const widenE5m2 = (bits: Uint8Array): Float32Array => widenF16(Uint16Array.from(bits, (b) => b << 8));

/** Widens F8_E4M3 (bias 7, no infinities; all ones is NaN). */
export function widenE4m3(bits: Uint8Array): Float32Array {
  return Float32Array.from(bits, (b) => {
    const [sign, exponent, fraction] = [b & 0x80 ? -1 : 1, (b >> 3) & 15, b & 7];
    if (exponent === 15 && fraction === 7) return Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10));
  });
}

/** 16-bit floats by the number of bits of their fraction; the rest but the sign is the exponent. */
const FRACTION = { f16: 10, bf16: 7 } as const;
export type Half = keyof typeof FRACTION;

const view = new DataView(new ArrayBuffer(8));
/** e with 2^e <= x < 2^(e+1), for x > 0; smaller than any exponent of a half for subnormal doubles. */
function exponentOf(x: number): number {
  view.setFloat64(0, x);
  return ((view.getUint32(0) >>> 20) & 0x7ff) - 1023;
}

/** Halves to even; x is at least 0 and below 2^12. */
function roundEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

/** Bit patterns of the nearest 16-bit floats, halves to even (IEEE 754, 4.3.1); beyond the largest infinity. Rounds once, also from f64. */
export function narrow(values: Float32Array | Float64Array, kind: Half): Uint16Array {
  const fraction = FRACTION[kind];
  const bias = 2 ** (14 - fraction) - 1;
  const infinity = (2 * bias + 1) << fraction;
  return Uint16Array.from(values, (v: number) => {
    const sign = v < 0 || Object.is(v, -0) ? 0x8000 : 0;
    if (Number.isNaN(v)) return infinity | (1 << (fraction - 1));
    const x = Math.abs(v);
    if (x === Number.POSITIVE_INFINITY) return sign | infinity;
    const e = Math.max(exponentOf(x), 1 - bias);
    if (e > bias) return sign | infinity;
    // In units of the last place; a carry into the exponent is what addition makes of it.
    const units = roundEven(x * 2 ** (fraction - e));
    return sign | ((e + bias - 1) * 2 ** fraction + units);
  });
}
