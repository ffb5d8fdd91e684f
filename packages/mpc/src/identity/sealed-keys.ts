/** @file An identity's private keys under a passphrase: scrypt, and AES-256-GCM by WebCrypto. */
import { TacitError } from "@tacit/core/errors";
import { toCbor } from "../session/cbor.ts";
import { fromHex, toHex, utf8 } from "./encoding.ts";
import { checkName, type Identity, isRecord, node } from "./identity.ts";

/**
 * scrypt (RFC 7914) with N = 2^17, r = 8, p = 1: 128 MiB and about 0.3 s for each guess, what OWASP's password storage cheat sheet
 * asks for at least. Version 1 has these and no others: a file that asks for more memory is refused before any is taken.
 */
export const SCRYPT: { readonly n: number; readonly r: number; readonly p: number } = { n: 2 ** 17, r: 8, p: 1 };
/** Shorter ones are found by trying: 8 random letters are 2^37 guesses, of 0.3 s and 128 MiB each. */
const LEAST_CHARACTERS = 8;
export const MOST_PASSPHRASE_BYTES = 1024;
/** Two PKCS #8 keys of 48 bytes in hexadecimal, their public halves and a name need 560. */
const MOST_SEALED_BYTES = 4096;
const CODE = "KEY_FILE";

/** The JSON of a sealed key file; all bytes in hexadecimal. The public half stands outside, and is authenticated. */
export interface SealedKeys {
  readonly tacit: "sealed-identity";
  readonly version: 1;
  readonly name: string;
  readonly sign: string;
  readonly seal: string;
  readonly kdf: { readonly name: "scrypt"; readonly n: number; readonly r: number; readonly p: number; readonly salt: string };
  readonly cipher: "aes-256-gcm";
  readonly nonce: string;
  readonly sealed: string;
}

/** Kind, version, name, public keys and how the key is derived: none can be exchanged. */
const associated = (k: Omit<SealedKeys, "sealed" | "nonce">): Uint8Array =>
  toCbor([k.tacit, k.version, k.name, k.sign, k.seal, k.kdf.name, k.kdf.n, k.kdf.r, k.kdf.p, k.kdf.salt, k.cipher]);

/** Node's scrypt, on a thread of its own; browsers have none, and take a library's (1 s), which a page that needs no passphrase never loads. */
async function derive(passphrase: Uint8Array, salt: Uint8Array): Promise<Uint8Array> {
  const options = { N: SCRYPT.n, r: SCRYPT.r, p: SCRYPT.p };
  const platform = node;
  if (platform === undefined) {
    const { scryptAsync } = await import("@noble/hashes/scrypt.js");
    return scryptAsync(passphrase, salt, { ...options, dkLen: 32 });
  }
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, key: Uint8Array): void => (error === null ? resolve(key) : reject(error));
    platform.scrypt(passphrase, salt, 32, { ...options, maxmem: 2 * 128 * SCRYPT.n * SCRYPT.r }, done);
  });
}

/** The cipher of a derived key, which is zeroised. */
async function cipherOf(key: Uint8Array, use: "encrypt" | "decrypt"): Promise<CryptoKey> {
  const imported = crypto.subtle.importKey("raw", new Uint8Array(key), "AES-GCM", false, [use]);
  key.fill(0);
  return imported;
}

const gcm = (nonce: Uint8Array, additionalData: Uint8Array): AesGcmParams => ({
  name: "AES-GCM",
  iv: new Uint8Array(nonce),
  additionalData: new Uint8Array(additionalData),
  tagLength: 128,
});

/** A passphrase as bytes: UTF-8 in NFKC, so that two keyboards give the same. @throws TacitError KEY_PASSPHRASE */
export function passphraseBytes(text: string): Uint8Array {
  const bytes = utf8(text.normalize("NFKC"));
  if (bytes.length > 0 && bytes.length <= MOST_PASSPHRASE_BYTES) return bytes;
  throw new TacitError("KEY_PASSPHRASE", `passphrase: expected 1 to ${MOST_PASSPHRASE_BYTES} bytes, got ${bytes.length}`);
}

/** @throws TacitError KEY_PASSPHRASE for one that is short */
export async function sealKeys(identity: Identity, passphrase: string): Promise<SealedKeys> {
  const secret = passphraseBytes(passphrase);
  if ([...passphrase].length < LEAST_CHARACTERS) {
    const got = [...passphrase].length;
    throw new TacitError("KEY_PASSPHRASE", `passphrase: expected at least ${LEAST_CHARACTERS} characters, got ${got}`, {
      hint: "six words taken at random from a list are easy to keep and hard to find",
    });
  }
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const head = {
    tacit: "sealed-identity",
    version: 1,
    name: identity.name,
    sign: toHex(identity.public.sign),
    seal: toHex(identity.public.seal),
    kdf: { name: "scrypt", ...SCRYPT, salt: toHex(salt) },
    cipher: "aes-256-gcm",
  } as const;
  const key = await cipherOf(await derive(secret, salt), "encrypt");
  const plain = utf8(JSON.stringify(await identity.exportPrivate()));
  const sealed = await crypto.subtle.encrypt(gcm(nonce, associated(head)), key, plain);
  for (const b of [plain, secret]) b.fill(0);
  return { ...head, nonce: toHex(nonce), sealed: toHex(new Uint8Array(sealed)) };
}

/** Opens a sealed key file. @throws TacitError KEY_PASSPHRASE where the passphrase is another, or the file was changed */
export async function openKeys(keys: SealedKeys, passphrase: string): Promise<unknown> {
  const secret = passphraseBytes(passphrase);
  const key = await cipherOf(await derive(secret, fromHex("key file", keys.kdf.salt)), "decrypt");
  const how = gcm(fromHex("key file", keys.nonce), associated(keys));
  try {
    const plain = new Uint8Array(await crypto.subtle.decrypt(how, key, fromHex("key file", keys.sealed)));
    const read: unknown = JSON.parse(new TextDecoder().decode(plain));
    plain.fill(0);
    return read;
  } catch {
    throw new TacitError("KEY_PASSPHRASE", `key file of ${keys.name}: expected its passphrase, got another`, {
      hint: "or the file was changed since tacit keygen wrote it: the two cannot be told apart",
    });
  } finally {
    secret.fill(0);
  }
}

/** Fields of `json` that are all of `names` and no other. */
export function exactly(json: unknown, names: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  if (!isRecord(json)) return undefined;
  const has = Object.keys(json);
  return has.length === names.length && names.every((n) => Object.hasOwn(json, n)) ? json : undefined;
}

/** Reads the JSON of a sealed key file. @throws TacitError KEY_FILE, before anything is derived from it */
export function readSealed(json: unknown): SealedKeys {
  const bad = (what: string): never => {
    throw new TacitError(CODE, `key file: expected a sealed identity of version 1, got another ${what}`);
  };
  const fields = ["tacit", "version", "name", "sign", "seal", "kdf", "cipher", "nonce", "sealed"];
  const f = exactly(json, fields) ?? bad("set of fields");
  const kdf = exactly(f.kdf, ["name", "n", "r", "p", "salt"]) ?? bad("set of fields in kdf");
  if (f.tacit !== "sealed-identity" || f.version !== 1) bad("kind or version");
  const stated = kdf.name === "scrypt" && kdf.n === SCRYPT.n && kdf.r === SCRYPT.r && kdf.p === SCRYPT.p;
  if (!stated || f.cipher !== "aes-256-gcm") bad("kdf or cipher");
  const hex = (x: unknown, what: string, length?: number): string => {
    try {
      return toHex(fromHex("key file", x, length));
    } catch {
      return bad(what);
    }
  };
  const sealed = hex(f.sealed, "sealed part");
  if (sealed.length <= 32 || sealed.length > 2 * MOST_SEALED_BYTES) bad("length of the sealed part");
  return {
    tacit: "sealed-identity",
    version: 1,
    name: checkName("key file", f.name),
    sign: hex(f.sign, "signing key", 32),
    seal: hex(f.seal, "sealing key", 32),
    kdf: { name: "scrypt", ...SCRYPT, salt: hex(kdf.salt, "salt", 16) },
    cipher: "aes-256-gcm",
    nonce: hex(f.nonce, "nonce", 12),
    sealed,
  };
}
