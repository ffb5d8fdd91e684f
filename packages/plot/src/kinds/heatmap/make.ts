/** @file Heat maps from data: attention, correlations, weights. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { Figure } from "../../figure.ts";
import { gapped, type Host, noteGaps, read, type Values } from "../../input.ts";
import { extentOf } from "../../scale/extent.ts";
import type { HeatmapSpec } from "../../spec.ts";

export interface HeatmapOptions {
  readonly title?: string;
  /** What the columns and the rows are. */
  readonly x?: string;
  readonly y?: string;
  readonly rows?: readonly string[];
  readonly columns?: readonly string[];
  /** Blue to orange, zero in the middle. Default: where values of both signs occur. */
  readonly diverging?: boolean;
  /** The values at the ends of the ramp; default: the lowest and the highest. */
  readonly range?: readonly [number, number];
  /** Write the numbers into the cells; default: where they fit. */
  readonly numbers?: boolean;
}

/** Ends of the ramp: as far below zero as above for a diverging one. */
export function rampRange(
  values: ArrayLike<number>,
  diverging: boolean,
  given?: readonly [number, number],
): readonly [number, number] {
  if (given !== undefined) {
    if (!(given[0] < given[1])) expected("ARGUMENT_INVALID", "range", "a lower and a higher number", `[${given}]`);
    return given;
  }
  const found = extentOf([values]) ?? { low: 0, high: 1 };
  if (diverging) {
    const most = Math.max(Math.abs(found.low), Math.abs(found.high)) || 1;
    return [-most, most];
  }
  return found.low === found.high
    ? [Math.min(0, found.low), Math.max(found.high, found.low === 0 ? 1 : 0)]
    : [found.low, found.high];
}

/** A copy of the names, of which there must be as many as rows or columns. */
function namesFor(what: string, names: readonly string[] | undefined, count: number): readonly string[] | null {
  if (names === undefined) return null;
  if (names.length !== count) expected("SHAPE_MISMATCH", "heatmap", `a name for each of ${count} ${what}`, `${names.length}`);
  return [...names];
}

function specOf({ values, shape }: Values, o: HeatmapOptions): HeatmapSpec {
  if (shape.length !== 2 && values.length > 0)
    expected("SHAPE_MISMATCH", "heatmap", "a matrix [rows, columns]", `[${shape}]`, "select one head or one sample");
  const [rows, columns] = [shape[0] ?? 0, shape[1] ?? 0];
  const found = extentOf([values]);
  const diverging = o.diverging ?? (found !== null && found.low < 0 && found.high > 0);
  const [low, high] = rampRange(values, diverging, o.range);
  return {
    kind: "heatmap",
    title: o.title ?? "",
    x: o.x ?? "",
    y: o.y ?? "",
    rows,
    columns,
    values: gapped(values),
    rowNames: namesFor("rows", o.rows, rows),
    columnNames: namesFor("columns", o.columns, columns),
    ramp: diverging ? "diverging" : "sequential",
    low,
    high,
    numbers: o.numbers ?? true,
    notes: noteGaps(values, "heat map"),
  };
}

/**
 * A matrix as colours, with a colour bar.
 * @throws DEVICE_SECRET for a secret tensor; SHAPE_MISMATCH for what is not a matrix, or for names of another number
 */
export function heatmap(data: Host, options?: HeatmapOptions): Figure;
export function heatmap(data: Host | Tensor, options?: HeatmapOptions): Figure | Promise<Figure>;
export function heatmap(data: Host | Tensor, options: HeatmapOptions = {}): Figure | Promise<Figure> {
  return read("heatmap", [data], ([v]) => new Figure(specOf(v!, options)));
}
