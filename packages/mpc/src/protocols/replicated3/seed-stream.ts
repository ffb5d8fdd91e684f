/** @file ChaCha20 (RFC 8439 §2.3) in TypeScript: an input's shares are streams of one-time keys, at the client and at the parties. */

const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];

/** One block of 16 words: out[at ...] = 20 rounds of the state + the state. */
function block(s: Uint32Array, out: Uint32Array, at: number): void {
  let [a0, a1, a2, a3] = [s[0]! | 0, s[1]! | 0, s[2]! | 0, s[3]! | 0];
  let [b0, b1, b2, b3] = [s[4]! | 0, s[5]! | 0, s[6]! | 0, s[7]! | 0];
  let [c0, c1, c2, c3] = [s[8]! | 0, s[9]! | 0, s[10]! | 0, s[11]! | 0];
  let [d0, d1, d2, d3] = [s[12]! | 0, s[13]! | 0, s[14]! | 0, s[15]! | 0];
  let t = 0;
  for (let round = 0; round < 10; round++) {
    // Columns.
    a0 = (a0 + b0) | 0;
    t = d0 ^ a0;
    d0 = (t << 16) | (t >>> 16);
    c0 = (c0 + d0) | 0;
    t = b0 ^ c0;
    b0 = (t << 12) | (t >>> 20);
    a0 = (a0 + b0) | 0;
    t = d0 ^ a0;
    d0 = (t << 8) | (t >>> 24);
    c0 = (c0 + d0) | 0;
    t = b0 ^ c0;
    b0 = (t << 7) | (t >>> 25);
    a1 = (a1 + b1) | 0;
    t = d1 ^ a1;
    d1 = (t << 16) | (t >>> 16);
    c1 = (c1 + d1) | 0;
    t = b1 ^ c1;
    b1 = (t << 12) | (t >>> 20);
    a1 = (a1 + b1) | 0;
    t = d1 ^ a1;
    d1 = (t << 8) | (t >>> 24);
    c1 = (c1 + d1) | 0;
    t = b1 ^ c1;
    b1 = (t << 7) | (t >>> 25);
    a2 = (a2 + b2) | 0;
    t = d2 ^ a2;
    d2 = (t << 16) | (t >>> 16);
    c2 = (c2 + d2) | 0;
    t = b2 ^ c2;
    b2 = (t << 12) | (t >>> 20);
    a2 = (a2 + b2) | 0;
    t = d2 ^ a2;
    d2 = (t << 8) | (t >>> 24);
    c2 = (c2 + d2) | 0;
    t = b2 ^ c2;
    b2 = (t << 7) | (t >>> 25);
    a3 = (a3 + b3) | 0;
    t = d3 ^ a3;
    d3 = (t << 16) | (t >>> 16);
    c3 = (c3 + d3) | 0;
    t = b3 ^ c3;
    b3 = (t << 12) | (t >>> 20);
    a3 = (a3 + b3) | 0;
    t = d3 ^ a3;
    d3 = (t << 8) | (t >>> 24);
    c3 = (c3 + d3) | 0;
    t = b3 ^ c3;
    b3 = (t << 7) | (t >>> 25);
    // Diagonals.
    a0 = (a0 + b1) | 0;
    t = d3 ^ a0;
    d3 = (t << 16) | (t >>> 16);
    c2 = (c2 + d3) | 0;
    t = b1 ^ c2;
    b1 = (t << 12) | (t >>> 20);
    a0 = (a0 + b1) | 0;
    t = d3 ^ a0;
    d3 = (t << 8) | (t >>> 24);
    c2 = (c2 + d3) | 0;
    t = b1 ^ c2;
    b1 = (t << 7) | (t >>> 25);
    a1 = (a1 + b2) | 0;
    t = d0 ^ a1;
    d0 = (t << 16) | (t >>> 16);
    c3 = (c3 + d0) | 0;
    t = b2 ^ c3;
    b2 = (t << 12) | (t >>> 20);
    a1 = (a1 + b2) | 0;
    t = d0 ^ a1;
    d0 = (t << 8) | (t >>> 24);
    c3 = (c3 + d0) | 0;
    t = b2 ^ c3;
    b2 = (t << 7) | (t >>> 25);
    a2 = (a2 + b3) | 0;
    t = d1 ^ a2;
    d1 = (t << 16) | (t >>> 16);
    c0 = (c0 + d1) | 0;
    t = b3 ^ c0;
    b3 = (t << 12) | (t >>> 20);
    a2 = (a2 + b3) | 0;
    t = d1 ^ a2;
    d1 = (t << 8) | (t >>> 24);
    c0 = (c0 + d1) | 0;
    t = b3 ^ c0;
    b3 = (t << 7) | (t >>> 25);
    a3 = (a3 + b0) | 0;
    t = d2 ^ a3;
    d2 = (t << 16) | (t >>> 16);
    c1 = (c1 + d2) | 0;
    t = b0 ^ c1;
    b0 = (t << 12) | (t >>> 20);
    a3 = (a3 + b0) | 0;
    t = d2 ^ a3;
    d2 = (t << 8) | (t >>> 24);
    c1 = (c1 + d2) | 0;
    t = b0 ^ c1;
    b0 = (t << 7) | (t >>> 25);
  }
  const words = [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3];
  for (let i = 0; i < 16; i++) out[at + i] = words[i]! + s[i]!;
}

/** `bytes` bytes of the stream of a 32-byte key, nonce and counter zero: a key is used for one stream only. */
export function seedStream(key: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const blocks = Math.ceil(bytes / 64);
  const out = new Uint32Array(16 * blocks);
  const state = new Uint32Array([...SIGMA, ...new Uint32Array(key.slice().buffer), 0, 0, 0, 0]);
  for (let i = 0; i < blocks; i++) {
    state[12] = i;
    block(state, out, 16 * i);
  }
  return new Uint8Array(out.buffer).slice(0, bytes);
}
