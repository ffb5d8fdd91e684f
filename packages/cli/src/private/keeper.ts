/** @file Keeper: the checkpoints of a training on shares, by one session after the other. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import type * as nn from "@tacit/core/nn";
import type * as optim from "@tacit/core/optim";
import { type MpcSession, mpc } from "@tacit/mpc";
import { say } from "../output/streams.ts";
import { REPORT_EVERY, type TrainingPlan } from "./training.ts";

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
   * Mean losses that were disclosed before, by the step after which they were: what is done again by a program that knows them is not
   * disclosed again.
   */
  readonly losses: Map<number, number>;
}

const isNumbers = (x: unknown): x is number[] => Array.isArray(x) && x.every((v) => typeof v === "number");

/** Another plan would go on from weights that it never had. */
function checkPlan(saved: unknown, plan: TrainingPlan): void {
  if (saved === JSON.stringify(plan)) return;
  const hint = "give the same options as before, or begin anew without --resume";
  expected("ARGUMENT_INVALID", "resume", "the training that was interrupted", "another", hint);
}

export interface Known {
  readonly plan: TrainingPlan;
  /** What this program knows of the losses; it grows. */
  readonly losses: Map<number, number>;
  /** Every party reads a checkpoint's note: losses go into it only where all parties are on the machine of whoever learns them. */
  readonly noted: boolean;
}

/** `resumed`: what the session has restored. */
export function sessionKeeper(session: MpcSession, every: number, resumed: mpc.Resumed | null, known: Known): Keeper {
  const { plan, losses, noted } = known;
  return {
    every,
    losses,
    restore: async (parts) => {
      if (resumed === null) return null;
      const { step, extra } = await mpc.takeUpTraining(session, resumed, parts);
      checkPlan(extra.plan, plan);
      const saved = isNumbers(extra.losses) ? extra.losses : [];
      for (const [i, loss] of saved.entries()) losses.set((i + 1) * REPORT_EVERY, loss);
      say(`going on from step ${step} of ${plan.steps}`);
      const before = [...losses].filter(([at]) => at <= step).sort(([a], [b]) => a - b);
      return { step, losses: before.map(([, loss]) => loss) };
    },
    save: (parts, { step, losses: disclosed }) =>
      mpc.saveTraining(session, { ...parts, extra: { losses: noted ? disclosed : [], plan: JSON.stringify(plan) } }, step),
  };
}

/** Inputs that a session has restored, by their names at the parties. */
export const restoredInputs = (session: MpcSession, resumed: mpc.Resumed | null): ReadonlyMap<string, Tensor> =>
  new Map((resumed?.inputs ?? []).map((handle) => [handle, session.input(handle)]));
