/** @file FrameLink: a Link over any carrier of bytes. Bounds, deadlines, and errors that name party and op. */
import { TacitError } from "@tacit/core/errors";
import { CONTROL_LIMIT, CONTROL_RUN, type FrameHeader, FrameParser, type FrameSink, writeHeader } from "./frame.ts";
import { HEADER_BYTES, type Link, type LinkCounters, type Tag } from "./link.ts";
import { type Carrier, Outbox } from "./outbox.ts";

export interface FrameLinkOptions {
  /** Who is at the other end: "party 2 (clinic-c)". */
  readonly peer: string;
  /** Most bytes of one frame. */
  readonly message: number;
  /** Most bytes that frames may hold which nobody waits for yet. */
  readonly queue: number;
  /** Milliseconds that a receive waits. */
  readonly timeout: number;
}

/** Most frames that nobody waits for yet: a step of a large model has some thousands in flight. */
const MOST_QUEUED = 65_536;
/** A peer that missed so many of its signs of life is silent. */
const SILENT_PERIODS = 3;
/** Control messages ahead of their reader, 4 KiB each. */
const MOST_EARLY = 4096;
/** How long (ms) an orderly close waits for its last frames to be written, and for the other side to have read them. */
const LINGER = 200;

const SPEAKS = "parties must run the same version; a party that sends this twice is faulty or hostile";

interface Waiter {
  readonly tag: Tag;
  readonly into: Uint8Array;
  readonly since: number;
  readonly resolve: (depth: number) => void;
  readonly reject: (error: TacitError) => void;
  /** Seen late once: the next look decides, after the platform has read what lay in the socket. */
  late: boolean;
}

interface Queued {
  readonly bytes: Uint8Array;
  readonly depth: number;
  complete: boolean;
  waiter: Waiter | null;
}

/** The frames of one run. Keys are op * 2^16 + lane, below 2^48. */
interface RunTable {
  readonly waiting: Map<number, Waiter>;
  readonly queued: Map<number, Queued>;
}

const keyOf = (tag: Tag): number => tag.op * 65_536 + tag.lane;

export class FrameLink implements Link {
  readonly counters: LinkCounters = { bytesSent: 0, framesSent: 0 };
  readonly peer: string;
  /** What this party does with its peer, besides ops: errors name it. */
  stage = "in the handshake";
  /** Says which op of the running Program a tag belongs to: "op 14 of 37 (matmul)". */
  describe: (tag: Tag) => string = (tag) => `op ${tag.op}`;
  readonly #options: FrameLinkOptions;
  readonly #carrier: Carrier;
  readonly #outbox: Outbox;
  readonly #parser: FrameParser;
  readonly #runs = new Map<number, RunTable>();
  readonly #filling = new Map<Uint8Array, Waiter>();
  #control: ((bytes: Uint8Array) => void) | null = null;
  readonly #early: Uint8Array[] = [];
  #onLost: (error: TacitError) => void = () => {};
  #floor = 0;
  /** What the running Program did last on this link; null between runs. */
  #latest: Tag | null = null;
  #queuedBytes = 0;
  #queuedFrames = 0;
  #lost: TacitError | null = null;
  /** How many wait for a control message of the peer. */
  #awaited = 0;
  /** The peer was seen silent once: the next look decides. */
  #seenSilent = false;
  /** When anything came last. */
  #heard: number = performance.now();
  #timer: NodeJS.Timeout | null = null;

  constructor(carrier: Carrier, options: FrameLinkOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.#carrier = carrier;
    this.#outbox = new Outbox(carrier);
    const sink: FrameSink = { begin: (h) => this.#begin(h), end: (h, body) => this.#end(h, body) };
    this.#parser = new FrameParser(sink);
    this.#watch();
  }

  /** Takes control messages; those that came before anyone did are its first. */
  set onControl(take: (bytes: Uint8Array) => void) {
    this.#control = take;
    try {
      for (const bytes of this.#early.splice(0)) take(bytes);
    } catch (e) {
      this.#refuse(e);
    }
  }

  /** Control messages are kept from now on, after those of `early`, until somebody takes them. */
  holdControl(early: readonly Uint8Array[]): void {
    this.#control = null;
    this.#early.push(...early);
  }

  /** Called once when the link is lost, also where nobody was waiting; at once where it is lost already. */
  set onLost(lost: (error: TacitError) => void) {
    this.#onLost = lost;
    if (this.#lost !== null) lost(this.#lost);
  }

  /** Milliseconds since anything came. In a run a living peer says something at least every second. */
  get silence(): number {
    return performance.now() - this.#heard;
  }

  /** Whether a receive waits for a peer that says nothing at all. A living one says something each period, waiting itself or not. */
  get waits(): boolean {
    if (this.#latest === null || this.silence < SILENT_PERIODS * this.#period) return false;
    return !this.#waiters()[Symbol.iterator]().next().done;
  }

  get #period(): number {
    return Math.max(5, Math.min(1000, this.#options.timeout / 8));
  }

  send(tag: Tag, depth: number, bytes: Uint8Array): void {
    if (this.#lost !== null) throw this.#lost;
    if (bytes.length > this.#options.message) {
      throw new TacitError(
        "MPC_MESSAGE_LIMIT",
        `send: expected at most ${this.#options.message} bytes, got ${bytes.length} at ${this.describe(tag)}`,
      );
    }
    this.counters.bytesSent += bytes.length + HEADER_BYTES;
    this.counters.framesSent++;
    this.#latest = tag;
    this.#watch();
    this.#put(tag, depth, bytes);
  }

  /** Sends a message of the parties themselves; not counted, at most 4 KiB. */
  sendControl(bytes: Uint8Array): void {
    if (this.#lost !== null || bytes.length > CONTROL_LIMIT) return;
    this.#put({ run: CONTROL_RUN, op: 0, lane: 0 }, 0, bytes);
  }

  #put(tag: Tag, depth: number, bytes: Uint8Array): void {
    const { into, at } = this.#outbox.room(HEADER_BYTES);
    writeHeader(into, at, bytes.length, tag, depth);
    this.#outbox.put(bytes);
  }

  receive(tag: Tag, into: Uint8Array): Promise<number> {
    this.#latest = tag;
    return new Promise<number>((resolve, reject) => {
      const waiter: Waiter = { tag, into, since: performance.now(), resolve, reject, late: false };
      const table = this.#table(tag.run);
      const key = keyOf(tag);
      const queued = table.queued.get(key);
      // The rest of a frame that a lost link has begun never comes.
      if (queued !== undefined && (queued.complete || this.#lost === null)) this.#take(table, key, queued, waiter);
      else if (this.#lost !== null) reject(this.#named(this.#lost, tag));
      else if (table.waiting.has(key)) reject(this.#invalid(tag, "one receiver per tag", "two"));
      else {
        table.waiting.set(key, waiter);
        this.#watch();
      }
    });
  }

  /** Awaits `work`, which a control message of the peer ends. A peer that says nothing at all meanwhile, no sign of life either, loses the link. */
  async awaiting<T>(work: Promise<T>): Promise<T> {
    this.#awaited++;
    this.#watch();
    try {
      return await work;
    } finally {
      this.#awaited--;
    }
  }

  /** Frames of runs before `run` are refused from now on; what was left of them is dropped. */
  openRun(run: number): void {
    this.#floor = run;
    for (const [number, table] of this.#runs) {
      if (number >= run) continue;
      for (const q of table.queued.values()) this.#forget(q);
      const over = new TacitError("MPC_RUN_OVER", `${this.peer}: expected a receive of run ${run}, got one of run ${number}`);
      for (const w of table.waiting.values()) w.reject(over);
      this.#runs.delete(number);
    }
  }

  /** The run is over: what happens from now on is not its ops' doing. */
  idle(): void {
    this.#latest = null;
  }

  /** Feeds bytes from the carrier. */
  feed(chunk: Uint8Array): void {
    if (this.#lost !== null) return;
    this.#heard = performance.now();
    try {
      this.#parser.feed(chunk);
    } catch (e) {
      this.#refuse(e);
    }
  }

  #refuse(e: unknown): void {
    this.fail(e instanceof TacitError ? e : new TacitError("MPC_FRAME_INVALID", `${this.peer} sent bytes that are not a frame`));
  }

  /** The carrier ended. */
  closed(): void {
    this.fail(
      new TacitError("MPC_PARTY_LOST", `${this.peer} closed the connection`, {
        hint: "see that party's log; then begin the session again from the last checkpoint",
      }),
    );
  }

  /** Ends the link: rejects everyone who waits. */
  fail(error: TacitError): void {
    if (this.#lost !== null) return;
    this.#lose(error);
    this.#carrier.destroy();
  }

  /** From now on nothing is sent or received. */
  #lose(error: TacitError): void {
    this.#lost = error;
    if (this.#timer !== null) clearInterval(this.#timer);
    const waiters = [...this.#waiters()];
    this.#filling.clear();
    for (const table of this.#runs.values()) table.waiting.clear();
    for (const w of waiters) w.reject(this.#named(error, w.tag));
    const at = waiters[0]?.tag ?? this.#latest;
    this.#lost = at === null ? this.#staged(error) : this.#named(error, at);
    this.#onLost(this.#lost);
  }

  /**
   * Ends the link without an error to its owner: nothing is sent or received from the call on; what was sent before is handed over, and the
   * other side has a moment to read it.
   */
  async close(): Promise<void> {
    this.#onLost = () => {};
    if (this.#lost !== null) return;
    this.#lose(new TacitError("MPC_PARTY_LOST", `${this.peer}: this party closed the connection`));
    const over = this.#outbox.drain().then(() => this.#carrier.end());
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, LINGER).unref())]);
    this.#carrier.destroy();
  }

  *#waiters(): Iterable<Waiter> {
    for (const table of this.#runs.values()) {
      yield* table.waiting.values();
      for (const q of table.queued.values()) if (q.waiter !== null) yield q.waiter;
    }
    yield* this.#filling.values();
  }

  #table(run: number): RunTable {
    let table = this.#runs.get(run);
    if (table === undefined) {
      table = { waiting: new Map(), queued: new Map() };
      this.#runs.set(run, table);
    }
    return table;
  }

  #begin(header: FrameHeader): Uint8Array {
    // A frame before this one in the same piece of the stream may have ended the link: nothing after it counts.
    if (this.#lost !== null) throw this.#lost;
    const { tag, length } = header;
    if (tag.run === CONTROL_RUN) {
      if (length > CONTROL_LIMIT) throw this.#invalid(tag, `a control message of at most ${CONTROL_LIMIT} bytes`, `${length}`);
      return new Uint8Array(length);
    }
    if (length > this.#options.message) throw this.#invalid(tag, `at most ${this.#options.message} bytes`, `${length}`);
    if (tag.run < this.#floor) throw this.#invalid(tag, `run ${this.#floor} or later`, `run ${tag.run}`);
    const table = this.#runs.get(tag.run);
    const waiter = table?.waiting.get(keyOf(tag));
    if (table === undefined || waiter === undefined) return this.#enqueue(header);
    if (length !== waiter.into.length) throw this.#invalid(tag, `${waiter.into.length} bytes`, `${length}`);
    table.waiting.delete(keyOf(tag));
    this.#filling.set(waiter.into, waiter);
    return waiter.into;
  }

  #controlled(tag: Tag, body: Uint8Array): void {
    if (this.#control !== null) this.#control(body);
    else if (this.#early.length < MOST_EARLY) this.#early.push(body);
    else throw this.#invalid(tag, `at most ${MOST_EARLY} control messages ahead of their reader`, "more");
  }

  #enqueue({ tag, length, depth }: FrameHeader): Uint8Array {
    const full = this.#queuedFrames >= MOST_QUEUED || this.#queuedBytes + length > this.#options.queue;
    if (full)
      throw this.#invalid(tag, `at most ${this.#options.queue} bytes in ${MOST_QUEUED} frames ahead of their receivers`, "more");
    const table = this.#table(tag.run);
    if (table.queued.has(keyOf(tag))) throw this.#invalid(tag, "one frame per tag", "two");
    const bytes = new Uint8Array(length);
    table.queued.set(keyOf(tag), { bytes, depth, complete: false, waiter: null });
    this.#queuedBytes += length;
    this.#queuedFrames++;
    return bytes;
  }

  #end(header: FrameHeader, body: Uint8Array): void {
    if (header.tag.run === CONTROL_RUN) {
      if (body.length > 0) this.#controlled(header.tag, body);
      return;
    }
    const direct = this.#filling.get(body);
    if (direct !== undefined) {
      this.#filling.delete(body);
      direct.resolve(header.depth);
      return;
    }
    const table = this.#runs.get(header.tag.run);
    const queued = table?.queued.get(keyOf(header.tag));
    if (table === undefined || queued === undefined) return;
    queued.complete = true;
    if (queued.waiter !== null) this.#deliver(table, keyOf(header.tag), queued, queued.waiter);
  }

  #take(table: RunTable, key: number, queued: Queued, waiter: Waiter): void {
    if (queued.bytes.length !== waiter.into.length) {
      const error = this.#invalid(waiter.tag, `${waiter.into.length} bytes`, `${queued.bytes.length}`);
      waiter.reject(error);
      this.fail(error);
    } else if (queued.waiter !== null) waiter.reject(this.#invalid(waiter.tag, "one receiver per tag", "two"));
    else if (queued.complete) this.#deliver(table, key, queued, waiter);
    else {
      queued.waiter = waiter;
      this.#watch();
    }
  }

  #deliver(table: RunTable, key: number, queued: Queued, waiter: Waiter): void {
    waiter.into.set(queued.bytes);
    table.queued.delete(key);
    this.#forget(queued);
    waiter.resolve(queued.depth);
  }

  #forget(queued: Queued): void {
    queued.bytes.fill(0);
    this.#queuedBytes -= queued.bytes.length;
    this.#queuedFrames--;
  }

  /** One timer per link looks after all deadlines: a timer per receive costs more than a small round. */
  #watch(): void {
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.#expire(), this.#period);
    this.#timer.unref();
  }

  /**
   * Blames the peer for a frame that is late where the peer is silent altogether, and at twice the time in any case. Both ends give
   * signs of life by empty control messages (not counted, one each period), whether they wait themselves or not: a party that waits
   * for somebody else is not silent, and finds out who that is first.
   */
  #expire(): void {
    this.sendControl(new Uint8Array(0));
    const now = performance.now();
    const silent = now - this.#heard > this.#options.timeout;
    // Whoever waits for nothing gives a silent peer twice the time: then the link is dead, and a party that keeps it is found by nobody.
    const dead = this.#awaited > 0 ? silent : now - this.#heard > 2 * this.#options.timeout;
    if (dead && this.#seenSilent) {
      this.#blame();
      return;
    }
    this.#seenSilent = silent;
    const oldest = now - (silent ? 1 : 2) * this.#options.timeout;
    for (const w of this.#waiters()) {
      if (w.since > oldest) continue;
      if (!w.late) {
        w.late = true;
        continue;
      }
      this.#blame();
      return;
    }
  }

  #blame(): void {
    const seconds = this.#options.timeout / 1000;
    this.fail(
      new TacitError("MPC_TIMEOUT", `${this.peer} sent nothing for ${seconds} s`, {
        hint: "see whether that party still runs and can be reached; then begin the session again from the last checkpoint",
      }),
    );
  }

  /** Where no op is to blame. */
  #staged(error: TacitError): TacitError {
    if (/ (at op|in) /.test(error.message)) return error;
    return new TacitError(error.code, `${error.message}, ${this.stage}`, { cause: error, hint: error.hint ?? SPEAKS });
  }

  #named(error: TacitError, tag: Tag): TacitError {
    if (error.message.includes(" at op ")) return error;
    return new TacitError(error.code, `${error.message} at ${this.describe(tag)}`, { cause: error, hint: error.hint ?? SPEAKS });
  }

  /** A tag of garbage says nothing of the place: then it is where this party stands itself. */
  #invalid(tag: Tag, want: string, got: string): TacitError {
    const at = tag.run === this.#latest?.run ? tag : this.#latest;
    const where = at === null ? `, ${this.stage}` : ` at ${this.describe(at)}`;
    return new TacitError("MPC_FRAME_INVALID", `${this.peer}: expected ${want}, got ${got}${where}`, { hint: SPEAKS });
  }
}
