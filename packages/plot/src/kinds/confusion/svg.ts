/** @file Confusion matrices as SVG: right answers in one colour, mistakes in another, both by their share of the row. */
import { hue } from "../../color/palette.ts";
import { rgb } from "../../color/ramp.ts";
import { percent } from "../../scale/format.ts";
import type { ConfusionSpec } from "../../spec.ts";
import { type Drawing, label, type SvgOptions, tag } from "../../svg/document.ts";
import { textWidth } from "../../svg/measure.ts";
import { type Pixels, pixelImage } from "../../svg/png.ts";
import { accuracyLine, totalOf } from "./accuracy.ts";

const [RIGHT, WRONG] = [rgb(hue(0).light), rgb(hue(1).light)];

/** How much of the colour covers the ground. Mistakes by the square root: 1 % of a row is a tenth, and seen. */
const cover = (count: number, total: number, right: boolean): number =>
  count === 0 || total === 0 ? 0 : right ? 0.06 + 0.8 * (count / total) : 0.06 + 0.86 * Math.sqrt(count / total);

/** Transparent where nothing is, so that the ground of either scheme is seen. */
function pixels(spec: ConfusionSpec): Pixels {
  const size = spec.names.length;
  const data = new Uint8Array(size * size * 4);
  spec.counts.forEach((row, i) => {
    const total = totalOf(row);
    row.forEach((count, j) => {
      data.set([...(i === j ? RIGHT : WRONG), Math.round(255 * cover(count, total, i === j))], (i * size + j) * 4);
    });
  });
  return { width: size, height: size, channels: 4, data };
}

/** Counts in the cells; 0 is a dot. */
function counts(spec: ConfusionSpec, left: number, top: number, cell: number): string {
  const widest = Math.max(0, ...spec.counts.flat().map((c) => textWidth(String(c), 1)));
  const size = Math.min(12, (cell - 4) / Math.max(1, widest), cell * 0.6);
  if (size < 7) return "";
  const one = (count: number, i: number, j: number, total: number): string => {
    const at = [left + (j + 0.5) * cell, top + (i + 0.5) * cell + size * 0.36] as const;
    if (count === 0) return label(...at, "·", { size, anchor: "middle", as: "q" });
    const strong = cover(count, total, i === j) > 0.55;
    return label(...at, String(count), { size, anchor: "middle", ...(strong ? { fill: "#ffffff" } : {}) });
  };
  return spec.counts.map((row, i) => row.map((count, j) => one(count, i, j, totalOf(row))).join("")).join("");
}

export function confusionSvg(spec: ConfusionSpec, options: SvgOptions): Drawing {
  const size = Math.max(1, spec.names.length);
  const longest = Math.max(10, ...spec.names.map((s) => textWidth(s, 11)));
  const nameRoom = Math.min(120, longest);
  const left = 34 + nameRoom + 6;
  const cell = Math.max(3, Math.min(42, ((options.width ?? 520) - left - 84) / size));
  const slanted = longest > cell - 4;
  const top = 24 + (slanted ? nameRoom * 0.72 + 8 : 18);
  const side = cell * size;
  const every = Math.max(1, Math.ceil(12 / cell));
  const shown = spec.names.map((text, i) => ({ text, i })).filter(({ i }) => i % every === 0);
  const rowNames = shown.map(({ text, i }) =>
    label(left - 6, top + (i + 0.5) * cell + 4, text, { size: 11, anchor: "end", most: 120 }),
  );
  const columnNames = shown.map(({ text, i }) => {
    const x = left + (i + 0.5) * cell;
    return slanted
      ? label(x + 3, top - 6, text, { size: 11, rotate: -45, most: 120 })
      : label(x, top - 6, text, { size: 11, anchor: "middle" });
  });
  const recalls = spec.counts.map((row, i) => ({ text: percent(row[i]! / totalOf(row)), i })).filter(({ i }) => i % every === 0);
  const recallText = recalls.map(({ text, i }) =>
    label(left + side + 70, top + (i + 0.5) * cell + 4, text, { size: 11, anchor: "end", as: "q" }),
  );
  const summary = `${spec.accuracy ? `${accuracyLine(spec)}; ` : ""}shade: share of the row`;
  const width = Math.max(left + side + 84, textWidth(summary, 12) + 28);
  const body = [
    pixelImage(pixels(spec), { x: left, y: top, width: side, height: side }),
    tag("rect", { class: "l", x: left, y: top, width: side, height: side, fill: "none" }),
    counts(spec, left, top, cell),
    ...rowNames,
    ...columnNames,
    ...recallText,
    label(left + side / 2, 14, "predicted", { anchor: "middle", as: "q" }),
    label(20, top + side / 2, "truth", { anchor: "middle", as: "q", rotate: -90 }),
    spec.names.length === 0 ? "" : label(left + side + 70, top - 6, "recall", { size: 11, anchor: "end", as: "q" }),
    label(14, top + side + 24, summary),
  ];
  return { width, height: top + side + 36, body: body.join("") };
}
