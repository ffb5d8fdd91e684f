/** @file tacit train: trains a model, in the clear (test accuracy, confusion matrix, a saved model) or on shares with --private. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { cpu, type Profile, setDefaultDevice } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { checkpoint, saveSafetensors, saveTrace } from "@tacit/core/io";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { Random } from "@tacit/core/random";
import { History } from "@tacit/plot";
import type { Command } from "commander";
import { checkWritable } from "../files.ts";
import { MODELS, modelName } from "../models.ts";
import { drawConfusion, sayConfusion, sayCurve } from "../output/pictures.ts";
import { showSeconds } from "../output/progress.ts";
import { EXIT, result, say } from "../output/streams.ts";
import {
  flag,
  GIVEN_OPTIONS,
  type GivenWords,
  givenJob,
  grantsOf,
  personOfJob,
  withGivenOptions,
} from "../private/given-options.ts";
import { driveGiven, showGiven } from "../private/given-session.ts";
import { EVERY, mainJob, saveModel, showMainJob } from "../private/main-job.ts";
import { type JobWords, jobOptions, withPrivateOptions } from "../private/options.ts";
import { openData } from "../training/datasets.ts";
import { Interrupt } from "../training/interrupt.ts";
import { type EpochResult, type LoopOptions, trainLoop } from "../training/loop.ts";
import { checkPlots, writePlots } from "../training/plots.ts";
import { count, positive, positiveCount } from "./arguments.ts";
import type { CommandRow } from "./command.ts";

export interface TrainOptions {
  readonly data: string;
  readonly labels?: string;
  readonly model: string;
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly seed: number;
  /** Of the cpu device; results are the same on any number. */
  readonly threads?: number;
  readonly out: string;
  readonly resume?: boolean;
  /** Where the times of all kernels go, as a file for a trace viewer. */
  readonly profile?: string;
  /** Where pictures of the training go. */
  readonly plots?: string;
  readonly json?: boolean;
}

/** What a training came to. */
export interface TrainResult {
  readonly data: string;
  readonly model: string;
  readonly epochs: readonly EpochResult[];
  readonly accuracy: number;
  readonly confusion: readonly (readonly number[])[];
  readonly seconds: number;
  readonly file: string;
}

/** The finished epochs; null after Ctrl-C. Only training waits for a step to end: later Ctrl-C ends the process as it always does. */
async function untilInterrupted(options: Omit<LoopOptions, "interrupt">): Promise<EpochResult[] | null> {
  using interrupt = new Interrupt();
  const epochs = await trainLoop({ ...options, interrupt });
  return interrupt.requested ? null : epochs;
}

/** Sees that a file can be saved, and says what that will replace. @throws FILE_WRITE */
async function checkOut(path: string, what = "trained model"): Promise<void> {
  if ((await checkWritable(path)) === "replaces") say(`note: ${path} is there already; the ${what} will replace it`);
}

/** Slowest steps that are shown; the file has all. */
const SHOWN = 10;

/** Writes the trace file, and says which steps took longest. @throws FILE_WRITE */
async function saveProfile(profile: Profile, path: string): Promise<void> {
  profile.stop();
  await saveTrace(path, profile.trace());
  const lines = profile
    .table()
    .split("\n")
    .slice(0, SHOWN + 1);
  say(`${lines.join("\n")}\nprofile saved: ${path} (opens in ui.perfetto.dev and chrome://tracing)`);
}

/** Trains and saves. Returns null when the user stopped it: the checkpoint is kept. */
export async function train(options: TrainOptions): Promise<TrainResult | null> {
  const started = performance.now();
  const name = modelName(options.model);
  await checkOut(options.out);
  if (options.profile !== undefined) await checkOut(options.profile, "profile");
  if (options.plots !== undefined) await checkPlots(options.plots);
  const device = cpu(options.threads === undefined ? {} : { threads: options.threads });
  setDefaultDevice(device);
  const profile = options.profile === undefined ? null : device.profile();
  const data = await openData(options.data, options.labels);
  say(`data: ${data.name} (${data.origin}), ${data.train.length} to train on, ${data.test.length} to test`);
  const model = MODELS[name].build(data.classes, { random: new Random(options.seed) });
  const weights = model.parameters().reduce((n, p) => n + p.numel, 0);
  say(`model: ${name}, ${weights} weights`);
  const optimizer = optim.adam(model, { lr: options.lr });
  const scheduler = optim.cosineAnnealing(optimizer, { tMax: options.epochs });
  const loader = data.train.shuffle({ seed: options.seed }).batch(options.batch);
  const checkpointPath = `${options.out}.checkpoint`;
  if (options.resume && !existsSync(checkpointPath)) say(`no ${checkpointPath} to resume from: training from the start`);
  else if (options.resume) {
    await checkpoint.load(checkpointPath, { model, optimizer, scheduler, loader });
    say(`resumed ${checkpointPath}: epoch ${loader.state().epoch + 1}, batch ${loader.state().position}`);
  }
  const history = new History(loader.state().epoch * loader.length + loader.state().position);
  const epochs = await untilInterrupted({ model, optimizer, scheduler, loader, epochs: options.epochs, checkpointPath, history });
  if (profile !== null) await saveProfile(profile, options.profile!);
  sayCurve(history);
  if (epochs === null) {
    say(`stopped; 'tacit train --resume' with the same options goes on from ${checkpointPath}`);
    return null;
  }
  const confusion = await nn.confusionMatrix(model, data.test);
  const right = confusion.reduce((n, row, i) => n + row[i]!, 0);
  await saveSafetensors(options.out, model.stateDict(), {
    "tacit.model": name,
    "tacit.classes": String(data.classes),
    "tacit.data": data.name,
    ...(data.names && { "tacit.names": JSON.stringify(data.names) }),
  });
  if (options.plots !== undefined) await writePlots(options.plots, { model, data, history, confusion });
  return {
    data: data.name,
    model: name,
    epochs,
    accuracy: right / data.test.length,
    confusion,
    seconds: (performance.now() - started) / 1000,
    file: options.out,
  };
}

/** TACIT_THREADS, else 2 where there are two cores. */
function defaultThreads(): number {
  const setting = process.env.TACIT_THREADS;
  return setting === undefined || setting === "" ? Math.min(2, availableParallelism()) : Number(setting);
}

export function showTraining(r: TrainResult): string {
  const accuracy = `accuracy on the test set: ${(100 * r.accuracy).toFixed(2)} %`;
  return `${drawConfusion(r.confusion)}\n\n${accuracy} (${r.data}, ${r.model}, ${showSeconds(r.seconds)})\nmodel saved: ${r.file}`;
}

interface TrainWords extends TrainOptions, GivenWords {
  readonly private?: boolean;
  readonly compare?: boolean;
  readonly steps?: number;
  readonly momentum?: number;
  readonly test?: number | "all";
  readonly revealModel?: boolean;
  readonly checkpointEvery?: number;
  readonly checkpointDir?: string;
}

/** Options that mean nothing in the other kind of training. */
const ONLY_PRIVATE = ["steps", "momentum", "test", "revealModel", "compare", "checkpointEvery", "checkpointDir"] as const;
const ONLY_GIVEN = ["session", ...GIVEN_OPTIONS] as const;
const ONLY_CLEAR = ["threads", "profile", "plots"] as const;

/** Trains on shares. Defaults differ from those in the clear: only what was said counts. */
async function trainPrivately(words: TrainWords, said: ReadonlySet<string>): Promise<void> {
  const own = Object.fromEntries(Object.entries(words).filter(([name]) => said.has(name)));
  const options = jobOptions(own as JobWords);
  const { out } = words;
  if (options.revealModel) await checkOut(out);
  const { checkpointEvery, checkpointDir, resume } = words;
  const kept = {
    ...(checkpointEvery !== undefined && { checkpointEvery }),
    ...(checkpointDir !== undefined && { checkpointDir }),
    ...(resume && { resume }),
  };
  const r = await mainJob({ ...options, compare: words.compare ?? false, out, ...kept });
  if (r === null) process.exitCode = EXIT.interrupted;
  else result(words.json === true, "training", r, () => showMainJob(r));
}

/** Trains on what owners gave, at the parties of a session. */
async function trainOnGiven(words: TrainWords, said: ReadonlySet<string>): Promise<void> {
  if (words.compare)
    expected("ARGUMENT_INVALID", "train", "--compare without --session", "both", "nobody has the data in the clear");
  const own = Object.fromEntries(Object.entries(words).filter(([name]) => said.has(name)));
  const job = givenJob(own as GivenWords & JobWords, "train");
  const person = await personOfJob(words);
  const { checkpointEvery, resume = false } = words;
  const keep = checkpointEvery === undefined && !resume ? null : { every: checkpointEvery ?? EVERY, resume };
  const r = await driveGiven(person, job, await grantsOf(words, person.session), keep);
  if (r === null) {
    if (keep === null) say("stopped; what was given stays at the parties, and nothing else");
    else say("stopped; the same command with --resume goes on from the last checkpoint");
    process.exitCode = EXIT.interrupted;
    return;
  }
  const file = r.weights === null || r.plan === null ? null : words.out;
  if (file !== null) await saveModel(file, { name: words.data, names: null, plan: r.plan! }, r.weights!);
  result(words.json === true, "given-job", { ...r.shown, file }, () => showGiven(r.shown));
}

async function run(words: TrainWords, command: Command): Promise<void> {
  const said = new Set(Object.keys(words).filter((name) => command.getOptionValueSource(name) === "cli"));
  const misplaced = (words.private ? ONLY_CLEAR : [...ONLY_PRIVATE, ...ONLY_GIVEN]).find((name) => said.has(name));
  if (misplaced !== undefined) {
    const [want, got] = words.private ? ["in the clear", "with --private"] : ["with --private", "without it"];
    expected("ARGUMENT_INVALID", "train", `${flag(misplaced)} ${want}`, `${flag(misplaced)} ${got}`);
  }
  if (words.private && ONLY_GIVEN.some((name) => said.has(name))) return trainOnGiven(words, said);
  if (words.private) return trainPrivately(words, said);
  const r = await train(words);
  if (r === null) process.exitCode = EXIT.interrupted;
  else {
    sayConfusion(r.confusion, words.json === true);
    result(words.json === true, "training", r, () => showTraining(r));
  }
}

const EXAMPLES = `Examples:
  tacit train
  tacit train --data my.csv --model mlp --epochs 5
  tacit train --data images.idx.gz --labels labels.idx.gz
  tacit train --private --data my.csv --steps 200
  tacit train --private --checkpoint-every 50
  tacit train --private --epochs 1 --batch 128 --reveal-model --out private.safetensors
  tacit train --private --session session.json --key driver.key --weights model-owner/model --data hospital-a/train,hospital-b/train`;

export const trainCommand: CommandRow = {
  name: "train",
  add: (program: Command) => {
    const command = program
      .command("train")
      .summary("train a model on pictures of 28x28, in the clear or on shares")
      .description(EXAMPLES)
      .option("--data <source>", "auto, mnist (downloads), digits (drawn here), or a file: .csv, .safetensors, IDX", "auto")
      .option("--labels <file>", "class numbers for an IDX file of pictures")
      .option("--model <name>", `${Object.keys(MODELS).join(", ")} (lenet5 on shares)`, "cnn")
      .option("--epochs <n>", "passes over the training set", positiveCount, 3)
      .option("--batch <n>", "samples per step (32 on shares)", positiveCount, 64)
      .option("--lr <rate>", "learning rate of Adam, annealed by a cosine (of SGD, 0.03, on shares)", positive, 2e-3)
      .option("--seed <n>", "of initial weights and order", count, 0)
      .option("--threads <n>", "threads that share every step; same result on any number", positiveCount, defaultThreads())
      .option("--out <file>", "where the model goes", "model.safetensors")
      .option("--resume", "go on from the last checkpoint, with the same options")
      .option("--profile <file>", "time every kernel; the file opens in a trace viewer (Perfetto, Chrome)")
      .option("--plots <directory>", "write loss.svg, confusion.svg, kernels.svg and mistakes.svg there")
      .option("--json", "print the result as one JSON object")
      .option("--private", "secret-share pictures and weights among three parties on this machine; options below are for it")
      .option("--checkpoint-every <n>", "have the parties save their shares every so many steps, in whole tens", positiveCount)
      .option("--checkpoint-dir <directory>", "where parties on this machine keep them (default: OUT.parties)")
      .option("--compare", "train the same model in the clear too");
    withPrivateOptions(command)
      .option("--session <file>", "drive the parties of this session, on what their owners gave")
      .option("--grants <files...>", "signed grants of tacit approve --out");
    withGivenOptions(command).action((words: TrainWords) => run(words, command));
  },
};
