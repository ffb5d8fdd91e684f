/** @file Cyclic rates and the one-cycle policy (Smith 2017; Smith and Topin 2018), with momentum cycled against the rate. Step them after each batch. */
import { expected } from "../../errors.ts";
import { type AnyOptimizer, type At, checkCount, checkFactor, perGroup, RuleScheduler, type Scheduler } from "./scheduler.ts";

/** A number for all groups, or one for each. */
type PerGroup = number | readonly number[];

export interface CyclicOptions {
  readonly baseLr: PerGroup;
  readonly maxLr: PerGroup;
  /** Steps from baseLr to maxLr; 2000 unless said. */
  readonly stepSizeUp?: number;
  /** Steps back; stepSizeUp unless said. */
  readonly stepSizeDown?: number;
  /** "triangular2" halves the height in every cycle, "expRange" scales it by gamma^steps. */
  readonly mode?: "triangular" | "triangular2" | "expRange";
  /** 1 unless said. */
  readonly gamma?: number;
  /** Momentum from maxMomentum down to baseMomentum while the rate rises; true unless said. */
  readonly cycleMomentum?: boolean;
  /** 0.8 unless said. */
  readonly baseMomentum?: PerGroup;
  /** 0.9 unless said. */
  readonly maxMomentum?: PerGroup;
}

/** The rate goes up from baseLr to maxLr and down again, over and over. */
export function cyclicLR(optimizer: AnyOptimizer, options: CyclicOptions): Scheduler {
  const { stepSizeUp = 2000, stepSizeDown = stepSizeUp, mode = "triangular", gamma = 1, cycleMomentum = true } = options;
  checkCount("cyclicLR", "stepSizeUp", stepSizeUp);
  checkCount("cyclicLR", "stepSizeDown", stepSizeDown);
  checkFactor("gamma", gamma);
  if (!["triangular", "triangular2", "expRange"].includes(mode))
    expected("ARGUMENT_INVALID", "cyclicLR", "mode triangular, triangular2 or expRange", JSON.stringify(mode));
  const [low, high] = [perGroup("cyclicLR", optimizer, options.baseLr), perGroup("cyclicLR", optimizer, options.maxLr)];
  const least = perGroup("cyclicLR", optimizer, options.baseMomentum ?? 0.8);
  const most = perGroup("cyclicLR", optimizer, options.maxMomentum ?? 0.9);
  const total = stepSizeUp + stepSizeDown;
  const ratio = stepSizeUp / total;
  /** Between 0 (low rate) and 1. */
  const height = (steps: number): number => {
    const cycle = Math.floor(1 + steps / total);
    const x = 1 + steps / total - cycle;
    const scale = mode === "triangular" ? 1 : mode === "triangular2" ? 1 / 2 ** (cycle - 1) : gamma ** steps;
    return (x <= ratio ? x / ratio : (x - 1) / (ratio - 1)) * scale;
  };
  const rate = ({ steps, group }: At): number => low[group]! + (high[group]! - low[group]!) * height(steps);
  const momentum = ({ steps, group }: At): number => most[group]! - (most[group]! - least[group]!) * height(steps);
  optimizer.paramGroups.forEach((g, i) => {
    g.lr = low[i]!;
  });
  return new RuleScheduler("cyclicLR", optimizer, { rate, ...(cycleMomentum && { momentum }) });
}

export interface OneCycleOptions {
  readonly maxLr: PerGroup;
  /** Steps of the whole cycle; or epochs · stepsPerEpoch. */
  readonly totalSteps?: number;
  readonly epochs?: number;
  readonly stepsPerEpoch?: number;
  /** The part of the cycle in which the rate rises; 0.3 unless said. */
  readonly pctStart?: number;
  /** "cos" unless said. */
  readonly annealStrategy?: "cos" | "linear";
  /** Momentum (or the first beta) from maxMomentum to baseMomentum and back; true unless said. */
  readonly cycleMomentum?: boolean;
  /** 0.85 unless said. */
  readonly baseMomentum?: PerGroup;
  /** 0.95 unless said. */
  readonly maxMomentum?: PerGroup;
  /** The first rate is maxLr / divFactor; 25 unless said. */
  readonly divFactor?: number;
  /** The last rate is the first one / finalDivFactor; 1e4 unless said. */
  readonly finalDivFactor?: number;
  /** Down to the first rate as fast as up, and to the last one in a third phase. */
  readonly threePhase?: boolean;
}

/** A stretch of the cycle: its last step, and the levels between which rate and momentum go. */
interface Phase {
  readonly end: number;
  readonly from: Level;
  readonly to: Level;
}
/** first: low rate, high momentum; peak: the opposite; last: lowest rate, high momentum. */
type Level = "first" | "peak" | "last";

function phasesOf(total: number, pctStart: number, threePhase: boolean): Phase[] {
  const up: Phase = { end: pctStart * total - 1, from: "first", to: "peak" };
  if (!threePhase) return [up, { end: total - 1, from: "peak", to: "last" }];
  const down: Phase = { end: 2 * pctStart * total - 2, from: "peak", to: "first" };
  return [up, down, { end: total - 1, from: "first", to: "last" }];
}

function stepsOf({ totalSteps, epochs, stepsPerEpoch }: OneCycleOptions): number {
  if (totalSteps !== undefined) {
    checkCount("oneCycle", "totalSteps", totalSteps);
    return totalSteps;
  }
  if (epochs === undefined || stepsPerEpoch === undefined)
    expected("ARGUMENT_INVALID", "oneCycle", "totalSteps, or epochs and stepsPerEpoch", "neither");
  checkCount("oneCycle", "epochs", epochs);
  checkCount("oneCycle", "stepsPerEpoch", stepsPerEpoch);
  return epochs * stepsPerEpoch;
}

const ANNEAL: Readonly<Record<"cos" | "linear", (from: number, to: number, part: number) => number>> = {
  cos: (from, to, part) => to + ((from - to) / 2) * (Math.cos(Math.PI * part) + 1),
  linear: (from, to, part) => (to - from) * part + from,
};

/** Up from maxLr/divFactor to maxLr, then down to almost 0, once. @throws ARGUMENT_INVALID by `step()` beyond the last step */
export function oneCycle(optimizer: AnyOptimizer, options: OneCycleOptions): Scheduler {
  const { pctStart = 0.3, annealStrategy = "cos", cycleMomentum = true } = options;
  const { divFactor = 25, finalDivFactor = 1e4, threePhase = false } = options;
  const total = stepsOf(options);
  if (!(pctStart >= 0 && pctStart <= 1)) expected("ARGUMENT_INVALID", "oneCycle", "pctStart in 0..1", `${pctStart}`);
  const anneal = ANNEAL[annealStrategy];
  if (anneal === undefined)
    expected("ARGUMENT_INVALID", "oneCycle", "annealStrategy cos or linear", JSON.stringify(annealStrategy));
  const peak = perGroup("oneCycle", optimizer, options.maxLr);
  const least = perGroup("oneCycle", optimizer, options.baseMomentum ?? 0.85);
  const most = perGroup("oneCycle", optimizer, options.maxMomentum ?? 0.95);
  const phases = phasesOf(total, pctStart, threePhase);
  const between = (steps: number, level: (at: Level) => number): number => {
    if (steps > total) expected("ARGUMENT_INVALID", "oneCycle", `at most ${total} steps`, `step ${steps}`);
    let start = 0;
    for (const [i, { end, from, to }] of phases.entries()) {
      if (steps <= end || i === phases.length - 1)
        return anneal(level(from), level(to), end === start ? 1 : (steps - start) / (end - start));
      start = end;
    }
    return level("last");
  };
  const rate = ({ steps, group }: At): number => {
    const max = peak[group]!;
    const first = max / divFactor;
    return between(steps, (l) => (l === "peak" ? max : l === "first" ? first : first / finalDivFactor));
  };
  const momentum = ({ steps, group }: At): number => between(steps, (l) => (l === "peak" ? least[group]! : most[group]!));
  optimizer.paramGroups.forEach((g, i) => {
    g.initialLr = peak[i]! / divFactor;
  });
  return new RuleScheduler("oneCycle", optimizer, { rate, ...(cycleMomentum && { momentum }) });
}
