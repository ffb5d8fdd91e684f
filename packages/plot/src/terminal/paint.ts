/** @file ANSI colours: 24 bits, or the nearest of the xterm palette of 256. */
import type { Rgb } from "../color/ramp.ts";
import type { Look } from "./look.ts";

const RESET = "\u001b[0m";
const LEVELS = [0, 95, 135, 175, 215, 255];

const nearest = (v: number): number =>
  LEVELS.reduce((best, l, i) => (Math.abs(l - v) < Math.abs(LEVELS[best]! - v) ? i : best), 0);

/** The index of the nearest colour in the 6x6x6 cube (16 to 231) or the gray ramp (232 to 255: 8, 18, … 238). */
export function xterm([r, g, b]: Rgb): number {
  const cube = [r, g, b].map(nearest) as [number, number, number];
  const gray = Math.min(23, Math.max(0, Math.round(((r + g + b) / 3 - 8) / 10)));
  const off = (c: readonly number[]): number => (c[0]! - r) ** 2 + (c[1]! - g) ** 2 + (c[2]! - b) ** 2;
  const level = 8 + 10 * gray;
  return off([level, level, level]) < off(cube.map((i) => LEVELS[i]!)) ? 232 + gray : 16 + 36 * cube[0] + 6 * cube[1] + cube[2];
}

const code = (look: Look, c: Rgb, ground: boolean): string =>
  look.color === "true" ? `${ground ? 48 : 38};2;${c.map(Math.round).join(";")}` : `${ground ? 48 : 38};5;${xterm(c)}`;

/** Text in a colour, on a ground; as it is where the terminal has no colour. */
export function paint(look: Look, text: string, ink: Rgb | null, ground: Rgb | null = null): string {
  if (text === "" || look.color === "none" || (ink === null && ground === null)) return text;
  const codes = [...(ink === null ? [] : [code(look, ink, false)]), ...(ground === null ? [] : [code(look, ground, true)])];
  return `\u001b[${codes.join(";")}m${text}${RESET}`;
}

/** Neighbours of one colour share their codes. */
export interface Cell {
  readonly text: string;
  readonly ink: Rgb | null;
  readonly ground: Rgb | null;
}

const same = (a: Rgb | null, b: Rgb | null): boolean =>
  a === b || (a !== null && b !== null && a[0] === b[0] && a[1] === b[1] && a[2] === b[2]);

export function paintRow(look: Look, cells: readonly Cell[]): string {
  let [out, run] = ["", ""];
  let now: Cell | null = null;
  const flush = (): void => {
    if (now !== null) out += paint(look, run, now.ink, now.ground);
    run = "";
  };
  for (const cell of cells) {
    if (now === null || !same(cell.ink, now.ink) || !same(cell.ground, now.ground)) flush();
    run += cell.text;
    now = cell;
  }
  flush();
  return look.color === "none" ? out.trimEnd() : out;
}

/** Bold, where there is colour at all. */
export const bold = (look: Look, text: string): string => (look.color === "none" ? text : `\u001b[1m${text}${RESET}`);
