/** @file Schedules that multiply the rate: step, multi-step, exponential, constant, linear, polynomial, lambda, multiplicative, warm-up. */
import { expected } from "../../errors.ts";
import { type AnyOptimizer, type At, checkCount, checkFactor, RuleScheduler, type Scheduler } from "./scheduler.ts";

/** Every `stepSize` steps the rate is multiplied by gamma; 0.1 unless said. */
export function stepLR(optimizer: AnyOptimizer, options: { readonly stepSize: number; readonly gamma?: number }): Scheduler {
  const { stepSize, gamma = 0.1 } = options;
  checkCount("stepLR", "stepSize", stepSize);
  checkFactor("gamma", gamma);
  const rate = ({ lr, steps }: At): number => (steps === 0 || steps % stepSize !== 0 ? lr : lr * gamma);
  return new RuleScheduler("stepLR", optimizer, { rate });
}

/** At each milestone the rate is multiplied by gamma (twice where it stands twice); 0.1 unless said. */
export function multiStepLR(
  optimizer: AnyOptimizer,
  options: { readonly milestones: readonly number[]; readonly gamma?: number },
): Scheduler {
  const { milestones, gamma = 0.1 } = options;
  for (const m of milestones) checkCount("multiStepLR", "a milestone", m, 0);
  checkFactor("gamma", gamma);
  const times = (steps: number): number => milestones.filter((m) => m === steps).length;
  const rate = ({ lr, steps }: At): number => (times(steps) === 0 ? lr : lr * gamma ** times(steps));
  return new RuleScheduler("multiStepLR", optimizer, { rate });
}

/** The rate is multiplied by gamma in every step. */
export function exponentialLR(optimizer: AnyOptimizer, options: { readonly gamma: number }): Scheduler {
  const { gamma } = options;
  checkFactor("gamma", gamma);
  return new RuleScheduler("exponentialLR", optimizer, { rate: ({ lr, steps }) => (steps === 0 ? lr : lr * gamma) });
}

/** base · factor for `totalIters` steps, then base; 1/3 and 5 unless said. */
export function constantLR(
  optimizer: AnyOptimizer,
  options: { readonly factor?: number; readonly totalIters?: number } = {},
): Scheduler {
  const { factor = 1 / 3, totalIters = 5 } = options;
  if (!(factor > 0 && factor <= 1)) expected("ARGUMENT_INVALID", "constantLR", "a factor above 0, at most 1", `${factor}`);
  checkCount("constantLR", "totalIters", totalIters, 0);
  const rate = ({ lr, steps }: At): number => (steps === 0 ? lr * factor : steps === totalIters ? lr * (1 / factor) : lr);
  return new RuleScheduler("constantLR", optimizer, { rate });
}

/** From base · startFactor to base · endFactor in `totalIters` equal steps; 1/3, 1 and 5 unless said. */
export function linearLR(
  optimizer: AnyOptimizer,
  options: { readonly startFactor?: number; readonly endFactor?: number; readonly totalIters?: number } = {},
): Scheduler {
  const { startFactor: from = 1 / 3, endFactor: to = 1, totalIters = 5 } = options;
  if (!(from > 0 && from <= 1)) expected("ARGUMENT_INVALID", "linearLR", "a startFactor above 0, at most 1", `${from}`);
  if (!(to >= 0 && to <= 1)) expected("ARGUMENT_INVALID", "linearLR", "an endFactor in 0..1", `${to}`);
  checkCount("linearLR", "totalIters", totalIters);
  const rate = ({ lr, steps }: At): number => {
    if (steps === 0) return lr * from;
    if (steps > totalIters) return lr;
    return lr * (1 + (to - from) / (totalIters * from + (steps - 1) * (to - from)));
  };
  return new RuleScheduler("linearLR", optimizer, { rate });
}

/** base · (1 - steps/totalIters)^power until it is 0; 5 and 1 unless said. */
export function polynomialLR(
  optimizer: AnyOptimizer,
  options: { readonly totalIters?: number; readonly power?: number } = {},
): Scheduler {
  const { totalIters = 5, power = 1 } = options;
  checkCount("polynomialLR", "totalIters", totalIters);
  checkFactor("power", power);
  const rate = ({ lr, steps }: At): number => {
    if (steps === 0 || steps > totalIters) return lr;
    return lr * ((1 - steps / totalIters) / (1 - (steps - 1) / totalIters)) ** power;
  };
  return new RuleScheduler("polynomialLR", optimizer, { rate });
}

/** A function of the number of steps, or one for each group. */
export type Factor = ((steps: number) => number) | readonly ((steps: number) => number)[];

function factorOf(where: string, optimizer: AnyOptimizer, given: Factor): (at: At) => number {
  if (typeof given === "function") return ({ steps }) => given(steps);
  const count = optimizer.paramGroups.length;
  if (given.length !== count) expected("ARGUMENT_INVALID", where, `${count} functions, one for each group`, `${given.length}`);
  return ({ steps, group }) => given[group]!(steps);
}

/** base · factor(steps). The function is not part of the saved state. */
export function lambdaLR(optimizer: AnyOptimizer, options: { readonly factor: Factor }): Scheduler {
  const factor = factorOf("lambdaLR", optimizer, options.factor);
  return new RuleScheduler("lambdaLR", optimizer, { rate: (at) => at.base * factor(at) });
}

/** The rate is multiplied by factor(steps) in every step. The function is not part of the saved state. */
export function multiplicativeLR(optimizer: AnyOptimizer, options: { readonly factor: Factor }): Scheduler {
  const factor = factorOf("multiplicativeLR", optimizer, options.factor);
  const rate = (at: At): number => (at.steps === 0 ? at.lr : at.lr * factor(at));
  return new RuleScheduler("multiplicativeLR", optimizer, { rate, begin: rate });
}

/** Warm-up: base · (steps + 1)/`steps` at first, base from then on: the first batch is trained with base/`steps`. */
export function warmup(optimizer: AnyOptimizer, options: { readonly steps: number }): Scheduler {
  const { steps: length } = options;
  checkCount("warmup", "steps", length);
  const rate = ({ lr, steps }: At): number => {
    if (steps === 0) return lr / length;
    return steps < length ? lr * ((steps + 1) / steps) : lr;
  };
  return new RuleScheduler("warmup", optimizer, { rate });
}
