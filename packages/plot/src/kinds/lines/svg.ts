/** @file Line plots as SVG. */
import { HUES } from "../../color/palette.ts";
import { decimate, segments } from "../../scale/decimate.ts";
import type { LinesSpec, SeriesSpec } from "../../spec.ts";
import { type Drawing, label, n, type SvgOptions, tag } from "../../svg/document.ts";
import { type Frame, frame, legend } from "../../svg/frame.ts";
import { textWidth } from "../../svg/measure.ts";
import { lineScales } from "./scales.ts";

const DASHES = "6 4";

/** The path of a series, and dots for points that have no neighbour. */
function curve(spec: LinesSpec, s: SeriesSpec, f: Frame): string {
  const log = (s.axis === "right" ? spec.right : spec.left)?.log === true;
  const parts = segments(s.x, s.y, log, spec.x.log).map((p) => decimate(p, Math.ceil(f.area.width), f.px));
  const at = (x: number, y: number): string => `${n(Math.round(f.px(x) * 10) / 10)} ${n(Math.round(f.py(y, s.axis) * 10) / 10)}`;
  const path = parts
    .filter((p) => p.x.length > 1)
    .map((p) => `M${p.x.map((x, i) => at(x, p.y[i]!)).join("L")}`)
    .join("");
  const dots = parts
    .filter((p) => p.x.length === 1)
    .map((p) => tag("circle", { cx: f.px(p.x[0]!), cy: f.py(p.y[0]!, s.axis), r: 3 }));
  const stroke = {
    fill: "none",
    stroke: "currentColor",
    "stroke-width": s.style === "faint" ? 1 : 1.8,
    "stroke-linejoin": "round",
  };
  const line = path === "" ? "" : tag("path", { ...stroke, d: path, "stroke-dasharray": s.style === "dashed" ? DASHES : null });
  const drawn = line + (dots.length === 0 ? "" : tag("g", { fill: "currentColor" }, dots.join("")));
  return drawn === "" ? "" : tag("g", { class: `c${s.color % HUES.length}`, opacity: s.style === "faint" ? 0.3 : null }, drawn);
}

/** Vertical lines within the axes; a label where it does not touch the one before. */
function marks(spec: LinesSpec, f: Frame): string {
  let free = Number.NEGATIVE_INFINITY;
  return spec.marks
    .map((m) => {
      const x = f.px(m.at);
      if (!(x >= f.area.x - 0.5 && x <= f.area.x + f.area.width + 0.5)) return "";
      const line = tag("path", {
        class: "a",
        d: `M${n(x)} ${n(f.area.y)}v${n(f.area.height)}`,
        "stroke-dasharray": "2 3",
        opacity: 0.7,
      });
      const start = x - 4 - textWidth(m.label, 10);
      if (m.label === "" || start < Math.max(free, f.area.x)) return line;
      free = x + 2;
      return line + label(x - 4, f.area.y + 10, m.label, { size: 10, anchor: "end", as: "q" });
    })
    .join("");
}

export function linesSvg(spec: LinesSpec, options: SvgOptions): Drawing {
  const [width, height] = [options.width ?? 640, options.height ?? 340];
  const scales = lineScales(spec, { x: Math.max(2, Math.floor(width / 90)), y: Math.max(2, Math.floor(height / 60)) });
  const listed = spec.series.filter((s) => s.style !== "faint" && s.name !== "");
  const entries = listed.map((s) => ({
    name: s.axis === "right" && spec.right?.label === "" ? `${s.name} (right axis)` : s.name,
    mark: (x: number, y: number): string =>
      tag("path", {
        class: `c${s.color % HUES.length}`,
        d: `M${n(x)} ${n(y)}h16`,
        stroke: "currentColor",
        "stroke-width": 2.5,
        "stroke-dasharray": s.style === "dashed" ? "5 3" : null,
      }),
  }));
  const above = legend(entries, width - 14);
  const f = frame({
    width,
    height,
    above: above.height,
    x: { scale: scales.x, label: spec.x.label },
    left: { scale: scales.left, label: spec.left.label },
    right: scales.right === null ? null : { scale: scales.right, label: spec.right!.label },
  });
  const empty = spec.series.every(
    (s) => segments(s.x, s.y, (s.axis === "right" ? spec.right : spec.left)?.log === true).length === 0,
  );
  const nothing = empty
    ? label(f.area.x + f.area.width / 2, f.area.y + f.area.height / 2, "no values", { anchor: "middle", as: "q" })
    : "";
  const body = above.markup + f.markup + marks(spec, f) + spec.series.map((s) => curve(spec, s, f)).join("") + nothing;
  return { width, height, body };
}
