/** @file Private releases on shares. */
export type { ReleaseOptions } from "./mechanism.ts";
export { PrivateSteps, type PrivateStepsOptions, privateSteps } from "./private-steps.ts";
export { type PrivateSum, privateSum } from "./private-sum.ts";
