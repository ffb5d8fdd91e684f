/** @file A party on its own machine: what `tacit party` calls. */

export { type Ending, Party } from "./party.ts";
export { exitCodeOf, type JoinOptions, join, type Listening, LOOPBACK, listen, type PartyAddresses, serve } from "./process.ts";
