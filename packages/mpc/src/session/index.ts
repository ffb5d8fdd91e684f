/** @file Sessions: the file everyone agrees on, grants, consent. */
export {
  type BoundInput,
  type BoundRun,
  type Consent,
  consentOf,
  consents,
  permitReveal,
  permitRun,
  type Used,
  unionOfOwners,
  type Wish,
} from "./consent.ts";
export {
  type Disclosure,
  type Grant,
  type GrantInput,
  grantFromBytes,
  grantId,
  grantToBytes,
  type SignedGrant,
  type Source,
  signedFromJson,
  signedToJson,
  signersOf,
  signGrant,
} from "./grant.ts";
export type { MechanismTerms } from "./mechanism.ts";
export { DEFAULT_LIMITS, type Limits, type PartyEntry, Session, type SessionFile } from "./session-file.ts";
