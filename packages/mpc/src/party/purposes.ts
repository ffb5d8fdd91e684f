/** @file What sealed payloads are for: the HPKE info strings, the same at both ends. */
import { toCbor } from "../session/cbor.ts";

/** An input's component for one party. */
export const inputInfo = (session: Uint8Array, party: number, handle: string): Uint8Array =>
  toCbor(["tacit/input/1", session, party, handle]);

/** One party's part of a result for a recipient. */
export const revealInfo = (session: Uint8Array, party: number, handle: string): Uint8Array =>
  toCbor(["tacit/reveal/1", session, party, handle]);

/** Why and to whom: what the recipient's software checks before it adds up the parts. */
export const revealPlace = (to: string, why: string): Uint8Array => toCbor([to, why]);
