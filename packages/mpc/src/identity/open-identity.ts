/** @file Opening the keys of whoever runs a program: an identity, or a key file and where its passphrase comes from. Node only. */
import { readFile } from "node:fs/promises";
import { TacitError } from "@tacit/core/errors";
import type { Identity } from "./identity.ts";
import { readKeyFile } from "./key-file.ts";
import type { Passphrase } from "./key-text.ts";
import { MOST_PASSPHRASE_BYTES } from "./sealed-keys.ts";

/** @throws TacitError KEY_PASSPHRASE */
async function fromEnvironment(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text !== "" && text.length <= MOST_PASSPHRASE_BYTES) return text.replace(/\r?\n$/, "");
  throw new TacitError(
    "KEY_PASSPHRASE",
    `connect: expected a passphrase in TACIT_PASSPHRASE_FILE, got ${text.length} characters`,
  );
}

/**
 * `from`: an identity, or the path of a key file; default: the environment's TACIT_KEY. A sealed file is opened by `passphrase`, or
 * by the line in the file that the environment's TACIT_PASSPHRASE_FILE names.
 * @throws TacitError KEY_FILE, KEY_PASSPHRASE
 */
export async function openIdentity(
  from: Identity | string | undefined = process.env.TACIT_KEY,
  passphrase?: Passphrase,
): Promise<Identity> {
  if (from === undefined) {
    throw new TacitError("KEY_FILE", "connect: expected a key file, got none", {
      hint: "pass { identity: path }, or set TACIT_KEY to the path of the key file",
    });
  }
  if (typeof from !== "string") return from;
  const { TACIT_PASSPHRASE_FILE: file } = process.env;
  return readKeyFile(from, passphrase ?? (file === undefined ? undefined : () => fromEnvironment(file)));
}
