/** @file The main job: a CNN learns pictures that nobody sees, is tested on encrypted pictures, and is compared with a training in the clear. */
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
import { accuracyInTheClear, REPORT_EVERY, type TrainingPlan, trainInTheClear } from "./training.ts";
import { showWitnesses, type Witness, witnesses } from "./witness.ts";

export interface MainJobOptions extends JobOptions {
  /** Train the same model in the clear too. */
  readonly compare: boolean;
  /** Where a disclosed model goes. */
  readonly out: string;
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

/** What one session came to. */
interface Shared {
  readonly result: JobResult;
  readonly training: SessionCost;
  readonly all: SessionCost;
  readonly parties: readonly Witness[];
}

/** The private part, in a session of its own that has ended when this returns. */
async function runOnParties(job: Job, interrupt: Interrupt): Promise<Shared | null> {
  const { owners } = job.plan;
  say("starting three parties…");
  await using session = await mpc.local(3, { people: [owners.model, owners.data], owner: owners.model });
  const names = session.session.file.parties.map((p) => p.identity.name);
  say(`parties: ${names.join(", ")} (three processes, TLS 1.3, ${session.name})`);
  say(`sharing ${job.train.count} pictures to train on and ${job.test.count} to test…`);
  let training = session.cost();
  const result = await runJob(session, job, onlooker(interrupt, costFields(session)), () => {
    training = session.cost();
  });
  if (result === null) return null;
  return { result, training, all: session.cost(), parties: await witnesses(session) };
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

function stopped(): null {
  say("nothing was saved; the shares ended with the session");
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
  const shared = await runOnParties(job, interrupt).catch((e: unknown) => {
    // After Ctrl-C the end of a party is no fault.
    if (interrupt.requested) return null;
    throw e;
  });
  if (shared === null) return stopped();
  const { result, training, all, parties } = shared;
  sayLosses(result.trained.losses, REPORT_EVERY, result.trained.steps);
  const inTheClear = options.compare
    ? await clearAccuracy(
        job,
        onlooker(interrupt, () => []),
      )
    : null;
  if (interrupt.requested) return stopped();
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
