/** @file ReduceLROnPlateau: the rate goes down when a measured value stops getting better. */
import { expected } from "../../errors.ts";
import { type AnyOptimizer, checkCount, checkFactor, checkKind, perGroup, type SchedulerState } from "./scheduler.ts";

export interface PlateauOptions {
  /** Whether smaller ("min", unless said) or larger values are better. */
  readonly mode?: "min" | "max";
  /** In [0, 1); 0.1 unless said. */
  readonly factor?: number;
  /** Steps without a better value that are let pass; 10 unless said. */
  readonly patience?: number;
  /** How much better a value must be to count; 1e-4 unless said. */
  readonly threshold?: number;
  /** Whether the threshold is a part of the best value ("rel", unless said) or a difference. */
  readonly thresholdMode?: "rel" | "abs";
  /** Steps after a reduction in which nothing counts; 0 unless said. */
  readonly cooldown?: number;
  /** Lowest rate, of all groups or of each; 0 unless said. */
  readonly minLr?: number | readonly number[];
  /** Smaller changes of the rate are left out; 1e-8 unless said. */
  readonly eps?: number;
}

/** `step(value)` after each epoch; the value is one that may be read: a public loss, an accuracy. */
export class ReduceLROnPlateau {
  readonly kind = "reduceLROnPlateau";
  readonly optimizer: AnyOptimizer;
  private readonly options: Required<Omit<PlateauOptions, "minLr">>;
  private readonly floors: readonly number[];
  private steps = 0;
  private best: number | null = null;
  private bad = 0;
  private cooldown = 0;

  constructor(optimizer: AnyOptimizer, options: PlateauOptions = {}) {
    const { mode = "min", factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = "rel" } = options;
    const { cooldown = 0, eps = 1e-8 } = options;
    const where = "reduceLROnPlateau";
    if (!(factor >= 0 && factor < 1)) expected("ARGUMENT_INVALID", where, "a factor in [0, 1)", `${factor}`);
    if (mode !== "min" && mode !== "max") expected("ARGUMENT_INVALID", where, "mode min or max", JSON.stringify(mode));
    if (thresholdMode !== "rel" && thresholdMode !== "abs")
      expected("ARGUMENT_INVALID", where, "thresholdMode rel or abs", JSON.stringify(thresholdMode));
    checkCount(where, "patience", patience, 0);
    checkCount(where, "cooldown", cooldown, 0);
    checkFactor("threshold", threshold);
    checkFactor("eps", eps);
    this.optimizer = optimizer;
    this.options = { mode, factor, patience, threshold, thresholdMode, cooldown, eps };
    this.floors = perGroup(where, optimizer, options.minLr ?? 0);
  }

  /** Goes on by one. NaN is never better. */
  step(value: number): void {
    const { patience, cooldown } = this.options;
    if (typeof value !== "number")
      expected("ARGUMENT_INVALID", this.kind, "a number", typeof value, "await loss.item() gives one");
    this.steps++;
    if (this.isBetter(value)) {
      this.best = value;
      this.bad = 0;
    } else this.bad++;
    if (this.cooldown > 0) {
      this.cooldown--;
      this.bad = 0;
    }
    if (this.bad <= patience) return;
    this.reduce();
    this.cooldown = cooldown;
    this.bad = 0;
  }

  private isBetter(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.options;
    const best = this.best ?? (mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY);
    if (mode === "min") return value < (thresholdMode === "rel" ? best * (1 - threshold) : best - threshold);
    return value > (thresholdMode === "rel" ? best * (1 + threshold) : best + threshold);
  }

  private reduce(): void {
    const { factor, eps } = this.options;
    this.optimizer.paramGroups.forEach((group, i) => {
      const next = Math.max(group.lr * factor, this.floors[i] ?? 0);
      if (group.lr - next > eps) group.lr = next;
    });
  }

  /** The rates that are set now, by group. */
  get lastLr(): number[] {
    return this.optimizer.paramGroups.map((g) => g.lr);
  }

  stateDict(): SchedulerState {
    const { kind, steps, best, bad, cooldown } = this;
    return { kind, steps, best, bad, cooldown, rates: this.lastLr };
  }

  /** Takes up a saved state and sets the rates. @throws STATE_MISMATCH when it belongs to another kind of schedule */
  loadStateDict(state: SchedulerState): void {
    checkKind(this.kind, state);
    const { best = null, bad = 0, cooldown = 0, rates = [] } = state;
    const groups = this.optimizer.paramGroups;
    const counts = [bad, cooldown].every((n) => Number.isSafeInteger(n) && n >= 0);
    const good = counts && (best === null || typeof best === "number") && rates.every((r) => Number.isFinite(r));
    if (!good || rates.length !== groups.length)
      expected("STATE_MISMATCH", "scheduler", `a best value, counts and the rates of ${groups.length} groups`, "something else");
    this.steps = state.steps;
    this.best = best;
    this.bad = bad;
    this.cooldown = cooldown;
    groups.forEach((group, i) => {
      group.lr = rates[i]!;
    });
  }
}

/** Multiplies the rates by `factor` after `patience` steps without a better value. */
export const reduceLROnPlateau = (optimizer: AnyOptimizer, options: PlateauOptions = {}): ReduceLROnPlateau =>
  new ReduceLROnPlateau(optimizer, options);
