/** @file Private releases on shares. */
export { describeMechanism, showTerms } from "./budget.ts";
export type { Budget, ReleaseOptions } from "./mechanism.ts";
export { unprotectedInputs } from "./origins.ts";
export { PrivateSteps, type PrivateStepsOptions, type PrivateStepsState, privateSteps } from "./private-steps.ts";
export { type PrivateSum, privateSum } from "./private-sum.ts";
