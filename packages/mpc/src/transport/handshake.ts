/** @file The handshake between parties: same version, session, options and attempt; pairwise keys bound to all of them. */
import { hkdfSync } from "node:crypto";
import { sha256 } from "@noble/hashes/sha2.js";
import { TacitError } from "@tacit/core/errors";
import { concatBytes, sameBytes, utf8 } from "../identity/encoding.ts";
import { agree, type Identity } from "../identity/identity.ts";
import { fromCbor, toCbor } from "../session/cbor.ts";
import type { Session } from "../session/session-file.ts";
import { PROTOCOL_VERSION, softwareOf, versionError } from "../version.ts";

const CODE = "MPC_HANDSHAKE";

/** What a party says of itself before anything else, over the authenticated channel. */
export interface Hello {
  /** The version of its software; the protocol's is equal everywhere. */
  readonly software: string;
  readonly index: number;
  readonly session: Uint8Array;
  /** The attempt this party proposes: one more than any it has ever made in this session. */
  readonly attempt: number;
  /** Fresh X25519 public key, for this connection alone. */
  readonly ephemeral: Uint8Array;
  /** 32 random bytes for the key that all parties hold; the same to every party. */
  readonly contribution: Uint8Array;
  /** What this party was started with beyond the session, for example shadow-plain mode; must be equal everywhere. */
  readonly mode: string;
}

export const helloBytes = (h: Hello): Uint8Array =>
  toCbor(["hello", PROTOCOL_VERSION, h.software, h.session, h.index, h.attempt, h.ephemeral, h.contribution, h.mode]);

/**
 * Reads and checks the hello of party `index`.
 * @throws TacitError MPC_VERSION, MPC_HANDSHAKE naming the party and what differs
 */
export function readHello(bytes: Uint8Array, session: Session, index: number, mode: string): Hello {
  const who = session.showParty(index);
  const differ = (want: string, hint: string): never => {
    throw new TacitError(CODE, `handshake with ${who}: expected ${want}, got another`, { hint });
  };
  const f = fromCbor(bytes, `handshake with ${who}`, CODE);
  if (f.text() !== "hello") differ("a hello", "the party speaks another protocol");
  const version = f.uint();
  if (version !== PROTOCOL_VERSION) {
    throw versionError(`handshake with ${who}`, PROTOCOL_VERSION, { version, software: softwareOf(() => f.text(32)) });
  }
  const hello = {
    software: f.text(32),
    session: f.bytes(32),
    index: f.uint(),
    attempt: f.uint(2 ** 32 - 2),
    ephemeral: f.bytes(32),
    contribution: f.bytes(32),
    mode: f.text(),
  };
  f.end();
  if (!sameBytes(hello.session, session.id))
    differ(`session ${session.hex.slice(0, 12)}`, "give every party the same session file");
  if (hello.index !== index) differ(`index ${index}`, "give every party the same session file");
  if (hello.mode !== mode) differ(`mode "${mode}"`, "start every party with the same options");
  return hello;
}

const LOOPBACK = /^(127\.[0-9.]+|localhost|\[::1\]):/;
/** Whether all parties of a session are on one machine. */
export const staysHere = (session: Session): boolean =>
  session.file.parties.every((p) => LOOPBACK.test(p.address) && LOOPBACK.test(p.client));

/**
 * Modes are for tests: a session that reaches beyond this machine has none, whatever its parties were started with.
 * @throws TacitError MPC_HANDSHAKE
 */
export function checkMode(session: Session, mode: string): void {
  if (mode === "" || staysHere(session)) return;
  throw new TacitError(CODE, `handshake: expected no mode in a session that reaches other machines, got "${mode.slice(0, 32)}"`, {
    hint: "modes for tests exist under mpc.local alone",
  });
}

/** The private side of one connection's key agreement. */
export interface Ephemeral {
  readonly pair: CryptoKeyPair;
  readonly public: Uint8Array;
}

export async function newEphemeral(): Promise<Ephemeral> {
  const pair = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  if (!("privateKey" in pair)) throw new TacitError(CODE, "handshake: expected a key pair, got a single key");
  return { pair, public: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)) };
}

const hkdf = (key: Uint8Array, salt: Uint8Array, info: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", key, salt, info, 32));

/**
 * The key of a pair of parties: HKDF-SHA256 over X25519(ephemeral, ephemeral) and X25519(static, static), salted with the
 * session id, bound to both hellos (lower index first).
 */
export async function pairKey(
  session: Session,
  identity: Identity,
  mine: Ephemeral,
  hellos: { readonly own: Hello; readonly other: Hello },
): Promise<Uint8Array> {
  const { own, other } = hellos;
  const peer = session.file.parties[other.index];
  if (peer === undefined) throw new TacitError(CODE, "handshake: expected a party of this session, got another");
  const fresh = await agree(mine.pair.privateKey, other.ephemeral);
  const lasting = await identity.agree(peer.identity);
  const [first, second] = own.index < other.index ? [own, other] : [other, own];
  const transcript = sha256(concatBytes(helloBytes(first), helloBytes(second)));
  const key = hkdf(concatBytes(fresh, lasting), session.id, concatBytes(utf8("tacit/pair/1\0"), transcript));
  fresh.fill(0);
  lasting.fill(0);
  return key;
}

/** Every key of a party, from which each run's are derived. */
export class KeyRing {
  readonly #session: Session;
  readonly #index: number;
  /** [j]: the key shared with party j alone; [index]: the key that all parties hold. */
  readonly #keys: readonly Uint8Array[];

  constructor(session: Session, index: number, keys: readonly Uint8Array[]) {
    this.#session = session;
    this.#index = index;
    this.#keys = keys;
  }

  /**
   * 32 bytes for one run. Key `which` (0 .. n-1) is held by parties which and which-1 (mod n) alone; key n by all parties.
   * @throws TacitError MPC_KEY for a key that this party must not hold
   */
  runKey(which: number, run: number, attempt: number): Uint8Array {
    const n = this.#session.file.parties.length;
    const holders = [which, (which + n - 1) % n];
    const other = which === n ? this.#index : holders.find((h) => h !== this.#index);
    const mine = which === n || holders.includes(this.#index);
    const key = mine && other !== undefined ? this.#keys[other] : undefined;
    if (key === undefined || which > n) {
      throw new TacitError("MPC_KEY", `runKey: expected a key held by party ${this.#index}, got key ${which}`);
    }
    const info = new Uint8Array(24);
    const view = new DataView(info.buffer);
    info.set(utf8("tacit/run/1\0"));
    view.setUint32(12, which);
    view.setUint32(16, run);
    view.setUint32(20, attempt);
    return hkdf(key, this.#session.id, info);
  }

  close(): void {
    for (const k of this.#keys) k.fill(0);
  }
}

/** The key all parties hold, from everyone's contribution in order. */
export const commonKey = (session: Session, contributions: readonly Uint8Array[]): Uint8Array =>
  hkdf(concatBytes(...contributions), session.id, utf8("tacit/common/1\0"));

/** What all parties compare once they know every hello: the hash of all of them and the attempt agreed on. */
export const readyBytes = (session: Session, attempt: number, contributions: readonly Uint8Array[]): Uint8Array =>
  toCbor(["ready", attempt, sha256(concatBytes(session.id, ...contributions))]);
