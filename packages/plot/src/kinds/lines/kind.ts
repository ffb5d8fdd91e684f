/** @file Line plots: loss curves and their like. */
import { extentOf } from "../../scale/extent.ts";
import { short } from "../../scale/format.ts";
import type { LinesSpec, SeriesSpec } from "../../spec.ts";
import type { Kind } from "../kind.ts";
import { linesSvg } from "./svg.ts";
import { linesText } from "./text.ts";

function describeSeries(s: SeriesSpec): string {
  const range = extentOf([s.y]);
  const last = s.y.findLast((v) => v !== null);
  const name = s.name === "" ? "values" : s.name;
  if (range === null || last == null) return `${name} (none)`;
  return `${name} (${s.y.length} from ${short(range.low)} to ${short(range.high)}, the last ${short(last)})`;
}

export const linesKind: Kind<LinesSpec> = {
  svg: linesSvg,
  text: linesText,
  describe: (spec) => {
    const shown = spec.series.filter((s) => s.style !== "faint").map(describeSeries);
    return `Line plot${spec.x.label === "" ? "" : ` by ${spec.x.label}`}: ${shown.length === 0 ? "no series" : shown.join(", ")}`;
  },
};
