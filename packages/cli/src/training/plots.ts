/** @file The pictures of `tacit train --plots DIR`: loss, confusion matrix, kernels, misclassified pictures. */
import { join } from "node:path";
import { noGrad } from "@tacit/core";
import type * as nn from "@tacit/core/nn";
import { type Figure, type History, plot } from "@tacit/plot";
import { checkWritable } from "../files.ts";
import { isSteep } from "../output/pictures.ts";
import { say } from "../output/streams.ts";
import type { Labelled } from "./datasets.ts";

/** Beside which file each picture stands. */
const FILES = ["loss.svg", "confusion.svg", "kernels.svg", "mistakes.svg"] as const;
const SIDE = 28;
const MOST_MISTAKES = 48;

/** Sees, before any work, that the pictures can be written. @throws FILE_WRITE */
export async function checkPlots(directory: string): Promise<void> {
  for (const file of FILES) await checkWritable(join(directory, file), "--plots");
}

/** What was trained, on what, and how it went. */
export interface Trained {
  readonly model: nn.Layer;
  readonly data: Labelled;
  readonly history: History;
  readonly confusion: readonly (readonly number[])[];
}

/** A picture that the model took for another class than its own. */
interface Mistake {
  readonly truth: number;
  readonly taken: number;
  /** Probability of the class that it was taken for. */
  readonly sure: number;
  readonly picture: Float32Array;
}

/** All mistakes on the test set, the surest first. */
async function mistakesOf({ model, data }: Trained): Promise<Mistake[]> {
  const found: Mistake[] = [];
  model.eval();
  for await (const [x, y] of data.test.batch(500)) {
    const chances = noGrad(() => model(x).softmax(1));
    const [p, pixels, labels] = [await chances.data(), await x.data(), await y.data()];
    const classes = chances.shape[1]!;
    for (let i = 0; i < labels.length; i++) {
      const mine = Array.from(p.subarray(i * classes, (i + 1) * classes), Number);
      const [truth, taken] = [Number(labels[i]), mine.indexOf(Math.max(...mine))];
      if (taken === truth || taken < 0) continue;
      const picture = Float32Array.from(pixels.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE), Number);
      found.push({ truth, taken, sure: mine[taken]!, picture });
    }
  }
  return found.sort((a, b) => b.sure - a.sure);
}

async function drawMistakes(t: Trained): Promise<Figure> {
  const all = await mistakesOf(t);
  const shown = all.slice(0, MOST_MISTAKES);
  const name = (i: number): string => t.data.names?.[i] ?? String(i);
  const values = new Float32Array(shown.length * SIDE * SIDE);
  shown.forEach((m, i) => {
    values.set(m.picture, i * SIDE * SIDE);
  });
  const labels = shown.map((m) => `${name(m.truth)} → ${name(m.taken)}`);
  const few = shown.length < all.length ? `the surest ${shown.length} of ` : "";
  return plot.images(
    { values, shape: [shown.length, 1, SIDE, SIDE] },
    { labels, title: `Mistakes: ${few}${all.length} of ${t.data.test.length}` },
  );
}

/** The first layer that looks at pictures; null where there is none. */
async function drawKernels({ model }: Trained): Promise<Figure | null> {
  for (const [name, p] of model.namedParameters()) {
    if (p.shape.length === 4) return plot.kernels(p, { title: `Kernels: ${name}` });
    if (p.shape.length === 2 && p.shape[1] === SIDE * SIDE)
      return plot.kernels(p, { title: `Weights: ${name}`, picture: [SIDE, SIDE], limit: 64 });
  }
  return null;
}

/** Writes the pictures, and says where. @throws FILE_WRITE */
export async function writePlots(directory: string, t: Trained): Promise<void> {
  const { names, name } = t.data;
  const figures: Readonly<Record<(typeof FILES)[number], Figure | null>> = {
    "loss.svg": t.history.step === 0 ? null : t.history.plot({ title: `Loss: ${name}`, y: "loss", log: isSteep(t.history) }),
    "confusion.svg": plot.confusion(t.confusion, { title: `Test set: ${name}`, ...(names && { names }) }),
    "kernels.svg": await drawKernels(t),
    "mistakes.svg": await drawMistakes(t),
  };
  const written = FILES.filter((file) => figures[file] !== null);
  for (const file of written) await figures[file]!.save(join(directory, file));
  say(`pictures: ${written.join(", ")} in ${directory}`);
}
