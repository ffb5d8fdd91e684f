/** @file Heat maps as SVG: one embedded picture for the cells, numbers where they fit, a colour bar. */
import { inkOn, rampColor } from "../../color/ramp.ts";
import { short } from "../../scale/format.ts";
import { scaleOver } from "../../scale/scale.ts";
import type { HeatmapSpec } from "../../spec.ts";
import { colorBar } from "../../svg/color-bar.ts";
import { type Drawing, label, type SvgOptions, tag } from "../../svg/document.ts";
import { textWidth } from "../../svg/measure.ts";
import { type Pixels, pixelImage } from "../../svg/png.ts";
import { reduce } from "./reduce.ts";

/** More cells than this would not be seen. */
const MOST_CELLS = 512;

function pixels(spec: HeatmapSpec): Pixels {
  const small = reduce(spec, MOST_CELLS, MOST_CELLS);
  const data = new Uint8Array(small.values.length * 4);
  small.values.forEach((v, i) => {
    // A gap stays transparent.
    if (v !== null) data.set([...rampColor(spec.ramp, (v - spec.low) / (spec.high - spec.low)).map(Math.round), 255], i * 4);
  });
  return { width: small.columns, height: small.rows, channels: 4, data };
}

/** The numbers of cells that are large enough for all of them. */
function numbers(
  spec: HeatmapSpec,
  left: number,
  top: number,
  cell: { readonly width: number; readonly height: number },
): string {
  if (!spec.numbers || cell.height < 15) return "";
  const texts = spec.values.map((v) => (v === null ? "" : short(v, 2)));
  const size = Math.min(11, cell.height * 0.55, (cell.width - 3) / Math.max(1, ...texts.map((t) => textWidth(t, 1))));
  if (size < 8) return "";
  return texts
    .map((t, i) => {
      const v = spec.values[i] ?? null;
      if (v === null) return "";
      const [r, c] = [Math.floor(i / spec.columns), i % spec.columns];
      const fill = inkOn(rampColor(spec.ramp, (v - spec.low) / (spec.high - spec.low)));
      return label(left + (c + 0.5) * cell.width, top + (r + 0.5) * cell.height + size * 0.36, t, {
        size,
        anchor: "middle",
        fill,
      });
    })
    .join("");
}

/** Names (or numbers, every few) along a side. */
function sideLabels(
  names: readonly string[] | null,
  count: number,
  cell: number,
): { readonly at: number; readonly text: string }[] {
  if (count === 0) return [];
  const stride =
    names === null
      ? scaleOver({ low: 0, high: Math.max(1, count - 1) }, { count: Math.max(1, Math.floor((count * cell) / 28)), whole: true })
      : null;
  if (stride !== null) return stride.ticks.filter((t) => t.at < count).map((t) => ({ at: t.at, text: t.label }));
  const every = Math.max(1, Math.ceil(13 / cell));
  return names!.map((text, at) => ({ at, text })).filter(({ at }) => at % every === 0);
}

export function heatmapSvg(spec: HeatmapSpec, options: SvgOptions): Drawing {
  const width = options.width ?? 520;
  const [rows, columns] = [Math.max(1, spec.rows), Math.max(1, spec.columns)];
  const nameRoom = Math.min(140, Math.max(16, ...(spec.rowNames ?? [String(rows)]).map((s) => textWidth(s, 11))));
  const left = 12 + (spec.y === "" ? 0 : 20) + nameRoom + 6;
  const barRoom = 64;
  const cellWidth = Math.min(46, (width - left - barRoom - 14) / columns);
  // Cells are squares unless the matrix is far from one.
  const cellHeight = Math.min(46, Math.max(cellWidth, 140 / rows), Math.max(1, 480 / rows));
  const cell = { width: Math.max(0.2, cellWidth), height: cellHeight };
  const [w, h] = [cell.width * columns, cell.height * rows];
  const slanted = spec.columnNames !== null && Math.max(...spec.columnNames.map((s) => textWidth(s, 11)), 0) > cell.width - 2;
  const nameHeight = slanted ? Math.min(90, Math.max(...spec.columnNames!.map((s) => textWidth(s, 11)))) * 0.72 + 12 : 18;
  const top = 8;
  const base = top + h;
  const rowText = sideLabels(spec.rowNames, spec.rows, cell.height).map((t) =>
    label(left - 6, top + (t.at + 0.5) * cell.height + 4, t.text, { size: 11, anchor: "end", as: "q", most: 140 }),
  );
  const columnText = sideLabels(spec.columnNames, spec.columns, cell.width).map((t) => {
    const x = left + (t.at + 0.5) * cell.width;
    return slanted
      ? label(x + 4, base + 12, t.text, { size: 11, anchor: "end", as: "q", rotate: -45, most: 90 })
      : label(x, base + 14, t.text, { size: 11, anchor: "middle", as: "q" });
  });
  const total = Math.max(left + w + 14 + barRoom, 160);
  const drawn = spec.values.length > 0;
  const body = [
    drawn
      ? pixelImage(pixels(spec), { x: left, y: top, width: w, height: h })
      : label(left + w / 2, top + h / 2, "no values", { anchor: "middle", as: "q" }),
    tag("rect", { class: "l", x: left, y: top, width: w, height: h, fill: "none" }),
    numbers(spec, left, top, cell),
    ...rowText,
    ...columnText,
    spec.x === ""
      ? ""
      : label(left + w / 2, base + nameHeight + 16, spec.x, {
          anchor: "middle",
          most: 2 * Math.min(left + w / 2, total - left - w / 2) - 12,
        }),
    spec.y === "" ? "" : label(18, top + h / 2, spec.y, { anchor: "middle", rotate: -90, most: h + 2 * top }),
    drawn ? colorBar({ ramp: spec.ramp, low: spec.low, high: spec.high, x: left + w + 14, y: top, height: Math.max(60, h) }) : "",
  ];
  return {
    width: total,
    height: Math.max(base, top + 60) + nameHeight + (spec.x === "" ? 6 : 26),
    body: body.join(""),
  };
}
