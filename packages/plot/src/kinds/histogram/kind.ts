/** @file Histograms. */
import { hue } from "../../color/palette.ts";
import { rgb } from "../../color/ramp.ts";
import { short } from "../../scale/format.ts";
import { type Scale, scaleOver } from "../../scale/scale.ts";
import type { HistogramSpec } from "../../spec.ts";
import { type Drawing, n, type SvgOptions, tag } from "../../svg/document.ts";
import { frame } from "../../svg/frame.ts";
import { canvasSize, framed } from "../../terminal/frame.ts";
import type { Look } from "../../terminal/look.ts";
import { paint } from "../../terminal/paint.ts";
import type { Kind } from "../kind.ts";

function scales(
  spec: HistogramSpec,
  counts: { readonly x: number; readonly y: number },
): { readonly x: Scale; readonly y: Scale } {
  const [low, high] = [spec.edges[0]!, spec.edges.at(-1)!];
  const most = Math.max(1, ...spec.counts);
  return {
    x: scaleOver({ low, high }, { count: counts.x }),
    y: scaleOver({ low: 0, high: most }, { count: counts.y, round: true, whole: true }),
  };
}

function svg(spec: HistogramSpec, options: SvgOptions): Drawing {
  const [width, height] = [options.width ?? 560, options.height ?? 300];
  const s = scales(spec, { x: Math.max(2, Math.floor(width / 80)), y: Math.max(2, Math.floor(height / 60)) });
  const f = frame({
    width,
    height,
    above: 0,
    x: { scale: s.x, label: spec.label },
    left: { scale: s.y, label: "count" },
    right: null,
  });
  const base = f.area.y + f.area.height;
  const columns = spec.counts.map((count, i) => {
    if (count === 0) return "";
    const [from, to, top] = [f.px(spec.edges[i]!), f.px(spec.edges[i + 1]!), Math.min(f.py(count), base - 0.75)];
    return `M${n(from + 0.5)} ${n(base)}V${n(top)}H${n(Math.max(to - 0.5, from + 0.6))}V${n(base)}z`;
  });
  const bars = columns.join("");
  return { width, height, body: f.markup + (bars === "" ? "" : tag("path", { class: "c0", fill: "currentColor", d: bars })) };
}

const EIGHTHS = " ▁▂▃▄▅▆▇█";

/** Count of the bin that a column of letters shows: the highest of those it covers. */
function columnCounts(spec: HistogramSpec, columns: number): number[] {
  const bins = spec.counts.length;
  return Array.from({ length: columns }, (_, c) => {
    const from = Math.min(bins - 1, Math.floor((c * bins) / columns));
    const to = Math.max(from + 1, Math.floor(((c + 1) * bins) / columns));
    return Math.max(...spec.counts.slice(from, to));
  });
}

function text(spec: HistogramSpec, look: Look): string[] {
  const rows = Math.max(3, look.height ?? 10);
  const s = scales(spec, { x: Math.max(2, Math.floor(look.width / 12)), y: Math.max(2, Math.floor(rows / 3)) });
  const left = { scale: s.y, label: "count" };
  const { columns } = canvasSize({ ...look, width: Math.min(look.width, 80), height: rows }, left, null);
  const counts = columnCounts(spec, columns);
  const letter = (count: number, row: number): string => {
    // Something is drawn for every count above 0.
    const eighths = count === 0 ? 0 : Math.max(1, Math.round(s.y.at(count) * rows * 8));
    const here = Math.min(8, Math.max(0, eighths - (rows - 1 - row) * 8));
    return look.unicode ? EIGHTHS[here]! : here >= 4 || (count > 0 && row === rows - 1) ? "#" : " ";
  };
  const lines = Array.from({ length: rows }, (_, row) =>
    paint(look, counts.map((c) => letter(c, row)).join(""), rgb(hue(0).dark)),
  );
  return framed(look, {
    title: spec.title,
    legend: [],
    rows: lines,
    columns,
    x: { scale: s.x, label: spec.label },
    left,
    right: null,
  });
}

export const histogramKind: Kind<HistogramSpec> = {
  svg,
  text,
  describe: (spec) => {
    const total = spec.counts.reduce((a, b) => a + b, 0);
    if (total === 0) return "Histogram: no values";
    const [low, high] = [short(spec.edges[0]!), short(spec.edges.at(-1)!)];
    const top = spec.counts.indexOf(Math.max(...spec.counts));
    const fullest = `from ${short(spec.edges[top]!)} to ${short(spec.edges[top + 1]!)} (${spec.counts[top]})`;
    return `Histogram of ${total} values${spec.label === "" ? "" : ` of ${spec.label}`} from ${low} to ${high} in ${spec.counts.length} bins, the fullest ${fullest}`;
  },
};
