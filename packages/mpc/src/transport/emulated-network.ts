/** @file An emulated network: what leaves a link is serialised at a bandwidth and arrives a latency later. Only for parties that mpc.local starts. */
import { TacitError } from "@tacit/core/errors";
import { isRecord } from "../identity/identity.ts";
import { idle } from "../timers.ts";
import type { Connection } from "./mesh.ts";
import type { Carrier } from "./outbox.ts";

/** A network between parties. As `mpc.local` emulates it, each link has this in each direction, whatever the other links do. */
export interface NetworkOptions {
  /** Bits per second. */
  readonly bandwidth: number;
  /** Seconds that a message needs one way (half of the round-trip time). */
  readonly latency: number;
}

const MOST_LATENCY = 10;
const LEAST_BANDWIDTH = 10_000;

/** @throws TacitError SESSION_INVALID where a field is missing or beyond its bounds */
export function checkNetwork(x: unknown): NetworkOptions {
  const { bandwidth, latency } = isRecord(x) ? x : {};
  if (typeof latency !== "number" || !(latency >= 0 && latency <= MOST_LATENCY)) {
    throw new TacitError("SESSION_INVALID", `network: expected a latency of 0 to ${MOST_LATENCY} seconds, got ${said(latency)}`, {
      hint: "a round trip of 40 ms is a latency of 0.02",
    });
  }
  if (typeof bandwidth !== "number" || !(bandwidth >= LEAST_BANDWIDTH && bandwidth < Number.POSITIVE_INFINITY)) {
    throw new TacitError(
      "SESSION_INVALID",
      `network: expected a bandwidth of at least ${LEAST_BANDWIDTH} bits per second, got ${said(bandwidth)}`,
      { hint: "352 Mbit/s are 352e6" },
    );
  }
  return { bandwidth, latency };
}

const said = (x: unknown): string => (typeof x === "number" ? `${x}` : `a ${typeof x}`);

/** Bytes that arrive at one time: a record of TLS, 0.4 ms at 352 Mbit/s. */
const SEGMENT = 16_384;
/** Bytes that a sender hands over beyond those on the way, as a socket's buffer takes them. */
const BUFFER = 1_048_576;
/** Timers end up to a millisecond late: what is due sooner than this goes at once, so that the mean error is near zero. */
const EARLY_MS = 0.5;
/** How long an ending line waits for a socket to take what has arrived: the same as a link that closes. */
const LAST_MS = 200;

/** Bytes [from, to) of `of`, which arrive at `due` (the clock of performance.now). */
interface Segment {
  readonly of: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly due: number;
}

/**
 * A carrier behind a line. Departure = max(now, line free) + bits / bandwidth, arrival = departure + latency, in absolute times:
 * a late timer delays what it carries and nothing after that.
 */
class SlowCarrier implements Carrier {
  readonly #inner: Carrier;
  readonly #msPerByte: number;
  readonly #latency: number;
  readonly #most: number;
  readonly #line: Segment[] = [];
  /** When the line has sent all that was given to it. */
  #idle = 0;
  /** Bytes taken and not yet taken over by the inner carrier. */
  #held = 0;
  #waiting: (() => void)[] = [];
  /** Who waits for an empty line. */
  readonly #empty: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #ending = false;

  constructor(inner: Carrier, { bandwidth, latency }: NetworkOptions) {
    this.#inner = inner;
    this.#msPerByte = 8000 / bandwidth;
    this.#latency = 1000 * latency;
    this.#most = BUFFER + (bandwidth / 8) * latency;
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (this.#ending) return;
    const of = bytes.slice();
    this.#idle = Math.max(this.#idle, performance.now());
    for (let from = 0; from < of.length; from += SEGMENT) {
      const to = Math.min(of.length, from + SEGMENT);
      this.#idle += (to - from) * this.#msPerByte;
      this.#line.push({ of, from, to, due: this.#idle + this.#latency });
    }
    this.#held += of.length;
    this.#waiting.push(written);
    queueMicrotask(() => this.#grant());
    this.#plan();
  }

  /** Once the line has sent all, as its socket does. */
  async end(): Promise<void> {
    if (this.#line.length > 0) await new Promise<void>((resolve) => this.#empty.push(resolve));
    await this.#inner.end();
  }

  /** Ends when what was written before has arrived: a line does not lose its last words. */
  destroy(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#end();
  }

  #end(): void {
    if (!this.#ending || this.#line.length > 0) return;
    if (this.#held === 0) this.#inner.destroy();
    else void idle(LAST_MS).then(() => this.#inner.destroy());
  }

  /** Takes more as long as no more is held than the line and its buffer hold. */
  #grant(): void {
    while (this.#waiting.length > 0 && this.#held <= this.#most) this.#waiting.shift()?.();
  }

  #plan(): void {
    const head = this.#line[0];
    if (head === undefined || this.#timer !== null) return;
    const wait = Math.max(1, Math.floor(head.due - performance.now()));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#arrive();
    }, wait);
  }

  /** Hands over all that is due, neighbours together. */
  #arrive(): void {
    const now = performance.now() + EARLY_MS;
    const later = this.#line.findIndex((s) => s.due > now);
    let run: Segment | undefined;
    for (const s of this.#line.splice(0, later < 0 ? this.#line.length : later)) {
      if (run !== undefined && run.of === s.of) run = { ...run, to: s.to };
      else {
        this.#hand(run);
        run = s;
      }
    }
    this.#hand(run);
    this.#plan();
    if (this.#line.length === 0) for (const resolve of this.#empty.splice(0)) resolve();
    this.#end();
  }

  #hand(s: Segment | undefined): void {
    if (s === undefined) return;
    const part = s.of.subarray(s.from, s.to);
    this.#inner.write(part, () => {
      part.fill(0);
      this.#held -= part.length;
      this.#grant();
      this.#end();
    });
  }
}

/** `connection` as if it led through such a network; the other end's direction is the other end's. */
export function throughNetwork(connection: Connection, network: NetworkOptions): Connection {
  return { attach: (open) => connection.attach((carrier) => open(new SlowCarrier(carrier, network))) };
}
