/** @file Memory and random data for the tests of the ring kernels. */
import { loadRing, type RingKernels, type Width } from "../../src/ring/index.ts";

/** Every build under test. */
export const BUILDS = ["unshared", "shared"] as const;

/** The kernels on a memory of 64 MiB. */
export function ringOf(build: (typeof BUILDS)[number]): Promise<RingKernels> {
  return loadRing(new WebAssembly.Memory({ initial: 1024, maximum: 1024, shared: build === "shared" }));
}

/** A small deterministic generator (mulberry32), so that a failure can be repeated. */
export function random(seed: number): { word(): number; below(n: number): number; element(width: Width): bigint } {
  const word = (): number => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const edges = [0n, 1n, -1n, 1n << 31n, 1n << 32n, 1n << 63n, (1n << 63n) - 1n];
  return {
    word,
    below: (n) => word() % n,
    // One in eight is an extreme value: carries and signs go wrong there first.
    element: (width) =>
      BigInt.asUintN(width, word() % 8 === 0 ? edges[word() % edges.length]! : (BigInt(word()) << 32n) | BigInt(word())),
  };
}

/** Lays arrays out one after the other, with a gap of canary bytes behind each. */
export class Arena {
  private top = 1024;
  private readonly kernels: RingKernels;
  private readonly width: Width;

  constructor(kernels: RingKernels, width: Width) {
    this.kernels = kernels;
    this.width = width;
  }

  private get bytes(): Uint8Array {
    return new Uint8Array(this.kernels.memory.buffer);
  }

  /** Address of n elements (bytes with size 1), followed by 64 canaries. */
  alloc(n: number, size: number = this.width / 8): number {
    const at = this.top;
    this.bytes.fill(0xa5, at, at + n * size + 64);
    this.top = Math.ceil((at + n * size + 64) / 8) * 8;
    return at;
  }

  put(values: readonly bigint[]): number {
    const at = this.alloc(values.length);
    this.write(at, values);
    return at;
  }

  write(at: number, values: readonly bigint[]): void {
    const view = new DataView(this.kernels.memory.buffer);
    for (const [i, v] of values.entries()) {
      if (this.width === 64) view.setBigUint64(at + 8 * i, v, true);
      else view.setUint32(at + 4 * i, Number(v), true);
    }
  }

  get(at: number, n: number): bigint[] {
    const view = new DataView(this.kernels.memory.buffer);
    if (this.width === 64) return Array.from({ length: n }, (_, i) => view.getBigUint64(at + 8 * i, true));
    return Array.from({ length: n }, (_, i) => BigInt(view.getUint32(at + 4 * i, true)));
  }

  putWords(words: ArrayLike<number>): number {
    const at = this.alloc(words.length, 4);
    new Int32Array(this.kernels.memory.buffer, at, words.length).set(words);
    return at;
  }

  /** True while the 64 bytes behind n elements at `at` are untouched. */
  intact(at: number, n: number, size: number = this.width / 8): boolean {
    return this.bytes.subarray(at + n * size, at + n * size + 64).every((b) => b === 0xa5);
  }
}
