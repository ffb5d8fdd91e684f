/**
 * @file Sealed files: chunk after chunk under AES-256-GCM, by a key that no other file has, bound to all that the head says. Node only.
 *
 * 1. The party's secret for a session: HKDF-SHA256 of X25519(a, aG), its own sealing key with its own public key, which
 *    who does not have `a` cannot compute (from aG to a²G is as hard as Diffie-Hellman); salted with the session's root. Private
 *    keys stay WebCrypto handles: the same works for keys that cannot be exported.
 * 2. A file's key: HKDF-SHA256 of that secret, salted with 32 fresh random bytes, bound to the SHA-256 of its head.
 * 3. Chunk i of n: nonce = 7 zero bytes, 1 for the last chunk else 0, i in four bytes; associated data = SHA-256 of the head. Chunks
 *    can be neither exchanged nor left out at the end (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
 *    A key seals each nonce once: a file is written once, from its beginning.
 * 4. A file is written under a name that ends in .part, synced, renamed, and its directory synced: under its own name it is whole.
 */
import { createCipheriv, createDecipheriv, createHash, type Hash, hkdfSync } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { sha256 } from "@noble/hashes/sha2.js";
import { sameBytes, utf8 } from "../../identity/encoding.ts";
import type { Identity } from "../../identity/identity.ts";
import { CHUNK, chunksOf, type Head, headBytes, headLength, invalid, PREFIX, readHead, sealedSize, TAG } from "./format.ts";

/** Step 1. 32 bytes; secret. */
export async function storageSecret(identity: Identity, root: Uint8Array): Promise<Uint8Array> {
  const shared = await identity.agree(identity.public);
  const secret = new Uint8Array(hkdfSync("sha256", shared, root, utf8("tacit/storage/1\0"), 32));
  shared.fill(0);
  return secret;
}

interface FileKey {
  readonly key: Uint8Array;
  readonly associated: Uint8Array;
}

/** Step 2. */
function fileKey(secret: Uint8Array, head: Head, bytes: Uint8Array): FileKey {
  const associated = sha256(bytes);
  const info = new Uint8Array([...utf8("tacit/checkpoint/1\0"), ...associated]);
  return { key: new Uint8Array(hkdfSync("sha256", secret, head.salt, info, 32)), associated };
}

/** Step 3. */
function nonce(index: number, chunks: number): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes[7] = index === chunks - 1 ? 1 : 0;
  new DataView(bytes.buffer).setUint32(8, index);
  return bytes;
}

/** Writes one file: `head.plain` bytes, then `finish`. */
export class SealedWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #head: Head;
  readonly #keys: FileKey;
  readonly #hash: Hash = createHash("sha256");
  readonly #chunk = new Uint8Array(CHUNK);
  #filled = 0;
  #index = 0;
  #left: number;

  private constructor(path: string, file: FileHandle, head: Head, keys: FileKey) {
    this.#path = path;
    this.#file = file;
    this.#head = head;
    this.#keys = keys;
    this.#left = head.plain;
  }

  static async create(path: string, head: Head, secret: Uint8Array): Promise<SealedWriter> {
    const bytes = headBytes(head);
    const file = await open(`${path}.part`, "w", 0o600);
    const made = new SealedWriter(path, file, head, fileKey(secret, head, bytes));
    await made.#put(bytes);
    return made;
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.#left) throw invalid(`${this.#left} more bytes`, `${bytes.length}`);
    this.#left -= bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const n = Math.min(CHUNK - this.#filled, bytes.length - at);
      this.#chunk.set(bytes.subarray(at, at + n), this.#filled);
      this.#filled += n;
      at += n;
      if (this.#filled === CHUNK && !(this.#left === 0 && at === bytes.length)) await this.#seal();
    }
  }

  async #seal(): Promise<void> {
    const { key, associated } = this.#keys;
    const cipher = createCipheriv("aes-256-gcm", key, nonce(this.#index++, chunksOf(this.#head.plain)));
    cipher.setAAD(associated);
    const sealed = [cipher.update(this.#chunk.subarray(0, this.#filled)), cipher.final(), cipher.getAuthTag()];
    this.#filled = 0;
    await this.#put(Buffer.concat(sealed));
  }

  /** Step 4, but for the directory. Resolves with the SHA-256 of the file. */
  async finish(): Promise<Uint8Array> {
    if (this.#left > 0) throw invalid(`${this.#head.plain} bytes`, `${this.#head.plain - this.#left}`);
    await this.#seal();
    await this.#file.sync();
    await this.#close();
    await rename(`${this.#path}.part`, this.#path);
    return new Uint8Array(this.#hash.digest());
  }

  /** Ends without a file. */
  async drop(): Promise<void> {
    await this.#close().catch(() => undefined);
    await rm(`${this.#path}.part`, { force: true });
  }

  async #close(): Promise<void> {
    this.#chunk.fill(0);
    this.#keys.key.fill(0);
    await this.#file.close();
  }
}

/** The head of a file, without opening anything. @throws TacitError CHECKPOINT_INVALID */
async function headOf(file: FileHandle): Promise<{ readonly head: Head; readonly bytes: Uint8Array }> {
  const prefix = await exactly(file, 0, PREFIX);
  const bytes = await exactly(file, 0, PREFIX + headLength(prefix));
  return { head: readHead(bytes.subarray(PREFIX)), bytes };
}

async function exactly(file: FileHandle, from: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, from + at);
    if (bytesRead === 0) throw invalid(`${from + length} bytes at least`, `${from + at}`);
    at += bytesRead;
  }
  return bytes;
}

export async function peekHead(path: string): Promise<Head> {
  const file = await open(path, "r");
  try {
    return (await headOf(file)).head;
  } finally {
    await file.close();
  }
}

/** Opens one file and reads it in order; what it gives was authenticated. */
export class SealedReader {
  readonly head: Head;
  readonly #file: FileHandle;
  readonly #keys: FileKey;
  readonly #hash: Hash = createHash("sha256");
  #at: number;
  #index = 0;
  #open: Uint8Array = new Uint8Array(0);
  #used = 0;
  #left: number;

  private constructor(file: FileHandle, head: Head, bytes: Uint8Array, keys: FileKey) {
    this.head = head;
    this.#file = file;
    this.#keys = keys;
    this.#at = bytes.length;
    this.#left = head.plain;
    this.#hash.update(bytes);
  }

  /**
   * `expected`: what the head must say. The length follows from the head and is compared before anything is read.
   * @throws TacitError CHECKPOINT_INVALID naming what differs
   */
  static async open(path: string, secret: Uint8Array, expected: Partial<Head>): Promise<SealedReader> {
    const file = await open(path, "r").catch(() => undefined);
    if (file === undefined) throw invalid("its file", "none that can be read");
    try {
      const { head, bytes } = await headOf(file);
      for (const [name, want] of Object.entries(expected)) {
        const got = head[name as keyof Head];
        const same = want instanceof Uint8Array && got instanceof Uint8Array ? sameBytes(want, got) : want === got;
        if (!same) throw invalid(`a file of this ${WORDS[name] ?? name}`, "one of another");
      }
      const { size } = await file.stat();
      const whole = bytes.length + sealedSize(head.plain);
      if (size !== whole) throw invalid(`a file of ${whole} bytes`, `${size}`);
      return new SealedReader(file, head, bytes, fileKey(secret, head, bytes));
    } catch (e) {
      await file.close();
      throw e;
    }
  }

  /** The next `length` bytes. */
  async read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (length > this.#left) throw invalid(`${length} more bytes`, `${this.#left}`);
    this.#left -= length;
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      if (this.#used === this.#open.length) await this.#next();
      const n = Math.min(length - at, this.#open.length - this.#used);
      bytes.set(this.#open.subarray(this.#used, this.#used + n), at);
      this.#used += n;
      at += n;
    }
    return bytes;
  }

  async #next(): Promise<void> {
    const chunks = chunksOf(this.head.plain);
    const length = Math.min(CHUNK, this.head.plain - this.#index * CHUNK);
    const sealed = await exactly(this.#file, this.#at, length + TAG);
    this.#hash.update(sealed);
    this.#at += sealed.length;
    this.#open.fill(0);
    const { key, associated } = this.#keys;
    const cipher = createDecipheriv("aes-256-gcm", key, nonce(this.#index++, chunks), { authTagLength: TAG });
    cipher.setAAD(associated).setAuthTag(sealed.subarray(length));
    try {
      const plain = cipher.update(sealed.subarray(0, length));
      cipher.final();
      this.#open = plain;
      this.#used = 0;
    } catch {
      throw invalid("what this party sealed", `something else in chunk ${this.#index} of ${chunks}`);
    }
  }

  /** Ends: everything must have been read. Resolves with the SHA-256 of the file. */
  async finish(): Promise<Uint8Array> {
    if (this.#left > 0) throw invalid("a file that ends with its last value", `${this.#left} bytes more`);
    if (this.head.plain === 0) await this.#next();
    await this.close();
    return new Uint8Array(this.#hash.digest());
  }

  async close(): Promise<void> {
    this.#open.fill(0);
    this.#keys.key.fill(0);
    await this.#file.close().catch(() => undefined);
  }
}

const WORDS: Readonly<Record<string, string>> = { checkpoint: "number", name: "party", root: "session", part: "input" };
