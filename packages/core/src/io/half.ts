/** @file Reading 16-bit floats (IEEE binary16 and bfloat16) into f32; both are exact. */

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
