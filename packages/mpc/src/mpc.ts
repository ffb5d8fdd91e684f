/** @file The `mpc` namespace. */
export type { Left, Signed } from "./client/approve.ts";
export type { PartyFacts } from "./client/facts.ts";
export type { Gift, Given } from "./client/give.ts";
export type { ListedInput } from "./client/list.ts";
export { approve, give, look, type OwnKeys, receive, revoke } from "./client/node.ts";
export type { Delivery, Received } from "./client/receive.ts";
export { type ClockDifference, type Examined, type ExamineOptions, examineParties } from "./driver/examine.ts";
export * from "./driver/index.ts";
export { fingerprint, Identity, type PublicIdentity } from "./identity/index.ts";
export { type KeyFileOptions, readKeyFile, writeKeyFile } from "./identity/key-file.ts";
export type { Passphrase } from "./identity/key-text.ts";
export { openIdentity } from "./identity/open-identity.ts";
export type { LinkMeasure } from "./party/link-probe.ts";
export { type Plan, type PlanEntry, type PlannedProgram, plan, showPlan, showSource } from "./plan/index.ts";
export { type BoundRuns, type GivenInput, Recorder, type Recording } from "./plan/recorder.ts";
export { PROTOCOLS } from "./protocols/index.ts";
export type { Cost, Protocol, ProtocolOptions, RangeWarning, Speed } from "./protocols/protocol.ts";
export * from "./release/index.ts";
export { handleOf, isHandleOf } from "./session/handles.ts";
export {
  DEFAULT_LIMITS,
  type Grant,
  type GrantInput,
  grantFromBytes,
  grantId,
  grantToBytes,
  type Limits,
  type MechanismTerms,
  Session,
  type SessionFile,
  type SignedGrant,
  signedFromJson,
  signedToJson,
  signGrant,
} from "./session/index.ts";
export { type NewSession, newSession } from "./session/new-session.ts";
export { isAddress, type PublicEntry, type PublicFile, parsePublic, publicEntry, type Reached } from "./session/public-file.ts";
export { type OnWaiting, sayWaiting, showWaiting, type Waiting, whileWaiting } from "./session/waiting.ts";
export type { Obstacle } from "./transport/reach.ts";
export { CLIENT_VERSION, PROTOCOL_VERSION, SOFTWARE } from "./version.ts";
