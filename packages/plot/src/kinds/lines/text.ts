/** @file Line plots of letters. */
import { hue } from "../../color/palette.ts";
import { type Rgb, rgb } from "../../color/ramp.ts";
import { decimate, segments } from "../../scale/decimate.ts";
import type { LinesSpec, SeriesSpec } from "../../spec.ts";
import { Canvas, SIGNS } from "../../terminal/canvas.ts";
import { canvasSize, framed, legendLines } from "../../terminal/frame.ts";
import type { Look } from "../../terminal/look.ts";
import { wordsFor } from "../../terminal/words.ts";
import { type LineScales, lineScales } from "./scales.ts";

/** Hues between the two schemes' are seen on dark and on light terminals. */
const inkOf = (s: SeriesSpec): Rgb => rgb(hue(s.color).dark);

function drawSeries(spec: LinesSpec, s: SeriesSpec, scales: LineScales, canvas: Canvas, sign: string | null): void {
  const axis = s.axis === "right" ? (scales.right ?? scales.left) : scales.left;
  const at = (x: number, y: number): [number, number] => [scales.x.at(x), axis.at(y)];
  for (const part of segments(s.x, s.y, axis.log, spec.x.log)) {
    const p = decimate(part, canvas.columns * 2, (x) => scales.x.at(x) * canvas.columns * 2);
    for (let i = 0; i < p.x.length; i++) {
      const here = at(p.x[i]!, p.y[i]!);
      canvas.line(i === 0 ? here : at(p.x[i - 1]!, p.y[i - 1]!), here, inkOf(s), sign);
    }
  }
}

export function linesText(spec: LinesSpec, look: Look): string[] {
  const rows = Math.max(3, look.height ?? 14);
  // A raw curve would hide the smoothed one, and is left out.
  const shown = spec.series.filter((s) => s.style !== "faint");
  const scales = lineScales(
    { ...spec, series: shown },
    { x: Math.max(2, Math.floor(look.width / 12)), y: Math.max(2, Math.floor(rows / 3)) },
  );
  const [left, right] = [
    { scale: scales.left, label: spec.left.label },
    scales.right === null ? null : { scale: scales.right, label: spec.right!.label },
  ];
  const size = canvasSize(look, left, right);
  const canvas = new Canvas(look, size.columns, size.rows);
  const dots = look.unicode && (look.color !== "none" || shown.length < 2);
  const signs = look.unicode ? SIGNS.unicode : SIGNS.ascii;
  const signOf = (i: number): string => [...signs][i % signs.length]!;
  shown.forEach((s, i) => {
    drawSeries(spec, s, scales, canvas, dots ? null : signOf(i));
  });
  for (const m of spec.marks) {
    const x = scales.x.at(m.at);
    for (let r = 0; r < size.rows && x >= 0 && x <= 1; r++)
      canvas.sign(x, size.rows === 1 ? 0 : r / (size.rows - 1), look.unicode ? "┊" : ":", null, "under");
  }
  if (
    shown.every(
      (s) => segments(s.x, s.y, (s.axis === "right" ? scales.right : scales.left)?.log === true, spec.x.log).length === 0,
    )
  )
    canvas.words("no values");
  const entries = shown
    .filter((s) => s.name !== "")
    .map((s) => {
      const side = s.axis === "right" ? " (right)" : "";
      return {
        text: `${dots ? "━━" : signOf(shown.indexOf(s))} ${wordsFor(look, s.name, 24)}${side}`,
        ink: inkOf(s),
      };
    });
  return framed(look, {
    title: spec.title,
    legend: legendLines(look, entries, size.columns),
    rows: canvas.lines(),
    columns: size.columns,
    x: { scale: scales.x, label: spec.x.label },
    left,
    right,
  });
}
