/** @file Channel: messages between a person's client and one party, whatever carries them. It is trusted with nothing. */
import type { Session } from "../session/session-file.ts";

/** Most bytes of one message to a party: chunks have 1 MiB, Programs at most 16. */
export const CLIENT_MESSAGE = 67_108_864;
/**
 * Most bytes that a connection brings to a party altogether until a message on it was verified to be of somebody of the session: a hello
 * has 100, a question 300, the commands that a client begins with hardly more.
 */
export const STRANGER_BYTES = 65_536;
/** `message` as ws understands it: it takes what does not fit 31 bits for no limit. */
export const payloadLimit = (message: number): number => Math.min(message, 2 ** 31 - 1);

/** Where a party answers probes, also before it serves anything else. */
export const PROBE_PATH = "/probe";

/** Why a channel closed whose other end answered nothing any more. */
export const SILENT = "silent";

/** One end. Messages arrive whole and in order, or the channel closes. */
export interface Channel {
  send(message: Uint8Array): void;
  /** Set once, before anything is awaited; messages that came earlier are delivered then. */
  listen(on: { message(bytes: Uint8Array): void; closed(reason: string): void }): void;
  close(): void;
  /** Ends it at once, without a word that the other end may leave unanswered; where the carrier has none, `close` does. */
  cut?(): void;
  /** Whoever is at the other end is known: from now on the limit of single messages holds, and not that of strangers. */
  admit?(): void;
  /** Bytes that were given to `send` and have not left yet, where the carrier tells. */
  buffered?(): number;
}

/**
 * Reaches party `index` of a session, waiting at most the session's time until it serves; `signal` breaks off.
 * transport/client.ts has one for Node, transport/web-client.ts one for browsers.
 * @throws TacitError MPC_TIMEOUT, MPC_HANDSHAKE
 */
export type Connector = (session: Session, index: number, signal: AbortSignal) => Promise<Channel>;

type Listener = Parameters<Channel["listen"]>[0];

class MemoryEnd implements Channel {
  other: MemoryEnd | null = null;
  #listener: Listener | null = null;
  readonly #early: Uint8Array[] = [];
  #closed = false;

  send(message: Uint8Array): void {
    if (this.#closed) return;
    const copy = message.slice();
    // What was sent before the end arrives before it, as on a socket.
    setImmediate(() => this.other?.deliver(copy));
  }

  deliver(message: Uint8Array): void {
    if (this.#closed) return;
    if (this.#listener === null) this.#early.push(message);
    else this.#listener.message(message);
  }

  listen(on: Listener): void {
    this.#listener = on;
    for (const m of this.#early.splice(0)) on.message(m);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    setImmediate(() => this.other?.ended());
  }

  ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener?.closed("the other end closed");
  }
}

/** Both ends of a channel inside one process. */
export function channelPair(): readonly [Channel, Channel] {
  const [a, b] = [new MemoryEnd(), new MemoryEnd()];
  a.other = b;
  b.other = a;
  return [a, b];
}
