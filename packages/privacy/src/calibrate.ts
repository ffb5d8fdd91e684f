/** @file From (ε, δ) to noise: the least noise whose events stay within both, by as few readings of them as can be. */
import { TacitError } from "@tacit/core/errors";
import { type AccountantName, epsilonOf } from "./accountants/index.ts";
import { checkDelta, checkEpsilon, checkOptions, namesOf, refuse } from "./check.ts";
import type { PrivacyEvent } from "./events.ts";

/** ε and δ that may be spent. */
export interface Target {
  readonly epsilon: number;
  readonly delta: number;
}

export interface CalibrateOptions {
  /** Default: pld. */
  readonly accountant?: AccountantName;
}

const TARGET = namesOf<Target>({ epsilon: true, delta: true });
const ACCOUNT = namesOf<CalibrateOptions>({ accountant: true });

/** @throws TacitError PRIVACY_PARAMETER */
export function checkTarget(where: string, target: Target): Target {
  checkOptions(where, target, TARGET);
  return { epsilon: checkEpsilon(where, target.epsilon), delta: checkDelta(where, target.delta) };
}

/** Above this much noise nothing is left of any signal. */
const MOST_NOISE = 1e12;
/** How near the least noise is approached from above, relative. */
const NEAR = 1e-4;

/**
 * The least noise (to a relative 1e-4, rounded up) with which `events(noise)` cost at most the target. Costs must fall as noise grows. By pld it takes some
 * eight readings of the events, of tenths of a second each; seconds where 10^4 and more are sampled. Noise so small that its losses leave the grid of
 * PLD does not count as enough: beyond, the least that it can read is found (0.035 of one Gaussian release, ε 550).
 * @throws TacitError PRIVACY_PARAMETER where no noise below 1e12 is enough, or the events do not depend on it
 */
export function calibrate(
  events: (noise: number) => readonly PrivacyEvent[],
  target: Target,
  options: CalibrateOptions = {},
): number {
  const { epsilon, delta } = checkTarget("calibrate", target);
  checkOptions("calibrate", options, ACCOUNT);
  if (JSON.stringify(events(1)) === JSON.stringify(events(2)))
    refuse(
      "calibrate",
      "events that depend on the noise",
      "the same for noise 1 and 2",
      "calibrate((noise) => [event of noise], target)",
    );
  const cost = (noise: number): number => costOf(events(noise), { ...options, delta });
  return narrow(bracket(cost, epsilon), cost, epsilon);
}

/** ε; Infinity too where losses are too large for the accountant's grid: with so little noise none is promised. */
function costOf(events: readonly PrivacyEvent[], options: CalibrateOptions & { readonly delta: number }): number {
  try {
    return epsilonOf(events, options);
  } catch (e) {
    if (e instanceof TacitError && e.code === "PRIVACY_GRID") return Number.POSITIVE_INFINITY;
    throw e;
  }
}

/** Noise, and what it costs. */
interface Reading {
  readonly noise: number;
  readonly cost: number;
}

/** Two noises, the first of which costs more than ε, the second not. By steps as long as a power law of what was read says. */
function bracket(cost: (noise: number) => number, epsilon: number): readonly [Reading, Reading] {
  const read = (noise: number): Reading => ({ noise, cost: cost(noise) });
  let [last, least] = [read(1), 1.05];
  const isEnough = last.cost <= epsilon;
  for (;;) {
    // With ε over noise in proportion, and a little more; longer each time, where costs do not follow.
    const ratio = isEnough ? epsilon / last.cost : last.cost / epsilon;
    const factor = Math.max(least, ratio < Number.POSITIVE_INFINITY ? Math.min(64, 1.1 * ratio) : 4);
    least = 2 * factor;
    const next = read(isEnough ? last.noise / factor : last.noise * factor);
    if (isEnough && (next.cost > epsilon || next.noise < 1e-12)) return [next, last];
    if (!isEnough && next.cost <= epsilon) return [last, next];
    if (next.noise > MOST_NOISE) refuse("calibrate", "events that some noise makes private enough", "events that none does");
    last = next;
  }
}

/**
 * The noise of a bracket that is just enough. Secants of log cost over log noise through the last two readings; each a little beyond where it says, towards
 * the farther end, which thereby comes near, too. By halving where that gets out of the bracket, or three of them did not halve it.
 */
function narrow([lo, hi]: readonly [Reading, Reading], cost: (noise: number) => number, epsilon: number): number {
  let [low, high, enough] = [Math.log(lo.noise), Math.log(hi.noise), hi.noise];
  const of = ({ noise, cost }: Reading): readonly [number, number] => [Math.log(noise), Math.log(cost / epsilon)];
  let [before, last] = [of(lo), of(hi)];
  const widths: number[] = [];
  while (high - low > NEAR) {
    widths.unshift(high - low);
    const root = last[0] - (last[1] * (last[0] - before[0])) / (last[1] - before[1]);
    const beyond = Math.max(0.4 * NEAR, 0.1 * Math.abs(root - last[0]));
    const guess = root - low > high - root ? root - beyond : root + beyond;
    const isUseful = guess > low && guess < high && !(widths[0]! > (widths[3] ?? Number.POSITIVE_INFINITY) / 2);
    const at = isUseful ? guess : (low + high) / 2;
    const noise = Math.exp(at);
    [before, last] = [last, of({ noise, cost: cost(noise) })];
    if (last[1] <= 0) [high, enough] = [at, noise];
    else low = at;
  }
  return enough;
}
