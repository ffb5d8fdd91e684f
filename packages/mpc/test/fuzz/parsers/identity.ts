/** @file Parsers of keys: key files, open and sealed, and the key pairs in them. */

import { Identity, isRecord } from "../../../src/identity/identity.ts";
import { parseKeyFile } from "../../../src/identity/key-text.ts";
import { readSealed, SCRYPT } from "../../../src/identity/sealed-keys.ts";
import { bytesOf, holds, type Parser, textOf } from "../parser.ts";
import { keysOf } from "../world.ts";

const keys = keysOf("clinic-a", 1);
const SEALED = {
  tacit: "sealed-identity",
  version: 1,
  name: "clinic-a",
  sign: keys.sign.public,
  seal: keys.seal.public,
  kdf: { name: "scrypt", ...SCRYPT, salt: "5a".repeat(16) },
  cipher: "aes-256-gcm",
  nonce: "3c".repeat(12),
  sealed: "e1".repeat(500),
};
const secrets = [keys.sign.private.slice(32), keys.seal.private.slice(32), "e1".repeat(20)];

/** Nothing is derived here: what would cost memory is refused first. */
const keyFile: Parser = {
  name: "key file",
  guards: ["mpc/src/identity/key-text.ts", "mpc/src/identity/sealed-keys.ts"],
  form: "json",
  seeds: [keys, SEALED].map((k) => bytesOf(JSON.stringify(k))),
  codes: ["KEY_FILE", "IDENTITY_INVALID"],
  secrets,
  read(input) {
    const parsed = parseKeyFile(textOf(input));
    if ("open" in parsed) return undefined;
    const { kdf } = parsed.sealed;
    holds(kdf.n === SCRYPT.n && kdf.r === SCRYPT.r && kdf.p === SCRYPT.p, "scrypt asks for what version 1 asks for, and no more");
    holds(JSON.stringify(readSealed(parsed.sealed)) === JSON.stringify(parsed.sealed), "it is the same when read again");
    return undefined;
  },
};

const pairs: Parser = {
  name: "key pairs",
  guards: ["mpc/src/identity/identity.ts"],
  form: "json",
  seeds: [bytesOf(JSON.stringify(keys))],
  codes: ["IDENTITY_INVALID"],
  secrets,
  share: 0.01,
  async read(input) {
    let json: unknown;
    try {
      json = JSON.parse(textOf(input));
    } catch {
      json = null;
    }
    const identity = await Identity.fromPrivate(json);
    holds(isRecord(json) && json.name === identity.name, "the name in the file");
    return undefined;
  },
};

export const IDENTITY_PARSERS: readonly Parser[] = [keyFile, pairs];
