/** @file tacit predict: classifies a PNG with a saved model, in the clear or, with --private, on shares of both. */
import { noGrad, Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { loadSafetensors } from "@tacit/core/io";
import type * as nn from "@tacit/core/nn";
import { decodePng, fitGray } from "@tacit/vision";
import type { Command } from "commander";
import { readBounded, readStart } from "../files.ts";
import { MODELS, type ModelName, modelName } from "../models.ts";
import { drawBars, sayPicture } from "../output/pictures.ts";
import { showMegabytes } from "../output/progress.ts";
import { EXIT, result, say } from "../output/streams.ts";
import { type Centring, centre } from "../private/batches.ts";
import {
  flag,
  GIVEN_OPTIONS,
  type GivenWords,
  givenJob,
  grantsOf,
  personOfJob,
  withDriverOptions,
} from "../private/given-options.ts";
import { driveGiven, showGiven } from "../private/given-session.ts";
import { type Answer, privatePrediction } from "../private/predict.ts";
import { showWitnesses } from "../private/witness.ts";
import type { CommandRow } from "./command.ts";

/** A saved model, in evaluation mode. */
export interface Opened {
  readonly model: nn.Layer;
  readonly kind: ModelName;
  /** The data set that it says it was trained on. */
  readonly data: string | undefined;
  /** What the classes are called: their numbers, unless the training data had words. */
  readonly names: readonly string[];
  /** How it wants its pictures. */
  readonly centring: Centring;
}

/** The words of a file's metadata; numbers where there are none, or none that fit. */
function namesOf(text: string | undefined, classes: number): readonly string[] {
  let words: unknown = null;
  try {
    words = JSON.parse(text ?? "null");
  } catch {
    words = null;
  }
  const fit = Array.isArray(words) && words.length === classes && words.every((w) => typeof w === "string");
  // A stranger's file must not move the cursor or colour the terminal.
  const plain = (word: string): string => word.replaceAll(/\p{C}/gu, "?").slice(0, 64);
  return fit ? (words as string[]).map(plain) : Array.from({ length: classes }, (_, i) => String(i));
}

/** A model from a file that `tacit train` wrote. @throws MODEL_UNKNOWN, STATE_MISMATCH, SAFETENSORS_INVALID, FILE_READ */
export async function openModel(path: string): Promise<Opened> {
  // Eight bytes of length, then JSON: any other file would be taken for one with an absurd header.
  if ((await readStart("predict", path, 9))[8] !== "{".charCodeAt(0)) {
    const hint = "the model comes first: tacit predict model.safetensors image.png";
    expected("SAFETENSORS_INVALID", "predict", "a saved model", `${JSON.stringify(path)}, which is not a safetensors file`, hint);
  }
  const { tensors, metadata } = await loadSafetensors(path);
  const name = metadata.get("tacit.model");
  if (name === undefined) {
    expected("MODEL_UNKNOWN", "predict", "a file with tacit.model in its metadata", "none", "save it with 'tacit train'");
  }
  const classes = Number(metadata.get("tacit.classes"));
  if (!Number.isSafeInteger(classes) || classes < 1 || classes > 1000) {
    expected(
      "MODEL_UNKNOWN",
      "predict",
      "tacit.classes from 1 to 1000 in the file's metadata",
      String(metadata.get("tacit.classes")),
    );
  }
  const kind = modelName(name);
  const model = MODELS[kind].build(classes, {});
  model.loadStateDict(tensors);
  model.eval();
  const names = namesOf(metadata.get("tacit.names"), classes);
  return { model, kind, data: metadata.get("tacit.data"), names, centring: centringOf(metadata) };
}

/** A model of `tacit train --private` wants its pictures centred; one trained in the clear takes them as they are. */
function centringOf(metadata: ReadonlyMap<string, string>): Centring {
  const mean = Number(metadata.get("tacit.mean") ?? 0);
  const deviation = Number(metadata.get("tacit.deviation") ?? 1);
  if (!Number.isFinite(mean) || !(deviation > 0 && Number.isFinite(deviation))) {
    expected("MODEL_UNKNOWN", "predict", "a mean and a positive deviation in the file's metadata", "others");
  }
  return { mean, deviation };
}

/** A picture as the model takes it: 28x28, centred. Shows people what that is. */
function pictureOf(png: Uint8Array, centring: Centring): Float32Array {
  const picture = decodePng(png);
  const { width, height } = picture;
  if (width !== 28 || height !== 28) say(`note: the picture of ${width}x${height} was resized to 28x28`);
  const { values } = fitGray(picture, { width: 28, height: 28 });
  sayPicture(values, [28, 28]);
  return centre(Float32Array.from(values), centring);
}

/** Probabilities of the classes for a picture, resized to 28x28. */
export async function classify({ model, centring }: Opened, png: Uint8Array): Promise<number[]> {
  const p = await noGrad(() => model(Tensor.from(pictureOf(png, centring), [1, 1, 28, 28])).softmax(1)).data();
  return Array.from(p, Number);
}

/** As decodePng takes them. */
const MOST_PICTURE_BYTES = 2 ** 24;

interface PredictOptions extends GivenWords {
  readonly model?: string;
  readonly json?: boolean;
  readonly private?: boolean;
  readonly classOnly?: boolean;
}

/** Predicts on what owners gave, at the parties of a session. */
async function predictOnGiven(weights: string, pictures: string, options: PredictOptions): Promise<void> {
  if (options.private !== true) expected("ARGUMENT_INVALID", "predict", "--session with --private", "--session without it");
  const job = givenJob({ ...options, weights, pictures }, "predict");
  const person = await personOfJob(options);
  const r = await driveGiven(person, job, await grantsOf(options, person.session));
  if (r === null) process.exitCode = EXIT.interrupted;
  else result(options.json === true, "given-job", r.shown, () => showGiven(r.shown));
}

async function predict(modelPath: string, imagePath: string, options: PredictOptions): Promise<void> {
  if (options.session !== undefined) return predictOnGiven(modelPath, imagePath, options);
  const misplaced = GIVEN_OPTIONS.find((name) => options[name] !== undefined);
  if (misplaced !== undefined) expected("ARGUMENT_INVALID", "predict", `${flag(misplaced)} with --session`, "no --session");
  const opened = await openModel(modelPath);
  const png = await readBounded("predict", imagePath, MOST_PICTURE_BYTES);
  const json = options.json === true;
  if (options.private) return predictPrivately(opened, png, json, options.classOnly ? "class" : "probabilities");
  if (options.classOnly) expected("ARGUMENT_INVALID", "predict", "--class-only with --private", "--class-only without it");
  const probabilities = await classify(opened, png);
  const best = probabilities.indexOf(Math.max(...probabilities));
  const name = opened.names[best]!;
  result(json, "prediction", { class: best, name, probabilities }, () => {
    return `${drawBars(probabilities, opened.names)}\n\nclass ${name}`;
  });
}

async function predictPrivately(opened: Opened, png: Uint8Array, json: boolean, answer: Answer): Promise<void> {
  const { names } = opened;
  const r = await privatePrediction(opened.model, pictureOf(png, opened.centring), answer);
  if (r === null) {
    process.exitCode = EXIT.interrupted;
    return;
  }
  const name = names[r.class]!;
  result(json, "prediction", { ...r, name }, () => {
    const { rounds, bytesPerParty, seconds } = r.cost;
    const cost = `${rounds} rounds, ${showMegabytes(Math.max(...bytesPerParty))} sent per party, ${seconds.toFixed(3)} s`;
    const drawn = r.probabilities === null ? "" : `${drawBars(r.probabilities, names)}\n\n`;
    return `${drawn}class ${name}\n\n${showWitnesses(r.parties)}\n${cost}`;
  });
}

export const predictCommand: CommandRow = {
  name: "predict",
  add: (program: Command) =>
    void withDriverOptions(
      program
        .command("predict")
        .summary("classify a picture with a saved model, in the clear or on shares")
        .description(
          "Examples:\n  tacit predict model.safetensors image.png\n  tacit predict --private model.safetensors image.png\n  tacit predict --private --session session.json --key driver.key --model mlp model-owner/model hospital-a/image",
        )
        .argument("<model>", "a file that tacit train wrote; with --session the weights' OWNER/NAME")
        .argument("<image>", "a PNG; resized to 28x28, dark on light is inverted; with --session the pictures' OWNER/NAME")
        .option("--private", "secret-share weights and picture among three parties on this machine")
        .option("--class-only", "with --private: disclose the class alone, not the probabilities")
        .option("--json", "print the result as one JSON object")
        .option("--session <file>", "drive the parties of this session, on what their owners gave; options below are for it")
        .option("--model <name>", "what the weights are of (default: lenet5)")
        .option("--grants <files...>", "signed grants of tacit approve --out"),
    ).action(predict),
};
