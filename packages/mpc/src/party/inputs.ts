/** @file Inputs: sealed components come in chunks, are opened, checked for size, and compared with the other holders. */
import { sha256 } from "@noble/hashes/sha2.js";
import { TacitError } from "@tacit/core/errors";
import { showAval } from "@tacit/core/program";
import { concatBytes, toHex } from "../identity/encoding.ts";
import type { Identity } from "../identity/identity.ts";
import type { Opener } from "../identity/seal.ts";
import type { ProtocolParty, ShareValue } from "../protocols/protocol.ts";
import { toCbor } from "../session/cbor.ts";
import { handleOf } from "../session/handles.ts";
import type { Session } from "../session/session-file.ts";
import { unref } from "../timers.ts";
import { addTo, checkFairShare, type Holding } from "./fair-share.ts";
import { avalWire, BROKEN_OFF, CHUNK_BYTES, chunkPlace, type PutCommand } from "./messages.ts";
import type { Peers } from "./peers.ts";
import { inputInfo } from "./purposes.ts";
import { inputOf, type Store } from "./store.ts";
import type { Transcript } from "./transcript.ts";

/** An input under way. */
interface Arriving {
  readonly put: PutCommand;
  readonly owner: string;
  /** The connection it comes over. */
  readonly from: object;
  readonly payload: Uint8Array;
  readonly opener: Opener;
  /** What the parties say to each other about it: whether they hold the same, and whether all are content. */
  readonly subjects: { readonly equal: string; readonly accept: string };
  at: number;
  chunks: number;
  /** Bytes that it has in the store: what it will have at rest, or its payload where that is larger. */
  reserved: number;
  /** Drops it when nothing comes. */
  timer: NodeJS.Timeout | number;
}

/** An input that arrived and is being compared. */
interface Checking {
  readonly a: Arriving;
  /** Resolves when that is over, either way. */
  readonly done: Promise<void>;
}

export interface InputsOptions {
  readonly session: Session;
  readonly index: number;
  readonly identity: Identity;
  readonly party: ProtocolParty;
  readonly store: Store;
  readonly peers: Peers;
  readonly transcript: Transcript;
}

const CODE = "INPUT_INVALID";
/**
 * One party's component is a key of 32 bytes, the next one's as large as the data: whoever has its own may wait for the others'
 * this many times the session's time.
 */
const PATIENCE = 20;
/** Most inputs under way at once, of one person: nobody takes the others' places. */
const MOST = 256;
/** One of which nothing comes for so many times the session's time is dropped: a chunk of 1 MiB in 2 minutes is 70 kbit/s. */
const IDLE = 4;

const brokenOff = (handle: string): TacitError =>
  new TacitError(BROKEN_OFF, `input ${handle}: expected all of it, got the end of its provider's connection`, {
    hint: "nothing of it was kept: give it again",
  });

const silent = (handle: string, ms: number): TacitError =>
  new TacitError(CODE, `input ${handle}: expected its next chunk within ${ms / 1000} s, got nothing`, {
    hint: "nothing of it was kept: give it again",
  });

export class Inputs {
  readonly #o: InputsOptions;
  readonly #arriving = new Map<string, Arriving>();
  /** A run that needs one of these waits for it. */
  readonly #checking = new Map<string, Checking>();
  /** Those that this party has accepted: now the others decide. */
  readonly #accepted = new WeakSet<Arriving>();

  constructor(options: InputsOptions) {
    this.#o = options;
  }

  /** Begins an input that comes over the connection `from`. @throws TacitError INPUT_INVALID, HANDLE_USED, MPC_MEMORY before anything is taken */
  async begin(put: PutCommand, owner: string, from: object): Promise<void> {
    const { store, identity, session, index, party } = this.#o;
    if (!session.file.people.some((p) => p.name === owner)) {
      throw new TacitError(CODE, "put: expected an owner among the people of the session, got a party");
    }
    if (handleOf(owner, put.handle) !== put.handle) {
      throw new TacitError(CODE, `put: expected a name that begins with ${owner}/, got another`);
    }
    const opener = await identity.opener(put.encapsulated, inputInfo(session.id, index, put.handle));
    await this.#breakOff(put.handle, owner);
    // From here to its place among the arriving nothing waits: two announcements of one name cannot both pass.
    const used = [store, this.#arriving, this.#checking].some((place) => place.has(put.handle));
    if (used) throw taken(put.handle);
    const many = this.#underWay().filter((a) => a.owner === owner).length >= MOST;
    if (many) throw new TacitError(CODE, `put: expected at most ${MOST} inputs of ${owner} under way, got one more`);
    const sizes = party.inputSizes(put.aval);
    if (put.total !== sizes.payload) {
      throw new TacitError(CODE, `put: expected ${sizes.payload} bytes for ${showAval(put.aval)}, got ${put.total}`);
    }
    if (put.chunks !== Math.max(1, Math.ceil(put.total / CHUNK_BYTES))) {
      throw new TacitError(CODE, `put: expected ${put.total} bytes in chunks of ${CHUNK_BYTES}, got ${put.chunks} chunks`);
    }
    const reserved = Math.max(sizes.payload, sizes.share);
    checkFairShare({ limit: store.limit, people: session.file.people.length }, this.#held(), owner, reserved);
    const payload = room(store, reserved, put.total);
    const attempt = `${put.handle} ${toHex(put.attempt)}`;
    const subjects = { equal: `input ${attempt}`, accept: `accept ${attempt}` };
    const a = { put, owner, from, payload, opener, subjects, at: 0, chunks: 0, reserved, timer: 0 };
    this.#arriving.set(put.handle, a);
    this.#watch(a);
  }

  /** Those that come, and those that are compared. */
  #underWay(): Arriving[] {
    return [...this.#arriving.values(), ...[...this.#checking.values()].map((c) => c.a)];
  }

  /** By owner: what rests here, and what is under way. */
  #held(): Map<string, Holding> {
    const held = this.#o.store.held();
    for (const { owner, reserved } of this.#underWay()) addTo(held, owner, reserved);
    return held;
  }

  /** From now on the next chunk has its time. */
  #watch(a: Arriving): void {
    clearTimeout(a.timer);
    const ms = IDLE * this.#o.session.timeout;
    a.timer = unref(setTimeout(() => this.#drop(a, silent(a.put.handle, ms)), ms));
  }

  /** The party ends: what has come goes. */
  close(): void {
    for (const a of this.#arriving.values()) {
      clearTimeout(a.timer);
      a.payload.fill(0);
    }
    this.#arriving.clear();
  }

  /** Whoever broke off begins again: a lost connection must not hold the name. */
  async #breakOff(handle: string, owner: string): Promise<void> {
    const arriving = this.#arriving.get(handle);
    if (arriving?.owner === owner) this.#drop(arriving, brokenOff(handle));
    const checking = this.#checking.get(handle);
    if (checking?.a.owner !== owner) return;
    this.#withdraw(checking.a);
    await checking.done;
  }

  /** A connection is gone, and what came over it is not whole or not agreed upon: nothing of it stays. */
  gone(from: object): void {
    for (const a of [...this.#arriving.values()]) if (a.from === from) this.#drop(a, brokenOff(a.put.handle));
    for (const { a } of this.#checking.values()) if (a.from === from) this.#withdraw(a);
  }

  /** Takes one chunk; with the last one the input is imported and compared. @throws TacitError INPUT_INVALID, SEAL_INVALID, INPUT_UNEQUAL */
  async chunk(handle: string, index: number, sealed: Uint8Array, owner: string): Promise<void> {
    const a = this.#arriving.get(handle);
    if (a === undefined || a.owner !== owner)
      throw new TacitError(CODE, "chunk: expected an input that was announced, got another");
    try {
      const plain = await a.opener.open(sealed, toCbor(chunkPlace(handle, index, a.put.chunks)));
      if (this.#arriving.get(handle) !== a)
        throw new TacitError(CODE, "chunk: expected an input under way, got one that was dropped");
      if (index !== a.chunks || a.at + plain.length > a.payload.length) {
        throw new TacitError(CODE, `chunk: expected chunk ${a.chunks} of ${a.put.total} bytes, got another`);
      }
      a.payload.set(plain, a.at);
      plain.fill(0);
      a.at += plain.length;
      a.chunks++;
    } catch (e) {
      this.#drop(a, coded(e));
      throw e;
    }
    if (a.chunks === a.put.chunks) await this.#complete(a);
    else this.#watch(a);
  }

  /** Resolves when `handle` rests here, if it is on its way. */
  async ready(handle: string): Promise<void> {
    await this.#checking.get(handle)?.done;
  }

  /** Once: chunks that came together may fail one after the other. */
  #drop(a: Arriving, error: TacitError): void {
    if (this.#arriving.get(a.put.handle) !== a) return;
    this.#arriving.delete(a.put.handle);
    clearTimeout(a.timer);
    a.payload.fill(0);
    this.#o.store.unreserve(a.reserved);
    this.#refuse(a, error);
  }

  /** Others who have their part learn that this one will not come. */
  #refuse({ subjects }: Arriving, error: TacitError): void {
    for (const s of [subjects.equal, subjects.accept]) this.#o.peers.refuse(s, error);
  }

  /** Before this party has accepted; then the others' words decide. */
  #withdraw(a: Arriving): void {
    if (!this.#accepted.has(a)) this.#refuse(a, brokenOff(a.put.handle));
  }

  async #complete(a: Arriving): Promise<void> {
    const { put } = a;
    this.#arriving.delete(put.handle);
    clearTimeout(a.timer);
    const check = this.#import(a).finally(() => {
      a.payload.fill(0);
      this.#o.store.unreserve(a.reserved);
      this.#checking.delete(put.handle);
    });
    // Whoever waits in `ready` meets the same refusal as a missing handle; the provider hears the reason.
    this.#checking.set(put.handle, { a, done: check.catch(() => {}) });
    await check;
  }

  async #import(a: Arriving): Promise<void> {
    const { party, transcript } = this.#o;
    const { put, owner } = a;
    let share: ShareValue;
    try {
      if (a.at !== put.total) throw new TacitError(CODE, `put: expected ${put.total} bytes, got ${a.at}`);
      share = party.importShare(a.payload, put.aval);
    } catch (e) {
      const error =
        e instanceof TacitError ? e : new TacitError(CODE, "put: expected a component of this protocol, got something else");
      this.#refuse(a, error);
      throw error;
    }
    try {
      await this.#agree(a, share);
    } catch (e) {
      party.free(share);
      throw e;
    }
    transcript.add({ event: "input", handle: put.handle, owner, shape: put.aval.shape, dtype: put.aval.dtype });
  }

  /**
   * Compares what each two parties hold in common, then whether all are content: a component that two hold alike may be unequal
   * between one of them and the third, and nobody keeps what not everybody keeps.
   */
  async #agree(a: Arriving, share: ShareValue): Promise<void> {
    const { party, store, peers } = this.#o;
    const { put, owner, subjects } = a;
    const said = toCbor([put.handle, avalWire(put.aval), owner]);
    const hint = `${owner}'s software or machine gave unequal parts: nothing was used; give the input again`;
    try {
      const digest = (j: number): Uint8Array => sha256(concatBytes(said, party.componentHash(share, j)));
      await peers.compare(subjects.equal, digest, "INPUT_UNEQUAL", hint, PATIENCE);
      if (store.has(put.handle)) throw taken(put.handle);
    } catch (e) {
      peers.refuse(subjects.accept, coded(e));
      throw e;
    }
    this.#accepted.add(a);
    await peers.compare(subjects.accept, () => sha256(said), "INPUT_UNEQUAL", hint, PATIENCE);
    store.add(inputOf(put.handle, put.aval, share, owner));
    // These are the store's now.
    a.reserved -= share.bytes;
  }
}

/** `bytes` of `reserved` ones; where the platform has no array of that size nothing stays reserved. @throws TacitError MPC_MEMORY */
function room(store: Store, reserved: number, bytes: number): Uint8Array {
  store.reserve(reserved);
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    store.unreserve(reserved);
    throw new TacitError("MPC_MEMORY", `put: expected memory for ${bytes} bytes at this party, got none`, { cause });
  }
}

const coded = (e: unknown): TacitError =>
  e instanceof TacitError ? e : new TacitError(CODE, "put: expected an input, got something else");

const taken = (handle: string): TacitError =>
  new TacitError("HANDLE_USED", `put: expected a new handle, got ${JSON.stringify(handle)} again`, {
    hint: "an input is given once and never replaced: give it under another name, or use the one that is there",
  });
