/** @file optim: optimizers, clipping, averages of weights and learning rate schedules. */
export { Adadelta, type AdadeltaOptions, adadelta } from "./adadelta.ts";
export { Adagrad, type AdagradOptions, adagrad } from "./adagrad.ts";
export { Adam, type AdamOptions, adam, adamw } from "./adam.ts";
export { Adamax, type AdamaxOptions, adamax } from "./adamax.ts";
export { ASGD, type AsgdOptions, asgd } from "./asgd.ts";
export { AveragedModel, type AverageOptions, type AverageState, type EmaOptions, ema, swa } from "./average.ts";
export { OptimizerBase, type OptimizerState } from "./base.ts";
export { type ClipOptions, clipGradNorm_, clipGradValue_ } from "./clip.ts";
export type { Grouped, GroupOptions, GroupSpec, Parameters, ParamGroup } from "./groups.ts";
export { LBFGS, type LbfgsOptions, lbfgs } from "./lbfgs.ts";
export { Lion, type LionOptions, lion } from "./lion.ts";
export type { Motion } from "./motion.ts";
export { NAdam, type NAdamOptions, nadam } from "./nadam.ts";
export { Optimizer } from "./optimizer.ts";
export { RAdam, type RAdamOptions, radam } from "./radam.ts";
export { RMSprop, type RmspropOptions, rmsprop } from "./rmsprop.ts";
export { Rprop, type RpropOptions, rprop } from "./rprop.ts";
export { chained, sequential } from "./schedule/compose.ts";
export { cosineAnnealing, cosineAnnealingWarmRestarts } from "./schedule/cosine.ts";
export { type CyclicOptions, cyclicLR, type OneCycleOptions, oneCycle } from "./schedule/cycle.ts";
export {
  constantLR,
  exponentialLR,
  lambdaLR,
  linearLR,
  multiplicativeLR,
  multiStepLR,
  polynomialLR,
  stepLR,
  warmup,
} from "./schedule/decay.ts";
export { lrScheduler } from "./schedule/index.ts";
export { type PlateauOptions, ReduceLROnPlateau, reduceLROnPlateau } from "./schedule/plateau.ts";
export { Scheduler, type SchedulerState } from "./schedule/scheduler.ts";
export { SGD, type SgdOptions, sgd } from "./sgd.ts";
