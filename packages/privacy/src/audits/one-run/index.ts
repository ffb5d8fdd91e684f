/** @file A lower bound on ε from one run with coins. */
export { type Outcome, oneRunBound, oneRunPValue } from "./bound.ts";
export { auditDpSgd, type DpSgdAudit, type DpSgdAudited } from "./dp-sgd.ts";
export { LEAST_CANARIES, type OneRunOptions, type OneRunReport, oneRun, pValueOfClaim, rightGuesses } from "./guesses.ts";
