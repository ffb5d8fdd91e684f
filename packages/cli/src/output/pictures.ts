/** @file What people look at rather than read: on a terminal in its colours, elsewhere as plain text of 80 columns. */
import { type Figure, type History, lookOf, plot } from "@tacit/plot";
import { say } from "./streams.ts";

type Stream = "stdout" | "stderr";

const isTerminal = (stream: Stream): boolean => process[stream].isTTY === true;

/** A figure as the stream can show it. */
export const drawn = (figure: Figure, stream: Stream, height?: number): string =>
  figure.text({ ...(isTerminal(stream) ? lookOf(stream) : {}), ...(height === undefined ? {} : { height }) });

/** counts[truth][predicted] as rows of letters. */
export const drawConfusion = (counts: readonly (readonly number[])[], stream: Stream = "stdout"): string =>
  drawn(plot.confusion(counts, { accuracy: false }), stream);

/** Says the confusion matrix on a terminal, when the result goes elsewhere: into a file, or as JSON. */
export function sayConfusion(counts: readonly (readonly number[])[], json: boolean): void {
  if (isTerminal("stderr") && (json || !isTerminal("stdout"))) say(drawConfusion(counts, "stderr"));
}

/** A bar for each class, by its name. */
export const drawBars = (probabilities: readonly number[], names: readonly string[]): string =>
  drawn(plot.bars(probabilities, { names, percent: true }), "stdout");

const CURVE_LINES = 10;

/** A loss that falls below a twentieth is read better on a logarithmic axis. */
export function isSteep(history: History): boolean {
  const all = history.values("loss");
  const first = all.slice(0, 5).reduce((a, b) => a + b, 0) / Math.min(5, all.length);
  return all.every((v) => v > 0) && history.mean("loss", 20) * 20 < first;
}

/** Says how the loss went, step by step; nothing where no step was made. */
export function sayCurve(history: History): void {
  if (history.values("loss").length === 0) return;
  say(drawn(history.plot({ keys: ["loss"], log: isSteep(history) }), "stderr", CURVE_LINES));
}

/** Says losses that were disclosed, each the mean of `every` steps, the last perhaps of fewer. */
export function sayLosses(losses: readonly number[], every: number, steps: number): void {
  if (losses.length < 2) return;
  const x = losses.map((_, i) => Math.min((i + 1) * every, steps));
  say(drawn(plot.lines({ x, y: losses }, { title: `mean loss of every ${every} steps`, x: "step" }), "stderr", CURVE_LINES));
}

/** Shows a gray picture, row-major [height, width], where there is a terminal to show it on. */
export function sayPicture(values: ArrayLike<number>, [height, width]: readonly [number, number]): void {
  if (isTerminal("stderr")) say(drawn(plot.images({ values, shape: [height, width] }), "stderr"));
}
