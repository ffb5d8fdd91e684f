/** @file Scheduler: what all learning rate schedules share. `step()` after each epoch (or batch) sets the `lr` of every group. */
import { expected } from "../../errors.ts";
import type { OptimizerBase } from "../base.ts";
import { checkOption, type GroupOptions, type ParamGroup } from "../groups.ts";
import type { Optimizer } from "../optimizer.ts";

/** Any optimizer, whatever the options of its groups. */
export type AnyOptimizer = OptimizerBase;

/** JSON. */
export interface SchedulerState {
  readonly kind: string;
  /** Calls of `step()` so far. */
  readonly steps: number;
  /** Learning rate at the start, in states written before there were groups. */
  readonly base?: number;
  /** By group: the rate at the start, the rate now, and the momentum now where it is cycled. */
  readonly bases?: readonly number[];
  readonly rates?: readonly number[];
  readonly momenta?: readonly number[];
  /** Of schedules that are made of others. */
  readonly parts?: readonly SchedulerState[];
  /** Of `reduceLROnPlateau`: the best value (null: none yet), steps without a better one, steps to wait. */
  readonly best?: number | null;
  readonly bad?: number;
  readonly cooldown?: number;
}

/** Where a group stands: its rate now, its rate at the start, calls of `step()` including this one, its position. */
export interface At {
  readonly lr: number;
  readonly base: number;
  readonly steps: number;
  readonly group: number;
}

/** What a schedule does with one group. */
export interface Rule {
  /** The rate after step `steps`; also called with 0, when the schedule is made. */
  readonly rate: (at: At) => number;
  /** The rate where `sequential` begins this schedule; unless said, `rate` at step 0 from the rate at the start. */
  readonly begin?: (at: At) => number;
  /** The momentum that goes with it. */
  readonly momentum?: (at: At) => number;
}

/** Throws STATE_MISMATCH unless the state is one of `kind`. */
export function checkKind(kind: string, state: SchedulerState): void {
  if (state.kind !== kind) expected("STATE_MISMATCH", "scheduler", `the state of ${kind}`, state.kind);
  if (!Number.isSafeInteger(state.steps) || state.steps < 0)
    expected("STATE_MISMATCH", "scheduler", "a count of steps", "something else");
}

export abstract class Scheduler {
  readonly kind: string;
  readonly optimizer: AnyOptimizer;
  protected steps = 0;

  constructor(kind: string, optimizer: AnyOptimizer) {
    this.kind = kind;
    this.optimizer = optimizer;
  }

  /** Goes on by one. */
  abstract step(): void;
  /** Begins anew, where `sequential` says so; `first`: as if just made. */
  abstract begin(first: boolean): void;
  abstract stateDict(): SchedulerState;
  /** Takes up a saved state and sets the rates. @throws STATE_MISMATCH when it belongs to another kind of schedule */
  abstract loadStateDict(state: SchedulerState): void;

  /** The rates that are set now, by group. */
  get lastLr(): number[] {
    return this.optimizer.paramGroups.map((g) => g.lr);
  }
}

/**
 * A schedule by a rule: each rate from the one before, as in PyTorch, so that schedules can be chained and a rate set by hand stays in
 * force. Its state holds the rates. Groups that are added to the optimizer later are none of its business.
 */
export class RuleScheduler extends Scheduler {
  private readonly rule: Rule;
  private bases: number[];

  constructor(kind: string, optimizer: AnyOptimizer, rule: Rule) {
    super(kind, optimizer);
    this.rule = rule;
    this.bases = optimizer.paramGroups.map(baseOf);
    if (rule.momentum) varyMomentum(kind, optimizer);
    this.set(rule.rate);
  }

  step(): void {
    this.steps++;
    this.set(this.rule.rate);
  }

  begin(first: boolean): void {
    this.steps = 0;
    const { rate, begin } = this.rule;
    this.set(first ? rate : (begin ?? ((at) => rate({ ...at, lr: at.base }))));
  }

  private get groups(): readonly ParamGroup<GroupOptions>[] {
    return this.optimizer.paramGroups.slice(0, this.bases.length);
  }

  private set(rate: (at: At) => number): void {
    this.groups.forEach((group, i) => {
      const at = { lr: group.lr, base: this.bases[i]!, steps: this.steps, group: i };
      group.lr = rate(at);
      if (this.rule.momentum) setMomentum(this.optimizer, group, this.rule.momentum(at));
    });
  }

  stateDict(): SchedulerState {
    const { groups } = this;
    const momenta = this.rule.momentum ? { momenta: groups.map((g) => momentumOf(this.optimizer, g)) } : {};
    return { kind: this.kind, steps: this.steps, bases: [...this.bases], rates: groups.map((g) => g.lr), ...momenta };
  }

  loadStateDict(state: SchedulerState): void {
    checkKind(this.kind, state);
    const { groups } = this;
    const { bases = state.base === undefined ? [] : [state.base], momenta } = state;
    const good = (list: readonly number[]): boolean => list.length === groups.length && list.every((v) => Number.isFinite(v));
    if (!good(bases)) expected("STATE_MISMATCH", "scheduler", `base rates of ${groups.length} groups`, `${bases.length}`);
    const rates = state.rates ?? this.replayed(bases, state.steps);
    if (!good(rates) || (momenta !== undefined && !good(momenta)))
      expected("STATE_MISMATCH", "scheduler", `rates of ${groups.length} groups`, "another number");
    this.bases = [...bases];
    this.steps = state.steps;
    groups.forEach((group, i) => {
      group.initialLr = bases[i]!;
      group.lr = rates[i]!;
      if (momenta && this.rule.momentum) setMomentum(this.optimizer, group, momenta[i]!);
    });
  }

  /** The rates after `steps` steps: states written before there were groups do not say them. */
  private replayed(bases: readonly number[], steps: number): number[] {
    return bases.map((base, group) => {
      let lr = base;
      for (let i = 1; i <= steps; i++) lr = this.rule.rate({ lr, base, steps: i, group });
      return lr;
    });
  }
}

/** The rate that schedules of a group count from. */
export const baseOf = (group: ParamGroup<GroupOptions>): number => (group.initialLr ??= group.lr);

type WithMomentum = ParamGroup<GroupOptions> & { momentum: number; betas: readonly [number, number] };

const isVariable = (optimizer: AnyOptimizer): optimizer is Optimizer => "vary" in optimizer;

/** Makes what is cycled an input of the step's Program. @throws ARGUMENT_INVALID for an optimizer without */
export function varyMomentum(kind: string, optimizer: AnyOptimizer): void {
  const name = optimizer.cycled;
  if (name === null || !isVariable(optimizer)) {
    const hint = "pass { cycleMomentum: false }";
    expected("ARGUMENT_INVALID", kind, "an optimizer whose momentum can be cycled", optimizer.kind, hint);
  }
  optimizer.vary(name);
}

function setMomentum(optimizer: AnyOptimizer, group: ParamGroup<GroupOptions>, value: number): void {
  const g = group as WithMomentum;
  if (optimizer.cycled === "betas") g.betas = [value, g.betas[1]];
  else g.momentum = value;
}

function momentumOf(optimizer: AnyOptimizer, group: ParamGroup<GroupOptions>): number {
  const g = group as WithMomentum;
  return optimizer.cycled === "betas" ? g.betas[0] : g.momentum;
}

/** One value for every group: a number stands for all. @throws ARGUMENT_INVALID */
export function perGroup(where: string, optimizer: AnyOptimizer, value: number | readonly number[]): readonly number[] {
  const count = optimizer.paramGroups.length;
  if (typeof value === "number") return new Array<number>(count).fill(value);
  if (value.length !== count) expected("ARGUMENT_INVALID", where, `${count} values, one for each group`, `${value.length}`);
  return value;
}

/** A count of at least `least`. @throws ARGUMENT_INVALID */
export function checkCount(where: string, name: string, value: number, least = 1): void {
  if (!Number.isSafeInteger(value) || value < least)
    expected("ARGUMENT_INVALID", where, `${name} of at least ${least}`, `${value}`);
}

/** A finite number of at least 0. @throws ARGUMENT_INVALID */
export const checkFactor = (name: string, value: number): void => checkOption(name, value, value >= 0);
