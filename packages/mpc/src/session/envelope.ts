/** @file Envelopes: signed messages between people and parties. Bound to session, connection, sender and number: nothing replays. */
import { sha256 } from "@noble/hashes/sha2.js";
import { TacitError } from "@tacit/core/errors";
import { concatBytes, sameBytes, utf8 } from "../identity/encoding.ts";
import { type Identity, type PublicIdentity, verify } from "../identity/identity.ts";
import { type Fields, fromCbor, toCbor, type Wire } from "./cbor.ts";

const CODE = "ENVELOPE_INVALID";
const VERSION = 1;

/**
 * Both ends give 32 random bytes: neither can be made to accept messages of an earlier connection. The signing key of the party
 * at the far end is bound too: what a person says to one party cannot be passed on to another.
 */
export const channelId = (challenge: Uint8Array, nonce: Uint8Array, party: PublicIdentity): Uint8Array =>
  sha256(concatBytes(utf8("tacit/channel/2\0"), challenge, nonce, party.sign));

/** What an envelope says before its body. */
export interface EnvelopeHead {
  readonly sender: string;
  /** 0, 1, 2, ... for each sender on a connection. */
  readonly sequence: number;
}

export interface Envelope extends EnvelopeHead {
  readonly body: Fields;
}

/** Where envelopes belong. */
export interface EnvelopeScope {
  readonly session: Uint8Array;
  readonly channel: Uint8Array;
}

/** Signs `body` as message number `sequence` of `identity` on a connection. */
export async function sealEnvelope(scope: EnvelopeScope, identity: Identity, sequence: number, body: Wire): Promise<Uint8Array> {
  const payload = toCbor([VERSION, scope.session, scope.channel, identity.name, sequence, body]);
  return toCbor([payload, await identity.sign("envelope", payload)]);
}

/**
 * Verifies one envelope after another on one connection.
 * @throws TacitError ENVELOPE_INVALID, whatever the bytes
 */
export class EnvelopeReader {
  readonly #scope: EnvelopeScope;
  readonly #people: ReadonlyMap<string, PublicIdentity>;
  readonly #next = new Map<string, number>();

  constructor(scope: EnvelopeScope, people: ReadonlyMap<string, PublicIdentity>) {
    this.#scope = scope;
    this.#people = people;
  }

  async open(bytes: Uint8Array): Promise<Envelope> {
    const outer = fromCbor(bytes, "envelope", CODE, 2, 3);
    const payload = outer.bytes();
    const signature = outer.bytes(64);
    const f = fromCbor(payload, "envelope", CODE, 6);
    f.uint(VERSION, VERSION);
    const session = f.bytes(32);
    const channel = f.bytes(32);
    const sender = f.text(64);
    const sequence = f.uint();
    const who = this.#people.get(sender);
    if (who === undefined || !(await verify(who, "envelope", payload, signature)))
      refuse("the signature of somebody in this session");
    if (!sameBytes(session, this.#scope.session)) refuse("this session");
    if (!sameBytes(channel, this.#scope.channel)) refuse("this connection");
    const next = this.#next.get(sender) ?? 0;
    if (sequence !== next) refuse(`message ${next} of its sender`);
    this.#next.set(sender, next + 1);
    return { sender, sequence, body: f.fields() };
  }
}

function refuse(want: string): never {
  throw new TacitError(CODE, `envelope: expected ${want}, got another`, {
    hint: "a message was replayed, forged or meant for another session",
  });
}
