/** @file What a person or a party gives to the others: name, public keys, and a party's addresses, as they stand in a session file. */
import { TacitError } from "@tacit/core/errors";
import { fromHex, toHex } from "../identity/encoding.ts";
import { checkName, isRecord, type PublicIdentity } from "../identity/identity.ts";

/** Where a party is reached, host:port; people have none. */
export interface Reached {
  readonly address: string;
  readonly client: string;
}

export interface PublicFile {
  readonly identity: PublicIdentity;
  readonly reached?: Reached;
}

/** The JSON of a public file: the entry of `parties` or `people` in a session file. */
export interface PublicEntry extends Partial<Reached> {
  readonly name: string;
  readonly sign: string;
  readonly seal: string;
}

const MOST_CHARACTERS = 4096;
/** `schema` and `kind` stand in what a command prints with --json. */
const FIELDS: ReadonlySet<string> = new Set(["schema", "kind", "name", "sign", "seal", "address", "client", "fingerprint"]);
const CODE = "IDENTITY_INVALID";

/** host:port with a port of 1 to 65535; IPv6 in brackets. */
export function isAddress(text: unknown): text is string {
  const port = typeof text === "string" ? /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$/.exec(text)?.[1] : undefined;
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

export const publicEntry = ({ identity, reached }: PublicFile): PublicEntry => ({
  name: identity.name,
  sign: toHex(identity.sign),
  seal: toHex(identity.seal),
  ...reached,
});

/** `where`: what an error calls the file. @throws TacitError IDENTITY_INVALID, ENCODING_INVALID for anything but a whole public file */
export function parsePublic(text: string, where = "public file"): PublicFile {
  let json: unknown;
  try {
    json = text.length > MOST_CHARACTERS ? undefined : JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (!isRecord(json) || Object.keys(json).some((k) => !FIELDS.has(k))) {
    throw new TacitError(CODE, `${where}: expected name, sign and seal as tacit keygen prints them, got something else`, {
      hint: "the private key file is never given to anybody",
    });
  }
  const identity = {
    name: checkName("public file", json.name),
    sign: fromHex("public file, sign", json.sign, 32),
    seal: fromHex("public file, seal", json.seal, 32),
  };
  const { address, client } = json;
  if (address === undefined && client === undefined) return { identity };
  if (isAddress(address) && isAddress(client)) return { identity, reached: { address, client } };
  throw new TacitError(CODE, `public file of ${identity.name}: expected both address and client as host:port, got another form`);
}
