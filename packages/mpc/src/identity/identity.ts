/** @file Identity: who a party or a person is. An Ed25519 key to sign with and an X25519 key to seal to, by WebCrypto. */

import { sha256 } from "@noble/hashes/sha2.js";
import { TacitError } from "@tacit/core/errors";
import { concatBytes, fromHex, sameBytes, toHex, utf8 } from "./encoding.ts";
import { type Opener, openerFor } from "./seal.ts";

/** The public half: a name and two public keys of 32 bytes each. */
export interface PublicIdentity {
  readonly name: string;
  /** Ed25519 public key. */
  readonly sign: Uint8Array;
  /** X25519 public key. */
  readonly seal: Uint8Array;
}

/** What a signature is for. A signature made for one purpose never verifies for another. */
export type Purpose = "grant" | "envelope" | "letter";

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** @throws TacitError IDENTITY_INVALID unless `name` is 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit. */
export function checkName(where: string, name: unknown): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw new TacitError(
    "IDENTITY_INVALID",
    `${where}: expected a name of 1 to 63 characters a-z, 0-9, '.', '_', '-', got something else`,
  );
}

/** `SHA256:` and 32 hexadecimal digits of the hash of both public keys: short enough to be read out on the telephone. */
export function fingerprint(who: PublicIdentity): string {
  return `SHA256:${toHex(sha256(concatBytes(who.sign, who.seal)).subarray(0, 16))}`;
}

const framed = (purpose: Purpose, bytes: Uint8Array): Uint8Array<ArrayBuffer> => concatBytes(utf8(`tacit/${purpose}/1\0`), bytes);
const owned = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

/**
 * Node's synchronous signatures, undefined in browsers: a WebCrypto job waits for a thread, which costs four times as much
 * as the signature itself where parties share two cores (0.42 against 0.09 ms).
 */
export const node: typeof import("node:crypto") | undefined =
  typeof process === "undefined" ? undefined : process.getBuiltinModule?.("node:crypto");

/** Imported verification keys, by their hexadecimal form: importing costs as much as verifying. */
const verifiers = new Map<string, Promise<CryptoKey>>();
function verifier(key: Uint8Array): Promise<CryptoKey> {
  const id = toHex(key);
  let imported = verifiers.get(id);
  if (imported === undefined) {
    if (verifiers.size >= 1024) verifiers.clear();
    imported = crypto.subtle.importKey("raw", owned(key), "Ed25519", true, ["verify"]);
    verifiers.set(id, imported);
  }
  return imported;
}

/** Whether `signature` is `who`'s over `bytes` for `purpose`. Never throws on malformed keys or signatures. */
export async function verify(who: PublicIdentity, purpose: Purpose, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (signature.length !== 64 || who.sign.length !== 32) return false;
  try {
    const key = await verifier(who.sign);
    if (node !== undefined) return node.verify(null, framed(purpose, bytes), node.KeyObject.from(key), signature);
    return await crypto.subtle.verify("Ed25519", key, owned(signature), framed(purpose, bytes));
  } catch {
    return false;
  }
}

interface Keys {
  readonly sign: CryptoKeyPair;
  readonly seal: CryptoKeyPair;
}

/** The private half. Keys are WebCrypto handles in private fields: no `toString`, `inspect` or JSON shows them. */
export class Identity {
  readonly public: PublicIdentity;
  readonly #keys: Keys;

  private constructor(who: PublicIdentity, keys: Keys) {
    this.public = who;
    this.#keys = keys;
  }

  /** New keys from the platform's CSPRNG. Keys that are not `extractable` can be used and kept, but never read: not even by this program. */
  static async generate(name: string, { extractable = true }: { readonly extractable?: boolean } = {}): Promise<Identity> {
    checkName("Identity.generate", name);
    const sign = await crypto.subtle.generateKey("Ed25519", extractable, ["sign", "verify"]);
    const seal = await crypto.subtle.generateKey("X25519", extractable, ["deriveBits"]);
    if (!isPair(sign) || !isPair(seal))
      throw new TacitError("IDENTITY_INVALID", "Identity.generate: expected key pairs, got single keys");
    return Identity.#of(name, { sign, seal });
  }

  static async #of(name: string, keys: Keys): Promise<Identity> {
    const raw = async (key: CryptoKey): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.exportKey("raw", key));
    return new Identity({ name, sign: await raw(keys.sign.publicKey), seal: await raw(keys.seal.publicKey) }, keys);
  }

  get name(): string {
    return this.public.name;
  }

  /** Ed25519 signature of 64 bytes. */
  async sign(purpose: Purpose, bytes: Uint8Array): Promise<Uint8Array> {
    const key = this.#keys.sign.privateKey;
    if (node !== undefined && key.extractable)
      return new Uint8Array(node.sign(null, framed(purpose, bytes), node.KeyObject.from(key)));
    return new Uint8Array(await crypto.subtle.sign("Ed25519", key, framed(purpose, bytes)));
  }

  /** Opens what was sealed to this identity, in the order in which it was sealed (HPKE, RFC 9180). */
  opener(encapsulated: Uint8Array, info: Uint8Array): Promise<Opener> {
    return openerFor(this.#keys.seal, encapsulated, info);
  }

  /** The X25519 secret shared with `other`: 32 bytes. Key material: derive from it, never send it. */
  async agree(other: PublicIdentity): Promise<Uint8Array> {
    return agree(this.#keys.seal.privateKey, other.seal);
  }

  /** PKCS #8 of the signing key, for the platform's TLS. Secret. */
  async exportSigningKey(): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.exportKey("pkcs8", this.#keys.sign.privateKey));
  }

  /** The signing pair as WebCrypto handles, for the certificate of a TLS server. */
  get signingPair(): CryptoKeyPair {
    return this.#keys.sign;
  }

  /** What a key file holds. Secret: write it only to a file of mode 0600, or to a child's private channel. */
  async exportPrivate(): Promise<PrivateKeys> {
    const pkcs8 = async (key: CryptoKey): Promise<string> => toHex(new Uint8Array(await crypto.subtle.exportKey("pkcs8", key)));
    return {
      tacit: "identity",
      version: 1,
      name: this.name,
      sign: { public: toHex(this.public.sign), private: await pkcs8(this.#keys.sign.privateKey) },
      seal: { public: toHex(this.public.seal), private: await pkcs8(this.#keys.seal.privateKey) },
    };
  }

  /** The keys as WebCrypto handles, which a browser keeps (IndexedDB) without their ever being bytes. */
  get handles(): KeyHandles {
    return { tacit: "identity", version: 1, name: this.name, ...this.#keys };
  }

  /** @throws TacitError IDENTITY_INVALID unless these are two matching pairs of this library */
  static async fromHandles(kept: unknown): Promise<Identity> {
    try {
      if (isHandles(kept)) {
        await checkPair(kept.sign, kept.seal);
        return await Identity.#of(checkName("Identity.fromHandles", kept.name), { sign: kept.sign, seal: kept.seal });
      }
    } catch {}
    throw new TacitError("IDENTITY_INVALID", "Identity.fromHandles: expected two matching key pairs, got something else");
  }

  /** Without `extractable` the keys cannot be read any more. @throws TacitError IDENTITY_INVALID; the message never holds key material. */
  static async fromPrivate(keys: unknown, { extractable = true }: { readonly extractable?: boolean } = {}): Promise<Identity> {
    const read = checkPrivate(keys);
    try {
      const sign = await importPair(read.sign, "Ed25519", extractable, ["sign"], ["verify"]);
      const seal = await importPair(read.seal, "X25519", extractable, ["deriveBits"], []);
      await checkPair(sign, seal);
      return await Identity.#of(read.name, { sign, seal });
    } catch {
      throw new TacitError(
        "IDENTITY_INVALID",
        "Identity.fromPrivate: expected two matching key pairs, got keys that do not import",
      );
    }
  }
}

/** The JSON of a key file. PKCS #8 private keys, hexadecimal. */
export interface PrivateKeys {
  readonly tacit: "identity";
  readonly version: 1;
  readonly name: string;
  readonly sign: { readonly public: string; readonly private: string };
  readonly seal: { readonly public: string; readonly private: string };
}

/** An identity's keys as WebCrypto handles. */
export interface KeyHandles {
  readonly tacit: "identity";
  readonly version: 1;
  readonly name: string;
  readonly sign: CryptoKeyPair;
  readonly seal: CryptoKeyPair;
}

const isKey = (x: unknown): x is CryptoKey => x instanceof CryptoKey;
const isPairOf = (x: unknown): x is CryptoKeyPair => isRecord(x) && isKey(x.privateKey) && isKey(x.publicKey);
const isHandles = (x: unknown): x is KeyHandles =>
  isRecord(x) && x.tacit === "identity" && x.version === 1 && isPairOf(x.sign) && isPairOf(x.seal);

/** X25519 between a private key and 32 public bytes. */
export async function agree(privateKey: CryptoKey, publicKey: Uint8Array): Promise<Uint8Array> {
  const other = await crypto.subtle.importKey("raw", owned(publicKey), "X25519", true, []);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: other }, privateKey, 256));
}

const isPair = (key: CryptoKey | CryptoKeyPair): key is CryptoKeyPair => "privateKey" in key;

async function importPair(
  text: PrivateKeys["sign"],
  algorithm: string,
  extractable: boolean,
  use: KeyUsage[],
  publicUse: KeyUsage[],
): Promise<CryptoKeyPair> {
  const privateKey = await crypto.subtle.importKey("pkcs8", fromHex("identity", text.private), algorithm, extractable, use);
  const publicKey = await crypto.subtle.importKey("raw", fromHex("identity", text.public, 32), algorithm, true, publicUse);
  return { privateKey, publicKey };
}

/** Refuses a file whose public keys are not those of its private keys. */
async function checkPair(sign: CryptoKeyPair, seal: CryptoKeyPair): Promise<void> {
  const probe = utf8("tacit/probe");
  const signature = await crypto.subtle.sign("Ed25519", sign.privateKey, probe);
  if (!(await crypto.subtle.verify("Ed25519", sign.publicKey, signature, probe))) throw new Error("signing keys differ");
  const other = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  if (!isPair(other)) throw new Error("no pair");
  const raw = async (key: CryptoKey): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.exportKey("raw", key));
  const here = await agree(seal.privateKey, await raw(other.publicKey));
  const there = await agree(other.privateKey, await raw(seal.publicKey));
  if (!sameBytes(here, there)) throw new Error("sealing keys differ");
}

function checkPrivate(keys: unknown): PrivateKeys {
  const bad = (): never => {
    throw new TacitError("IDENTITY_INVALID", "Identity.fromPrivate: expected the JSON of a key file, got something else");
  };
  if (!isRecord(keys) || keys.tacit !== "identity" || keys.version !== 1) return bad();
  const name = checkName("Identity.fromPrivate", keys.name);
  const pair = (x: unknown): PrivateKeys["sign"] => {
    if (!isRecord(x) || typeof x.public !== "string" || typeof x.private !== "string") return bad();
    return { public: x.public, private: x.private };
  };
  return { tacit: "identity", version: 1, name, sign: pair(keys.sign), seal: pair(keys.seal) };
}

/** Whether `x` is a plain object of unknown fields. */
export const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === "object" && x !== null && !Array.isArray(x);
