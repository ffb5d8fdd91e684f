/** @file Round trip and bandwidth between parties, by control messages over their own links. A party measures between runs alone. */
import { type Fields, toCbor } from "../session/cbor.ts";
import type { FrameLink } from "../transport/frame-link.ts";
import type { Mesh } from "../transport/mesh.ts";

/** To one other party. */
export interface LinkMeasure {
  readonly party: number;
  /** Milliseconds there and back, the least of some; null where nothing came back in time. */
  readonly roundTrip: number | null;
  /** Bits per second from this party to that one; null where nothing came back in time. */
  readonly bandwidth: number | null;
}

/** Echoes for the round trip. */
const PINGS = 5;
/** A control message holds 4096 bytes. */
const PIECE = 4000;
/** Bytes of a burst, from small to large, until one takes long enough to be timed. */
const BURSTS = [65_536, 524_288, 4_194_304];
/** A burst that takes so many milliseconds beyond the round trip is timed well. */
const ENOUGH_MS = 40;

/** Pings of one peer that are answered in a second; a measurement sends eight. A peer that asks and never reads must not fill the outbox. */
const MOST_PONGS = 64;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class LinkProbe {
  readonly #mesh: Mesh;
  readonly #filler = new Uint8Array(PIECE);
  #next = 0;
  /** By peer: the second at hand, and how many pings were answered in it. */
  readonly #answered = new Map<number, { second: number; count: number }>();
  #awaited: { readonly id: number; readonly party: number; heard(): void } | null = null;

  constructor(mesh: Mesh) {
    this.#mesh = mesh;
  }

  /** Takes a message of this kind; false where it is another. */
  control(j: number, link: FrameLink, kind: string, f: Fields): boolean {
    if (kind === "ping") {
      const id = f.uint(2 ** 32);
      f.end();
      if (this.#answers(j)) link.sendControl(toCbor(["pong", id]));
    } else if (kind === "pong") {
      const id = f.uint(2 ** 32);
      f.end();
      if (this.#awaited?.id === id && this.#awaited.party === j) this.#awaited.heard();
    } else if (kind === "filler") {
      f.bytes();
      f.end();
    } else return false;
    return true;
  }

  #answers(j: number): boolean {
    const second = Math.floor(performance.now() / 1000);
    const before = this.#answered.get(j);
    const count = before?.second === second ? before.count + 1 : 1;
    this.#answered.set(j, { second, count });
    return count <= MOST_PONGS;
  }

  /** Each other party in turn, all within `budget` milliseconds. */
  async measure(budget: number): Promise<readonly LinkMeasure[]> {
    const others = this.#mesh.links.flatMap((link, party) => (link === undefined ? [] : [{ link, party }]));
    const measures: LinkMeasure[] = [];
    for (const { link, party } of others) {
      measures.push(await this.#measure(party, link, performance.now() + budget / others.length));
    }
    return measures;
  }

  async #measure(party: number, link: FrameLink, until: number): Promise<LinkMeasure> {
    let roundTrip: number | null = null;
    for (let i = 0; i < PINGS && performance.now() < until; i++) {
      const took = await this.#ping(party, link, until, 0);
      if (took !== null) roundTrip = Math.min(roundTrip ?? took, took);
    }
    let bandwidth: number | null = null;
    for (const bytes of BURSTS) {
      if (roundTrip === null || performance.now() >= until) break;
      const took = await this.#ping(party, link, until, bytes);
      if (took === null) break;
      const beyond = Math.max(took - roundTrip, 0.01);
      bandwidth = (8000 * bytes) / beyond;
      // The next burst is eight times as large: only where it still fits.
      if (beyond > ENOUGH_MS || performance.now() + 10 * beyond > until) break;
    }
    return { party, roundTrip, bandwidth };
  }

  /** Milliseconds until the answer to a burst of `bytes` and a ping; null where none comes in time. */
  async #ping(party: number, link: FrameLink, until: number, bytes: number): Promise<number | null> {
    const id = this.#next++;
    const began = performance.now();
    const heard = new Promise<number>((resolve) => {
      this.#awaited = { id, party, heard: () => resolve(performance.now() - began) };
    });
    for (let sent = 0; sent < bytes; sent += PIECE) link.sendControl(toCbor(["filler", this.#filler]));
    link.sendControl(toCbor(["ping", id]));
    return Promise.race([heard, pause(Math.max(1, until - began)).then(() => null)]);
  }
}
