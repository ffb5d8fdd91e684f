/** @file Learning rate schedules: `step()` after each epoch (or batch) sets the optimizer's `lr`. */
import { expected } from "../errors.ts";
import type { Optimizer } from "./optimizer.ts";

/** JSON. */
export interface SchedulerState {
  readonly kind: string;
  /** Learning rate at the start. */
  readonly base: number;
  /** Calls of `step()` so far. */
  readonly steps: number;
}

/** Sets `lr` to base · factor(steps): a closed form, so that a restored schedule gives the same numbers. */
export class Scheduler {
  readonly kind: string;
  private readonly optimizer: Optimizer;
  private readonly rate: (base: number, steps: number) => number;
  private base: number;
  private steps = 0;

  constructor(kind: string, optimizer: Optimizer, rate: (base: number, steps: number) => number) {
    this.kind = kind;
    this.optimizer = optimizer;
    this.rate = rate;
    this.base = optimizer.lr;
  }

  /** Goes on by one. */
  step(): void {
    this.steps++;
    this.optimizer.lr = this.rate(this.base, this.steps);
  }

  stateDict(): SchedulerState {
    return { kind: this.kind, base: this.base, steps: this.steps };
  }

  /** @throws STATE_MISMATCH when the state belongs to another kind of schedule */
  loadStateDict(state: SchedulerState): void {
    if (state.kind !== this.kind) expected("STATE_MISMATCH", "scheduler", `the state of ${this.kind}`, state.kind);
    const good = Number.isFinite(state.base) && Number.isSafeInteger(state.steps) && state.steps >= 0;
    if (!good) expected("STATE_MISMATCH", "scheduler", "a base rate and a count", "something else");
    this.base = state.base;
    this.steps = state.steps;
    this.optimizer.lr = this.rate(this.base, this.steps);
  }
}

/** lr = base · gamma^floor(steps / stepSize); gamma 0.1 unless said. */
export function stepLR(optimizer: Optimizer, options: { readonly stepSize: number; readonly gamma?: number }): Scheduler {
  const { stepSize, gamma = 0.1 } = options;
  if (!Number.isSafeInteger(stepSize) || stepSize < 1)
    expected("ARGUMENT_INVALID", "stepLR", "stepSize of at least 1", `${stepSize}`);
  return new Scheduler("stepLR", optimizer, (base, steps) => base * gamma ** Math.floor(steps / stepSize));
}

/** lr = etaMin + (base - etaMin) · (1 + cos(π steps / tMax)) / 2 (Loshchilov and Hutter 2017, without restarts); etaMin 0 unless said. */
export function cosineAnnealing(optimizer: Optimizer, options: { readonly tMax: number; readonly etaMin?: number }): Scheduler {
  const { tMax, etaMin = 0 } = options;
  if (!Number.isSafeInteger(tMax) || tMax < 1) expected("ARGUMENT_INVALID", "cosineAnnealing", "tMax of at least 1", `${tMax}`);
  const rate = (base: number, steps: number): number => etaMin + ((base - etaMin) * (1 + Math.cos((Math.PI * steps) / tMax))) / 2;
  return new Scheduler("cosineAnnealing", optimizer, rate);
}

export const lrScheduler: { readonly stepLR: typeof stepLR; readonly cosineAnnealing: typeof cosineAnnealing } = {
  stepLR,
  cosineAnnealing,
};
