/** @file Histograms from data: bins with whole edges. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { Figure } from "../../figure.ts";
import { type Host, noteGaps, read } from "../../input.ts";
import { extentOf, widened } from "../../scale/extent.ts";
import { niceStep, ticksOver } from "../../scale/ticks.ts";
import type { HistogramSpec } from "../../spec.ts";

export interface HistogramOptions {
  readonly title?: string;
  /** What the values are. */
  readonly x?: string;
  /** About how many bins. Default: by Freedman and Diaconis (1981), from 5 to 60. */
  readonly bins?: number;
}

/** Twice the distance of the quartiles over the cube root of the count (Freedman and Diaconis 1981). */
function binsFor(sorted: Float64Array): number {
  const at = (q: number): number => sorted[Math.floor(q * (sorted.length - 1))]!;
  const width = (2 * (at(0.75) - at(0.25))) / Math.cbrt(sorted.length);
  const span = sorted.at(-1)! - sorted[0]!;
  return width > 0 ? Math.min(60, Math.max(5, Math.ceil(span / width))) : 20;
}

export function countsOf(values: Float64Array, bins?: number): { readonly edges: number[]; readonly counts: number[] } {
  const finite = values.filter(Number.isFinite).sort();
  const range = extentOf([finite]);
  if (range === null) return { edges: [0, 1], counts: [0] };
  const wide = widened(range);
  const step = niceStep(wide.high - wide.low, bins ?? binsFor(finite));
  const edges = ticksOver(wide, step);
  const counts = new Array<number>(edges.length - 1).fill(0);
  let bin = 0;
  for (const v of finite) {
    while (bin < counts.length - 1 && v >= edges[bin + 1]!) bin++;
    counts[bin]!++;
  }
  return { edges, counts };
}

/**
 * How often values occur. A tensor of any shape is taken whole.
 * @throws DEVICE_SECRET for a secret tensor; ARGUMENT_INVALID for a number of bins outside 1..1000
 */
export function histogram(data: Host, options?: HistogramOptions): Figure;
export function histogram(data: Host | Tensor, options?: HistogramOptions): Figure | Promise<Figure>;
export function histogram(data: Host | Tensor, options: HistogramOptions = {}): Figure | Promise<Figure> {
  const { bins } = options;
  if (bins !== undefined && !(Number.isInteger(bins) && bins >= 1 && bins <= 1000))
    expected("ARGUMENT_INVALID", "histogram", "bins from 1 to 1000", `${bins}`);
  return read("histogram", [data], ([v]) => {
    const spec: HistogramSpec = {
      kind: "histogram",
      title: options.title ?? "",
      label: options.x ?? "",
      ...countsOf(v!.values, bins),
      notes: noteGaps(v!.values, "histogram"),
    };
    return new Figure(spec);
  });
}
