/** @file Profile: time per step of the plans that ran while it was on. */
import { type Aval, showAval } from "../../program/aval.ts";
import type { Step } from "./steps.ts";

export interface ProfileRow {
  readonly label: string;
  /** Type of the step's first result. */
  readonly result: string;
  calls: number;
  totalMs: number;
  bestMs: number;
  /** Floating-point operations of one call; 0 where not counted. */
  readonly flops: number;
}

export class Profile {
  private readonly byStep = new Map<Step, ProfileRow>();
  private readonly onStop: () => void;

  constructor(onStop: () => void) {
    this.onStop = onStop;
  }

  add(step: Step, aval: Aval, ms: number): void {
    let row = this.byStep.get(step);
    if (row === undefined) {
      const flops = step.kind === "kernel" ? (step.flops ?? 0) : 0;
      row = { label: step.label, result: showAval(aval), calls: 0, totalMs: 0, bestMs: Number.POSITIVE_INFINITY, flops };
      this.byStep.set(step, row);
    }
    row.calls++;
    row.totalMs += ms;
    row.bestMs = Math.min(row.bestMs, ms);
  }

  /** One row per step, in order of execution. */
  rows(): readonly ProfileRow[] {
    return [...this.byStep.values()];
  }

  /** Steps run in one call again. */
  stop(): void {
    this.onStop();
  }
}
