/** @file Outbox: copies frames into pooled chunks and writes those of one tick together. */

/** What carries bytes: a TLS socket, or a pair of pipes in one process. */
export interface Carrier {
  /** Takes `bytes`; calls `written` once they may be overwritten. */
  write(bytes: Uint8Array, written: () => void): void;
  destroy(): void;
}

/** One write per tick and per 256 KiB: TLS cuts it into 16 KiB records, larger chunks gain nothing measurable. */
const CHUNK = 262_144;
/** Chunks kept for reuse: 4 MiB per link. */
const KEPT = 16;

export class Outbox {
  readonly #carrier: Carrier;
  readonly #free: Uint8Array[] = [];
  #chunk: Uint8Array | null = null;
  #at = 0;
  #planned = false;
  #waiting = 0;
  #drained: (() => void)[] = [];

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  /** Room for `n` contiguous bytes (n at most 256 KiB), to be filled before the caller returns. */
  room(n: number): { readonly into: Uint8Array; readonly at: number } {
    if (this.#chunk !== null && this.#at + n > CHUNK) this.flush();
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
      place.into.set(bytes.subarray(at, at + n), place.at);
      at += n;
    }
  }

  flush(): void {
    const chunk = this.#chunk;
    if (chunk === null || this.#at === 0) return;
    const n = this.#at;
    this.#chunk = null;
    this.#at = 0;
    this.#waiting++;
    this.#carrier.write(chunk.subarray(0, n), () => this.#written(chunk, n));
  }

  /** Resolves when everything put so far was handed to the system. */
  async drain(): Promise<void> {
    this.flush();
    if (this.#waiting > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
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
    this.#waiting--;
    if (this.#free.length < KEPT) {
      chunk.fill(0, 0, used);
      this.#free.push(chunk);
    }
    if (this.#waiting > 0) return;
    const drained = this.#drained;
    this.#drained = [];
    for (const resolve of drained) resolve();
  }
}
