/** @file The scales of a scatter plot, common to SVG and text. */
import { type Extent, extentOf } from "../../scale/extent.ts";
import { type Scale, scaleOver } from "../../scale/scale.ts";
import type { ScatterSpec } from "../../spec.ts";

/** The range with a margin, so that no point stands on the frame. */
function roomy(range: Extent | null, log: boolean): Extent | null {
  if (range === null || log || range.low === range.high) return range;
  const pad = (range.high - range.low) * 0.04;
  return { low: range.low - pad, high: range.high + pad };
}

export function scatterScales(
  spec: ScatterSpec,
  counts: { readonly x: number; readonly y: number },
): { readonly x: Scale; readonly y: Scale } {
  const over = (lists: (readonly number[])[], log: boolean, count: number): Scale =>
    scaleOver(roomy(extentOf(lists), log), { count, log });
  return {
    x: over(
      spec.groups.map((g) => g.x),
      spec.x.log,
      counts.x,
    ),
    y: over(
      spec.groups.map((g) => g.y),
      spec.y.log,
      counts.y,
    ),
  };
}
