/** @file The text of a key file, and the identity in it. What reads the file stands in key-file.ts (Node). */
import { TacitError } from "@tacit/core/errors";
import { toHex } from "./encoding.ts";
import { Identity, isRecord } from "./identity.ts";
import { exactly, openKeys, readSealed, type SealedKeys } from "./sealed-keys.ts";

/** A sealed file has 1400 bytes, an open one 700. */
export const MOST_KEY_FILE_BYTES = 16_384;

/** Where a passphrase comes from, asked only if the file wants one. */
export type Passphrase = string | (() => Promise<string>);

/**
 * What a key file's text holds: the JSON of an open identity, or a checked sealed one.
 * @throws TacitError KEY_FILE, IDENTITY_INVALID
 */
export function parseKeyFile(text: string): { readonly open: unknown } | { readonly sealed: SealedKeys } {
  let json: unknown;
  try {
    json = text.length > MOST_KEY_FILE_BYTES ? undefined : JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (isRecord(json) && json.tacit === "sealed-identity") return { sealed: readSealed(json) };
  if (exactly(json, ["tacit", "version", "name", "sign", "seal"])?.tacit === "identity") return { open: json };
  throw new TacitError("KEY_FILE", "readKeyFile: expected the JSON of a key file, got something else");
}

/**
 * The identity in a key file's text; `where` names the file in messages.
 * @throws TacitError KEY_FILE when it is not a key file; KEY_PASSPHRASE, IDENTITY_INVALID
 */
export async function openKeyText(
  text: string,
  where: string,
  passphrase?: Passphrase,
  { extractable = true }: { readonly extractable?: boolean } = {},
): Promise<Identity> {
  const parsed = parseKeyFile(text);
  if ("open" in parsed) return Identity.fromPrivate(parsed.open, { extractable });
  if (passphrase === undefined) {
    throw new TacitError("KEY_PASSPHRASE", `readKeyFile: expected a passphrase for the sealed key file ${where}, got none`, {
      hint: "name the file that holds it, or start on a terminal, which asks",
    });
  }
  const keys = await openKeys(parsed.sealed, typeof passphrase === "string" ? passphrase : await passphrase());
  const identity = await Identity.fromPrivate(keys, { extractable });
  const { name, sign, seal } = parsed.sealed;
  const { public: own } = identity;
  if (name === own.name && sign === toHex(own.sign) && seal === toHex(own.seal)) return identity;
  throw new TacitError("KEY_FILE", `readKeyFile: expected the keys that ${where} names, got others`);
}
