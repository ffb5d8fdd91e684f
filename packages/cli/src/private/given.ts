/** @file A job on what owners gave: its inputs by their names at the parties, and how they become a model and batches. */
import { noGrad, type Tensor } from "@tacit/core";
import type { Disclosure } from "@tacit/core/device";
import { expected } from "@tacit/core/errors";
import type * as nn from "@tacit/core/nn";
import type { TypedArray } from "@tacit/core/program";
import { Random } from "@tacit/core/random";
import { MODELS, type ModelName } from "../models.ts";
import type { Block } from "./batches.ts";
import type { Watcher } from "./device.ts";
import { type JobResult, runWith } from "./job.ts";
import type { Keeper } from "./keeper.ts";
import type { Answer } from "./predict.ts";
import { type Shared, SharedBlocks, type Supply } from "./supply.ts";
import type { TrainingPlan } from "./training.ts";

/** The tensor of an input by its name, OWNER/NAME. */
export type Given = (handle: string) => Tensor;
/** Discloses to whom it says: null where that is somebody who is not here. */
export type Disclose = (value: Tensor, disclosure: Disclosure) => Promise<TypedArray | null>;

interface Weights {
  readonly model: ModelName;
  /** OWNER/NAME: each weight is OWNER/NAME.TENSOR. */
  readonly weights: string;
  /** Who learns what is disclosed. */
  readonly to: string;
  /** Runs, and disclosures where there are any, that each grant allows beyond the job's: for steps that are done again. */
  readonly spare: number;
}

export interface GivenPrediction extends Weights {
  readonly kind: "predict";
  /** OWNER/NAME: f32 [n, 1, 28, 28]. */
  readonly pictures: string;
  readonly answer: Answer;
}

export interface GivenTraining extends Weights {
  readonly kind: "train";
  /** OWNER/NAME each: OWNER/NAME-images and OWNER/NAME-labels. */
  readonly data: readonly string[];
  readonly test: readonly string[];
  readonly length: { readonly steps: number } | { readonly epochs: number };
  readonly batch: number;
  readonly lr: number;
  readonly momentum: number;
  readonly seed: number;
  readonly revealModel: boolean;
}

export type GivenJob = GivenPrediction | GivenTraining;

const ownerOf = (handle: string): string => handle.split("/")[0]!;
const build = (model: ModelName, classes: number): nn.Layer => MODELS[model].build(classes, { random: new Random(0) });
const weightNames = ({ model, weights }: Weights): string[] =>
  [...build(model, 2).stateDict().keys()].map((n) => `${weights}.${n}`);
const pairOf = (source: string): readonly [string, string] => [`${source}-images`, `${source}-labels`];

/** Every input that the job reads. */
export const handlesOf = (job: GivenJob): string[] => [
  ...weightNames(job),
  ...(job.kind === "predict" ? [job.pictures] : [...job.data, ...job.test].flatMap(pairOf)),
];

/** Everybody whose data flow in. */
export const ownersOf = (job: GivenJob): string[] => [...new Set(handlesOf(job).map(ownerOf))].sort();

/** The model with the weights that its owner gave. */
function modelOf(given: Given, job: Weights, classes: number): nn.Layer {
  const model = build(job.model, classes);
  for (const [name, p] of [...model.namedParameters(), ...model.namedBuffers()]) {
    const value = given(`${job.weights}.${name}`);
    if (value.shape.join() !== p.shape.join()) {
      const hint = `give weights of ${job.model} for ${classes} classes`;
      expected("SHAPE_MISMATCH", `${job.weights}.${name}`, `[${p.shape.join(",")}]`, `[${value.shape.join(",")}]`, hint);
    }
    p.copy_(value);
  }
  return model;
}

/** Classes of a model by its last bias. */
function classesOf(given: Given, job: Weights): number {
  const last = weightNames(job).at(-1)!;
  return given(last).shape[0] ?? 0;
}

function checkPictures(name: string, { shape }: Tensor): number {
  if (shape.length === 4 && shape.slice(1).join() === "1,28,28" && shape[0]! > 0) return shape[0]!;
  return expected("SHAPE_MISMATCH", name, "pictures [n,1,28,28]", `[${shape.join(",")}]`);
}

interface Source {
  readonly shared: Shared;
  readonly count: number;
}

function sourceOf(given: Given, name: string, classes: number): Source {
  const [images, labels] = pairOf(name).map(given) as [Tensor, Tensor];
  const count = checkPictures(`${name}-images`, images);
  if (labels.shape.join() !== `${count},${classes}`) {
    expected(
      "SHAPE_MISMATCH",
      `${name}-labels`,
      `one-hot labels [${count},${classes}]`,
      `[${labels.shape.join(",")}]`,
      "tacit give --classes",
    );
  }
  return { shared: [images, labels], count };
}

const blocksOf = (sources: readonly Source[], rows: (count: number) => number): SharedBlocks => {
  const blocks: Block[] = sources.map(({ count }) => ({ start: 0, end: rows(count) }));
  return new SharedBlocks(blocks, 0, (i) => sources[i]!.shared);
};

/** Trains on what was given. Rows of a provider that fill no batch are left out. */
export async function trainOnGiven(
  given: Given,
  disclose: Disclose,
  job: GivenTraining,
  watcher: Watcher,
  keeperOf: (plan: TrainingPlan) => Keeper | null = () => null,
): Promise<{ readonly plan: TrainingPlan; readonly result: JobResult | null }> {
  const classes = classesOf(given, job);
  const { batch } = job;
  const train = blocksOf(
    job.data.map((name) => sourceOf(given, name, classes)),
    (count) => Math.floor(count / batch) * batch,
  );
  if (train.rows.some((b) => b.end === 0)) {
    expected("ARGUMENT_INVALID", "train", `at least ${batch} pictures of every owner`, "fewer", "give a smaller --batch");
  }
  const test = blocksOf(
    job.test.map((name) => sourceOf(given, name, classes)),
    (count) => count,
  );
  const supply: Supply = {
    model: async () => modelOf(given, job, classes),
    train,
    test,
    disclose: (value, { to, why }, what) => disclose(value, { to, why: what === undefined ? why : `${why}: ${what}` }),
  };
  const { model, lr, momentum, seed, to, length } = job;
  const steps = "steps" in length ? length.steps : (length.epochs * train.count) / batch;
  const owners = { model: ownerOf(job.weights), data: ownerOf(job.data[0]!) };
  const plan: TrainingPlan = { model, classes, steps, batch, lr, momentum, seed, owners, to };
  return { plan, result: await runWith(supply, plan, job.revealModel, watcher, undefined, keeperOf(plan)) };
}

/** The classes of given pictures, by given weights, for `job.to`. */
export async function predictOnGiven(
  given: Given,
  disclose: Disclose,
  job: GivenPrediction,
  watcher: Watcher,
): Promise<TypedArray | null> {
  const model = modelOf(given, job, classesOf(given, job));
  model.eval();
  const x = given(job.pictures);
  checkPictures(job.pictures, x);
  watcher.stage("prediction");
  const y = noGrad(() => (job.answer === "class" ? model(x).argmax(1) : model(x).softmax(1)));
  return disclose(y, { to: job.to, why: "prediction" });
}
