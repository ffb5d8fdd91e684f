/** @file Peers: the messages that parties exchange about commands: digests to compare, refusals, the end. */
import { TacitError } from "@tacit/core/errors";
import { concatBytes, printable, sameBytes, toHex } from "../identity/encoding.ts";
import { fromCbor, toCbor, type Wire } from "../session/cbor.ts";
import type { Session } from "../session/session-file.ts";
import { unref } from "../timers.ts";
import type { FrameLink } from "../transport/frame-link.ts";
import { abortBytes, codeIn, cut, readAbort } from "../transport/introduction.ts";
import type { Mesh } from "../transport/mesh.ts";
import { type LinkMeasure, LinkProbe } from "./link-probe.ts";

const CODE = "MPC_FRAME_INVALID";
/** Comparisons that peers may be ahead of us. */
const MOST_EARLY = 8192;
/** Bytes of one part of an exchange, and of a whole one: the counts of 65,536 grants have 3 MB. */
const [PART, MOST_EXCHANGED] = [3072, 8_388_608];
/**
 * Subjects that somebody outside may break off: one refusal settles them, what a peer says last holds, and when there are too many
 * early words the oldest go. A provider who begins many inputs and leaves must not end the session.
 */
const MAY_BREAK_OFF = /^(input|accept) /;

/** What a peer said instead of its word: it takes no part. Known by this class, and never by words that a peer may choose. */
export class PeerRefusal extends TacitError {}

type Said = { readonly digest: Uint8Array } | { readonly refused: TacitError };

interface Waiting {
  readonly resolve: (said: Said) => void;
}

/** What happens when a peer ends: `faulty` without a word, or after an abort. */
export interface PeerEvents {
  lost(error: TacitError): void;
}

/** Without the number of the attempt. */
const shown = (subject: string): string => subject.replace(/ [0-9a-f]{32}$/, "");

const HALF_CLOSED = "the driver closed the session there and told this party nothing of it: begin the session again";

/** Compares digests with every other party, by subject ("run 12", "input images"). */
export class Peers {
  readonly #session: Session;
  readonly #mesh: Mesh;
  readonly #timeout: number;
  readonly #early = new Map<string, Said>();
  /** The same for subjects that may break off. */
  readonly #loose = new Map<string, Said>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #leaving = new Set<number>();
  readonly #measuring: LinkProbe;
  readonly #doing: string[] = [];
  /** Why the session is over. */
  #over: TacitError | null = null;
  /** Subjects that this party refused: what others say of them is of no use. The latest 1024. */
  readonly #refused = new Set<string>();

  constructor(session: Session, mesh: Mesh, events: PeerEvents) {
    this.#session = session;
    this.#mesh = mesh;
    this.#timeout = session.timeout;
    this.#stage();
    this.#measuring = new LinkProbe(mesh);
    // Not at once: what came early may end a party that is still being made.
    queueMicrotask(() => {
      for (const [j, link] of mesh.links.entries()) {
        if (link === undefined) continue;
        link.onControl = (bytes) => this.#control(j, link, bytes, events);
        link.onLost = (error) => {
          if (!this.#leaving.has(j)) events.lost(error);
        };
      }
    });
  }

  /** Errors of links name `subject` until what this returns is called; the first of several: parties that lose each other say in what. */
  doing(subject: string): () => void {
    const own = `in ${shown(subject)}`;
    this.#doing.push(own);
    this.#stage();
    return () => {
      this.#doing.splice(this.#doing.indexOf(own), 1);
      this.#stage();
    };
  }

  /** What this party does with the others: "in run 12". */
  get stage(): string {
    return this.#doing[0] ?? "in no run";
  }

  #stage(): void {
    for (const link of this.#mesh.links) if (link !== undefined) link.stage = this.stage;
  }

  #others(): number[] {
    return this.#mesh.links.flatMap((link, j) => (link === undefined ? [] : [j]));
  }

  #tell(message: Wire): void {
    const bytes = toCbor(message);
    for (const link of this.#mesh.links) link?.sendControl(bytes);
  }

  /** Tells everyone that this party does not take part in `subject`, or no longer: a comparison that waits ends with `error`. */
  refuse(subject: string, error: TacitError): void {
    if (this.#refused.size >= 1024) this.#refused.delete(this.#refused.values().next().value ?? "");
    this.#refused.add(subject);
    for (const j of this.#others()) for (const words of [this.#early, this.#loose]) words.delete(`${j} ${subject}`);
    this.#wake(subject, { refused: error });
    this.#tell(["refuse", subject, error.code, cut(error.message)]);
  }

  #wake(subject: string, said: Said): void {
    for (const j of this.#others()) this.#waiting.get(`${j} ${subject}`)?.resolve(said);
  }

  /** Round trip and bandwidth to each other party, one after the other, within `budget` milliseconds altogether. */
  measure(budget: number): Promise<readonly LinkMeasure[]> {
    return this.#measuring.measure(budget);
  }

  /** Parties that this one waits for: their word on a command, or their messages in a run when they are silent. */
  waitsFor(): readonly number[] {
    const subjects = [...this.#waiting.keys()].map((key) => Number(key.slice(0, key.indexOf(" "))));
    const silent = this.#others().filter((j) => this.#mesh.links[j]?.waits === true);
    return [...new Set([...subjects, ...silent])].sort();
  }

  abort(error: TacitError): void {
    const bytes = abortBytes(error);
    for (const link of this.#mesh.links) link?.sendControl(bytes);
  }

  /** Says that this party leaves in good order. */
  leave(): void {
    for (const j of this.#others()) this.#leaving.add(j);
    this.#tell(["leave"]);
  }

  /**
   * Sends digestFor(j) to each other party and compares with what it sends. Waits `patience` times the session's time.
   * @throws TacitError `code` where one differs; a peer's refusal; MPC_TIMEOUT
   */
  async compare(
    subject: string,
    digestFor: (other: number) => Uint8Array,
    code: string,
    hint: string,
    patience = 1,
  ): Promise<void> {
    const done = this.doing(subject);
    try {
      await this.#compare(subject, digestFor, code, hint, patience);
    } finally {
      done();
    }
  }

  async #compare(
    subject: string,
    digestFor: (other: number) => Uint8Array,
    code: string,
    hint: string,
    patience: number,
  ): Promise<void> {
    const others = this.#others();
    this.#refused.delete(subject);
    const mine = others.map((j) => digestFor(j));
    for (const [i, j] of others.entries()) this.#mesh.links[j]?.sendControl(toCbor(["digest", subject, mine[i]!]));
    const said = await Promise.all(others.map((j) => this.#hear(j, subject, patience * this.#timeout)));
    for (const s of said) if ("refused" in s) throw s.refused;
    for (const [i, s] of said.entries()) {
      if ("digest" in s && sameBytes(s.digest, mine[i]!)) continue;
      const who = this.#session.showParty(others[i]!);
      throw new TacitError(
        code,
        `${shown(subject)}: expected what ${who} has (${toHex(mine[i]!.subarray(0, 4))}), got something else`,
        {
          hint,
        },
      );
    }
  }

  /**
   * Tells every other party `bytes` and resolves with what each said on `subject`, in the order of the parties, [] for this one.
   * In parts, since a control message has 4 KiB. @throws TacitError MPC_TIMEOUT, MPC_FRAME_INVALID
   */
  async exchange(subject: string, bytes: Uint8Array): Promise<Uint8Array[]> {
    const parts = Math.ceil(bytes.length / PART);
    const size = new Uint8Array(32);
    new DataView(size.buffer).setUint32(0, bytes.length);
    this.#tell(["digest", `${subject} size`, size]);
    for (let i = 0; i < parts; i++) this.#tell(["part", `${subject} ${i}`, bytes.slice(i * PART, (i + 1) * PART)]);
    return Promise.all(this.#mesh.links.map((link, j) => (link === undefined ? new Uint8Array(0) : this.#whole(j, subject))));
  }

  async #whole(j: number, subject: string): Promise<Uint8Array> {
    const size = await this.#word(j, `${subject} size`);
    const who = this.#session.showParty(j);
    if (size.length !== 32) throw new TacitError(CODE, `${who}: expected the size of ${subject}, got ${size.length} bytes`);
    const total = new DataView(size.buffer, size.byteOffset).getUint32(0);
    if (total > MOST_EXCHANGED) throw new TacitError(CODE, `${who}: expected at most ${MOST_EXCHANGED} bytes, got ${total}`);
    // Grows with what comes, not with what was announced.
    const parts: Uint8Array[] = [];
    for (let at = 0; at < total; at += PART) {
      const part = await this.#word(j, `${subject} ${at / PART}`);
      if (part.length !== Math.min(PART, total - at)) {
        throw new TacitError(CODE, `${who}: expected ${Math.min(PART, total - at)} bytes on ${subject}, got ${part.length}`);
      }
      parts.push(part);
    }
    return concatBytes(...parts);
  }

  /** What party j said, or its refusal. */
  async #word(j: number, subject: string): Promise<Uint8Array> {
    const said = await this.#hear(j, subject, this.#timeout);
    if ("refused" in said) throw said.refused;
    return said.digest;
  }

  #hear(j: number, subject: string, timeout: number): Promise<Said> {
    // Whoever asks after the end must not wait, nor keep the process until its patience is over.
    if (this.#over !== null) return Promise.resolve({ refused: this.#over });
    const key = `${j} ${subject}`;
    const early = this.#early.get(key) ?? this.#loose.get(key);
    if (early !== undefined) {
      this.#early.delete(key);
      this.#loose.delete(key);
      // Once all are waited for.
      if (MAY_BREAK_OFF.test(subject) && "refused" in early) queueMicrotask(() => this.#wake(subject, early));
      return Promise.resolve(early);
    }
    const word = new Promise<Said>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(key);
        reject(this.#late(j, subject, timeout));
      }, timeout);
      const done = (said: Said): void => {
        clearTimeout(timer);
        this.#waiting.delete(key);
        resolve(said);
      };
      this.#waiting.set(key, { resolve: done });
    });
    return this.#mesh.links[j]?.awaiting(word) ?? word;
  }

  /** It lives, or its link would be lost: it is slow, or was not told what this party was. */
  #late(j: number, subject: string, timeout: number): TacitError {
    const who = this.#session.showParty(j);
    const hint = `it may be overloaded; or the driver (${this.#session.file.driver}) or the input's owner told it nothing of this: see their logs`;
    return new TacitError("MPC_TIMEOUT", `${who} said nothing of ${shown(subject)} for ${timeout / 1000} s`, { hint });
  }

  /** Wakes everyone who waits: the session is over. */
  end(error: TacitError): void {
    this.#over = error;
    for (const w of [...this.#waiting.values()]) w.resolve({ refused: error });
    this.#early.clear();
    this.#loose.clear();
  }

  #control(j: number, link: FrameLink, bytes: Uint8Array, events: PeerEvents): void {
    const f = fromCbor(bytes, link.peer, CODE);
    const kind = f.text(16);
    if (kind === "digest") this.#say(j, link, f.text(512), { digest: f.bytes(32) });
    else if (kind === "part") this.#say(j, link, f.text(512), { digest: f.bytes() });
    else if (kind === "refuse") {
      const subject = f.text(512);
      const refused = new PeerRefusal(codeIn(f.text(64)), `${link.peer} refused: ${printable(f.text(400))}`);
      this.#say(j, link, subject, { refused });
    } else if (kind === "abort") {
      const error = readAbort(f, link.peer);
      this.#leaving.add(j);
      events.lost(error);
    } else if (kind === "leave") this.#left(j, events);
    else if (this.#measuring.control(j, link, kind, f)) return;
    // The last notes of a handshake may come after its end.
    else if (kind === "waits") f.uints(64);
    else throw new TacitError(CODE, `${link.peer}: expected a control message of this version, got another`);
    f.end();
  }

  /** Party j was told that the session is closed. Soon this one is, too; or somebody told some what it told no others. */
  #left(j: number, events: PeerEvents): void {
    this.#leaving.add(j);
    const late = (): void => {
      if (this.#over === null)
        events.lost(new TacitError("MPC_PARTY_LOST", `${this.#session.showParty(j)} left, ${this.stage}`, { hint: HALF_CLOSED }));
    };
    unref(setTimeout(late, 2 * this.#timeout));
  }

  #say(j: number, link: FrameLink, subject: string, said: Said): void {
    if (this.#refused.has(subject)) return;
    const key = `${j} ${subject}`;
    const waiting = this.#waiting.get(key);
    if (MAY_BREAK_OFF.test(subject)) this.#sayLoosely(key, subject, said);
    else if (waiting !== undefined) waiting.resolve(said);
    else if (this.#early.has(key) || this.#early.size >= MOST_EARLY) {
      throw new TacitError(CODE, `${link.peer}: expected one word on ${printable(subject)}, got more`);
    } else this.#early.set(key, said);
  }

  #sayLoosely(key: string, subject: string, said: Said): void {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      if ("refused" in said) this.#wake(subject, said);
      else waiting.resolve(said);
      return;
    }
    this.#loose.delete(key);
    if (this.#loose.size >= MOST_EARLY) this.#loose.delete(this.#loose.keys().next().value ?? "");
    this.#loose.set(key, said);
  }
}
