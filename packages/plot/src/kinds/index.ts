/** @file The list of kinds. A kind is a folder: `make.ts` (description from data), `svg.ts`, `text.ts`. */
import { expected } from "@tacit/core/errors";
import type { PlotSpec } from "../spec.ts";
import type { Drawing, SvgOptions } from "../svg/document.ts";
import type { Look } from "../terminal/look.ts";
import { wordsFor } from "../terminal/words.ts";
import { barsKind } from "./bars/kind.ts";
import { confusionKind } from "./confusion/kind.ts";
import { graphKind } from "./graph/kind.ts";
import { heatmapKind } from "./heatmap/kind.ts";
import { histogramKind } from "./histogram/kind.ts";
import { imagesKind } from "./images/kind.ts";
import type { Kind } from "./kind.ts";
import { linesKind } from "./lines/kind.ts";
import { scatterKind } from "./scatter/kind.ts";

const KINDS: { readonly [K in PlotSpec["kind"]]: Kind<Extract<PlotSpec, { kind: K }>> } = {
  lines: linesKind,
  scatter: scatterKind,
  bars: barsKind,
  histogram: histogramKind,
  heatmap: heatmapKind,
  confusion: confusionKind,
  images: imagesKind,
  graph: graphKind,
};

/** @throws ARGUMENT_INVALID for a description of no known kind */
export function kindOf(spec: PlotSpec): Kind<PlotSpec> {
  const name: unknown = (spec as { readonly kind?: unknown } | null)?.kind;
  if (typeof name !== "string" || !Object.hasOwn(KINDS, name)) {
    expected("ARGUMENT_INVALID", "figure", `a plot of kind ${Object.keys(KINDS).join(", ")}`, JSON.stringify(name) ?? "none");
  }
  // Each row takes the spec of its own key.
  return KINDS[name as PlotSpec["kind"]] as Kind<PlotSpec>;
}

export const drawSvg = (spec: PlotSpec, options: SvgOptions): Drawing => kindOf(spec).svg(spec, options);
export const describe = (spec: PlotSpec): string => kindOf(spec).describe(spec);

/** All lines, the notes below. */
export function drawText(spec: PlotSpec, look: Look): string {
  const notes = spec.notes.map((note) => wordsFor(look, note, look.width));
  return [...kindOf(spec).text(spec, look), ...notes].join("\n");
}
