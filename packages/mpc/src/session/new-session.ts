/** @file A new session from what its members gave: keys, addresses, protocol and limits. */
import type { PublicIdentity } from "../identity/identity.ts";
import type { Protocol, ProtocolOptions } from "../protocols/protocol.ts";
import { DEFAULT_LIMITS, type Limits, type PartyEntry, Session } from "./session-file.ts";

export interface NewSession {
  readonly parties: readonly PartyEntry[];
  readonly people: readonly PublicIdentity[];
  /** The name of the one who drives. */
  readonly driver: string;
  readonly protocol: Protocol;
  readonly options?: Partial<ProtocolOptions>;
  readonly limits?: Partial<Limits>;
  /** Days until it ends. Default: 30. */
  readonly days?: number;
}

const DAY = 86_400;

/** A session that no other is: its nonce is new. @throws TacitError SESSION_INVALID */
export function newSession({ parties, people, driver, protocol, options, limits, days = 30 }: NewSession): Session {
  return new Session({
    parties,
    people,
    driver,
    protocol: { name: protocol.name, options: { ...protocol.defaults, ...options } },
    limits: { ...DEFAULT_LIMITS, ...limits },
    expires: Math.floor(Date.now() / 1000) + days * DAY,
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    grants: [],
  });
}
