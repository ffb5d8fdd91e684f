/** @file Key files: the JSON of an identity's private keys, readable by its owner alone (mode 0600). Node only. */
import { open, readFile, stat } from "node:fs/promises";
import { TacitError } from "@tacit/core/errors";
import { Identity } from "./identity.ts";

/** Writes a new file of mode 0600, never over an existing one. @throws TacitError KEY_FILE */
export async function writeKeyFile(path: string, identity: Identity): Promise<void> {
  const file = await open(path, "wx", 0o600).catch(() => {
    throw new TacitError("KEY_FILE", `writeKeyFile: expected a path where a new file can be made, got ${path}`, {
      hint: "choose another path; an existing key file is never overwritten",
    });
  });
  try {
    await file.writeFile(`${JSON.stringify(await identity.exportPrivate(), null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** @throws TacitError KEY_FILE when the file is missing, readable by others, or not a key file. */
export async function readKeyFile(path: string): Promise<Identity> {
  const info = await stat(path).catch(() => {
    throw new TacitError("KEY_FILE", `readKeyFile: expected a key file at ${path}, got none`, {
      hint: "make one with tacit keygen",
    });
  });
  if (process.platform !== "win32" && (info.mode & 0o077) !== 0) {
    throw new TacitError("KEY_FILE", `readKeyFile: expected mode 0600, got 0${(info.mode & 0o777).toString(8)} at ${path}`, {
      hint: `chmod 600 ${path}`,
    });
  }
  if (info.size > 16_384)
    throw new TacitError("KEY_FILE", `readKeyFile: expected at most 16384 bytes, got ${info.size} at ${path}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, "utf8"));
  } catch {
    throw new TacitError("KEY_FILE", `readKeyFile: expected JSON, got something else at ${path}`);
  }
  return Identity.fromPrivate(parsed);
}
