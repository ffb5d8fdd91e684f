/** @file The TLS leaf of an identity: a self-signed certificate on its Ed25519 key, and the check of a peer's leaf. Node only. */
import "reflect-metadata"; // @peculiar/x509 resolves its providers through it, and does not import it by itself
import type { TLSSocket } from "node:tls";
import { X509CertificateGenerator } from "@peculiar/x509";
import { sameBytes } from "./encoding.ts";
import type { Identity } from "./identity.ts";

/** Key and certificate in PEM, as `node:tls` takes them. `key` is secret. */
export interface TlsLeaf {
  readonly key: string;
  readonly cert: string;
}

const DAY = 86_400_000;

/**
 * A self-signed leaf. Only its key counts: peers compare it with the pinned identity, so name and dates carry no trust;
 * the validity of ±30 days around now only keeps parsers content.
 */
export async function leafOf(identity: Identity): Promise<TlsLeaf> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${identity.name}`,
    notBefore: new Date(Date.now() - 30 * DAY),
    notAfter: new Date(Date.now() + 30 * DAY),
    keys: identity.signingPair,
    signingAlgorithm: { name: "Ed25519" },
  });
  const base64 = Buffer.from(await identity.exportSigningKey()).toString("base64");
  return { key: `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`, cert: certificate.toString("pem") };
}

/** The Ed25519 key of the peer's leaf: 32 bytes; undefined without a certificate or with another kind of key. */
export function peerKey(socket: TLSSocket): Uint8Array | undefined {
  const jwk = socket.getPeerX509Certificate()?.publicKey.export({ format: "jwk" });
  if (jwk === undefined || jwk.crv !== "Ed25519" || typeof jwk.x !== "string") return undefined;
  return new Uint8Array(Buffer.from(jwk.x, "base64url"));
}

/** Whether the connection is TLS 1.3, not resumed, and its leaf key is `pinned`. */
export function isPinned(socket: TLSSocket, pinned: Uint8Array): boolean {
  const key = peerKey(socket);
  return key !== undefined && socket.getProtocol() === "TLSv1.3" && !socket.isSessionReused() && sameBytes(key, pinned);
}
