/** @file What a party tells of itself, as it travels and checked field by field. Portable. */
import { printable } from "../identity/encoding.ts";
import type { Fields } from "../session/cbor.ts";

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

/** The reply to a probe for facts. What a party sends reaches a terminal. @throws TacitError ENVELOPE_INVALID */
export function readFacts(f: Fields): PartyFacts {
  const head = { protocol: f.uint(), software: printable(f.text(32)), node: printable(f.text(32)), clock: f.uint() };
  const facts = { ...head, uptime: f.uint(), waits: f.uints(64) };
  const j = f.fieldsOrNull();
  f.end();
  if (j === null) return { ...facts, joined: null };
  const joined = { attempt: j.uint(), grants: j.uint(), memory: j.uint(), busy: j.boolean() };
  j.end();
  return { ...facts, joined };
}
