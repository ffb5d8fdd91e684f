/** @file A training on shares, saved and taken up again: model, optimizer, schedule, loader and random states, as one checkpoint. */
import { Tensor } from "@tacit/core";
import { type CheckpointParts, checkpoint } from "@tacit/core/io";
import { DTYPE } from "@tacit/core/program";
import type { Resumed, ResumeOptions } from "./checkpoints.ts";
import type { MpcSession } from "./mpc-session.ts";

/** What a training came to when it was saved. */
export interface RestoredTraining {
  readonly step: number;
  readonly extra: Readonly<Record<string, unknown>>;
  /** Names of the inputs that are at the parties again. */
  readonly inputs: readonly string[];
}

/** Whole numbers that a module counts for itself stay with the driver: they are no secret. */
const isCounter = (session: MpcSession, t: Tensor): boolean => t.device !== session && !DTYPE[t.dtype].float;

/**
 * Saves a training whose model is in `session`: its weights and the optimizer's moments as shares, everything else (steps, learning
 * rates, the loader's place, seeds, `extra`) as a note that every party can read, at most 65,536 bytes.
 * @throws TacitError CHECKPOINT_DISK, CHECKPOINT_UNEQUAL; DEVICE_MISMATCH for a model that is not in the session
 */
export async function saveTraining(session: MpcSession, parts: CheckpointParts, step: number): Promise<void> {
  const { tensors, header } = checkpoint.state(parts);
  const saved: Record<string, Tensor> = {};
  for (const [name, t] of tensors) {
    saved[name] = isCounter(session, t) ? session.public({ values: await t.data(), shape: t.shape }) : t;
  }
  await session.checkpoint({ step, tensors: saved, note: header });
}

/**
 * Takes up the training that `saveTraining` saved last, into the same parts: the model in the session (`await model.to(session)`),
 * its optimizer made new. The next step is the one that would have come. Null where there is no checkpoint; nothing is changed then.
 * @throws TacitError as `session.resume`; STATE_MISMATCH, CHECKPOINT_INVALID for other parts
 */
export async function restoreTraining(
  session: MpcSession,
  parts: CheckpointParts,
  options: ResumeOptions = {},
): Promise<RestoredTraining | null> {
  const resumed = await session.resume(options);
  return resumed === null ? null : takeUpTraining(session, resumed, parts);
}

/** The second half of `restoreTraining`, for whoever needs the restored inputs to make the model. */
export async function takeUpTraining(session: MpcSession, resumed: Resumed, parts: CheckpointParts): Promise<RestoredTraining> {
  const own = checkpoint.state(parts).tensors;
  const tensors = new Map<string, Tensor>();
  for (const [name, t] of Object.entries(resumed.tensors)) {
    const counter = own.get(name);
    tensors.set(name, counter !== undefined && isCounter(session, counter) ? await publicCopy(t) : t);
  }
  const extra = checkpoint.restore({ tensors, header: resumed.note }, parts);
  return { step: resumed.step, extra, inputs: resumed.inputs };
}

/** A public value of the session as a tensor of this machine: disclosed to nobody, since everybody knows it. */
async function publicCopy(t: Tensor): Promise<Tensor> {
  return Tensor.from(await t.reveal({ to: "", why: "" }), t.shape, { dtype: t.dtype });
}
