/** @file What a party tells of itself, as a person reads it: the inverse of party/probe.ts, checked field by field. Portable. */
import { printable } from "../identity/encoding.ts";
import type { Identity } from "../identity/identity.ts";
import type { LinkMeasure } from "../party/link-probe.ts";
import { MOST_ECHO } from "../party/messages.ts";
import type { Speed } from "../protocols/protocol.ts";
import type { Fields } from "../session/cbor.ts";
import type { PartyClient } from "./party-client.ts";

export interface PartyFacts {
  readonly protocol: number;
  readonly software: string;
  readonly node: string;
  /** Its clock, milliseconds since 1970. */
  readonly clock: number;
  /** Seconds since it was started. */
  readonly uptime: number;
  /** Parties it waits for, by their places. */
  readonly waits: readonly number[];
  /** Null until it is joined with all others. */
  readonly joined: {
    readonly attempt: number;
    readonly grants: number;
    /** Bytes of share memory that are not used. */
    readonly memory: number;
    /** Whether something runs that the driver asked for. */
    readonly busy: boolean;
  } | null;
}

const NOTHING = new Uint8Array(0);

const ask = (client: PartyClient, who: Identity, what: "facts" | "links" | "speed"): Promise<Fields> =>
  client.request(who, { type: "probe", what, bytes: NOTHING, reply: 0 });

/** @throws TacitError PROBE_REFUSED, ENVELOPE_INVALID, MPC_PARTY_LOST */
export async function askFacts(client: PartyClient, who: Identity): Promise<PartyFacts> {
  const f = await ask(client, who, "facts");
  const head = { protocol: f.uint(), software: printable(f.text(32)), node: printable(f.text(32)), clock: f.uint() };
  const facts = { ...head, uptime: f.uint(), waits: f.uints(64) };
  const j = f.fieldsOrNull();
  f.end();
  if (j === null) return { ...facts, joined: null };
  const joined = { attempt: j.uint(), grants: j.uint(), memory: j.uint(), busy: j.boolean() };
  j.end();
  return { ...facts, joined };
}

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
