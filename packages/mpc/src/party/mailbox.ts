/** @file Mailbox: a party's parts of results that wait for recipients who are not there, sealed to them. In memory, and as they are in the data directory. Node only. */
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { fromCbor, toCbor } from "../session/cbor.ts";
import { type Letter, type LetterHead, letterWire, readLetter } from "../session/letter.ts";
import type { Session } from "../session/session-file.ts";
import { CLIENT_MESSAGE } from "../transport/channel.ts";
import { appendBytes, diskError, diskWords } from "./disk.ts";

/** Of one recipient, and of all together: what nobody collects must not fill a party. */
export interface MailboxLimits {
  readonly letters: number;
  readonly bytes: number;
  readonly allBytes: number;
}

/** 1024 answers of ten classes are 0.3 MB; a CNN of the benchmarks has 2 MB in a part, a letter at most what one message carries. */
export const MAILBOX_LIMITS: MailboxLimits = { letters: 1024, bytes: 2 ** 27, allBytes: 2 ** 28 };
/** Head, keys and signature besides the sealed part. */
const OVERHEAD = 4096;
/** SESSION.EXPIRY.RUN.letter: what has expired is known by its name. */
const FILE = /^([0-9a-f]{64})\.([0-9]{1,15})\.([0-9]{1,10})\.letter$/;
const CODE = "ENVELOPE_INVALID";

export class Mailbox {
  readonly #session: Session;
  readonly #directory: string | null;
  readonly #limits: MailboxLimits;
  /** By recipient, then by run. */
  readonly #letters = new Map<string, Map<number, Letter>>();

  /** Reads the letters of `session` that rest in `directory` (null: in memory alone), and removes those of sessions that have expired. */
  constructor(session: Session, directory: string | null, limits: MailboxLimits = MAILBOX_LIMITS) {
    this.#session = session;
    this.#directory = directory;
    this.#limits = limits;
    if (directory !== null) for (const name of readdirSync(directory)) this.#found(directory, name);
  }

  /** A file that cannot be read is left where it is: its recipient will miss this party's part, and says so. */
  #found(directory: string, name: string): void {
    const path = join(directory, name);
    const [, session, expires = "0"] = FILE.exec(name) ?? [];
    const over = session !== undefined && Number(expires) <= Date.now() / 1000;
    if (over || name.endsWith(".letter.part")) rmSync(path, { force: true });
    if (over || session !== this.#session.hex || statSync(path).size > CLIENT_MESSAGE) return;
    try {
      this.#keep(readLetter(fromCbor(readFileSync(path), "letter", CODE, 4)));
    } catch (e) {
      if (!(e instanceof TacitError)) throw e;
    }
  }

  #keep(letter: Letter): void {
    const { to, run } = letter.head;
    const own = this.#letters.get(to) ?? new Map<number, Letter>();
    own.set(run, letter);
    this.#letters.set(to, own);
  }

  #bytes(to: string): number {
    let bytes = 0;
    for (const l of this.#letters.get(to)?.values() ?? []) bytes += l.sealed.length + OVERHEAD;
    return bytes;
  }

  /**
   * Before anything is counted: room for a part of at most `bytes` (a part is no larger than the share it is made of).
   * @throws TacitError MAILBOX_FULL, MPC_MESSAGE_LIMIT
   */
  checkRoom(to: string, bytes: number): void {
    const { letters, bytes: most, allBytes } = this.#limits;
    const size = bytes + OVERHEAD;
    if (size > CLIENT_MESSAGE) {
      throw new TacitError("MPC_MESSAGE_LIMIT", `deliver: expected a part of at most ${CLIENT_MESSAGE} bytes, got ${size}`, {
        hint: "deliver it in pieces: narrow() cuts a tensor",
      });
    }
    const all = [...this.#letters.keys()].reduce((n, name) => n + this.#bytes(name), 0);
    const count = this.#letters.get(to)?.size ?? 0;
    if (count < letters && this.#bytes(to) + size <= most && all + size <= allBytes) return;
    throw new TacitError(
      "MAILBOX_FULL",
      `deliver: expected room in the mailbox of ${to} (${letters} letters, ${most} bytes), got ${count} letters that wait`,
      { hint: `${to} collects them with tacit receive` },
    );
  }

  /** Keeps a letter, on the disk first. @throws TacitError MPC_DISK */
  put(letter: Letter): void {
    const path = this.#path(letter.head.run);
    if (path !== null) writeWhole(path, toCbor(letterWire(letter)));
    this.#keep(letter);
  }

  #path(run: number): string | null {
    const { hex, file } = this.#session;
    return this.#directory === null ? null : join(this.#directory, `${hex}.${file.expires}.${run}.letter`);
  }

  /** What waits for `to`, in the order of the runs. */
  heads(to: string): LetterHead[] {
    return [...(this.#letters.get(to)?.values() ?? [])].map((l) => l.head).toSorted((a, b) => a.run - b.run);
  }

  /** The same refusal whether there is no such letter or it is somebody else's. @throws TacitError LETTER_UNKNOWN */
  get(to: string, run: number): Letter {
    const letter = this.#letters.get(to)?.get(run);
    if (letter !== undefined) return letter;
    throw new TacitError("LETTER_UNKNOWN", `letter: expected one that waits for ${to}, got ${run}`, {
      hint: "it was collected, or it is not for you",
    });
  }

  /** Removes those of these letters that wait for `to`; returns their runs. */
  remove(to: string, runs: readonly number[]): number[] {
    const own = this.#letters.get(to);
    const gone = runs.filter((run) => own?.delete(run) === true);
    for (const run of gone) {
      const path = this.#path(run);
      if (path !== null) rmSync(path, { force: true });
    }
    return gone;
  }
}

/** A file of mode 0600, whole or not at all. */
function writeWhole(path: string, bytes: Uint8Array): void {
  const part = `${path}.part`;
  let file: number | null = null;
  try {
    file = openSync(part, "w", 0o600);
    appendBytes(file, bytes, "mailbox");
    fsyncSync(file);
    renameSync(part, path);
  } catch (e) {
    rmSync(part, { force: true });
    throw e instanceof TacitError ? e : diskError("mailbox", diskWords(e) ?? "an error of the file system", e);
  } finally {
    if (file !== null) closeSync(file);
  }
}
