/** @file The driver's side. */

export { oneHot } from "../client/inputs.ts";
export { type ConnectOptions, connect, readSession } from "./connect.ts";
export type { NetworkOptions, SessionCost } from "./cost.ts";
export { predictSeconds } from "./cost.ts";
export { type LocalOptions, local } from "./local.ts";
export { type InputData, type InputOptions, MpcSession, type PartyCounters } from "./mpc-session.ts";
