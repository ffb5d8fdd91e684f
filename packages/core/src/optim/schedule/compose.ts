/** @file Schedules made of schedules: all at once, or one after the other. */
import { expected } from "../../errors.ts";
import { baseOf, checkKind, Scheduler, type SchedulerState } from "./scheduler.ts";

function checkParts(where: string, parts: readonly Scheduler[]): Scheduler {
  const first = parts[0];
  if (first === undefined) expected("ARGUMENT_INVALID", where, "at least one schedule", "none");
  for (const p of parts) {
    if (!(p instanceof Scheduler)) expected("ARGUMENT_INVALID", where, "schedules that step by themselves", "another value");
    if (p.optimizer !== first.optimizer) expected("ARGUMENT_INVALID", where, "schedules of one optimizer", "several");
  }
  return first;
}

abstract class Composite extends Scheduler {
  protected readonly parts: readonly Scheduler[];

  constructor(kind: string, parts: readonly Scheduler[]) {
    super(kind, checkParts(kind, parts).optimizer);
    this.parts = parts;
  }

  stateDict(): SchedulerState {
    const parts = this.parts.map((p) => p.stateDict());
    return { kind: this.kind, steps: this.steps, rates: this.lastLr, parts };
  }

  loadStateDict(state: SchedulerState): void {
    checkKind(this.kind, state);
    const { parts = [], rates = [] } = state;
    const groups = this.optimizer.paramGroups;
    if (parts.length !== this.parts.length || rates.length !== groups.length || !rates.every((r) => Number.isFinite(r))) {
      const got = `${parts.length} and ${rates.length}`;
      expected("STATE_MISMATCH", "scheduler", `${this.parts.length} parts and the rates of ${groups.length} groups`, got);
    }
    this.parts.forEach((p, i) => void p.loadStateDict(parts[i]!));
    this.steps = state.steps;
    // The rates that were set, whichever part set them.
    groups.forEach((group, i) => {
      group.lr = rates[i]!;
    });
  }
}

class Chained extends Composite {
  step(): void {
    this.steps++;
    for (const p of this.parts) p.step();
  }

  begin(first: boolean): void {
    this.steps = 0;
    for (const p of this.parts) p.begin(first);
  }
}

class Sequential extends Composite {
  private readonly milestones: readonly number[];

  constructor(parts: readonly Scheduler[], milestones: readonly number[]) {
    super("sequential", parts);
    if (milestones.length !== parts.length - 1)
      expected("ARGUMENT_INVALID", "sequential", `${parts.length - 1} milestones`, `${milestones.length}`);
    milestones.forEach((m, i) => {
      if (!Number.isSafeInteger(m) || m < 1 || (i > 0 && m <= milestones[i - 1]!))
        expected("ARGUMENT_INVALID", "sequential", "milestones of at least 1, ascending", `${m}`);
    });
    this.milestones = milestones;
    this.begin(true);
  }

  step(): void {
    this.steps++;
    const at = this.milestones.filter((m) => m <= this.steps).length;
    if (this.milestones[at - 1] === this.steps) this.parts[at]!.begin(false);
    else this.parts[at]!.step();
  }

  begin(_first: boolean): void {
    this.steps = 0;
    // Each of the parts set the rates when it was made.
    for (const group of this.optimizer.paramGroups) group.lr = baseOf(group);
    this.parts[0]!.begin(true);
  }
}

/** All of them step together; each starts from the rate that the one before left (PyTorch's ChainedScheduler). */
export const chained = (schedulers: readonly Scheduler[]): Scheduler => new Chained("chained", schedulers);

/** One after the other: the next one begins at each milestone, a number of steps (PyTorch's SequentialLR). */
export const sequential = (schedulers: readonly Scheduler[], options: { readonly milestones: readonly number[] }): Scheduler =>
  new Sequential(schedulers, options.milestones);
