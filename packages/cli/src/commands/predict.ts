/** @file tacit predict: reads a saved model back and classifies a PNG. */
import { noGrad, Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { loadSafetensors } from "@tacit/core/io";
import type * as nn from "@tacit/core/nn";
import type { Command } from "commander";
import { readBounded } from "../files.ts";
import { decodePng, fitGray } from "../image/png.ts";
import { MODELS, modelName } from "../models.ts";
import { result } from "../output/streams.ts";
import type { CommandRow } from "./command.ts";

/** A model from a file that `tacit train` wrote, in evaluation mode. */
export async function openModel(path: string): Promise<nn.Layer> {
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
  const model = MODELS[modelName(name)].build(classes, {});
  model.loadStateDict(tensors);
  model.eval();
  return model;
}

/** Probabilities of the classes for a picture, resized to 28x28. */
export async function classify(model: nn.Layer, png: Uint8Array): Promise<number[]> {
  const { values } = fitGray(decodePng(png), { width: 28, height: 28 });
  const p = await noGrad(() => model(Tensor.from(values, [1, 1, 28, 28])).softmax(1)).data();
  return Array.from(p, Number);
}

/** As decodePng takes them. */
const MOST_PICTURE_BYTES = 2 ** 24;

interface PredictOptions {
  readonly json?: boolean;
}

async function predict(modelPath: string, imagePath: string, options: PredictOptions): Promise<void> {
  const model = await openModel(modelPath);
  const png = await readBounded("predict", imagePath, MOST_PICTURE_BYTES);
  const probabilities = await classify(model, png);
  const best = probabilities.indexOf(Math.max(...probabilities));
  result(options.json === true, "prediction", { class: best, probabilities }, () => {
    const bars = probabilities.map(
      (p, i) => `${String(i).padStart(3)} ${"█".repeat(Math.round(p * 40))} ${(100 * p).toFixed(1)} %`,
    );
    return `${bars.join("\n")}\n\nclass ${best}`;
  });
}

export const predictCommand: CommandRow = {
  name: "predict",
  add: (program: Command) =>
    void program
      .command("predict")
      .summary("classify a picture with a saved model")
      .description("Example:\n  tacit predict model.safetensors image.png")
      .argument("<model>", "a file that tacit train wrote")
      .argument("<image>", "a PNG; resized to 28x28, dark on light is inverted")
      .option("--json", "print the result as one JSON object")
      .action(predict),
};
