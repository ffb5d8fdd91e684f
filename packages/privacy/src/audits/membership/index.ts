/** @file Membership inference: whether an example was trained on. */
export { type LiraOptions, lira, logitScaled, type Shadow } from "./lira.ts";
export { type LossAttack, lossThreshold, type ThresholdAttack } from "./loss-threshold.ts";
export {
  highestLowEnd,
  leastForLowEnd,
  leastNonMembers,
  type RateAt,
  type Roc,
  type RocOptions,
  type RocPoint,
  roc,
  tprAtFpr,
} from "./roc.ts";
