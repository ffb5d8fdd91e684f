/** @file What a private job asks of the machine it runs on: a session, or the recorder that stands for one in plans and estimates. */
import type { Tensor } from "@tacit/core";
import type { Device } from "@tacit/core/device";
import type { TypedArray } from "@tacit/core/program";
import { Progress } from "../output/progress.ts";
import type { Interrupt } from "../training/interrupt.ts";

/** A device whose values are secret. */
export interface SecretDevice extends Device {
  /** Secret-shares a value of `owner` under `name`. Returns at once. */
  input(
    name: string,
    data: { readonly values: TypedArray; readonly shape: readonly number[] },
    options: { readonly owner: string },
  ): Tensor;
}

/** Who looks on while a job runs. */
export interface Watcher {
  /** Says what the Programs that run from now on are for. */
  stage(title: string): void;
  /** `from`: steps that were done before. */
  progress(label: string, total: number, from?: number): Pick<Progress, "update" | "finish">;
  /** What the runs so far have cost, as fields of a progress line. */
  costs(): readonly string[];
  /** Whether the user wants to stop. */
  readonly stopped: boolean;
}

/** Progress lines for a person. */
export function onlooker(interrupt: Interrupt, costs: () => readonly string[]): Watcher {
  return {
    stage: () => undefined,
    progress: (label, total, from) => new Progress(label, total, process.stderr, from),
    costs,
    get stopped(): boolean {
      return interrupt.requested;
    },
  };
}
