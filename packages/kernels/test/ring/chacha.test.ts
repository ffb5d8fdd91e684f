/** @file ChaCha against the vectors of RFC 8439 and draft-strombergson-chacha-test-vectors, and against the reference. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { chachaReference, type RingKernels } from "../../src/ring/index.ts";
import { BUILDS, random, ringOf } from "./harness.ts";

interface Row {
  readonly name: string;
  readonly rounds: number;
  readonly key: string;
  readonly nonce: string;
  readonly counter: number;
}
interface Vectors {
  readonly keystreams: readonly (Row & { readonly keystream: string })[];
  readonly encryptions: readonly (Row & { readonly plaintext: string; readonly ciphertext: string })[];
}
const vectors = JSON.parse(readFileSync(new URL("../../../../vectors/chacha.json", import.meta.url), "utf8")) as Vectors;
const [STATE, SRC, OUT] = [1024, 2048, 8192];

function stateOf(row: Row): Uint32Array {
  const bytes = Buffer.concat([
    Buffer.from("expand 32-byte k"),
    Buffer.from(row.key, "hex"),
    Buffer.alloc(4),
    Buffer.from(row.nonce, "hex"),
  ]);
  bytes.writeUInt32LE(row.counter, 48);
  return Uint32Array.from({ length: 16 }, (_, i) => bytes.readUInt32LE(4 * i));
}
function setState(kernels: RingKernels, state: Uint32Array): void {
  new Uint32Array(kernels.memory.buffer, STATE, 16).set(state);
}
function bytesAt(kernels: RingKernels, at: number, n: number): Buffer {
  return Buffer.from(new Uint8Array(kernels.memory.buffer).slice(at, at + n));
}
function randomState(seed: number, counter: number): Uint32Array {
  const rng = random(seed);
  const state = Uint32Array.from({ length: 16 }, () => rng.word());
  state[12] = counter;
  return state;
}
function streamReference(state: Uint32Array, blocks: number, rounds: number): Buffer {
  const one = (i: number): Uint8Array => chachaReference(state.with(12, state[12]! + i), rounds);
  return Buffer.concat(Array.from({ length: blocks }, (_, i) => one(i)));
}

describe.each(BUILDS)("ChaCha (%s)", (build) => {
  test.each(vectors.keystreams)("keystream of $name, $rounds rounds", async (row) => {
    const kernels = await ringOf(build);
    const blocks = row.keystream.length / 128;
    setState(kernels, stateOf(row));
    kernels.chachaKeystream(STATE, OUT, blocks, row.rounds);
    expect(bytesAt(kernels, OUT, 64 * blocks).toString("hex")).toBe(row.keystream);
    expect(Buffer.from(chachaReference(stateOf(row), row.rounds)).toString("hex")).toBe(row.keystream.slice(0, 128));
  });

  test.each(vectors.encryptions)("encryption of $name", async (row) => {
    const kernels = await ringOf(build);
    const plaintext = Buffer.from(row.plaintext, "hex");
    new Uint8Array(kernels.memory.buffer).set(plaintext, SRC);
    setState(kernels, stateOf(row));
    kernels.chachaXor(STATE, SRC, OUT, plaintext.length, row.rounds);
    expect(bytesAt(kernels, OUT, plaintext.length).toString("hex")).toBe(row.ciphertext);
    expect(new Uint32Array(kernels.memory.buffer, STATE, 16)[12]).toBe(row.counter + 2);
  });

  test("any number of blocks follows the reference and advances the counter", async () => {
    const kernels = await ringOf(build);
    for (const rounds of [8, 12, 20]) {
      for (const blocks of [0, 1, 2, 3, 4, 5, 7, 8, 11]) {
        const state = randomState(blocks * 100 + rounds, 0xfffffff0 - blocks);
        setState(kernels, state);
        new Uint8Array(kernels.memory.buffer).fill(0xa5, OUT, OUT + 64 * blocks + 64);
        kernels.chachaKeystream(STATE, OUT, blocks, rounds);
        expect(bytesAt(kernels, OUT, 64 * blocks).equals(streamReference(state, blocks, rounds))).toBe(true);
        expect(bytesAt(kernels, OUT + 64 * blocks, 64).every((b) => b === 0xa5)).toBe(true);
        expect([...new Uint32Array(kernels.memory.buffer, STATE, 16)]).toEqual([...state.with(12, state[12]! + blocks)]);
      }
    }
  });

  test("xor of any length follows the reference, in place too", async () => {
    const kernels = await ringOf(build);
    for (const n of [0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 255, 256, 257, 321, 1000]) {
      const state = randomState(n, 5);
      const source = Buffer.from(streamReference(randomState(n + 1, 0), 16, 8)).subarray(0, n);
      const stream = streamReference(state, 16, 12);
      for (const out of [OUT, SRC]) {
        const memory = new Uint8Array(kernels.memory.buffer);
        memory.fill(0xa5, out, out + n + 64);
        memory.set(source, SRC);
        setState(kernels, state);
        kernels.chachaXor(STATE, SRC, out, n, 12);
        expect(bytesAt(kernels, out, n).every((b, i) => b === (source[i]! ^ stream[i]!))).toBe(true);
        expect(bytesAt(kernels, out + n, 64).every((b) => b === 0xa5)).toBe(true);
        expect(new Uint32Array(kernels.memory.buffer, STATE, 16)[12]).toBe(5 + Math.ceil(n / 64));
      }
    }
  });

  test("traps before the counter wraps, and writes nothing", async () => {
    const kernels = await ringOf(build);
    setState(kernels, randomState(9, 0xfffffffd));
    new Uint8Array(kernels.memory.buffer).fill(0xa5, OUT, OUT + 512);
    expect(() => kernels.chachaKeystream(STATE, OUT, 3, 8)).toThrow(WebAssembly.RuntimeError);
    expect(() => kernels.chachaXor(STATE, OUT, OUT, 129, 8)).toThrow(WebAssembly.RuntimeError);
    expect(bytesAt(kernels, OUT, 512).every((b) => b === 0xa5)).toBe(true);
    expect(new Uint32Array(kernels.memory.buffer, STATE, 16)[12]).toBe(0xfffffffd);
    kernels.chachaKeystream(STATE, OUT, 2, 8);
    expect(new Uint32Array(kernels.memory.buffer, STATE, 16)[12]).toBe(0xffffffff);
  });

  test("zeroise clears exactly the bytes named", async () => {
    const kernels = await ringOf(build);
    new Uint8Array(kernels.memory.buffer).fill(7, OUT, OUT + 40);
    kernels.zeroise(OUT + 3, 20);
    expect(
      bytesAt(kernels, OUT, 40)
        .map((b, i) => (i >= 3 && i < 23 ? b + 7 : b))
        .every((b) => b === 7),
    ).toBe(true);
  });
});
