/** @file Sealing to an identity: HPKE (RFC 9180) base mode, X25519-HKDF-SHA256, AES-256-GCM, by a library. */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { TacitError } from "@tacit/core/errors";

/** Bytes that sealing adds to each message (the AEAD's tag). */
export const SEAL_OVERHEAD = 16;

/** Seals messages in order; the recipient opens them in the same order. */
export interface Sealer {
  /** 32 bytes that the recipient needs to open. */
  readonly encapsulated: Uint8Array;
  seal(plain: Uint8Array, associated: Uint8Array): Promise<Uint8Array>;
}

export interface Opener {
  /** @throws TacitError SEAL_INVALID when the message, its order or the associated data is not what was sealed. */
  open(sealed: Uint8Array, associated: Uint8Array): Promise<Uint8Array>;
}

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
const buffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

/** A sealer to the X25519 key `recipient` (32 bytes); `info` says what for, and must be the same at the opener. */
export async function sealerTo(recipient: Uint8Array, info: Uint8Array): Promise<Sealer> {
  const recipientPublicKey = await crypto.subtle.importKey("raw", buffer(recipient), "X25519", true, []);
  const context = await suite.createSenderContext({ recipientPublicKey, info: buffer(info) });
  return {
    encapsulated: new Uint8Array(context.enc),
    seal: async (plain, associated) => new Uint8Array(await context.seal(buffer(plain), buffer(associated))),
  };
}

/** `recipientKey` is the pair: a private key that cannot be read does not give its public half away. */
export async function openerFor(recipientKey: CryptoKeyPair, encapsulated: Uint8Array, info: Uint8Array): Promise<Opener> {
  const refuse = (): never => {
    throw new TacitError("SEAL_INVALID", "open: expected a payload sealed to this identity for this purpose, got something else");
  };
  const context = await suite
    .createRecipientContext({ recipientKey, enc: buffer(encapsulated), info: buffer(info) })
    .catch(refuse);
  return {
    open: async (sealed, associated) => new Uint8Array(await context.open(buffer(sealed), buffer(associated)).catch(refuse)),
  };
}
