/** @file Key files: an identity's private keys, readable by their owner alone (mode 0600), sealed under a passphrase or not. Node only. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { toHex } from "./encoding.ts";
import { Identity, isRecord } from "./identity.ts";
import { exactly, openKeys, readSealed, type SealedKeys, sealKeys } from "./sealed-keys.ts";

/** A sealed file has 1400 bytes, an open one 700. */
const MOST_BYTES = 16_384;

export interface KeyFileOptions {
  /** Seals the keys. Default: they stand in the file as they are. */
  readonly passphrase?: string;
  /** Replaces a file that is there. Default: false. */
  readonly force?: boolean;
}

/** Where a passphrase comes from, asked only if the file wants one. */
export type Passphrase = string | (() => Promise<string>);

/**
 * Writes a key file of mode 0600, whole or not at all, and over an existing one only with `force`.
 * @throws TacitError KEY_FILE, KEY_PASSPHRASE
 */
export async function writeKeyFile(path: string, identity: Identity, options: KeyFileOptions = {}): Promise<void> {
  const { passphrase, force = false } = options;
  const keys = passphrase === undefined ? await identity.exportPrivate() : await sealKeys(identity, passphrase);
  const part = join(dirname(path), `.${basename(path)}.${toHex(randomBytes(6))}`);
  try {
    await writeNew(part, `${JSON.stringify(keys, null, 2)}\n`);
    // link, unlike rename, never replaces: of two writers one is refused.
    await (force ? rename(part, path) : link(part, path));
    await syncDirectory(dirname(path));
  } catch (cause) {
    const there = isRecord(cause) && cause.code === "EEXIST";
    throw new TacitError("KEY_FILE", `writeKeyFile: expected a path where a new file can be made, got ${path}`, {
      hint: there ? "a file is there, and a lost key cannot be made again: choose another path" : "choose another path",
      cause,
    });
  } finally {
    await unlink(part).catch(() => undefined);
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const at = await open(path, "r");
  await at.sync().finally(() => at.close());
}

/** At most MOST_BYTES of a file that its owner alone can read: looked at and read through one handle. */
async function readPrivate(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => undefined);
  if (file === undefined) {
    throw new TacitError("KEY_FILE", `readKeyFile: expected a key file at ${path}, got none that can be read`, {
      hint: "make one with tacit keygen",
    });
  }
  try {
    return await readHandle(file, path);
  } finally {
    await file.close();
  }
}

async function readHandle(file: FileHandle, path: string): Promise<string> {
  const info = await file.stat();
  if (!info.isFile()) throw new TacitError("KEY_FILE", `readKeyFile: expected a file, got something else at ${path}`);
  if (process.platform !== "win32" && (info.mode & 0o077) !== 0) {
    throw new TacitError("KEY_FILE", `readKeyFile: expected mode 0600, got 0${(info.mode & 0o777).toString(8)} at ${path}`, {
      hint: `chmod 600 ${path}; if others could read it, make new keys`,
    });
  }
  if (info.size > MOST_BYTES) {
    throw new TacitError("KEY_FILE", `readKeyFile: expected at most ${MOST_BYTES} bytes, got ${info.size} at ${path}`);
  }
  return file.readFile("utf8");
}

/**
 * What a key file's text holds: the JSON of an open identity, or a checked sealed one.
 * @throws TacitError KEY_FILE, IDENTITY_INVALID
 */
export function parseKeyFile(text: string): { readonly open: unknown } | { readonly sealed: SealedKeys } {
  let json: unknown;
  try {
    json = text.length > MOST_BYTES ? undefined : JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (isRecord(json) && json.tacit === "sealed-identity") return { sealed: readSealed(json) };
  if (exactly(json, ["tacit", "version", "name", "sign", "seal"])?.tacit === "identity") return { open: json };
  throw new TacitError("KEY_FILE", "readKeyFile: expected the JSON of a key file, got something else");
}

/** @throws TacitError KEY_FILE when the file is missing, readable by others, or not a key file; KEY_PASSPHRASE, IDENTITY_INVALID */
export async function readKeyFile(path: string, passphrase?: Passphrase): Promise<Identity> {
  const parsed = parseKeyFile(await readPrivate(path));
  if ("open" in parsed) return Identity.fromPrivate(parsed.open);
  if (passphrase === undefined) {
    throw new TacitError("KEY_PASSPHRASE", `readKeyFile: expected a passphrase for the sealed key file ${path}, got none`, {
      hint: "name the file that holds it, or start on a terminal, which asks",
    });
  }
  const identity = await Identity.fromPrivate(
    await openKeys(parsed.sealed, typeof passphrase === "string" ? passphrase : await passphrase()),
  );
  const { name, sign, seal } = parsed.sealed;
  const { public: own } = identity;
  if (name === own.name && sign === toHex(own.sign) && seal === toHex(own.seal)) return identity;
  throw new TacitError("KEY_FILE", `readKeyFile: expected the keys that ${path} names, got others`);
}
