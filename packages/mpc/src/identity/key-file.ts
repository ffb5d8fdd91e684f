/** @file Key files: an identity's private keys, readable by their owner alone (mode 0600), sealed under a passphrase or not. Node only. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { toHex } from "./encoding.ts";
import { type Identity, isRecord } from "./identity.ts";
import { MOST_KEY_FILE_BYTES, openKeyText, type Passphrase } from "./key-text.ts";
import { sealKeys } from "./sealed-keys.ts";

export interface KeyFileOptions {
  /** Seals the keys. Default: they stand in the file as they are. */
  readonly passphrase?: string;
  /** Replaces a file that is there. Default: false. */
  readonly force?: boolean;
}

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

/** At most MOST_KEY_FILE_BYTES of a file that its owner alone can read: looked at and read through one handle. */
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
  if (info.size > MOST_KEY_FILE_BYTES) {
    throw new TacitError("KEY_FILE", `readKeyFile: expected at most ${MOST_KEY_FILE_BYTES} bytes, got ${info.size} at ${path}`);
  }
  return file.readFile("utf8");
}

/** @throws TacitError KEY_FILE when the file is missing, readable by others, or not a key file; KEY_PASSPHRASE, IDENTITY_INVALID */
export async function readKeyFile(path: string, passphrase?: Passphrase): Promise<Identity> {
  return openKeyText(await readPrivate(path), path, passphrase);
}
