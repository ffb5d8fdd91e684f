/** @file optim: optimizers and learning rate schedules. */
export { Adam, type AdamOptions, adam, adamw } from "./adam.ts";
export { Optimizer, type OptimizerState, type Parameters } from "./optimizer.ts";
export { cosineAnnealing, lrScheduler, Scheduler, type SchedulerState, stepLR } from "./schedule.ts";
export { SGD, type SgdOptions, sgd } from "./sgd.ts";
