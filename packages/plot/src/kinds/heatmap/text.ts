/** @file Heat maps of letters: two rows of half blocks to a line with colour, shades without. */
import { type Rgb, rampColor } from "../../color/ramp.ts";
import { short } from "../../scale/format.ts";
import type { HeatmapSpec, Value } from "../../spec.ts";
import type { Look } from "../../terminal/look.ts";
import { bold, type Cell, paintRow } from "../../terminal/paint.ts";
import { halfBlocks } from "../../terminal/pixels.ts";
import { shade } from "../../terminal/shades.ts";
import { columnsOf, cut, padStart, plainWords, wordsFor } from "../../terminal/words.ts";
import { reduce } from "./reduce.ts";

const share = (spec: HeatmapSpec, v: number): number => (v - spec.low) / (spec.high - spec.low);

/** Names of rows are shown when every row has a line of its own. */
function named(spec: HeatmapSpec, look: Look, room: number): string[] {
  const wide = Math.max(1, Math.min(5, Math.floor(room / Math.max(1, spec.columns))));
  const cells = (r: number): Cell[] =>
    Array.from({ length: spec.columns }, (_, c) => {
      const v = spec.values[r * spec.columns + c] ?? null;
      if (look.color === "none")
        return { text: (v === null ? " " : shade(look, Math.abs(level(spec, v)))).repeat(wide), ink: null, ground: null };
      return { text: " ".repeat(wide), ink: null, ground: v === null ? null : rampColor(spec.ramp, share(spec, v)) };
    });
  return Array.from({ length: spec.rows }, (_, r) => paintRow(look, cells(r)));
}

/** Without colour a diverging value is as dark as it is far from zero. */
const level = (spec: HeatmapSpec, v: number): number => (spec.ramp === "diverging" ? 2 * share(spec, v) - 1 : share(spec, v));

/** Ends of the ramp, with what they look like. */
function key(spec: HeatmapSpec, look: Look): string {
  const steps = Array.from({ length: 12 }, (_, i) => i / 11);
  const sign = (t: number): string => shade(look, Math.abs(spec.ramp === "diverging" ? 2 * t - 1 : t));
  const drawn =
    look.color === "none"
      ? steps.map(sign).join("")
      : paintRow(
          look,
          steps.map((t) => ({ text: " ", ink: null, ground: rampColor(spec.ramp, t) })),
        );
  return `${short(spec.low)} ${drawn} ${short(spec.high)}`;
}

export function heatmapText(spec: HeatmapSpec, look: Look): string[] {
  const names = (spec.rowNames ?? []).map((s) => wordsFor(look, s, Math.floor(look.width / 3)));
  const room = Math.max(0, ...names.map(columnsOf)) + (names.length > 0 ? 1 : 0);
  const title = spec.title === "" ? [] : [bold(look, wordsFor(look, spec.title, look.width))];
  if (spec.values.length === 0) return [...title, "no values"];
  const free = Math.max(4, look.width - room);
  const columnNames = spec.columnNames === null || free / spec.columns < 2 ? [] : [columnLine(spec, look, free, room)];
  const own = spec.rows <= 40 && spec.columns <= free;
  let rows: string[];
  if (own) rows = named(spec, look, free).map((r, i) => (names.length > 0 ? `${padStart(names[i]!, room - 1)} ${r}` : r));
  else {
    const small = reduce(spec, look.color === "none" ? 40 : 80, free);
    const color = (v: Value): Rgb | null => (v === null ? null : rampColor(spec.ramp, share(spec, v)));
    const lightness = (v: Value): number => (v === null ? 0 : Math.abs(level(spec, v)));
    rows =
      look.color === "none"
        ? Array.from({ length: small.rows }, (_, r) =>
            small.values
              .slice(r * small.columns, (r + 1) * small.columns)
              .map((v) => shade(look, lightness(v)))
              .join(""),
          )
        : halfBlocks(look, small.columns, small.rows, (x, y) => color(small.values[y * small.columns + x] ?? null));
  }
  const axes = [spec.y === "" ? "" : `rows: ${plainWords(spec.y)}`, spec.x === "" ? "" : `columns: ${plainWords(spec.x)}`].filter(
    (s) => s !== "",
  );
  return [
    ...title,
    ...columnNames,
    ...rows,
    ...(axes.length > 0 ? [wordsFor(look, axes.join(", "), look.width)] : []),
    key(spec, look),
  ];
}

function columnLine(spec: HeatmapSpec, look: Look, free: number, room: number): string {
  const wide = Math.max(1, Math.min(5, Math.floor(free / spec.columns)));
  const cells = spec.columnNames!.map((s) => cut(plainWords(s), wide - 1, ""));
  return (" ".repeat(room) + cells.map((s) => s + " ".repeat(wide - columnsOf(s))).join("")).trimEnd().slice(0, look.width);
}
