/** @file The main job: a CNN learns pictures that nobody sees, is tested on encrypted pictures, and is compared with a training in the clear. */
import { TacitError } from "@tacit/core/errors";
import type * as nn from "@tacit/core/nn";
import { mpc } from "@tacit/mpc";
import type { ModelName } from "../models.ts";
import { showMegabytes, showSeconds } from "../output/progress.ts";
import { say } from "../output/streams.ts";
import { openData } from "../training/datasets.ts";
import { Interrupt } from "../training/interrupt.ts";
import { type Samples, samplesOf } from "./batches.ts";
import {
  accuracyInTheClear,
  accuracyOnShares,
  shareSamples,
  type TrainingPlan,
  trainInTheClear,
  trainOnShares,
} from "./training.ts";
import { showWitnesses, type Witness, witnesses } from "./witness.ts";

export interface MainJobOptions {
  readonly data: string;
  readonly labels?: string;
  readonly model: ModelName;
  readonly steps: number;
  readonly batch: number;
  readonly lr: number;
  readonly momentum: number;
  readonly seed: number;
  /** Encrypted test pictures; null: all of them. */
  readonly test: number | null;
  /** Train the same model in the clear too. */
  readonly compare: boolean;
}

/** What the main job came to. */
export interface MainJobResult {
  readonly data: string;
  readonly model: ModelName;
  readonly steps: number;
  readonly batch: number;
  readonly trained: { readonly pictures: number; readonly seconds: number; readonly losses: readonly number[] };
  readonly accuracy: { readonly onShares: number; readonly pictures: number; readonly inTheClear: number | null };
  readonly cost: { readonly rounds: number; readonly bytesPerParty: readonly number[]; readonly secondsPerStep: number };
  readonly parties: readonly Witness[];
  readonly seconds: number;
}

interface Sets {
  readonly name: string;
  readonly origin: string;
  readonly classes: number;
  readonly train: Samples;
  readonly test: Samples;
}

async function openSets(o: MainJobOptions): Promise<Sets> {
  const data = await openData(o.data, o.labels);
  const train = await samplesOf(data.train, o.steps * o.batch, o.seed);
  const test = await samplesOf(data.test, o.test ?? data.test.length, o.test === null ? null : o.seed);
  if (train.count < o.batch) {
    throw new TacitError("ARGUMENT_INVALID", `train: expected at least ${o.batch} samples for a batch, got ${train.count}`, {
      hint: "give a smaller --batch",
    });
  }
  return { name: data.name, origin: data.origin, classes: data.classes, train, test };
}

/** Runs the main job; null when the user stopped it. `keep` gets the shared model before the session ends. */
export async function mainJob(options: MainJobOptions, keep?: (model: nn.Layer) => Promise<void>): Promise<MainJobResult | null> {
  const started = performance.now();
  const sets = await openSets(options);
  say(`data: ${sets.name} (${sets.origin}), ${sets.train.count} to train on, ${sets.test.count} encrypted to test`);
  const plan: TrainingPlan = { ...options, classes: sets.classes };
  using interrupt = new Interrupt();
  await using session = await mpc.local(3, { people: ["model-owner", "data-owner"], owner: "model-owner" });
  say(
    `parties: ${session.session.file.parties.map((p) => p.identity.name).join(", ")} (three processes, TLS 1.3, ${session.name})`,
  );
  const train = shareSamples(session, "train", sets.train, sets.classes);
  const trained = await trainOnShares(session, train, plan, interrupt);
  if (interrupt.requested) return null;
  const cost = session.cost();
  const test = shareSamples(session, "test", sets.test, sets.classes);
  const onShares = await accuracyOnShares(trained.model, test);
  const parties = await witnesses(session);
  await keep?.(trained.model);
  const clear = options.compare ? await trainInTheClear(sets.train, plan) : null;
  return {
    data: sets.name,
    model: options.model,
    steps: trained.steps,
    batch: options.batch,
    trained: { pictures: sets.train.count, seconds: trained.seconds, losses: trained.losses },
    accuracy: {
      onShares,
      pictures: sets.test.count,
      inTheClear: clear === null ? null : await accuracyInTheClear(clear.model, sets.test),
    },
    cost: { rounds: cost.rounds, bytesPerParty: cost.bytesPerParty, secondsPerStep: trained.seconds / trained.steps },
    parties,
    seconds: (performance.now() - started) / 1000,
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** The result for people. */
export function showMainJob(r: MainJobResult): string {
  const { accuracy, cost } = r;
  const sent = showMegabytes(Math.max(...cost.bytesPerParty));
  const beside = accuracy.inTheClear === null ? "" : `; the same training in the clear: ${percent(accuracy.inTheClear)}`;
  return [
    showWitnesses(r.parties),
    "",
    `training on shares: ${r.steps} steps of ${r.batch}, ${cost.secondsPerStep.toFixed(3)} s each, ${sent} sent per party, ${cost.rounds} rounds`,
    `accuracy on ${accuracy.pictures} encrypted test pictures: ${percent(accuracy.onShares)}${beside}`,
    `${r.data}, ${r.model}, ${showSeconds(r.seconds)} in all`,
  ].join("\n");
}
