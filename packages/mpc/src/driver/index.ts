/** @file The driver's side. */

export { oneHot } from "../client/inputs.ts";
export { readSession } from "../session/read-session.ts";
export type { CheckpointOptions, Resumed, ResumeOptions } from "./checkpoints.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export type { NetworkOptions, SessionCost } from "./cost.ts";
export { predictSeconds } from "./cost.ts";
export { type LocalOptions, type LocalParties, local, localParties } from "./local.ts";
export { isKept } from "./local-directory.ts";
export { type InputData, type InputOptions, MpcSession, type PartyCounters, type WaitOptions } from "./mpc-session.ts";
export { type PersistOptions, persist, TIMES } from "./persist.ts";
export type { Receipt } from "./runner.ts";
export { type RestoredTraining, restoreTraining, saveTraining, takeUpTraining } from "./training.ts";
