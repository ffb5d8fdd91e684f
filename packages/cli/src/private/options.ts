/** @file The options that describe a private training job, for the commands that run, plan and estimate it. */
import { expected } from "@tacit/core/errors";
import { type Command, InvalidArgumentError } from "commander";
import { count, fraction, positive, positiveCount } from "../commands/arguments.ts";
import { MODELS, modelName } from "../models.ts";
import { DEFAULTS, type JobOptions, PEOPLE } from "./job.ts";

/** A job as the command line gives it; what is not said takes the defaults. */
export interface JobWords {
  readonly data?: string;
  readonly labels?: string;
  readonly model?: string;
  readonly steps?: number;
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly momentum?: number;
  readonly seed?: number;
  readonly test?: number | "all";
  readonly revealModel?: boolean;
}

/** Encrypted test pictures unless --test says otherwise. */
export const TEST_PICTURES = 1000;

function lengthOf({ steps, epochs }: JobWords): JobOptions["length"] {
  if (steps !== undefined && epochs !== undefined) {
    expected("ARGUMENT_INVALID", "train", "--steps or --epochs", "both", "an epoch is as many steps as the data fill batches");
  }
  return epochs === undefined ? { steps: steps ?? DEFAULTS.steps } : { epochs };
}

/** @throws ARGUMENT_INVALID, MODEL_UNKNOWN */
export function jobOptions(w: JobWords): JobOptions {
  const { data, model, batch, lr, momentum, seed } = { ...DEFAULTS, ...w };
  return {
    data,
    ...(w.labels === undefined ? {} : { labels: w.labels }),
    model: modelName(model),
    length: lengthOf(w),
    batch,
    lr,
    momentum,
    seed,
    test: w.test === "all" ? null : (w.test ?? TEST_PICTURES),
    revealModel: w.revealModel ?? false,
    owners: PEOPLE,
  };
}

/** `all`, or a count. */
export const testCount = (text: string): number | "all" => (text === "all" ? "all" : count(text));

/** Options that only a private job has. */
export function withPrivateOptions(command: Command): Command {
  return command
    .option("--steps <n>", `training steps, if not --epochs (${DEFAULTS.steps} on shares)`, positiveCount)
    .option("--momentum <m>", `momentum of SGD, from 0 to below 1 (${DEFAULTS.momentum} on shares)`, fraction)
    .option("--test <n>", `encrypted test pictures, or all (${TEST_PICTURES} on shares)`, testCount)
    .option("--reveal-model", "disclose the final weights to the model owner; without it they stay shared");
}

/** Every option of a private training job, for commands that know no other. */
export function withJobOptions(command: Command): Command {
  const described = command
    .option("--data <source>", "auto, mnist (downloads), digits (drawn here), or a file: .csv, .safetensors, IDX", DEFAULTS.data)
    .option("--labels <file>", "class numbers for an IDX file of pictures")
    .option("--model <name>", Object.keys(MODELS).join(", "), DEFAULTS.model)
    .option("--epochs <n>", "passes over the training set", positiveCount)
    .option("--batch <n>", "samples per step", positiveCount, DEFAULTS.batch)
    .option("--lr <rate>", "learning rate of SGD, annealed by a cosine", positive, DEFAULTS.lr)
    .option("--seed <n>", "of initial weights and order", count, DEFAULTS.seed);
  return withPrivateOptions(described);
}

/** What a plan is of. */
export type Purpose = "train" | "predict";

export function purpose(text: string): Purpose {
  if (text === "train" || text === "predict") return text;
  throw new InvalidArgumentError("expected train or predict");
}
