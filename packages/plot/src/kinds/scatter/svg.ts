/** @file Scatter plots as SVG. */
import { HUES } from "../../color/palette.ts";
import type { GroupSpec, ScatterSpec } from "../../spec.ts";
import { type Drawing, escapeXml, label, n, type SvgOptions, tag } from "../../svg/document.ts";
import { type Frame, frame, legend } from "../../svg/frame.ts";
import { scatterScales } from "./scales.ts";

/** Shapes, so that groups differ by more than colour; each about as heavy as a circle of radius 3. */
const SHAPES: readonly ((x: number, y: number) => string)[] = [
  (x, y) => `M${n(x - 3)} ${n(y)}a3 3 0 1 0 6 0a3 3 0 1 0-6 0z`,
  (x, y) => `M${n(x - 2.7)} ${n(y - 2.7)}h5.4v5.4h-5.4z`,
  (x, y) => `M${n(x)} ${n(y - 3.6)}l3.6 6.2h-7.2z`,
  (x, y) => `M${n(x)} ${n(y - 3.9)}l3.9 3.9l-3.9 3.9l-3.9-3.9z`,
  (x, y) => `M${n(x)} ${n(y + 3.6)}l3.6-6.2h-7.2z`,
];
const MOST_NAMES = 150;
/** Beyond this many points a group is thinned to those of distinct tenths of a pixel. */
const MANY = 5000;

function drawGroup(g: GroupSpec, i: number, f: Frame, named: boolean): string {
  const shape = SHAPES[i % SHAPES.length]!;
  const seen = new Set<string>();
  let [path, words] = ["", ""];
  g.x.forEach((vx, k) => {
    const [x, y] = [Math.round(f.px(vx) * 10) / 10, Math.round(f.py(g.y[k]!) * 10) / 10];
    const place = `${Math.round(x)} ${Math.round(y)}`;
    if (g.x.length > MANY && seen.has(place)) return;
    seen.add(place);
    path += shape(x, y);
    const name = g.names?.[k] ?? "";
    if (named && name !== "") {
      const late = x > f.area.x + f.area.width - 60;
      words += label(late ? x - 6 : x + 6, y + 3.5, name, { size: 10, most: 110, ...(late ? { anchor: "end" as const } : {}) });
    }
  });
  if (path === "") return "";
  const dots = tag(
    "path",
    { fill: "currentColor", "fill-opacity": 0.75, d: path },
    g.name === "" ? "" : tag("title", {}, escapeXml(g.name)),
  );
  return tag("g", { class: `c${g.color % HUES.length}` }, dots) + words;
}

export function scatterSvg(spec: ScatterSpec, options: SvgOptions): Drawing {
  const [width, height] = [options.width ?? 560, options.height ?? 440];
  const scales = scatterScales(spec, { x: Math.max(2, Math.floor(width / 90)), y: Math.max(2, Math.floor(height / 60)) });
  const entries = spec.groups
    .filter((g) => g.name !== "")
    .map((g) => ({
      name: g.name,
      mark: (x: number, y: number): string =>
        tag("path", { class: `c${g.color % HUES.length}`, fill: "currentColor", d: SHAPES[g.color % SHAPES.length]!(x + 10, y) }),
    }));
  const above = legend(entries, width - 14);
  const f = frame({
    width,
    height,
    above: above.height,
    x: { scale: scales.x, label: spec.x.label },
    left: { scale: scales.y, label: spec.y.label },
    right: null,
  });
  const count = spec.groups.reduce((sum, g) => sum + g.x.length, 0);
  const nothing =
    count === 0
      ? label(f.area.x + f.area.width / 2, f.area.y + f.area.height / 2, "no points", { anchor: "middle", as: "q" })
      : "";
  const body = above.markup + f.markup + spec.groups.map((g, i) => drawGroup(g, i, f, count <= MOST_NAMES)).join("") + nothing;
  return { width, height, body };
}
