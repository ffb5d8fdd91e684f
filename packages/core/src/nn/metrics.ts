/** @file How good a classifier is: accuracy and confusion matrix over a data set. */
import type { Dataset } from "../data/dataset.ts";
import type { DataLoader } from "../data/loader.ts";
import { expected } from "../errors.ts";
import { sameShape, showAval } from "../program/aval.ts";
import { noGrad } from "../tensor/backward.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Layer } from "./module.ts";

type Pairs = readonly [Tensor, Tensor];
/** Batches of inputs and class indices, or a dataset of them (read 1,000 at a time). */
export type Labelled = Dataset<Pairs> | DataLoader<Pairs> | AsyncIterable<Pairs> | Iterable<Pairs>;

const PAIRS_HINT = "[[x, y]] is one batch; data.tensorDataset([x, y]) makes a data set";

function iterable(where: string, data: Labelled): AsyncIterable<Pairs> | Iterable<Pairs> {
  const object = typeof data === "object" && data !== null;
  if (object && "batch" in data) return data.batch(1000);
  if (object && (Symbol.iterator in data || Symbol.asyncIterator in data)) return data;
  return expected("ARGUMENT_INVALID", where, "a data set, a loader or batches", data === null ? "null" : typeof data, PAIRS_HINT);
}

/** `[x, y]` itself is two tensors, not batches of them. @throws ARGUMENT_INVALID */
function checkPair(where: string, pair: Pairs): void {
  if (Array.isArray(pair) && pair.length === 2 && pair.every((t) => t instanceof Tensor)) return;
  const got = pair instanceof Tensor ? "a tensor" : Array.isArray(pair) ? `${pair.length} things` : typeof pair;
  expected("ARGUMENT_INVALID", where, "batches [inputs, labels] of two tensors", got, PAIRS_HINT);
}

/** Labels beside outputs [N, C, ...]: class numbers [N, ...]. @throws SHAPE_MISMATCH */
function checkLabels(where: string, outputs: Tensor, labels: Tensor): void {
  if (outputs.ndim < 2) expected("SHAPE_MISMATCH", where, "outputs [N,C]", showAval(outputs));
  const shape = [outputs.shape[0]!, ...outputs.shape.slice(2)];
  if (sameShape(labels.shape, shape)) return;
  const column = labels.ndim === 2 && labels.shape[1] === 1;
  const hint = column ? "labels.squeeze(1)" : "labels are class numbers: for one-hot rows, labels.argmax(1)";
  expected("SHAPE_MISMATCH", where, `labels [${shape}] for outputs ${showAval(outputs)}`, showAval(labels), hint);
}

/** Runs the model over the data in evaluation mode, and puts every module's mode back. */
async function evaluate(
  where: string,
  model: Layer,
  data: Labelled,
  visit: (outputs: Tensor, labels: Tensor) => Promise<void>,
): Promise<void> {
  const modes = model.namedModules().map(([, m]) => [m, m.training] as const);
  model.eval();
  try {
    for await (const pair of iterable(where, data)) {
      checkPair(where, pair);
      const [x, y] = pair;
      const outputs = noGrad(() => model(x));
      checkLabels(where, outputs, y);
      await visit(outputs, y);
    }
  } finally {
    for (const [m, training] of modes) m.training = training;
  }
}

/**
 * Share of samples whose largest output is at their label, in [0, 1]; NaN for no samples. The model is put in evaluation mode meanwhile.
 * @throws ARGUMENT_INVALID for what is not batches of two tensors
 */
export async function accuracy(model: Layer, data: Labelled): Promise<number> {
  let right = 0;
  let total = 0;
  await evaluate("accuracy", model, data, async (outputs, labels) => {
    right += await outputs.argmax(1).eq(labels.int()).int().sum().item();
    total += labels.numel;
  });
  return right / total;
}

/** Counts [actual][predicted]. Throws LABEL_OUT_OF_RANGE for a label that the model has no output for. */
export async function confusionMatrix(model: Layer, data: Labelled): Promise<number[][]> {
  const counts: number[][] = [];
  await evaluate("confusionMatrix", model, data, async (outputs, labels) => {
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
