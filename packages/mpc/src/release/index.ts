/** @file Private releases on shares. */
export { describeMechanism } from "./budget.ts";
export type { ReleaseOptions } from "./mechanism.ts";
export { PrivateSteps, type PrivateStepsOptions, privateSteps } from "./private-steps.ts";
export { type PrivateSum, privateSum } from "./private-sum.ts";
