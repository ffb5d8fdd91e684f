/** @file Links between parties in one process, for unit tests: same tags, copies and checks as a real link, no sockets. */
import { TacitError } from "@tacit/core/errors";
import { HEADER_BYTES, type Link, type LinkCounters, type Tag } from "./link.ts";

/** A frame as an observer sees it. */
export interface Frame {
  readonly from: number;
  readonly to: number;
  readonly tag: Tag;
  readonly depth: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface MemoryLinkOptions {
  /** Milliseconds by which every frame is late (0: delivered in a microtask). */
  readonly delay?: number;
  /** Sees every frame when it is sent. */
  readonly record?: (frame: Frame) => void;
}

interface Waiting {
  readonly into: Uint8Array;
  readonly resolve: (depth: number) => void;
  readonly reject: (error: unknown) => void;
}

interface Arrived {
  readonly depth: number;
  readonly bytes: Uint8Array;
}

function keyOf(tag: Tag): string {
  return `${tag.run}.${tag.op}.${tag.lane}`;
}

/** One end of a connection inside a process. */
class MemoryLink implements Link {
  readonly counters: LinkCounters = { bytesSent: 0, framesSent: 0 };
  readonly #me: number;
  readonly #other: number;
  readonly #options: MemoryLinkOptions;
  readonly #waiting: Map<string, Waiting> = new Map();
  readonly #arrived: Map<string, Arrived> = new Map();
  #peer: MemoryLink | undefined;
  #lost = false;

  constructor(me: number, other: number, options: MemoryLinkOptions) {
    this.#me = me;
    this.#other = other;
    this.#options = options;
  }

  connect(peer: MemoryLink): void {
    this.#peer = peer;
  }

  send(tag: Tag, depth: number, bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.counters.bytesSent += copy.length + HEADER_BYTES;
    this.counters.framesSent++;
    this.#options.record?.({ from: this.#me, to: this.#other, tag, depth, bytes: copy });
    const deliver = (): void => this.#peer?.deliver(tag, depth, copy);
    if (this.#options.delay) setTimeout(deliver, this.#options.delay);
    else queueMicrotask(deliver);
  }

  receive(tag: Tag, into: Uint8Array): Promise<number> {
    const key = keyOf(tag);
    const early = this.#arrived.get(key);
    if (early) {
      this.#arrived.delete(key);
      return new Promise((resolve, reject) => this.#accept(tag, early, { into, resolve, reject }));
    }
    if (this.#lost) return Promise.reject(this.#error(tag, "MPC_PARTY_LOST", "an open connection", "a closed one"));
    return new Promise((resolve, reject) => this.#waiting.set(key, { into, resolve, reject }));
  }

  /** Ends the connection: pending receives reject with MPC_PARTY_LOST, late frames are dropped. */
  close(): void {
    this.#lost = true;
    this.#arrived.clear();
    for (const [key, waiting] of this.#waiting) {
      const [run, op, lane] = key.split(".").map(Number);
      waiting.reject(
        this.#error({ run: run!, op: op!, lane: lane! }, "MPC_PARTY_LOST", "a message", "the end of the connection"),
      );
    }
    this.#waiting.clear();
  }

  deliver(tag: Tag, depth: number, bytes: Uint8Array): void {
    if (this.#lost) return;
    const key = keyOf(tag);
    const waiting = this.#waiting.get(key);
    if (waiting) {
      this.#waiting.delete(key);
      this.#accept(tag, { depth, bytes }, waiting);
    } else this.#arrived.set(key, { depth, bytes });
  }

  #accept(tag: Tag, frame: Arrived, to: Waiting): void {
    if (frame.bytes.length !== to.into.length) {
      to.reject(this.#error(tag, "MPC_FRAME_INVALID", `${to.into.length} bytes`, `${frame.bytes.length}`));
      return;
    }
    to.into.set(frame.bytes);
    to.resolve(frame.depth);
  }

  #error(tag: Tag, code: string, want: string, got: string): TacitError {
    return new TacitError(code, `party ${this.#me}: expected ${want} of party ${this.#other} at op ${tag.op}, got ${got}`, {});
  }
}

/** The links of `parties` parties in one process: at [i][j] party i's link to party j. `close` ends them all. */
export function memoryLinks(
  parties: number,
  options: MemoryLinkOptions = {},
): { readonly links: readonly (readonly (Link | undefined)[])[]; close(): void } {
  const links = Array.from({ length: parties }, (_, i) =>
    Array.from({ length: parties }, (_, j) => (i === j ? undefined : new MemoryLink(i, j, options))),
  );
  for (const [i, row] of links.entries()) for (const [j, link] of row.entries()) link?.connect(links[j]![i]!);
  return {
    links,
    close: () => {
      for (const link of links.flat()) link?.close();
    },
  };
}
