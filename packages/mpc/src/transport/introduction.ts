/** @file Introduction: one link from its first byte to its key. Says meanwhile whom this party waits for, and hears the same. */
import { TacitError } from "@tacit/core/errors";
import { errorCode, printable, sameBytes } from "../identity/encoding.ts";
import { type Fields, fromCbor, toCbor } from "../session/cbor.ts";
import { SOFTWARE } from "../version.ts";
import type { FrameLink } from "./frame-link.ts";
import { type Ephemeral, type Hello, helloBytes, newEphemeral, pairKey, readHello } from "./handshake.ts";
import type { MeshOptions } from "./mesh.ts";

const CODE = "MPC_HANDSHAKE";
/** Messages of a peer that is ahead of this party: its counters, 4 KiB each. */
const MOST_LATER = 4096;
/** Milliseconds until the second look at a deadline. */
const LOOK_AGAIN = 20;

/** What a hello leads to. */
export interface Greeted {
  readonly hello: Hello;
  readonly key: Uint8Array;
}

/** A peer's texts reach our log. */
export const codeIn = (text: string): string => errorCode(text, "MPC_PARTY_LOST");
export const cut = (text: string): string => text.slice(0, 400);

/** Why a peer ends, as it says it: an error with the code it met. */
export function readAbort(f: Fields, peer: string): TacitError {
  const [code, message, hint] = [codeIn(f.text(64)), printable(f.text(400)), printable(f.text(400))];
  f.end();
  return new TacitError(code, message.includes("(said ") ? message : `${message} (said ${peer})`, { hint });
}

/** The same, as it is said. */
export const abortBytes = (error: TacitError): Uint8Array =>
  toCbor(["abort", error.code, cut(error.message), cut(error.hint ?? "")]);

export class Introduction {
  /** The party at the other end. */
  readonly index: number;
  readonly link: FrameLink;
  /** Rejects with what is wrong with the peer, or with its loss. */
  readonly greeted: Promise<Greeted>;
  /** Rejects when the peer is lost or says that it ends; never resolves. */
  readonly lost: Promise<never>;
  readonly #o: MeshOptions;
  #waits: readonly number[] = [];
  readonly #messages: Uint8Array[] = [];
  /** What came after the handshake's two messages: it is for whoever works with the link. */
  readonly #later: Uint8Array[] = [];
  #taken = 0;
  #wake: () => void = () => {};
  #reject: (error: TacitError) => void = () => {};
  #error: TacitError | null = null;
  #said: TacitError | null = null;

  /** Everything is listened for before the first message is sent: a fast peer loses none. */
  constructor(link: FrameLink, index: number, contribution: Uint8Array, options: MeshOptions) {
    this.link = link;
    this.index = index;
    this.#o = options;
    this.lost = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.lost.catch(() => {});
    link.onControl = (bytes) => this.#control(bytes);
    link.onLost = (error) => this.#end(error);
    this.greeted = this.#greet(contribution);
    this.greeted.catch(() => {});
  }

  /** Whom the peer waits for, by its last word. */
  get waits(): readonly number[] {
    return this.#waits;
  }

  /** Why the peer said that it ends, if it did. */
  get lastWord(): TacitError | null {
    return this.#said;
  }

  /** Tells the peer whom this party waits for; also that it is alive. */
  note(missing: readonly number[]): void {
    this.link.sendControl(toCbor(["waits", [...missing]]));
  }

  abort(error: TacitError): void {
    this.link.sendControl(abortBytes(error));
  }

  /**
   * Sends what this party holds of all hellos and waits for the same from the peer, as long as the peer is alive and not after
   * `until` (of performance.now()).
   * @throws TacitError MPC_HANDSHAKE, MPC_TIMEOUT, MPC_PARTY_LOST
   */
  async agree(ready: Uint8Array, until: number): Promise<void> {
    this.link.sendControl(ready);
    if (sameBytes(await this.#next(until), ready)) return;
    throw new TacitError(CODE, `handshake with ${this.link.peer}: expected the same attempt and hellos, got others`, {
      hint: "a party told different things to different parties: find out which before you go on",
    });
  }

  /** Hands the link over: what came early waits for its next reader. */
  release(): void {
    this.link.holdControl(this.#later.splice(0));
    this.link.onLost = () => {};
  }

  async #greet(contribution: Uint8Array): Promise<Greeted> {
    const { session, index, identity, attempt, mode } = this.#o;
    const ephemeral: Ephemeral = await newEphemeral();
    const own: Hello = {
      software: SOFTWARE,
      session: session.id,
      index,
      attempt,
      ephemeral: ephemeral.public,
      contribution,
      mode,
    };
    this.link.sendControl(helloBytes(own));
    const hello = readHello(await this.#next(performance.now() + session.timeout), session, this.index, mode);
    return { hello, key: await pairKey(session, identity, ephemeral, { own, other: hello }) };
  }

  #control(bytes: Uint8Array): void {
    const f = fromCbor(bytes, `handshake with ${this.link.peer}`, CODE);
    const kind = f.text(16);
    if (kind === "waits") {
      this.#waits = f.uints(64).filter((j) => j < this.#o.session.file.parties.length && j !== this.#o.index);
      f.end();
    } else if (kind === "abort") {
      this.#said = readAbort(f, this.link.peer);
      this.#end(this.#said);
    } else {
      if (this.#taken < 2) this.#messages.push(bytes);
      else if (this.#later.length < MOST_LATER) this.#later.push(bytes);
      else throw new TacitError(CODE, `handshake: ${this.link.peer} spoke out of turn`);
      this.#taken++;
      this.#wake();
    }
  }

  #end(error: TacitError): void {
    this.#error ??= error;
    this.#reject(this.#error);
    this.#wake();
  }

  /** The next message, as long as the peer is not silent for the session's time. */
  async #next(until: number): Promise<Uint8Array> {
    const { timeout } = this.#o.session;
    for (let late = false; ; ) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#error !== null) throw this.#error;
      const left = Math.min(until - performance.now(), timeout - this.link.silence);
      // Seen late once: this process may have been busy, and the next look comes after what lies in the socket was read.
      if (left <= 0 && late) throw this.#late(timeout);
      late = left <= 0;
      await this.#wait(Math.max(left, LOOK_AGAIN));
    }
  }

  /** A peer that is silent is at fault; one that speaks waits for somebody else. */
  #late(timeout: number): TacitError {
    const { peer } = this.link;
    const waits = this.#waits.map((j) => this.#o.session.showParty(j)).join(", ");
    if (waits !== "" && this.link.silence < timeout)
      return new TacitError("MPC_TIMEOUT", `handshake: ${peer} waits for ${waits}, and is not joined with it in time`, {
        hint: "see whether those two run and can reach each other",
      });
    return new TacitError("MPC_TIMEOUT", `handshake: ${peer} sent nothing for ${timeout / 1000} s`, {
      hint: "see whether that party still runs and can be reached",
    });
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms + 1);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
