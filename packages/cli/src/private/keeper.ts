/** @file Keeper: the checkpoints of a training on shares, by one session after the other. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import type * as nn from "@tacit/core/nn";
import type * as optim from "@tacit/core/optim";
import { type MpcSession, mpc } from "@tacit/mpc";
import { say } from "../output/streams.ts";
import type { TrainingPlan } from "./training.ts";

export interface KeptParts {
  readonly model: nn.Layer;
  readonly optimizer: optim.SGD;
}

/** Where a training stands. */
export interface Standing {
  readonly step: number;
  readonly losses: readonly number[];
}

/** What a training asks of whoever keeps its checkpoints. */
export interface Keeper {
  /** A checkpoint is due after so many steps. */
  readonly every: number;
  /** Takes up the last checkpoint into new parts; null: there is none. */
  restore(parts: KeptParts): Promise<Standing | null>;
  save(parts: KeptParts, standing: Standing): Promise<void>;
  /**
   * Mean losses that were disclosed before, this program's own memory of them included: steps that are done again are not
   * disclosed again.
   */
  readonly losses: number[];
}

const isNumbers = (x: unknown): x is number[] => Array.isArray(x) && x.every((v) => typeof v === "number");

/** Another plan would go on from weights that it never had. */
function checkPlan(saved: unknown, plan: TrainingPlan): void {
  if (saved === JSON.stringify(plan)) return;
  const hint = "give the same options as before, or begin anew without --resume";
  expected("ARGUMENT_INVALID", "resume", "the training that was interrupted", "another", hint);
}

/** `resumed`: what the session has restored. `losses`: what this program knows of them; it grows. */
export function sessionKeeper(
  session: MpcSession,
  every: number,
  resumed: mpc.Resumed | null,
  { plan, losses }: { readonly plan: TrainingPlan; readonly losses: number[] },
): Keeper {
  return {
    every,
    losses,
    restore: async (parts) => {
      if (resumed === null) return null;
      const { step, extra } = await mpc.takeUpTraining(session, resumed, parts);
      checkPlan(extra.plan, plan);
      const saved = isNumbers(extra.losses) ? extra.losses : [];
      losses.push(...saved.slice(losses.length));
      say(`going on from step ${step} of ${plan.steps}`);
      return { step, losses: saved };
    },
    save: (parts, standing) =>
      mpc.saveTraining(session, { ...parts, extra: { losses: standing.losses, plan: JSON.stringify(plan) } }, standing.step),
  };
}

/** Inputs that a session has restored, by their names at the parties. */
export const restoredInputs = (session: MpcSession, resumed: mpc.Resumed | null): ReadonlyMap<string, Tensor> =>
  new Map((resumed?.inputs ?? []).map((handle) => [handle, session.input(handle)]));
