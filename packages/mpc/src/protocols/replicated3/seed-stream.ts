/** @file ChaCha20 (RFC 8439 §2.3) in TypeScript: an input's shares are streams of one-time keys, at the client and at the parties. */

const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
/** Columns, then diagonals. */
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

function quarter(x: Int32Array, a: number, b: number, c: number, d: number): void {
  let t = 0;
  x[a] = x[a]! + x[b]!;
  t = x[d]! ^ x[a]!;
  x[d] = (t << 16) | (t >>> 16);
  x[c] = x[c]! + x[d]!;
  t = x[b]! ^ x[c]!;
  x[b] = (t << 12) | (t >>> 20);
  x[a] = x[a]! + x[b]!;
  t = x[d]! ^ x[a]!;
  x[d] = (t << 8) | (t >>> 24);
  x[c] = x[c]! + x[d]!;
  t = x[b]! ^ x[c]!;
  x[b] = (t << 7) | (t >>> 25);
}

/** `bytes` bytes of the stream of a 32-byte key, nonce and counter zero: a key is used for one stream only. */
export function seedStream(key: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const blocks = Math.ceil(bytes / 64);
  const out = new Int32Array(16 * blocks);
  const state = new Int32Array([...SIGMA, ...new Int32Array(key.slice().buffer), 0, 0, 0, 0]);
  const x = new Int32Array(16);
  for (let i = 0; i < blocks; i++) {
    state[12] = i;
    x.set(state);
    for (let round = 0; round < 10; round++) for (const [a, b, c, d] of QUARTERS) quarter(x, a, b, c, d);
    for (let w = 0; w < 16; w++) out[16 * i + w] = x[w]! + state[w]!;
  }
  return new Uint8Array(out.buffer).slice(0, bytes);
}
