/** @file Cosine schedules (Loshchilov and Hutter 2017, SGDR), without and with warm restarts. */
import { type AnyOptimizer, type At, checkCount, checkFactor, RuleScheduler, type Scheduler } from "./scheduler.ts";

/** etaMin + (base - etaMin) · (1 + cos(π steps / tMax)) / 2; etaMin 0 unless said. Beyond tMax the rate rises again. */
export function cosineAnnealing(
  optimizer: AnyOptimizer,
  options: { readonly tMax: number; readonly etaMin?: number },
): Scheduler {
  const { tMax, etaMin = 0 } = options;
  checkCount("cosineAnnealing", "tMax", tMax);
  checkFactor("etaMin", etaMin);
  const height = (steps: number): number => 1 + Math.cos((Math.PI * steps) / tMax);
  const rate = ({ lr, base, steps }: At): number => {
    if (steps === 0) return lr;
    // One step after a minimum the rate before says nothing.
    if ((steps - 1 - tMax) % (2 * tMax) === 0) return lr + ((base - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2;
    return (height(steps) / height(steps - 1)) * (lr - etaMin) + etaMin;
  };
  return new RuleScheduler("cosineAnnealing", optimizer, { rate });
}

/** Where `steps` lies: steps since the last restart, and steps between it and the next. */
function cycleAt(steps: number, t0: number, tMult: number): { readonly done: number; readonly length: number } {
  let [done, length] = [steps, t0];
  if (tMult === 1) return { done: steps % t0, length };
  for (; done >= length; length *= tMult) done -= length;
  return { done, length };
}

/** A cosine from base to etaMin in t0 steps, then again from base, each time in tMult times as many; 1 and 0 unless said. */
export function cosineAnnealingWarmRestarts(
  optimizer: AnyOptimizer,
  options: { readonly t0: number; readonly tMult?: number; readonly etaMin?: number },
): Scheduler {
  const { t0, tMult = 1, etaMin = 0 } = options;
  checkCount("cosineAnnealingWarmRestarts", "t0", t0);
  checkCount("cosineAnnealingWarmRestarts", "tMult", tMult);
  checkFactor("etaMin", etaMin);
  const rate = ({ base, steps }: At): number => {
    const { done, length } = cycleAt(steps, t0, tMult);
    return etaMin + ((base - etaMin) * (1 + Math.cos((Math.PI * done) / length))) / 2;
  };
  return new RuleScheduler("cosineAnnealingWarmRestarts", optimizer, { rate });
}
