/** @file DP-SGD and DP-FTRL on core. The budgets that it takes are Node's; the rest runs anywhere. */
export type { SamplingName, Scheme } from "./account.ts";
export type { AdaptiveClipping } from "./adaptive.ts";
export { makePrivate } from "./make-private.ts";
export type { Clipping, PrivateOptions } from "./options.ts";
export type { PrivateTrainer, Progress, TrainerState } from "./trainer.ts";
