/** @file Bar charts: lying bars, so that names can be read. */

import { hue } from "../../color/palette.ts";
import { rgb } from "../../color/ramp.ts";
import { extentOf } from "../../scale/extent.ts";
import { percent, short } from "../../scale/format.ts";
import { scaleOver } from "../../scale/scale.ts";
import type { BarsSpec } from "../../spec.ts";
import { type Drawing, label, n, type SvgOptions, tag } from "../../svg/document.ts";
import { textWidth } from "../../svg/measure.ts";
import type { Look } from "../../terminal/look.ts";
import { bold, paint } from "../../terminal/paint.ts";
import { bar } from "../../terminal/shades.ts";
import { columnsOf, padStart, wordsFor } from "../../terminal/words.ts";
import type { Kind } from "../kind.ts";

const written = (spec: BarsSpec, v: number | null): string => (v === null ? "–" : spec.percent ? percent(v) : short(v, 4));

/** From 0, or from the lowest where values are negative, to the highest; shares to 1. */
function range(spec: BarsSpec): { readonly low: number; readonly high: number } {
  const found = extentOf([spec.values, spec.percent ? [0, 1] : [0]]) ?? { low: 0, high: 1 };
  return found.low === found.high ? { low: 0, high: 1 } : found;
}

const ROW = 22;
const BAR = 14;

function svg(spec: BarsSpec, options: SvgOptions): Drawing {
  const width = options.width ?? 520;
  const left = 14 + Math.min(180, Math.max(10, ...spec.names.map((name) => textWidth(name, 12)))) + 8;
  const values = spec.values.map((v) => written(spec, v));
  const room = Math.max(30, ...values.map((v) => textWidth(v, 11))) + 16;
  const { low, high } = range(spec);
  const signed = low < 0;
  const area = Math.max(40, width - left - room - (signed ? room : 0));
  const start = left + (signed ? room : 0);
  const scale = scaleOver({ low, high }, { count: 4 });
  const px = (v: number): number => start + scale.at(v) * area;
  const rows = spec.values.map((v, i) => {
    const y = 6 + i * ROW;
    const name = label(left - 8, y + 11, spec.names[i]!, { anchor: "end", most: 180 });
    if (v === null) return name + label(px(0) + 6, y + 11, "–", { size: 11, as: "q" });
    const [from, to] = [Math.min(px(0), px(v)), Math.max(px(0), px(v))];
    const shape = tag("rect", {
      x: from,
      y,
      width: Math.max(to - from, v === 0 ? 0 : 0.75),
      height: BAR,
      fill: "currentColor",
      rx: 1.5,
    });
    const value = label(v < 0 ? from - 5 : to + 5, y + 11, values[i]!, {
      size: 11,
      as: "q",
      ...(v < 0 ? { anchor: "end" as const } : {}),
    });
    return name + tag("g", { class: v < 0 ? "c1" : "c0" }, shape) + value;
  });
  const base = 6 + spec.values.length * ROW;
  const axis = tag("path", { class: "a", d: `M${n(px(0))} 2V${n(base - 4)}` });
  const caption =
    spec.label === ""
      ? ""
      : label(start + area / 2, base + 12, spec.label, {
          anchor: "middle",
          as: "q",
          most: 2 * Math.min(start + area / 2, width - start - area / 2) - 16,
        });
  const none = spec.values.length === 0 ? label(width / 2, 16, "no values", { anchor: "middle", as: "q" }) : "";
  const height = Math.max(base, 24) + (spec.label === "" ? 6 : 24);
  return { width, height, body: rows.join("") + (none === "" ? axis : none) + caption };
}

function text(spec: BarsSpec, look: Look): string[] {
  const names = spec.names.map((name) => wordsFor(look, name, Math.max(8, Math.floor(look.width / 3))));
  const values = spec.values.map((v) => written(spec, v));
  const wide = Math.max(3, ...names.map(columnsOf));
  const { low, high } = range(spec);
  // 40 columns are enough for 0.3 %.
  const columns = Math.max(8, Math.min(40, look.width - wide - 3 - Math.max(0, ...values.map((v) => v.length))));
  const below = Math.round((columns * -low) / (high - low));
  const rows = spec.values.map((v, i) => {
    const [share, room] = [Math.abs(v ?? 0) / (high - low), v !== null && v < 0 ? below : columns - below];
    const drawn = bar(look, (share * columns) / Math.max(1, room), room);
    const ink = rgb(hue(v !== null && v < 0 ? 1 : 0).dark);
    // A bar to the left ends at zero: whole blocks, because eighths fill from the left.
    const left =
      v !== null && v < 0 ? padStart((look.unicode ? "█" : "#").repeat(Math.round(share * columns)), below) : " ".repeat(below);
    const body = v !== null && v < 0 ? paint(look, left, ink) : left + paint(look, drawn, ink);
    return `${padStart(names[i]!, wide)} ${body} ${look.unicode || v !== null ? values[i]! : "-"}`;
  });
  return [
    ...(spec.title === "" ? [] : [bold(look, wordsFor(look, spec.title, look.width))]),
    ...(rows.length === 0 ? ["no values"] : rows),
  ];
}

export const barsKind: Kind<BarsSpec> = {
  svg,
  text,
  describe: (spec) => {
    const shown = spec.names.slice(0, 12).map((name, i) => `${name} ${written(spec, spec.values[i]!)}`);
    const more = spec.names.length > 12 ? ` and ${spec.names.length - 12} more` : "";
    return `Bar chart${spec.label === "" ? "" : ` of ${spec.label}`}: ${shown.length === 0 ? "no values" : shown.join(", ")}${more}`;
  },
};
