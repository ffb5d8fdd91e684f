/** @file A session whose keys, nonce and grants are the same in every run: a failing input fails again. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { Identity, type PrivateKeys } from "../../src/identity/identity.ts";
import { type Grant, type SignedGrant, signGrant } from "../../src/session/grant.ts";
import { Session, type SessionFile } from "../../src/session/session-file.ts";

/** In the year 2100. */
export const FAR = 4_102_444_800;

/** RFC 8410: the DER of a private key is this and its 32 bytes. */
const PKCS8 = { sign: "302e020100300506032b657004220420", seal: "302e020100300506032b656e04220420" } as const;

function pair(kind: keyof typeof PKCS8, key: number): PrivateKeys["sign"] {
  const priv = PKCS8[kind] + Buffer.alloc(32, key).toString("hex");
  const jwk = createPublicKey(createPrivateKey({ key: Buffer.from(priv, "hex"), format: "der", type: "pkcs8" })).export({
    format: "jwk",
  });
  return { public: Buffer.from(String(jwk.x), "base64url").toString("hex"), private: priv };
}

/** The keys of number `key` (1 .. 127). */
export const keysOf = (name: string, key: number): PrivateKeys => ({
  tacit: "identity",
  version: 1,
  name,
  sign: pair("sign", key),
  seal: pair("seal", 128 + key),
});

const made = (name: string, key: number): Promise<Identity> => Identity.fromPrivate(keysOf(name, key));

export const PARTIES: readonly Identity[] = await Promise.all(["clinic-a", "clinic-b", "clinic-c"].map((n, i) => made(n, i + 1)));
export const DRIVER: Identity = await made("driver", 11);
export const OWNER: Identity = await made("data-owner", 12);
export const RECIPIENT: Identity = await made("patient-7", 13);

export const GRANT: Grant = {
  program: "7c".repeat(32),
  inputs: [
    {
      owners: ["data-owner"],
      sources: [
        { kind: "handle", handle: "images" },
        { kind: "result", program: "ab".repeat(32) },
      ],
      rows: 64,
    },
    { owners: [], sources: [{ kind: "public", least: -1, most: 0.5, distinct: true }], rows: 1 },
    { owners: [], sources: [{ kind: "public", least: null, most: null, distinct: false }], rows: 1 },
  ],
  disclosures: [{ output: 0, to: "driver", why: "mean loss of an epoch" }],
  runs: 1000,
  reveals: 3,
  expires: FAR,
};

const file: SessionFile = {
  parties: PARTIES.map((p, i) => ({ identity: p.public, address: `10.0.0.${i + 1}:7000`, client: `clinic-${i}.example:7100` })),
  people: [DRIVER.public, OWNER.public, RECIPIENT.public],
  driver: "driver",
  protocol: { name: "plain3", options: { fractionBits: 16, prgRounds: 20 } },
  limits: { memory: 2 ** 20, message: 2 ** 16, timeout: 50 },
  expires: FAR,
  nonce: new Uint8Array(16).fill(7),
  grants: [],
};

/** Without grants. */
export const PLAIN: Session = new Session(file);
export const SIGNED: SignedGrant = await signGrant(PLAIN.root, GRANT, [OWNER]);
/** With one grant. */
export const SESSION: Session = new Session({ ...file, grants: [SIGNED] });
