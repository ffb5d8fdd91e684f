/** @file Heat maps: attention and other matrices. */
import { extentOf } from "../../scale/extent.ts";
import { short } from "../../scale/format.ts";
import type { HeatmapSpec } from "../../spec.ts";
import type { Kind } from "../kind.ts";
import { heatmapSvg } from "./svg.ts";
import { heatmapText } from "./text.ts";

export const heatmapKind: Kind<HeatmapSpec> = {
  svg: heatmapSvg,
  text: heatmapText,
  describe: (spec) => {
    const range = extentOf([spec.values]);
    const axes = spec.x === "" && spec.y === "" ? "" : ` (${[spec.y, spec.x].filter((s) => s !== "").join(" by ")})`;
    return `Heat map of ${spec.rows} by ${spec.columns} values${axes}${range === null ? "" : ` from ${short(range.low)} to ${short(range.high)}`}`;
  },
};
