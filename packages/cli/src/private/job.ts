/** @file A private training job from its options: its data, its steps, and what it does on a device of secrets. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import type { ModelName } from "../models.ts";
import { type Labelled, openData } from "../training/datasets.ts";
import { type Samples, samplesOf } from "./batches.ts";
import type { SecretDevice, Watcher } from "./device.ts";
import type { Keeper } from "./keeper.ts";
import { localSupply, type Supply } from "./supply.ts";
import { accuracyOnShares, build, type Owners, revealModel, type Trained, type TrainingPlan, trainOnShares } from "./training.ts";

export interface JobOptions {
  readonly data: string;
  readonly labels?: string;
  readonly model: ModelName;
  /** Steps, or passes over all training pictures. */
  readonly length: { readonly steps: number } | { readonly epochs: number };
  readonly batch: number;
  readonly lr: number;
  readonly momentum: number;
  readonly seed: number;
  /** Encrypted test pictures; null: all of them. */
  readonly test: number | null;
  /** Disclose the weights to the model owner at the end. */
  readonly revealModel: boolean;
  readonly owners: Owners;
}

/** How the people of a local session are called. */
export const PEOPLE: Owners = { model: "model-owner", data: "data-owner" };

/** What the main job and `tacit train --private` do unless told otherwise: LeNet-5, 400 steps of 32, over 96 % on MNIST. */
export const DEFAULTS = { data: "auto", model: "lenet5", steps: 400, batch: 32, lr: 0.03, momentum: 0.9, seed: 0 } as const;

/** A job with its data. */
export interface Job {
  readonly name: string;
  /** Where the labels were words: the word of each class. */
  readonly names: readonly string[] | null;
  readonly origin: string;
  readonly plan: TrainingPlan;
  readonly train: Samples;
  readonly test: Samples;
  readonly revealModel: boolean;
}

/** How many pictures a job trains on and tests with, and for how many steps. */
interface Sizes {
  readonly train: number;
  readonly test: number;
  readonly steps: number;
}

function sizesOf(o: JobOptions, data: Labelled): Sizes {
  const whole = Math.floor(data.train.length / o.batch);
  const steps = "steps" in o.length ? o.length.steps : o.length.epochs * whole;
  if (whole === 0) {
    const hint = "give a smaller --batch";
    expected("ARGUMENT_INVALID", "train", `at least ${o.batch} samples for a batch`, `${data.train.length}`, hint);
  }
  return { steps, train: Math.min(steps, whole) * o.batch, test: Math.min(o.test ?? data.test.length, data.test.length) };
}

const planOf = (o: JobOptions, data: Labelled, steps: number): TrainingPlan => ({
  model: o.model,
  classes: data.classes,
  steps,
  batch: o.batch,
  lr: o.lr,
  momentum: o.momentum,
  seed: o.seed,
  owners: o.owners,
  to: o.owners.model,
});

/** Reads the data of a job. @throws ARGUMENT_INVALID when they do not fill a batch */
export async function openJob(o: JobOptions): Promise<Job> {
  const data = await openData(o.data, o.labels);
  const sizes = sizesOf(o, data);
  return {
    name: data.name,
    names: data.names ?? null,
    origin: data.origin,
    plan: planOf(o, data, sizes.steps),
    train: await samplesOf(data.train, sizes.train, o.seed),
    test: await samplesOf(data.test, sizes.test, sizes.test === data.test.length ? null : o.seed),
    revealModel: o.revealModel,
  };
}

/** The job's sizes without its pictures, for plans. */
export async function outlineOf(o: JobOptions): Promise<Job> {
  const data = await openData(o.data, o.labels);
  const sizes = sizesOf(o, data);
  const blank = (count: number): Samples => ({ images: new Float32Array(0), labels: new Int32Array(count), count });
  const plan = planOf(o, data, sizes.steps);
  return {
    name: data.name,
    names: data.names ?? null,
    origin: data.origin,
    plan,
    train: blank(sizes.train),
    test: blank(sizes.test),
    revealModel: o.revealModel,
  };
}

/** What a job came to. */
export interface JobResult {
  readonly trained: Trained;
  /** Null: no test pictures, or it went to somebody who is not here. */
  readonly accuracy: number | null;
  /** The disclosed weights, where the job asked for them and they came here. */
  readonly weights: ReadonlyMap<string, Tensor> | null;
}

/** What a session has restored, and what keeps its checkpoints. */
export interface Kept {
  readonly keeper: Keeper | null;
  readonly inputs: ReadonlyMap<string, Tensor>;
}
const NOTHING_KEPT: Kept = { keeper: null, inputs: new Map() };

/** Trains, tests and, where asked for, discloses the model. `afterTraining` sees the device between the two. Null: the user stopped it. */
export async function runJob(
  device: SecretDevice,
  job: Job,
  watcher: Watcher,
  afterTraining: () => void = () => undefined,
  kept: Kept = NOTHING_KEPT,
): Promise<JobResult | null> {
  const { plan, train, test } = job;
  const { batch, classes, owners } = plan;
  const supply = localSupply(device, () => build(plan), { train, test }, { batch, classes, owner: owners.data }, kept.inputs);
  return runWith(supply, plan, job.revealModel, watcher, afterTraining, kept.keeper);
}

/** The same with whatever supply. */
export async function runWith(
  supply: Supply,
  plan: TrainingPlan,
  reveal: boolean,
  watcher: Watcher,
  afterTraining: () => void = () => undefined,
  keeper: Keeper | null = null,
): Promise<JobResult | null> {
  const trained = await trainOnShares(supply, plan, watcher, keeper);
  if (watcher.stopped) return null;
  afterTraining();
  const accuracy = supply.test.count > 0 ? await accuracyOnShares(supply, trained.model, plan, watcher) : null;
  if (watcher.stopped) return null;
  const weights = reveal ? await revealModel(supply, trained.model, plan, watcher) : null;
  return { trained, accuracy, weights };
}
