/** @file How good a classifier is: accuracy and confusion matrix over a data set. */
import type { Dataset } from "../data/dataset.ts";
import type { DataLoader } from "../data/loader.ts";
import { expected } from "../errors.ts";
import { noGrad } from "../tensor/backward.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Layer } from "./module.ts";

type Pairs = readonly [Tensor, Tensor];
/** Batches of inputs and class indices, or a dataset of them (read 1,000 at a time). */
export type Labelled = Dataset<Pairs> | DataLoader<Pairs> | AsyncIterable<Pairs> | Iterable<Pairs>;

const iterable = (data: Labelled): AsyncIterable<Pairs> | Iterable<Pairs> => ("batch" in data ? data.batch(1000) : data);

/** Runs the model over the data in evaluation mode, and puts every module's mode back. */
async function evaluate(model: Layer, data: Labelled, visit: (outputs: Tensor, labels: Tensor) => Promise<void>): Promise<void> {
  const modes = model.namedModules().map(([, m]) => [m, m.training] as const);
  model.eval();
  try {
    for await (const [x, y] of iterable(data))
      await visit(
        noGrad(() => model(x)),
        y,
      );
  } finally {
    for (const [m, training] of modes) m.training = training;
  }
}

/** Share of samples whose largest output is at their label, in [0, 1]; NaN for no samples. The model is put in evaluation mode meanwhile. */
export async function accuracy(model: Layer, data: Labelled): Promise<number> {
  let right = 0;
  let total = 0;
  await evaluate(model, data, async (outputs, labels) => {
    right += await outputs.argmax(1).eq(labels.int()).int().sum().item();
    total += labels.numel;
  });
  return right / total;
}

/** Counts [actual][predicted]. Throws LABEL_OUT_OF_RANGE for a label that the model has no output for. */
export async function confusionMatrix(model: Layer, data: Labelled): Promise<number[][]> {
  const counts: number[][] = [];
  await evaluate(model, data, async (outputs, labels) => {
    const classes = outputs.shape[1] ?? 0;
    while (counts.length < classes) counts.push(new Array<number>(classes).fill(0));
    const [predicted, actual] = [await outputs.argmax(1).data(), await labels.data()];
    predicted.forEach((p, i) => {
      const row = counts[Number(actual[i])];
      if (row === undefined) expected("LABEL_OUT_OF_RANGE", "confusionMatrix", `labels in 0..${classes - 1}`, `${actual[i]}`);
      row[Number(p)]!++;
    });
  });
  return counts;
}
