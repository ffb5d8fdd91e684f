/** @file @tacit/mpc/browser: a person's side for pages. Keys, inputs, Programs, results; nothing here needs Node. */

export { approve, type Left, revoke, type Signed } from "../client/approve.ts";
export { type Gift, type Given, type GiveOptions, give } from "../client/give.ts";
export { oneHot } from "../client/inputs.ts";
export { openGroup } from "../client/reach.ts";
export { type Delivery, type Received, type ReceiveOptions, receive } from "../client/receive.ts";
export { type NetworkOptions, predictSeconds, type SessionCost } from "../driver/cost.ts";
export type { InputData, InputOptions, MpcSession, PartyCounters, WaitOptions } from "../driver/mpc-session.ts";
export type { Receipt } from "../driver/runner.ts";
export { fingerprint, Identity, type PublicIdentity } from "../identity/index.ts";
export type { Passphrase } from "../identity/key-text.ts";
export { type Plan, type PlanEntry, type PlannedProgram, plan, showPlan } from "../plan/index.ts";
export type { Cost, RangeWarning } from "../protocols/protocol.ts";
export {
  type Grant,
  type GrantInput,
  grantFromBytes,
  grantId,
  grantToBytes,
  type Limits,
  Session,
  type SessionFile,
  type SignedGrant,
  signGrant,
} from "../session/index.ts";
export { type PublicEntry, type PublicFile, parsePublic, publicEntry } from "../session/public-file.ts";
export type { OnWaiting, Waiting } from "../session/waiting.ts";
export { type WebAddresses, webConnector } from "../transport/web-client.ts";
export { connect, type WebConnectOptions } from "./connect.ts";
export { forgetIdentity, importKeyFile, keepIdentity, keptIdentity, keptNames, ownIdentity, publicFile } from "./keys.ts";
export { checkBrowser } from "./platform.ts";
