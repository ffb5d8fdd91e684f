/** @file The scales of a line plot, common to SVG and text. */
import { extentOf } from "../../scale/extent.ts";
import { type Scale, scaleOver } from "../../scale/scale.ts";
import type { LinesSpec, SeriesSpec } from "../../spec.ts";

export interface LineScales {
  readonly x: Scale;
  readonly left: Scale;
  readonly right: Scale | null;
}

/** Points of series that can stand on their axes. */
function drawable(spec: LinesSpec, s: SeriesSpec): { x: number[]; y: number[] } {
  const log = (s.axis === "right" ? spec.right : spec.left)?.log === true;
  const out = { x: [] as number[], y: [] as number[] };
  s.y.forEach((v, i) => {
    const at = s.x[i]!;
    if (v === null || !Number.isFinite(v) || (log && v <= 0) || (spec.x.log && at <= 0)) return;
    out.x.push(at);
    out.y.push(v);
  });
  return out;
}

export function lineScales(spec: LinesSpec, counts: { readonly x: number; readonly y: number }): LineScales {
  const points = spec.series.map((s) => ({ axis: s.axis, ...drawable(spec, s) }));
  const xs = points.map((p) => p.x);
  const ys = (axis: string): number[][] => points.filter((p) => p.axis === axis).map((p) => p.y);
  const { right } = spec;
  return {
    x: scaleOver(extentOf(xs), {
      count: counts.x,
      log: spec.x.log,
      whole: xs.every((list) => list.every(Number.isInteger)),
    }),
    left: scaleOver(extentOf(ys("left")), { count: counts.y, log: spec.left.log, round: true }),
    right: right === null ? null : scaleOver(extentOf(ys("right")), { count: counts.y, log: right.log, round: true }),
  };
}
