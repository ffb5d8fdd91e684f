/** @file Axes of letters around a canvas. */

import type { Rgb } from "../color/ramp.ts";
import type { Scale } from "../scale/scale.ts";
import type { Look } from "./look.ts";
import { bold, paint } from "./paint.ts";
import { centred, columnsOf, padEnd, padStart, wordsFor } from "./words.ts";

export interface TextAxis {
  readonly scale: Scale;
  readonly label: string;
}

interface Strokes {
  readonly left: string;
  readonly leftTick: string;
  readonly right: string;
  readonly rightTick: string;
  readonly base: string;
  readonly baseTick: string;
  readonly corner: string;
  readonly cornerRight: string;
}

const UNICODE: Strokes = {
  left: "│",
  leftTick: "┤",
  right: "│",
  rightTick: "├",
  base: "─",
  baseTick: "┬",
  corner: "└",
  cornerRight: "┘",
};
const ASCII: Strokes = {
  left: "|",
  leftTick: "+",
  right: "|",
  rightTick: "+",
  base: "-",
  baseTick: "+",
  corner: "+",
  cornerRight: "+",
};

const widest = (axis: TextAxis | null): number => Math.max(0, ...(axis?.scale.ticks ?? []).map((t) => t.label.length));

/** Columns and rows that a canvas between these axes has. */
export function canvasSize(
  look: Look,
  left: TextAxis,
  right: TextAxis | null,
): { readonly columns: number; readonly rows: number } {
  const sides = widest(left) + 3 + (right === null ? 0 : widest(right) + 2);
  return { columns: Math.max(8, look.width - sides), rows: Math.max(3, look.height ?? 14) };
}

/** Which label stands at which of `rows` rows: the first that wants it. */
function rowLabels(axis: TextAxis | null, rows: number): ReadonlyMap<number, string> {
  const out = new Map<number, string>();
  for (const t of axis?.scale.ticks ?? []) {
    const row = Math.round((1 - axis!.scale.at(t.at)) * (rows - 1));
    if (!out.has(row)) out.set(row, t.label);
  }
  return out;
}

/** The base line with its ticks, and their labels; none touches the next. */
function baseLines(x: TextAxis, columns: number, s: Strokes): { readonly line: string; readonly labels: string } {
  const line = new Array<string>(columns).fill(s.base);
  let labels = "";
  // One column of room at the left, where a label may stand under the corner.
  for (const t of x.scale.ticks) {
    const column = Math.round(x.scale.at(t.at) * (columns - 1));
    const start = Math.max(0, Math.min(column + 1 - Math.floor(t.label.length / 2), columns + 1 - t.label.length));
    if (start < labels.length + (labels === "" ? 0 : 1)) continue;
    line[column] = s.baseTick;
    labels = labels.padEnd(start) + t.label;
  }
  return { line: line.join(""), labels };
}

/** Names in their colours, in as many lines as they need. */
export function legendLines(
  look: Look,
  entries: readonly { readonly text: string; readonly ink: Rgb }[],
  width: number,
): string[] {
  const rows: string[][] = [];
  let free = 0;
  for (const { text, ink } of entries) {
    const shown = wordsFor(look, text, width);
    const columns = columnsOf(shown);
    if (rows.length === 0 || columns > free) {
      rows.push([]);
      free = width;
    }
    rows.at(-1)!.push(paint(look, shown, ink));
    free -= columns + 3;
  }
  return rows.map((row) => row.join("   "));
}

/** The whole plot: title, legend line, rows between the axes, base line, labels. */
export function framed(
  look: Look,
  parts: {
    readonly title: string;
    readonly legend: readonly string[];
    readonly rows: readonly string[];
    readonly columns: number;
    readonly x: TextAxis;
    readonly left: TextAxis;
    readonly right: TextAxis | null;
  },
): string[] {
  const s = look.unicode ? UNICODE : ASCII;
  const { left, right, columns } = parts;
  const room = widest(left) + 1;
  const [onLeft, onRight] = [rowLabels(left, parts.rows.length), rowLabels(right, parts.rows.length)];
  const side = (row: number): string => {
    const text = onLeft.get(row);
    return `${padStart(text ?? "", room)} ${text === undefined ? s.left : s.leftTick}`;
  };
  const end = (row: number): string => {
    if (right === null) return "";
    const text = onRight.get(row);
    return text === undefined ? s.right : `${s.rightTick} ${text}`;
  };
  // Colour codes take no columns, so that a painted row is measured without them.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  const bare = (row: string): string => row.replaceAll(/\u001b\[[\d;]*m/g, "");
  const filled = (row: string): string => (right === null ? row : row + " ".repeat(Math.max(0, columns - columnsOf(bare(row)))));
  const base = baseLines(parts.x, columns, s);
  const half = right === null || right.label === "" ? columns : Math.floor(columns / 2) - 1;
  const [onTheLeft, onTheRight] = [left.label, right?.label ?? ""].map((a) => wordsFor(look, a, half)) as [string, string];
  const heading = `${" ".repeat(room)} ${padEnd(onTheLeft, 2 + columns - columnsOf(onTheRight))}${onTheRight}`.trimEnd();
  return [
    ...(parts.title === "" ? [] : [bold(look, centred(wordsFor(look, parts.title, look.width), room + 2 + columns).trimEnd())]),
    ...parts.legend.map((line) => `${" ".repeat(room + 2)}${line}`),
    ...(heading === "" ? [] : [heading]),
    ...parts.rows.map((row, i) => (side(i) + filled(row) + end(i)).trimEnd()),
    `${" ".repeat(room + 1)}${s.corner}${base.line}${right === null ? "" : s.cornerRight}`,
    `${" ".repeat(room + 1)}${base.labels}`,
    ...(parts.x.label === ""
      ? []
      : [`${" ".repeat(room + 2)}${centred(wordsFor(look, parts.x.label, columns), columns)}`.trimEnd()]),
  ];
}
