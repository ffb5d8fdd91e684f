/** @file Outbox: copies frames into pooled chunks and writes those of one tick together. */

/** What carries bytes: a TLS socket, or a pair of pipes in one process. */
export interface Carrier {
  /** Takes `bytes`; calls `written` once they may be overwritten. */
  write(bytes: Uint8Array, written: () => void): void;
  /**
   * Ends this side after what was written, and resolves when the other side has ended, too. What that one sends meanwhile still comes: a socket
   * that is cut with unread bytes in it is reset, and the other side may lose what was written last.
   */
  end(): Promise<void>;
  /** Cuts at once. */
  destroy(): void;
}

/** TLS cuts a chunk into 16 KiB records; larger chunks gain nothing measurable. */
const CHUNK = 262_144;
/** Chunks kept for reuse: 12 MiB per link, about what a piece-wise op on 10^6 elements has in flight. */
const KEPT = 48;

/** A chunk whose first `used` bytes are to be written. */
interface Filled {
  readonly chunk: Uint8Array;
  readonly used: number;
}

/**
 * One write is under way at a time: a socket that is given several copies them together first (a third of a write's cost),
 * and holds the encrypted form of all of them.
 */
export class Outbox {
  readonly #carrier: Carrier;
  readonly #free: Uint8Array[] = [];
  /** Filled chunks in order; those before #next were taken. */
  #filled: Filled[] = [];
  #next = 0;
  #chunk: Uint8Array | null = null;
  #at = 0;
  #planned = false;
  #writing = false;
  #drained: (() => void)[] = [];

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  /** Room for `n` contiguous bytes (n at most 256 KiB), to be filled before the caller returns. */
  room(n: number): { readonly into: Uint8Array; readonly at: number } {
    if (this.#chunk !== null && this.#at + n > CHUNK) this.#close();
    this.#chunk ??= this.#free.pop() ?? new Uint8Array(CHUNK);
    const at = this.#at;
    this.#at += n;
    this.#plan();
    return { into: this.#chunk, at };
  }

  /** Copies `bytes`, whatever their number. */
  put(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const left = this.#chunk === null ? CHUNK : CHUNK - this.#at;
      const n = Math.min(bytes.length - at, left === 0 ? CHUNK : left);
      const place = this.room(n);
      place.into.set(n === bytes.length ? bytes : bytes.subarray(at, at + n), place.at);
      at += n;
    }
  }

  /** Begins to write what was put, unless a write is under way: then it follows. */
  flush(): void {
    if (this.#writing) return;
    if (this.#next === this.#filled.length) this.#close();
    else this.#write();
  }

  /** Resolves when everything put so far was handed to the system. */
  async drain(): Promise<void> {
    this.flush();
    if (this.#writing) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** The chunk at hand is filled. */
  #close(): void {
    if (this.#chunk === null || this.#at === 0) return;
    this.#filled.push({ chunk: this.#chunk, used: this.#at });
    this.#chunk = null;
    this.#at = 0;
    if (!this.#writing) this.#write();
  }

  #write(): void {
    const { chunk, used } = this.#filled[this.#next++]!;
    if (this.#next === this.#filled.length) {
      this.#filled = [];
      this.#next = 0;
    }
    this.#writing = true;
    this.#carrier.write(chunk.subarray(0, used), () => this.#written(chunk, used));
  }

  /** Ticks end before input is read again: what an op and its neighbours send in one tick leaves in one record. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    process.nextTick(() => {
      this.#planned = false;
      this.flush();
    });
  }

  #written(chunk: Uint8Array, used: number): void {
    this.#writing = false;
    if (this.#free.length < KEPT) {
      chunk.fill(0, 0, used);
      this.#free.push(chunk);
    }
    this.flush();
    if (this.#writing) return;
    const drained = this.#drained;
    this.#drained = [];
    for (const resolve of drained) resolve();
  }
}
