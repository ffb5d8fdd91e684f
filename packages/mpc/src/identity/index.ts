/** @file Identities: keys, names, fingerprints, sealing. What runs in a browser too; key files and certificates are Node's. */
export { fromHex, sameBytes, toHex } from "./encoding.ts";
export { fingerprint, Identity, type PrivateKeys, type PublicIdentity, type Purpose, verify } from "./identity.ts";
export { type Opener, type Sealer, sealerTo } from "./seal.ts";
