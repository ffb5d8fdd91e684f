/** @file Heartbeat: while a person waits for a party, sees whether it lives and whom it waits for itself. Portable. */
import { unref } from "../timers.ts";

/** What a party says of itself while one waits: the places of parties that it waits for. */
export type Ask = () => Promise<readonly number[]>;

/** A party is asked at most once a second, the first time a second after a command; short sessions (of tests) look oftener. */
const [LEAST_MS, MOST_MS] = [50, 1000];
/** Who has missed so many of its answers is silent. */
const SILENT_PERIODS = 3;
/** Silence of so many times the session's time is the end: the other parties, who notice first, name the op by then. */
const PATIENCE = 1.5;
/** Bytes a second that a line must carry to count as one that still sends: a relay that takes a byte now and then is silence too. */
const LEAST_RATE = 1024;

export interface HeartbeatOptions {
  /** The session's time, milliseconds. */
  readonly timeout: number;
  /** Whether something is asked of the party that it has not answered. */
  readonly pending: () => boolean;
  /** Bytes that the channel has not sent yet: a line that still carries them, 1 KiB a second or more, is no silence. */
  readonly buffered: () => number;
  readonly ask: Ask;
  /** Silent for too long. */
  readonly silent: () => void;
}

export class Heartbeat {
  readonly #o: HeartbeatOptions;
  readonly #period: number;
  #timer: ReturnType<typeof setInterval> | null = null;
  #heard = 0;
  /** Bytes that had not left when something was last heard, or came to it since. */
  #toSend = 0;
  #asked = false;
  #waits: readonly number[] = [];

  constructor(options: HeartbeatOptions) {
    this.#o = options;
    this.#period = Math.max(LEAST_MS, Math.min(MOST_MS, options.timeout / 8));
  }

  /** Whom the party waits for, by its last word in this wait. */
  get waits(): readonly number[] {
    return this.#waits;
  }

  /** Whether it has been asked and says nothing. */
  get isSilent(): boolean {
    return this.#timer !== null && performance.now() - this.#heard > SILENT_PERIODS * this.#period;
  }

  /** Something is waited for from now on. */
  begin(): void {
    if (this.#timer !== null) return;
    this.hear();
    this.#timer = unref(setInterval(() => this.#look(), this.#period));
  }

  /** Something came. */
  hear(): void {
    this.#heard = performance.now();
    this.#toSend = this.#o.buffered();
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#waits = [];
  }

  #look(): void {
    if (!this.#o.pending()) {
      this.end();
      return;
    }
    const buffered = this.#o.buffered();
    this.#toSend = Math.max(this.#toSend, buffered);
    const seconds = (performance.now() - this.#heard) / 1000;
    if (this.#toSend - buffered > LEAST_RATE * seconds) this.hear();
    if (performance.now() - this.#heard > PATIENCE * this.#o.timeout) {
      this.end();
      this.#o.silent();
    } else if (!this.#asked) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#asked = true;
    try {
      this.#waits = await this.#o.ask();
    } catch {
      // A refusal is a sign of life too; the end of the connection is told by the connection.
      this.#waits = [];
    } finally {
      this.#asked = false;
    }
  }
}
