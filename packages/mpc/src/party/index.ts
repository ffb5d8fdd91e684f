/** @file A party on its own machine: what `tacit party` calls. */

export { type Ending, Party } from "./party.ts";
export { exitCodeOf, type JoinOptions, join, type Listening, LOOPBACK, listen, type PartyAddresses, serve } from "./process.ts";
export { type LogLevel, PARTY_DEFAULTS, type PartyConfig, parsePartyConfig } from "./service/config.ts";
export type { Health } from "./service/health.ts";
export { type Log, type LogFields, makeLog } from "./service/log.ts";
export { runService, type ServiceEnd, type ServiceOptions, type StopSignal } from "./service/service.ts";
