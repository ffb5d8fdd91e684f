/** @file What a party tells of itself, as a person reads it: the inverse of party/probe.ts, checked field by field. Portable. */
import type { Identity } from "../identity/identity.ts";
import type { LinkMeasure } from "../party/link-probe.ts";
import { MOST_ECHO } from "../party/messages.ts";
import type { Speed } from "../protocols/protocol.ts";
import type { Fields } from "../session/cbor.ts";
import { type PartyFacts, readFacts } from "./facts.ts";
import type { PartyClient } from "./party-client.ts";

const NOTHING = new Uint8Array(0);

const ask = (client: PartyClient, who: Identity, what: "facts" | "links" | "speed"): Promise<Fields> =>
  client.request(who, { type: "probe", what, bytes: NOTHING, reply: 0 });

/** @throws TacitError PROBE_REFUSED, ENVELOPE_INVALID, MPC_PARTY_LOST */
export const askFacts = async (client: PartyClient, who: Identity): Promise<PartyFacts> =>
  readFacts(await ask(client, who, "facts"));

/** Empty where the party is busy, or not joined with the others. */
export async function askLinks(client: PartyClient, who: Identity): Promise<readonly LinkMeasure[]> {
  const f = await ask(client, who, "links");
  return f.rest((item) => {
    const party = item.uint(64);
    const [micros, bits] = [item.uintOrNull(), item.uintOrNull()];
    item.end();
    return { party, roundTrip: micros === null ? null : micros / 1000, bandwidth: bits };
  });
}

/** Null where the protocol of the session does not measure itself. */
export async function askSpeed(client: PartyClient, who: Identity): Promise<Speed | null> {
  const f = await ask(client, who, "speed");
  const [speed] = f.rest((item) => {
    const read = { bytes: item.uint(), products: item.uint() };
    item.end();
    return read;
  });
  return speed ?? null;
}

/** Milliseconds until `there` bytes have arrived and `back` have come, at most 1 MiB each. */
export async function echo(client: PartyClient, who: Identity, there: number, back: number): Promise<number> {
  const bytes = new Uint8Array(Math.min(there, MOST_ECHO));
  const began = performance.now();
  const f = await client.request(who, { type: "probe", what: "echo", bytes, reply: Math.min(back, MOST_ECHO) });
  const took = performance.now() - began;
  f.uint();
  f.bytes();
  f.end();
  return took;
}
