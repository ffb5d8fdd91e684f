/**
 * @file Pseudo-random streams. Key k_i is held by parties i and i - 1 (mod 3); a stream is ChaCha under a key of this run and
 * attempt, with the nonce (op id, piece, stream). Each is drawn at most once per party: drawing one again throws.
 */
import { TacitError } from "@tacit/core/errors";
import { PRIVATE, type ShareMemory } from "./memory.ts";

/** Numbers of streams within a piece of an op. One table, so that no two uses in one op can share a number. */
export const STREAM = {
  zero: 0,
  rho: 1,
  mu: 2,
  nu0: 3,
  nu2: 4,
  offset: 5,
  noise: 6,
  tables: 8,
  generate0: 9,
  generate2: 10,
  pairs: 11,
  out0: 12,
  out2: 13,
  export: 15,
  /** Level l of the carry tree (1..4). */
  level: 16,
  /** Extra products of a carry at level l: its generate bit, its propagate bit. */
  carryGenerate: 24,
  carryPropagate: 32,
} as const;

export type Which = 0 | 1;

/** Where the streams come from. Production has one implementation; tests observe and corrupt through others. */
export interface Streams {
  /** Says that op `id` begins; throws OP_REUSED when it began before in this run. */
  begin(id: number, op: string): void;
  /**
   * The address of a fresh ChaCha state. which 0: the key k_me (shared with party me - 1); 1: k_{me+1} (shared with me + 1).
   * An address stays valid for the next kernel call only.
   */
  state(which: Which, id: number, piece: number, stream: number): number;
  /** The same for randomness that all three parties know (it masks nothing). */
  common(id: number, piece: number, stream: number): number;
}

export const MAX_PIECES = 4096;
const MAX_STREAMS = 64;
const SIGMA: readonly number[] = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];

export interface StreamKeys {
  /** 32-byte run keys: k_me and k_{me+1}. */
  readonly low: Uint8Array;
  readonly high: Uint8Array;
  /** 32 bytes that all parties know, nobody else, and that differ from run to run. They mask nothing. */
  readonly common: Uint8Array;
}

function words(key: Uint8Array, name: string): Uint32Array {
  if (key.length !== 32) throw new TacitError("MPC_KEY", `streams: expected 32 bytes for ${name}, got ${key.length}`, {});
  return new Uint32Array(key.slice().buffer);
}

/** Streams of one run at one party. `close` forgets the keys. */
export class KeyStreams implements Streams {
  readonly #memory: ShareMemory;
  readonly #keys: readonly Uint32Array[];
  readonly #ids: Set<number> = new Set();
  readonly #used: Set<number> = new Set();
  #slot = 0;
  #closed = false;

  constructor(memory: ShareMemory, keys: StreamKeys) {
    this.#memory = memory;
    this.#keys = [words(keys.low, "the low key"), words(keys.high, "the high key"), words(keys.common, "the common key")];
  }

  begin(id: number, op: string): void {
    this.#open();
    if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) {
      throw new TacitError("OP_ID", `${op}: expected an op id of 32 bits, got ${id}`, {});
    }
    if (this.#ids.has(id)) {
      const hint = "every interactive op of a run has its own id, taken from the program";
      throw new TacitError("OP_REUSED", `${op}: expected an op id not used in this run, got ${id} again`, { hint });
    }
    this.#ids.add(id);
  }

  state(which: Which, id: number, piece: number, stream: number): number {
    return this.#state(which, id, piece, stream);
  }
  common(id: number, piece: number, stream: number): number {
    return this.#state(2, id, piece, stream);
  }

  /** Zeroises the keys and every state. Branches of a failed run that are still under way throw at their next draw. */
  close(): void {
    this.#closed = true;
    for (const key of this.#keys) key.fill(0);
    this.#memory.writePrivate(PRIVATE.states, new Uint32Array(PRIVATE.stateSlots * 16));
  }

  /** After `close` the keys are zero: a mask drawn then would be known to everyone. */
  #open(): void {
    if (this.#closed) throw new TacitError("MPC_CLOSED", "streams: expected a run under way, got one that has ended");
  }

  #state(key: number, id: number, piece: number, stream: number): number {
    this.#open();
    if (piece >= MAX_PIECES || stream >= MAX_STREAMS) {
      throw new TacitError(
        "OP_ID",
        `streams: expected piece < ${MAX_PIECES} and stream < ${MAX_STREAMS}, got ${piece}, ${stream}`,
        {},
      );
    }
    // Below 2^52: three keys, 32 bits of id, 12 of piece, 6 of stream.
    const use = ((id * 3 + key) * MAX_PIECES + piece) * MAX_STREAMS + stream;
    if (this.#used.has(use)) {
      throw new TacitError(
        "STREAM_REUSED",
        `streams: expected a fresh stream, got op ${id} piece ${piece} stream ${stream} again`,
        {},
      );
    }
    this.#used.add(use);
    const at = PRIVATE.states + 64 * this.#slot;
    this.#slot = (this.#slot + 1) % PRIVATE.stateSlots;
    // Counter 0; ChaCha's kernel traps before its 32 bits wrap (256 GiB of one stream).
    this.#memory.writePrivate(at, [...SIGMA, ...this.#keys[key]!, 0, id, piece, stream]);
    return at;
  }
}
