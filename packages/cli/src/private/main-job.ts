/** @file The main job: a CNN learns pictures that nobody sees, is tested on encrypted pictures, and is compared with a training in the clear. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { expected } from "@tacit/core/errors";
import { saveSafetensors } from "@tacit/core/io";
import { type MpcSession, mpc, type SessionCost } from "@tacit/mpc";
import { MODELS, type ModelName } from "../models.ts";
import { sayLosses } from "../output/pictures.ts";
import { showMegabytes, showSeconds } from "../output/progress.ts";
import { say } from "../output/streams.ts";
import { Interrupt } from "../training/interrupt.ts";
import { CENTRING } from "./batches.ts";
import { onlooker, type Watcher } from "./device.ts";
import { type Job, type JobOptions, type JobResult, openJob, runJob } from "./job.ts";
import { restoredInputs, sessionKeeper } from "./keeper.ts";
import { accuracyInTheClear, REPORT_EVERY, type TrainingPlan, trainInTheClear } from "./training.ts";
import { showWitnesses, type Witness, witnesses } from "./witness.ts";

export interface MainJobOptions extends JobOptions {
  /** Train the same model in the clear too. */
  readonly compare: boolean;
  /** Where a disclosed model goes. */
  readonly out: string;
  /** Steps between two checkpoints; default: none are kept. */
  readonly checkpointEvery?: number;
  /** Where the parties keep them; default: beside `out`. */
  readonly checkpointDir?: string;
  /** Go on from the last one. */
  readonly resume?: boolean;
}

/** What the main job came to: the result of a training in the clear, with what is known of a private one. */
export interface MainJobResult {
  readonly data: string;
  readonly model: ModelName;
  readonly steps: number;
  readonly batch: number;
  /** On encrypted test pictures; null without any. */
  readonly accuracy: number | null;
  /** Of the same training in the clear. */
  readonly accuracyInTheClear: number | null;
  /** Only a whole count is disclosed. */
  readonly confusion: null;
  readonly pictures: { readonly train: number; readonly test: number };
  /** Means over ten steps, as they were disclosed. */
  readonly losses: readonly number[];
  readonly cost: {
    readonly training: SessionCost;
    readonly all: SessionCost;
    /** Wall-clock seconds of the parties' work for a step. */
    readonly secondsPerStep: number;
  };
  readonly parties: readonly Witness[];
  readonly seconds: number;
  /** Null: the model stayed shared and ended with the session. */
  readonly file: string | null;
}

const costFields = (session: MpcSession) => (): string[] => {
  const cost = session.cost();
  return [`${showMegabytes(Math.max(...cost.bytesPerParty))} sent per party`, `${cost.rounds} rounds`];
};

/** Steps between two checkpoints, where none are said. */
export const EVERY = 50;

interface KeepOptions {
  readonly every: number;
  readonly directory: string;
  readonly resume: boolean;
}

/** What one session came to. */
interface Shared {
  readonly result: JobResult;
  readonly training: SessionCost;
  readonly all: SessionCost;
  readonly parties: readonly Witness[];
}

/** The private part, in a session of its own that has ended when this returns; in several, where parties were lost. */
async function runOnParties(job: Job, interrupt: Interrupt, keep: KeepOptions | null): Promise<Shared | null> {
  const { owners } = job.plan;
  const place = keep === null ? {} : { directory: keep.directory };
  const losses = new Map<number, number>();
  const open = (): Promise<MpcSession> => {
    say("starting three parties…");
    return mpc.local(3, { people: [owners.model, owners.data], owner: owners.model, ...place });
  };
  const options = { open, said: say, times: keep === null ? 0 : mpc.TIMES, stopped: () => interrupt.requested };
  return mpc.persist(options, async (session, again) => {
    const names = session.session.file.parties.map((p) => p.identity.name);
    say(`parties: ${names.join(", ")} (three processes, TLS 1.3, ${session.name})`);
    const resumed = keep?.resume || again > 0 ? await session.resume() : null;
    if (keep?.resume && resumed === null) say("no checkpoint to resume from: training from the start");
    if (resumed === null) say(`sharing ${job.train.count} pictures to train on and ${job.test.count} to test…`);
    const keeper = keep === null ? null : sessionKeeper(session, keep.every, resumed, { plan: job.plan, losses, noted: true });
    const kept = { keeper, inputs: restoredInputs(session, resumed) };
    let training = session.cost();
    const after = (): void => {
      training = session.cost();
    };
    const result = await runJob(session, job, onlooker(interrupt, costFields(session)), after, kept);
    if (result === null) return null;
    return { result, training, all: session.cost(), parties: await witnesses(session) };
  });
}

/** Where checkpoints of a local session are kept. @throws ARGUMENT_INVALID where something else is there */
function keepOptions({ checkpointEvery, checkpointDir, resume = false, out }: MainJobOptions): KeepOptions | null {
  if (checkpointEvery === undefined && !resume) return null;
  const directory = checkpointDir ?? `${out}.parties`;
  if (!resume && existsSync(directory)) {
    const hint = "--resume goes on with what is there; or remove it, or name another with --checkpoint-dir";
    expected("ARGUMENT_INVALID", "train", `a new directory for the parties`, directory, hint);
  }
  if (resume && existsSync(directory) && !mpc.isKept(directory)) {
    expected("ARGUMENT_INVALID", "train", "the directory of an interrupted training", `${directory}, which is none`);
  }
  return { every: checkpointEvery ?? EVERY, directory, resume };
}

async function clearAccuracy(job: Job, watcher: Watcher): Promise<number | null> {
  const { model } = await trainInTheClear(job.train, job.plan, watcher);
  return watcher.stopped || job.test.count === 0 ? null : accuracyInTheClear(model, job.test);
}

/** Saves disclosed weights, as `tacit train` saves its own. */
export async function saveModel(
  path: string,
  job: Pick<Job, "name" | "names"> & { readonly plan: Pick<TrainingPlan, "model" | "classes"> },
  weights: NonNullable<JobResult["weights"]>,
): Promise<void> {
  await saveSafetensors(path, weights, {
    "tacit.model": job.plan.model,
    "tacit.classes": String(job.plan.classes),
    "tacit.data": job.name,
    ...(job.names === null ? {} : { "tacit.names": JSON.stringify(job.names) }),
    "tacit.mean": String(CENTRING.mean),
    "tacit.deviation": String(CENTRING.deviation),
  });
}

/** Who agrees to what before a model is disclosed, and what that gives away. */
function sayDisclosure({ owners }: TrainingPlan): void {
  say(`disclosing the final model to ${owners.model}, with the consent of ${owners.data}, whose pictures flowed into it`);
  say("a disclosed model can tell whether a picture was among those it learned, and rare ones may be drawn from it");
}

function stopped(keep: KeepOptions | null): null {
  if (keep === null) say("nothing was saved; the shares ended with the session");
  else say(`stopped; the same command with --resume goes on from the last checkpoint in ${keep.directory}`);
  return null;
}

/** Runs the main job; null when the user stopped it. */
export async function mainJob(options: MainJobOptions): Promise<MainJobResult | null> {
  const started = performance.now();
  using interrupt = new Interrupt();
  const job = await openJob(options);
  const { plan } = job;
  say(`data: ${job.name} (${job.origin}), ${job.train.count} to train on, ${job.test.count} encrypted to test`);
  const weights = MODELS[plan.model].build(plan.classes, {}).parameters();
  say(`model: ${plan.model}, ${weights.reduce((n, p) => n + p.numel, 0)} weights, ${plan.steps} steps of ${plan.batch}`);
  if (options.revealModel) sayDisclosure(plan);
  const keep = keepOptions(options);
  const shared = await runOnParties(job, interrupt, keep).catch((e: unknown) => {
    // After Ctrl-C the end of a party is no fault.
    if (interrupt.requested) return null;
    throw e;
  });
  if (shared === null) return stopped(keep);
  // The work is done: what is left of it at the parties is of no use to anybody.
  if (keep !== null) await rm(keep.directory, { recursive: true, force: true });
  const { result, training, all, parties } = shared;
  sayLosses(result.trained.losses, REPORT_EVERY, result.trained.steps);
  const inTheClear = options.compare
    ? await clearAccuracy(
        job,
        onlooker(interrupt, () => []),
      )
    : null;
  if (interrupt.requested) return stopped(null);
  if (result.weights !== null) await saveModel(options.out, job, result.weights);
  else say("the model stayed shared, and ended with the session: --reveal-model discloses it");
  return {
    data: job.name,
    model: plan.model,
    steps: result.trained.steps,
    batch: plan.batch,
    accuracy: result.accuracy,
    accuracyInTheClear: inTheClear,
    confusion: null,
    pictures: { train: job.train.count, test: job.test.count },
    losses: result.trained.losses,
    cost: { training, all, secondsPerStep: result.trained.seconds / Math.max(1, result.trained.steps) },
    parties,
    seconds: (performance.now() - started) / 1000,
    file: result.weights === null ? null : options.out,
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** The result for people. */
export function showMainJob(r: MainJobResult): string {
  const { training, all, secondsPerStep } = r.cost;
  const most = (cost: SessionCost): string => showMegabytes(Math.max(...cost.bytesPerParty));
  const lines = [showWitnesses(r.parties), ""];
  lines.push(
    `training on shares: ${r.steps} steps of ${r.batch}, ${secondsPerStep.toFixed(3)} s each, ${most(training)} sent per party in training, ${training.rounds} rounds`,
  );
  lines.push(`with test and disclosures: ${most(all)} sent per party in all, ${all.rounds} rounds`);
  if (r.accuracy !== null) {
    const beside = r.accuracyInTheClear === null ? "" : `; the same training in the clear: ${percent(r.accuracyInTheClear)}`;
    lines.push(`accuracy on ${r.pictures.test} encrypted test pictures: ${percent(r.accuracy)}${beside}`);
  }
  lines.push(`${r.data}, ${r.model}, ${showSeconds(r.seconds)} in all`);
  if (r.file !== null) lines.push(`model saved: ${r.file}`);
  return lines.join("\n");
}
