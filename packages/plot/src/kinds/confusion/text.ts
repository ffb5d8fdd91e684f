/** @file Confusion matrices of letters: grounds in colour, or shades before the mistakes. */
import { hue } from "../../color/palette.ts";
import { mix, type Rgb, rgb } from "../../color/ramp.ts";
import { percent } from "../../scale/format.ts";
import type { ConfusionSpec } from "../../spec.ts";
import type { Look } from "../../terminal/look.ts";
import { bold, paint } from "../../terminal/paint.ts";
import { columnsOf, padStart, plainWords, wordsFor } from "../../terminal/words.ts";
import { accuracyLine, totalOf } from "./accuracy.ts";

const SHADES = { unicode: " ░▒▓█", ascii: " .:+#" } as const;

/** Mistakes are shaded by their share of the row: below 1 %, from 1, 3 and 10 % on. */
function shadeOf(look: Look, count: number, total: number, right: boolean): string {
  if (right || count === 0 || total === 0) return " ";
  const share = count / total;
  return (look.unicode ? SHADES.unicode : SHADES.ascii)[share >= 0.1 ? 4 : share >= 0.03 ? 3 : share >= 0.01 ? 2 : 1]!;
}

/** The ground of a cell: from nearly black, so that light numbers are read on all of them. */
function groundOf(count: number, total: number, right: boolean): Rgb | null {
  if (count === 0 || total === 0) return null;
  const share = count / total;
  return right ? mix([16, 26, 38], rgb("#0067a3"), share) : mix([44, 26, 16], rgb("#b34d00"), Math.min(1, Math.sqrt(share)));
}

export function confusionText(spec: ConfusionSpec, look: Look): string[] {
  const names = spec.names.map((name) => wordsFor(look, name, 12));
  const width = Math.max(4, ...names.map(columnsOf), ...spec.counts.flat().map((c) => String(c).length + 1)) + 1;
  const [upright, line, cross, zero] = look.unicode ? ["│", "─", "┼", "·"] : ["|", "-", "+", "."];
  const cell = (count: number, i: number, j: number, total: number): string => {
    const number = count === 0 ? zero : String(count);
    if (look.color === "none") return shadeOf(look, count, total, i === j) + padStart(number, width - 1);
    const ground = groundOf(count, total, i === j);
    const ink: Rgb = ground === null ? rgb(hue(7).light) : [245, 245, 245];
    return paint(look, `${padStart(number, width - 1)} `, ink, ground);
  };
  const title = spec.title === "" ? [] : [bold(look, plainWords(spec.title))];
  const head = `${padStart("truth", width)} ${upright}${names.map((name) => padStart(name, look.color === "none" ? width : width - 1) + (look.color === "none" ? "" : " ")).join("")}  recall`;
  const rows = spec.counts.map((row, i) => {
    const total = totalOf(row);
    const recall = total === 0 ? `      ${look.unicode ? "–" : "-"}` : padStart(percent(row[i]! / total), 7);
    return `${padStart(names[i]!, width)} ${upright}${row.map((count, j) => cell(count, i, j, total)).join("")} ${recall}`;
  });
  return [
    ...title,
    head,
    `${line.repeat(width + 1)}${cross}${line.repeat(width * names.length)}`,
    ...rows,
    ...(spec.accuracy ? [accuracyLine(spec)] : []),
  ];
}
