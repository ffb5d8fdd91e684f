/** @file The options of a job on what owners gave, for the commands that run and plan it. */
import { expected } from "@tacit/core/errors";
import { mpc } from "@tacit/mpc";
import type { Command } from "commander";
import { readSigned } from "../clients/approval.ts";
import { type Person, personOf } from "../clients/person.ts";
import { count, positive } from "../commands/arguments.ts";
import { modelName } from "../models.ts";
import { type PassphraseWords, withPassphraseOptions } from "../passphrase.ts";
import type { GivenJob } from "./given.ts";
import { DEFAULTS } from "./job.ts";
import { type JobWords, jobOptions, type Purpose } from "./options.ts";

export interface GivenWords extends PassphraseWords {
  readonly session?: string;
  readonly as?: string;
  readonly key?: string;
  readonly wait?: number;
  readonly weights?: string;
  readonly testData?: string;
  readonly pictures?: string;
  readonly classOnly?: boolean;
  readonly to?: string;
  readonly spare?: number;
  readonly grants?: readonly string[];
}

/** Options that only such a job has. */
export const GIVEN_OPTIONS = [
  "weights",
  "testData",
  "pictures",
  "to",
  "spare",
  "grants",
  "as",
  "key",
  "passphraseFile",
  "passphraseCommand",
  "wait",
] as const;

/** An option as it is written: checkpointEvery is --checkpoint-every. */
export const flag = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

/** Who runs or plans it, and who learns of it. */
export const withDriverOptions = (command: Command): Command =>
  withPassphraseOptions(command)
    .option("--to <name>", "who learns what is disclosed (default: the weights' owner; of a prediction the pictures' owner)")
    .option("--as <name>", "whose keys, by the session's name (default: the driver)")
    .option("--key <file>", "the private key file (default: NAME.key)")
    .option(
      "--wait <seconds>",
      "how long to wait for parties, inputs and signatures (default: the session's time, and for no signature)",
      positive,
    )
    .option(
      "--spare <n>",
      "runs and disclosures that each grant allows beyond the job's, for what is done again (steps from a checkpoint, a prediction)",
      count,
    );

/** What a training on given data reads. */
export const withGivenOptions = (command: Command): Command =>
  withDriverOptions(
    command
      .option("--weights <owner/name>", "the model's weights as their owner gave them; with it --data names given data")
      .option("--test-data <owner/name>", "given test pictures, several with commas"),
  );

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

function named(option: string, text: string | undefined): string {
  if (text !== undefined && NAME.test(text)) return text;
  const hint = "it is what tacit give printed, without -images, -labels or the tensor's name";
  return expected(
    "ARGUMENT_INVALID",
    option,
    "OWNER/NAME of something given",
    text === undefined ? "nothing" : JSON.stringify(text),
    hint,
  );
}

const list = (option: string, text: string | undefined): string[] =>
  text === undefined ? [] : text.split(",").map((one) => named(option, one.trim()));

const ownerOf = (handle: string): string => handle.split("/")[0]!;

/** @throws ARGUMENT_INVALID, MODEL_UNKNOWN */
export function givenJob(w: GivenWords & JobWords, purpose: Purpose): GivenJob {
  const weights = named("--weights", w.weights);
  const model = modelName(w.model ?? DEFAULTS.model);
  if (purpose === "predict") {
    const pictures = named("--pictures", w.pictures);
    return {
      kind: "predict",
      model,
      weights,
      pictures,
      answer: w.classOnly ? "class" : "probabilities",
      to: w.to ?? ownerOf(pictures),
      spare: w.spare ?? 0,
    };
  }
  const { length, batch, lr, momentum, seed, revealModel } = jobOptions({ ...w, data: DEFAULTS.data });
  const data = list("--data", w.data);
  if (data.length === 0) named("--data", undefined);
  const test = list("--test-data", w.testData);
  return {
    kind: "train",
    model,
    weights,
    data,
    test,
    length,
    batch,
    lr,
    momentum,
    seed,
    revealModel,
    to: w.to ?? ownerOf(weights),
    spare: w.spare ?? 0,
  };
}

/** Whose keys run it. */
export async function personOfJob(w: GivenWords): Promise<Person> {
  const path = w.session ?? expected("ARGUMENT_INVALID", "session", "--session with --weights", "none");
  const as = w.as ?? (await mpc.readSession(path)).file.driver;
  return personOf({ ...w, session: path, as });
}

/** Grants that were signed into files. */
export async function grantsOf(w: GivenWords, session: mpc.Session): Promise<mpc.SignedGrant[]> {
  return (await Promise.all((w.grants ?? []).map((path) => readSigned(path, session)))).flat();
}
