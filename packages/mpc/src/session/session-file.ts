/** @file The session file: what everyone agrees on. JSON for people, canonical CBOR for its id. */
import { sha256 } from "@noble/hashes/sha2.js";
import { TacitError } from "@tacit/core/errors";
import { fromHex, sameBytes, toHex } from "../identity/encoding.ts";
import { checkName, isRecord, type PublicIdentity } from "../identity/identity.ts";
import { FULL_RANGE, type ProtocolOptions } from "../protocols/protocol.ts";
import { Fields, fromCbor, toCbor, type Wire } from "./cbor.ts";
import { readSigned, type SignedGrant, signedFromJson, signedToJson, signedWire } from "./grant.ts";

/** One of the machines that hold shares. Addresses are host:port. */
export interface PartyEntry {
  readonly identity: PublicIdentity;
  /** Where other parties connect. */
  readonly address: string;
  /** Where people connect (WebSocket over TLS). */
  readonly client: string;
}

export interface Limits {
  /** Most bytes of share memory at one party. */
  readonly memory: number;
  /** Most bytes of one message. */
  readonly message: number;
  /** Milliseconds that anyone waits for anyone. */
  readonly timeout: number;
}

export interface SessionFile {
  readonly parties: readonly PartyEntry[];
  /** Everyone else: owners, recipients, the driver. */
  readonly people: readonly PublicIdentity[];
  /** The one person who may drive. */
  readonly driver: string;
  readonly protocol: { readonly name: string; readonly options: ProtocolOptions };
  readonly limits: Limits;
  /** Seconds since 1970. */
  readonly expires: number;
  /** 16 random bytes: two sessions are never the same session. */
  readonly nonce: Uint8Array;
  /** Policy entries that stand in the file. They sign its root: the hash of all but themselves. */
  readonly grants: readonly SignedGrant[];
}

export const DEFAULT_LIMITS: Limits = { memory: 2 ** 31, message: 2 ** 28, timeout: 30_000 };
const VERSION = 1;
const MOST_GRANTS = 65_536;
/** Of a session file: a grant has some 700. */
export const MOST_CHARACTERS: number = 67_108_864;
const CODE = "SESSION_INVALID";
const HOST_PORT = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$/;

const identityWire = (who: PublicIdentity): Wire => [who.name, who.sign, who.seal];

const termsWire = (s: SessionFile): Wire => [
  VERSION,
  s.parties.map((p) => [identityWire(p.identity), p.address, p.client]),
  s.people.map(identityWire),
  s.driver,
  [s.protocol.name, s.protocol.options.fractionBits, s.protocol.options.prgRounds, s.protocol.options.range ?? FULL_RANGE],
  [s.limits.memory, s.limits.message, s.limits.timeout],
  s.expires,
  s.nonce,
];

/** A checked session with its id and what is looked up often. */
export class Session {
  readonly file: SessionFile;
  /** SHA-256 of everything but the policy entries: what entries in the file sign. */
  readonly root: Uint8Array;
  /** SHA-256 of the canonical bytes, policy included. */
  readonly id: Uint8Array;
  readonly hex: string;
  /** Parties and people by name. */
  readonly everyone: ReadonlyMap<string, PublicIdentity>;

  /** @throws TacitError SESSION_INVALID */
  constructor(file: SessionFile) {
    this.file = file;
    this.everyone = checkFile(file);
    this.root = sha256(toCbor(termsWire(file)));
    this.id = sha256(this.toBytes());
    this.hex = toHex(this.id);
  }

  get timeout(): number {
    return this.file.limits.timeout;
  }

  partyName(index: number): string {
    return this.file.parties[index]?.identity.name ?? "nobody";
  }

  /** "party 2 (clinic-c)": parties count from 0, as the session file lists them. */
  showParty(index: number): string {
    return `party ${index} (${this.partyName(index)})`;
  }

  /** @throws TacitError SESSION_EXPIRED; `now` in seconds. */
  checkTime(now: number = Date.now() / 1000): void {
    if (now < this.file.expires) return;
    const at = new Date(this.file.expires * 1000).toISOString();
    throw new TacitError("SESSION_EXPIRED", `session: expected a time before ${at}, got a later one`, {
      hint: "agree on a new session file, or check this machine's clock",
    });
  }

  toBytes(): Uint8Array {
    return toCbor([termsWire(this.file), this.file.grants.map(signedWire)]);
  }

  /** @throws TacitError SESSION_INVALID, GRANT_INVALID */
  static fromBytes(bytes: Uint8Array): Session {
    const f = fromCbor(bytes, "session", CODE, 2);
    const terms = readTerms(f.fields());
    return new Session({ ...terms, grants: f.list(MOST_GRANTS, readSigned) });
  }

  /** The text of a session file. */
  toJson(): string {
    const { file } = this;
    const who = (p: PublicIdentity): object => ({ name: p.name, sign: toHex(p.sign), seal: toHex(p.seal) });
    const parties = file.parties.map((p) => ({ ...who(p.identity), address: p.address, client: p.client }));
    const body = {
      ...file,
      parties,
      people: file.people.map(who),
      nonce: toHex(file.nonce),
      grants: file.grants.map(signedToJson),
    };
    return `${JSON.stringify({ tacit: "session", version: VERSION, id: this.hex, ...body }, null, 2)}\n`;
  }

  /** Reads a session file. An `id` in it must be its own. @throws TacitError SESSION_INVALID, GRANT_INVALID, ENCODING_INVALID */
  static fromJson(text: string): Session {
    const json = parseObject(text);
    const terms = readTerms(new Fields(jsonTerms(json), "session", CODE));
    const grants = Array.isArray(json.grants) ? json.grants.slice(0, MOST_GRANTS + 1).map(signedFromJson) : [];
    if (grants.length > MOST_GRANTS) throw new TacitError(CODE, `session: expected at most ${MOST_GRANTS} grants, got more`);
    const session = new Session({ ...terms, grants });
    const stated = json.id;
    if (stated !== undefined && !sameBytes(fromHex("session id", stated, 32), session.id)) {
      throw new TacitError(CODE, "session: expected the id of its own content, got another", {
        hint: "the file was changed after everyone agreed on it: ask for the original",
      });
    }
    return session;
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = text.length > MOST_CHARACTERS ? undefined : JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (isRecord(json) && json.tacit === "session") return json;
  throw new TacitError(CODE, `session: expected the JSON of a session file, got ${text.length} characters of something else`);
}

/** The JSON as the arrays of the canonical form, so that one reader checks both. */
function jsonTerms(json: Readonly<Record<string, unknown>>): unknown[] {
  const record = (x: unknown): Readonly<Record<string, unknown>> => (isRecord(x) ? x : {});
  const list = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : []);
  const key = (x: unknown): unknown => (typeof x === "string" ? fromHex("session", x) : x);
  const who = (x: unknown): unknown[] => [record(x).name, key(record(x).sign), key(record(x).seal)];
  const protocol = record(json.protocol);
  const options = record(protocol.options);
  const limits = record(json.limits);
  return [
    json.version,
    list(json.parties).map((p) => [who(p), record(p).address, record(p).client]),
    list(json.people).map(who),
    json.driver,
    [protocol.name, options.fractionBits, options.prgRounds, options.range ?? FULL_RANGE],
    [limits.memory, limits.message, limits.timeout],
    json.expires,
    key(json.nonce),
  ];
}

function readIdentity(f: Fields): PublicIdentity {
  const who = { name: checkName("session", f.text()), sign: f.bytes(32), seal: f.bytes(32) };
  f.end();
  return who;
}

function readParty(f: Fields): PartyEntry {
  const entry = { identity: readIdentity(f.fields()), address: f.text(), client: f.text() };
  f.end();
  return entry;
}

function readProtocol(f: Fields): SessionFile["protocol"] {
  const name = f.text();
  const fractionBits = f.uint(31);
  const prgRounds = f.uint();
  const range = f.uint(FULL_RANGE);
  f.end();
  if (prgRounds !== 12 && prgRounds !== 20) {
    throw new TacitError(CODE, `session: expected 12 or 20 ChaCha rounds, got ${prgRounds}`);
  }
  return { name, options: { fractionBits, prgRounds, ...(range === FULL_RANGE ? {} : { range }) } };
}

function readLimits(f: Fields): Limits {
  const limits = { memory: f.uint(2 ** 40, 2 ** 16), message: f.uint(2 ** 32 - 1, 2 ** 12), timeout: f.uint(86_400_000, 10) };
  f.end();
  return limits;
}

function readTerms(f: Fields): Omit<SessionFile, "grants"> {
  f.uint(VERSION, VERSION);
  const terms = {
    parties: f.list(64, readParty),
    people: f.list(1024, readIdentity),
    driver: f.text(),
    protocol: readProtocol(f.fields()),
    limits: readLimits(f.fields()),
    expires: f.uint(),
    nonce: f.bytes(16),
  };
  f.end();
  return terms;
}

function checkFile(file: SessionFile): ReadonlyMap<string, PublicIdentity> {
  const bad = (want: string, got: string): never => {
    throw new TacitError(CODE, `session: expected ${want}, got ${got}`);
  };
  const everyone = new Map<string, PublicIdentity>();
  const keys = new Set<string>();
  for (const who of [...file.parties.map((p) => p.identity), ...file.people]) {
    if (everyone.has(who.name)) bad("different names", `${who.name} twice`);
    if (keys.has(toHex(who.sign)) || keys.has(toHex(who.seal))) bad("different keys", `those of ${who.name} twice`);
    everyone.set(checkName("session", who.name), who);
    keys.add(toHex(who.sign)).add(toHex(who.seal));
  }
  for (const p of file.parties) {
    if (!HOST_PORT.test(p.address) || !HOST_PORT.test(p.client)) bad("addresses host:port", `another form at ${p.identity.name}`);
  }
  if (!file.people.some((p) => p.name === file.driver)) bad("a driver among the people", "somebody else");
  return everyone;
}
