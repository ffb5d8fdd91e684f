/**
 * @file The memory in which one party's shares lie. Free memory is always zero: a region is zeroised when it is freed, so a new
 * one never holds old bytes, and the padding behind its end is zero. Keys and keystream lie below the arena, where no view of
 * a share or a message can reach.
 */
import { TacitError } from "@tacit/core/errors";

const PAGE = 65536;
const ALIGN = 64;

/** Layout below the arena: the module's static data, then PRG states, descriptors and scratch. */
export const PRIVATE: {
  readonly states: number;
  readonly stateSlots: number;
  readonly descriptor: number;
  readonly scratch: number;
} = {
  states: PAGE,
  stateSlots: 64,
  descriptor: PAGE + 8192,
  scratch: PAGE * 2,
};
/** First byte that a share or a message may occupy. */
export const ARENA: number = PAGE * 4;

/** What the primitives need of a memory; a dry run has one without bytes. */
export interface ShareMemory {
  /** A zeroed region of at least `bytes` bytes, 64-byte aligned. Throws MPC_MEMORY. */
  alloc(bytes: number): number;
  /** Zeroises and gives back a region. */
  free(at: number): void;
  /** A view of exactly `n` bytes of the arena. */
  bytes(at: number, n: number): Uint8Array<ArrayBuffer>;
  /** Copies ring integers into the arena. */
  write(at: number, values: BigInt64Array | BigUint64Array): void;
  /** Writes 32-bit words below the arena (descriptors, PRG states). */
  writePrivate(at: number, words: ArrayLike<number>): void;
  /** Bytes in use, and the most that ever were. */
  readonly used: number;
  readonly peak: number;
}

interface Range {
  at: number;
  size: number;
}

/** Addresses only: best fit among free ranges, neighbours merged. The same in a real and in a dry run. */
class Allocator {
  readonly #free: Range[];
  readonly #live: Map<number, number> = new Map();
  readonly #limit: number;
  used = 0;
  peak = 0;

  constructor(start: number, end: number) {
    this.#free = [{ at: start, size: end - start }];
    this.#limit = end - start;
  }

  take(bytes: number): number {
    const size = Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);
    let best: Range | undefined;
    for (const range of this.#free) {
      if (range.size >= size && (!best || range.size < best.size)) best = range;
      if (best?.size === size) break;
    }
    if (!best) {
      const hint = "raise the session's memory limit, or use smaller batches";
      throw new TacitError(
        "MPC_MEMORY",
        `memory: expected ${size} free bytes of ${this.#limit}, got ${this.#limit - this.used}`,
        { hint },
      );
    }
    const at = best.at;
    best.at += size;
    best.size -= size;
    if (best.size === 0) this.#free.splice(this.#free.indexOf(best), 1);
    this.#live.set(at, size);
    this.used += size;
    this.peak = Math.max(this.peak, this.used);
    return at;
  }

  /** Size of a live region. */
  sizeOf(at: number): number {
    const size = this.#live.get(at);
    if (size === undefined) throw new TacitError("MPC_MEMORY", "memory: expected the address of a live region, got another", {});
    return size;
  }

  give(at: number): void {
    const size = this.sizeOf(at);
    this.#live.delete(at);
    this.used -= size;
    let lo = 0;
    for (let hi = this.#free.length; lo < hi; ) {
      const middle = (lo + hi) >> 1;
      if (this.#free[middle]!.at < at) lo = middle + 1;
      else hi = middle;
    }
    const before = this.#free[lo - 1];
    const after = this.#free[lo];
    const joinsBefore = before !== undefined && before.at + before.size === at;
    const joinsAfter = after !== undefined && at + size === after.at;
    if (joinsBefore && joinsAfter) {
      before.size += size + after.size;
      this.#free.splice(lo, 1);
    } else if (joinsBefore) before.size += size;
    else if (joinsAfter) {
      after.at = at;
      after.size += size;
    } else this.#free.splice(lo, 0, { at, size });
  }

  get live(): readonly number[] {
    return [...this.#live.keys()];
  }
}

/** Bytes of address space that a memory of `limit` bytes of shares needs; reserved at once, so that views never detach. */
function pages(limit: number): number {
  const count = Math.ceil((ARENA + limit) / PAGE);
  // A WebAssembly memory of the compiled modules ends 64 KB short of 4 GiB.
  if (!Number.isSafeInteger(limit) || limit < PAGE || count > 65535) {
    const hint = "between 65536 bytes and 4 GiB less 320 KiB";
    throw new TacitError("MPC_MEMORY", `memory: expected a limit that WebAssembly can address, got ${limit} bytes`, { hint });
  }
  return count;
}

/** A party's memory: one WebAssembly.Memory, reserved (not committed) at its full size. */
export class Memory implements ShareMemory {
  readonly wasm: WebAssembly.Memory;
  readonly #buffer: ArrayBuffer;
  readonly #all: Uint8Array<ArrayBuffer>;
  readonly #allocator: Allocator;

  constructor(limit: number) {
    const count = pages(limit);
    this.wasm = new WebAssembly.Memory({ initial: count, maximum: count });
    this.#buffer = this.wasm.buffer as ArrayBuffer;
    this.#all = new Uint8Array(this.#buffer);
    this.#allocator = new Allocator(ARENA, count * PAGE);
  }

  get used(): number {
    return this.#allocator.used;
  }
  get peak(): number {
    return this.#allocator.peak;
  }

  alloc(bytes: number): number {
    return this.#allocator.take(bytes);
  }

  free(at: number): void {
    this.#all.fill(0, at, at + this.#allocator.sizeOf(at));
    this.#allocator.give(at);
  }

  bytes(at: number, n: number): Uint8Array<ArrayBuffer> {
    if (at < ARENA) throw new TacitError("MPC_MEMORY", "memory: expected an address in the arena, got one below it", {});
    return this.#all.subarray(at, at + n);
  }

  write(at: number, values: BigInt64Array | BigUint64Array): void {
    this.bytes(at, values.byteLength).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  writePrivate(at: number, words: ArrayLike<number>): void {
    new Uint32Array(this.#buffer, at, words.length).set(words);
  }

  /** Zeroises everything: shares, keys, keystream. Regions stay allocated but empty. */
  zeroise(): void {
    for (const at of this.#allocator.live) this.#all.fill(0, at, at + this.#allocator.sizeOf(at));
    // Static data of the module lies below; it holds no secret.
    this.#all.fill(0, PRIVATE.states, ARENA);
  }
}

/** Addresses without bytes: what a dry run counts with. */
export class DryMemory implements ShareMemory {
  readonly #allocator: Allocator;
  #scratch: ArrayBuffer = new ArrayBuffer(PAGE);

  constructor(limit: number) {
    this.#allocator = new Allocator(ARENA, pages(limit) * PAGE);
  }

  get used(): number {
    return this.#allocator.used;
  }
  get peak(): number {
    return this.#allocator.peak;
  }

  alloc(bytes: number): number {
    return this.#allocator.take(bytes);
  }
  free(at: number): void {
    this.#allocator.give(at);
  }
  /** A view of the right length; its content means nothing. Untouched pages of it are never committed. */
  bytes(_at: number, n: number): Uint8Array<ArrayBuffer> {
    if (this.#scratch.byteLength < n) this.#scratch = new ArrayBuffer(2 * n);
    return new Uint8Array(this.#scratch, 0, n);
  }
  write(_at: number, _values: BigInt64Array | BigUint64Array): void {}
  writePrivate(_at: number, _words: ArrayLike<number>): void {}
}
