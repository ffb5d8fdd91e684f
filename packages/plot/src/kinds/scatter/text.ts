/** @file Scatter plots of letters: a group's points are drawn as the first letter of its name, if no other group has it. */
import { hue } from "../../color/palette.ts";
import { rgb } from "../../color/ramp.ts";
import type { ScatterSpec } from "../../spec.ts";
import { Canvas, SIGNS } from "../../terminal/canvas.ts";
import { canvasSize, framed, legendLines } from "../../terminal/frame.ts";
import type { Look } from "../../terminal/look.ts";
import { columnsOf, plainWords, wordsFor } from "../../terminal/words.ts";
import { scatterScales } from "./scales.ts";

/** More names than this would cover one another. */
const MOST_NAMES = 60;
/** Fewer points than this are seen better as signs. */
const FEW = 100;

/** A sign for each group; null: dots. */
function signsOf(spec: ScatterSpec, look: Look): (string | null)[] {
  const firsts = spec.groups.map((g) => [...plainWords(g.name)][0] ?? "");
  const fit = firsts.every((c) => columnsOf(c) === 1 && (look.unicode || c <= "~")) && new Set(firsts).size === firsts.length;
  if (fit) return firsts;
  if (look.unicode && spec.groups.length === 1 && spec.groups[0]!.x.length >= FEW) return [null];
  const signs = [...(look.unicode ? SIGNS.unicode : SIGNS.ascii)];
  return spec.groups.map((_, i) => signs[i % signs.length]!);
}

export function scatterText(spec: ScatterSpec, look: Look): string[] {
  const rows = Math.max(3, look.height ?? 20);
  const scales = scatterScales(spec, { x: Math.max(2, Math.floor(look.width / 12)), y: Math.max(2, Math.floor(rows / 3)) });
  const left = { scale: scales.y, label: spec.y.label };
  const size = canvasSize({ ...look, height: rows }, left, null);
  const canvas = new Canvas(look, size.columns, size.rows);
  const signs = signsOf(spec, look);
  const named = spec.groups.reduce((sum, g) => sum + (g.names?.length ?? 0), 0) <= MOST_NAMES;
  spec.groups.forEach((g, k) => {
    const [sign, ink] = [signs[k] ?? null, rgb(hue(g.color).dark)];
    g.x.forEach((x, i) => {
      const [px, py] = [scales.x.at(x), scales.y.at(g.y[i]!)];
      if (sign === null) canvas.dot(px, py, ink);
      else canvas.sign(px, py, sign, ink);
      if (named) canvas.beside(px, py, plainWords(g.names?.[i] ?? ""), ink);
    });
  });
  if (spec.groups.every((g) => g.x.length === 0)) canvas.words("no points");
  const entries = spec.groups
    .map((g, i) => ({
      text: g.name === "" ? "" : `${signs[i] === g.name ? "" : `${signs[i] ?? "•"} `}${wordsFor(look, g.name, 16)}`,
      ink: rgb(hue(g.color).dark),
    }))
    .filter((e) => e.text !== "");
  const more = entries.length > 16 ? [`and ${entries.length - 16} more`] : [];
  return framed(look, {
    title: spec.title,
    legend: [...legendLines(look, entries.slice(0, 16), size.columns), ...more],
    rows: canvas.lines(),
    columns: size.columns,
    x: { scale: scales.x, label: spec.x.label },
    left,
    right: null,
  });
}
