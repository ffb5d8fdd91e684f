/** @file Inputs: sealed components come in chunks, are opened, checked for size, and compared with the other holders. */
import { sha256 } from "@noble/hashes/sha2.js";
import { TacitError } from "@tacit/core/errors";
import { concatBytes } from "../identity/encoding.ts";
import type { Identity } from "../identity/identity.ts";
import type { Opener } from "../identity/seal.ts";
import type { ProtocolParty } from "../protocols/protocol.ts";
import { toCbor } from "../session/cbor.ts";
import type { Session } from "../session/session-file.ts";
import { avalWire, CHUNK_BYTES, chunkPlace, type PutCommand } from "./messages.ts";
import type { Peers } from "./peers.ts";
import { inputInfo } from "./purposes.ts";
import { inputOf, type Store } from "./store.ts";
import type { Transcript } from "./transcript.ts";

/** An input under way. */
interface Arriving {
  readonly put: PutCommand;
  readonly owner: string;
  readonly payload: Uint8Array;
  readonly opener: Opener;
  at: number;
  chunks: number;
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
/** Most inputs under way at once. */
const MOST = 256;

export class Inputs {
  readonly #o: InputsOptions;
  readonly #arriving = new Map<string, Arriving>();
  /** Inputs that arrived and are being compared. A run that needs one waits for it. */
  readonly #checking = new Map<string, Promise<void>>();

  /** Inputs that this party could not read, until the others have said what they think of theirs. */
  readonly #spoilt = new Set<string>();

  constructor(options: InputsOptions) {
    this.#o = options;
  }

  /** Begins an input. @throws TacitError INPUT_INVALID, HANDLE_USED, MPC_MEMORY before anything is taken */
  async begin(put: PutCommand, owner: string): Promise<void> {
    const { store, identity, session, index } = this.#o;
    if (!session.file.people.some((p) => p.name === owner)) {
      throw new TacitError(CODE, "put: expected an owner among the people of the session, got a party");
    }
    const opener = await identity.opener(put.encapsulated, inputInfo(session.id, index, put.handle));
    // From here to its place among the arriving nothing waits: two announcements of one name cannot both pass.
    // Whoever broke off begins again: a lost connection must not hold the name.
    const broken = this.#arriving.get(put.handle);
    if (broken?.owner === owner) this.#drop(broken);
    const used = [store, this.#arriving, this.#checking, this.#spoilt].some((place) => place.has(put.handle));
    if (used) throw new TacitError("HANDLE_USED", `put: expected a new handle, got ${JSON.stringify(put.handle)} again`);
    if (put.chunks !== Math.max(1, Math.ceil(put.total / CHUNK_BYTES)) || this.#arriving.size >= MOST) {
      throw new TacitError(CODE, `put: expected ${put.total} bytes in chunks of ${CHUNK_BYTES}, got ${put.chunks} chunks`);
    }
    store.reserve(put.total);
    this.#arriving.set(put.handle, { put, owner, payload: new Uint8Array(put.total), opener, at: 0, chunks: 0 });
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
      this.#drop(a);
      throw e;
    }
    if (a.chunks === a.put.chunks) await this.#complete(a);
  }

  /** Resolves when `handle` rests here, if it is on its way. */
  async ready(handle: string): Promise<void> {
    await this.#checking.get(handle);
  }

  /** Once: chunks that came together may fail one after the other. */
  #drop(a: Arriving): void {
    if (this.#arriving.get(a.put.handle) !== a) return;
    this.#arriving.delete(a.put.handle);
    a.payload.fill(0);
    this.#o.store.unreserve(a.put.total);
  }

  async #complete(a: Arriving): Promise<void> {
    const { put } = a;
    this.#arriving.delete(put.handle);
    const check = this.#import(a).finally(() => {
      a.payload.fill(0);
      this.#o.store.unreserve(put.total);
      this.#checking.delete(put.handle);
    });
    // Whoever waits in `ready` meets the same refusal as a missing handle; the provider hears the reason.
    this.#checking.set(
      put.handle,
      check.catch(() => {}),
    );
    await check;
  }

  async #import(a: Arriving): Promise<void> {
    const { party, peers, transcript } = this.#o;
    const { put, owner } = a;
    let share: ReturnType<ProtocolParty["importShare"]>;
    try {
      if (a.at !== put.total) throw new TacitError(CODE, `put: expected ${put.total} bytes, got ${a.at}`);
      share = party.importShare(a.payload, put.aval);
    } catch (e) {
      const error =
        e instanceof TacitError ? e : new TacitError(CODE, "put: expected a component of this protocol, got something else");
      const subjects = [`input ${put.handle}`, `accept ${put.handle}`];
      const heard = Promise.all(subjects.map((s) => peers.decline(s, error, PATIENCE)));
      this.#spoilt.add(put.handle);
      void heard.finally(() => this.#spoilt.delete(put.handle));
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
  async #agree(a: Arriving, share: ReturnType<ProtocolParty["importShare"]>): Promise<void> {
    const { party, store, peers } = this.#o;
    const { put, owner } = a;
    const [subject, accepted] = [`input ${put.handle}`, `accept ${put.handle}`];
    const said = toCbor([put.handle, avalWire(put.aval), owner]);
    const hint = `${owner}'s software or machine gave unequal parts: nothing was used; give the input again`;
    let reserved = 0;
    try {
      const digest = (j: number): Uint8Array => sha256(concatBytes(said, party.componentHash(share, j)));
      await peers.compare(subject, digest, "INPUT_UNEQUAL", hint, PATIENCE);
      store.reserve(share.bytes);
      reserved = share.bytes;
      if (store.has(put.handle))
        throw new TacitError("HANDLE_USED", `put: expected a new handle, got ${JSON.stringify(put.handle)} again`);
    } catch (e) {
      store.unreserve(reserved);
      const error = e instanceof TacitError ? e : new TacitError(CODE, "put: expected an input, got something else");
      await peers.decline(accepted, error, PATIENCE);
      throw e;
    }
    try {
      await peers.compare(accepted, () => sha256(said), "INPUT_UNEQUAL", hint, PATIENCE);
      store.add(inputOf(put.handle, put.aval, share, owner));
    } catch (e) {
      store.unreserve(reserved);
      throw e;
    }
  }
}
