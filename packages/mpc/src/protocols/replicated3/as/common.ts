/** @file What every kernel here shares: the number of ChaCha rounds, scratch outside the arena, keystream with exact ends. */
import { chachaKeystream } from "../../../../../kernels/as/ring/chacha";

let rounds: i32 = 20;
let scratch: usize = 0;

/** Elements of a tile: 4 KB of u64, so that a tile's inputs, outputs and keystream stay in the first-level cache. */
export const TILE: i32 = 512;

/** `at` is SCRATCH_BYTES of memory that no message and no share ever lies in; prgRounds is 20 or 12. */
export function setup(at: usize, prgRounds: i32): void {
  scratch = at;
  rounds = prgRounds;
}

/** Scratch of a kernel call, from offset `at`. Nothing in it outlives the call. */
// @ts-ignore: decorator
@inline
export function tile(at: usize): usize {
  return scratch + at;
}

// @ts-ignore: decorator
@inline
export function ld(p: usize): v128 {
  return v128.load(p);
}

/** Keystream into scratch: at least `bytes`, whole 64-byte blocks. No state (0) means zeros: a mask left out on purpose. */
export function draw(state: usize, out: usize, bytes: usize): void {
  if (!state) memory.fill(out, 0, bytes);
  else chachaKeystream(state, out, <u32>((bytes + 63) >> 6), rounds);
}

/** Keystream into the arena: exactly `bytes`. Scratch 0..63 is used. */
export function drawExact(state: usize, out: usize, bytes: usize): void {
  const whole = bytes & ~63;
  if (!state) {
    memory.fill(out, 0, bytes);
    return;
  }
  if (whole) chachaKeystream(state, out, <u32>(whole >> 6), rounds);
  if (bytes > whole) {
    chachaKeystream(state, scratch, 1, rounds);
    memory.copy(out + whole, scratch, bytes - whole);
  }
}

/** The pad of n u64: for tests, exports and values that are a stream. */
export function keystream(state: usize, out: usize, bytes: usize): void {
  drawExact(state, out, bytes);
}
