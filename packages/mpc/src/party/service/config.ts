/** @file A party's configuration file: JSON, checked key by key before anything starts. Node only. */
import { dirname, isAbsolute, join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { printable } from "../../identity/encoding.ts";
import { isRecord } from "../../identity/identity.ts";
import { isAddress } from "../../session/public-file.ts";
import type { PartyAddresses } from "../process.ts";

export type LogLevel = "error" | "info";

/** Paths are absolute, times in milliseconds, sizes in bytes. */
export interface PartyConfig {
  /** The session file. */
  readonly session: string;
  /** The key file. */
  readonly key: string;
  /** The file with the key file's passphrase; null: asked for on the terminal where the key file wants one. */
  readonly passphraseFile: string | null;
  /** A program that prints it, and its words; no shell takes part. */
  readonly passphraseCommand: readonly string[] | null;
  /** Where counters and transcripts are kept, mode 0700, of this party alone. */
  readonly data: string;
  /** Where it listens; null: at the session's addresses. */
  readonly listen: PartyAddresses | null;
  /** Where pages connect; null: nowhere. `tls` names files; without it the endpoint is a plain WebSocket. */
  readonly web: {
    readonly address: string;
    readonly origins: readonly string[];
    readonly tls: { readonly certificate: string; readonly key: string } | null;
  } | null;
  /** Other addresses than the session's for some parties, by name. */
  readonly peers: ReadonlyMap<string, string>;
  /** Where the health endpoint listens; null: nowhere. */
  readonly health: string | null;
  /** How long it waits for the other parties. */
  readonly wait: number;
  readonly limits: { readonly sessions: number; readonly memory: number; readonly disk: number };
  readonly log: LogLevel;
}

/** 10 minutes for the others to be started; 64 sessions; no less memory than the session allows; 1 GB of transcripts. */
export const PARTY_DEFAULTS: {
  readonly wait: number;
  readonly sessions: number;
  readonly memory: number;
  readonly disk: number;
} = {
  wait: 600,
  sessions: 64,
  memory: 2 ** 20,
  disk: 1000,
};
const MOST_ORIGINS = 64;
const MOST_CHARACTERS = 65_536;
const KEYS = [
  "session",
  "key",
  "passphraseFile",
  "passphraseCommand",
  "data",
  "listen",
  "web",
  "peers",
  "health",
  "wait",
  "limits",
  "log",
];

const kindOf = (x: unknown): string =>
  x === null ? "null" : Array.isArray(x) ? "a list" : typeof x === "object" ? "an object" : `a ${typeof x}`;

/** Reads one object of the file, key by key. */
class Reader {
  readonly #file: string;
  readonly #path: string;
  readonly #json: Readonly<Record<string, unknown>>;

  constructor(file: string, path: string, json: unknown, keys: readonly string[] | null) {
    this.#file = file;
    this.#path = path;
    if (!isRecord(json)) this.bad("", "an object", kindOf(json));
    this.#json = isRecord(json) ? json : {};
    const unknown = keys === null ? undefined : Object.keys(this.#json).find((k) => !keys.includes(k));
    if (unknown !== undefined) this.bad(unknown.slice(0, 64), `one of ${keys!.join(", ")}`, "an unknown key");
  }

  bad(key: string, want: string, got: string): never {
    const where = [this.#path, key].filter((x) => x !== "").join(".");
    const at = where === "" ? this.#file : `${this.#file}, ${printable(where)}`;
    throw new TacitError("PARTY_CONFIG", `${at}: expected ${want}, got ${got}`);
  }

  has(key: string): boolean {
    return this.#json[key] !== undefined;
  }

  keys(): string[] {
    return Object.keys(this.#json);
  }

  object(key: string, keys: readonly string[] | null): Reader {
    return new Reader(this.#file, key, this.#json[key] ?? {}, keys);
  }

  isNull(key: string): boolean {
    return this.#json[key] === null;
  }

  text(key: string): string {
    const x = this.#json[key];
    if (typeof x !== "string" || x === "" || x.includes("\0"))
      return this.bad(key, "a text", x === undefined ? "nothing" : kindOf(x));
    return x;
  }

  /** A program and its words. */
  words(key: string): readonly string[] {
    const x = this.#json[key];
    const words = Array.isArray(x) ? x.filter((w) => typeof w === "string" && !w.includes("\0")) : [];
    if (Array.isArray(x) && words.length === x.length && words.length >= 1 && words.length <= 64 && words[0] !== "") return words;
    return this.bad(key, "a list of 1 to 64 words, the program first", kindOf(x));
  }

  address(key: string): string {
    const x = this.text(key);
    return isAddress(x) ? x : this.bad(key, "host:port with a port of 1 to 65535", "another form");
  }

  /** A port on loopback, or host:port. */
  endpoint(key: string): string {
    return typeof this.#json[key] === "string" ? this.address(key) : `127.0.0.1:${this.whole(key, "a port", 65_535, 0)}`;
  }

  /** Origins as browsers write them: scheme, host and port, and nothing else. */
  origins(key: string): readonly string[] {
    const x: unknown = this.#json[key];
    const isOrigin = (o: unknown): o is string =>
      typeof o === "string" && /^https?:/.test(o) && URL.canParse(o) && new URL(o).origin === o;
    if (Array.isArray(x) && x.length > 0 && x.length <= MOST_ORIGINS && x.every(isOrigin)) return x;
    return this.bad(key, `1 to ${MOST_ORIGINS} origins like "https://clinic.example" (no path, no *)`, kindOf(x));
  }

  whole(key: string, what: string, most: number, otherwise: number): number {
    const x = this.#json[key] ?? otherwise;
    if (typeof x === "number" && Number.isSafeInteger(x) && x >= 1 && x <= most) return x;
    return this.bad(key, `a whole number (${what}) from 1 to ${most}`, typeof x === "number" ? String(x) : kindOf(x));
  }

  level(key: string): LogLevel {
    const x = this.#json[key] ?? "info";
    return x === "info" || x === "error" ? x : this.bad(key, '"info" or "error"', "something else");
  }
}

function webOf(r: Reader, within: (path: string) => string): NonNullable<PartyConfig["web"]> {
  const tls = r.has("certificate") || r.has("key");
  return {
    address: r.address("address"),
    origins: r.origins("origins"),
    tls: tls ? { certificate: within(r.text("certificate")), key: within(r.text("key")) } : null,
  };
}

/**
 * Reads the text of the configuration at `path`; relative paths in it begin at its directory.
 * @throws TacitError PARTY_CONFIG naming the key
 */
export function parsePartyConfig(text: string, path: string): PartyConfig {
  let json: unknown;
  try {
    json = text.length > MOST_CHARACTERS ? undefined : JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (json === undefined)
    throw new TacitError("PARTY_CONFIG", `${path}: expected JSON of at most ${MOST_CHARACTERS} characters, got something else`);
  const r = new Reader(path, "", json, KEYS);
  const within = (x: string): string => (isAbsolute(x) ? x : join(dirname(path), x));
  const file = (key: string): string => within(r.text(key));
  if (r.has("passphraseFile") && r.has("passphraseCommand"))
    r.bad("passphraseCommand", "passphraseFile or passphraseCommand", "both");
  const listen = r.has("listen") ? r.object("listen", ["address", "client"]) : null;
  const web = r.has("web") ? r.object("web", ["address", "origins", "certificate", "key"]) : null;
  const peers = r.object("peers", null);
  const limits = r.object("limits", ["sessions", "memory", "disk"]);
  return {
    session: file("session"),
    key: file("key"),
    passphraseFile: r.has("passphraseFile") ? file("passphraseFile") : null,
    passphraseCommand: r.has("passphraseCommand") ? r.words("passphraseCommand") : null,
    data: file("data"),
    listen: listen === null ? null : { address: listen.address("address"), client: listen.address("client") },
    web: web === null ? null : webOf(web, within),
    peers: new Map(peers.keys().map((name) => [name, peers.address(name)])),
    health: r.has("health") && !r.isNull("health") ? r.endpoint("health") : null,
    wait: 1000 * r.whole("wait", "seconds", 604_800, PARTY_DEFAULTS.wait),
    limits: {
      sessions: limits.whole("sessions", "sessions", 100_000, PARTY_DEFAULTS.sessions),
      memory: 1e6 * limits.whole("memory", "megabytes", 2 ** 20, PARTY_DEFAULTS.memory),
      disk: 1e6 * limits.whole("disk", "megabytes", 2 ** 20, PARTY_DEFAULTS.disk),
    },
    log: r.level("log"),
  };
}
