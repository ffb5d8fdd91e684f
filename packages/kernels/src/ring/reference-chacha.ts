/** @file ChaCha in plain TypeScript, after RFC 8439 section 2.3: the oracle of the kernel's tests. */

function quarterRound(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  const step = (to: number, from: number, mixed: number, bits: number): void => {
    x[to]! += x[from]!;
    const v = x[mixed]! ^ x[to]!;
    x[mixed] = (v << bits) | (v >>> (32 - bits));
  };
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}

/** One block of 64 bytes from 16 state words (word 12 is the counter). rounds: 8, 12 or 20. */
export function chachaReference(state: Uint32Array, rounds: number): Uint8Array {
  const x = Uint32Array.from(state);
  for (let r = 0; r < rounds; r += 2) {
    for (let i = 0; i < 4; i++) quarterRound(x, i, 4 + i, 8 + i, 12 + i);
    for (let i = 0; i < 4; i++) quarterRound(x, i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4));
  }
  const out = new DataView(new ArrayBuffer(64));
  for (let i = 0; i < 16; i++) out.setUint32(4 * i, x[i]! + state[i]!, true);
  return new Uint8Array(out.buffer);
}
