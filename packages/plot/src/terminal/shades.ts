/** @file Darkness without colour: block shades, or ASCII signs of growing ink. */
import type { Look } from "./look.ts";

const BLOCKS = " ░▒▓█";
const ASCII = " .:-=+*#%@";

/** A sign for a lightness of 0 (empty) to 1 (full). */
export function shade(look: Look, level: number): string {
  const signs = look.unicode ? BLOCKS : ASCII;
  return signs[Math.min(signs.length - 1, Math.max(0, Math.round(level * (signs.length - 1))))]!;
}

const EIGHTHS = " ▏▎▍▌▋▊▉";

/** A bar of `share` of `columns`, to an eighth of a column. */
export function bar(look: Look, share: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * columns * 8);
  if (!look.unicode) return "#".repeat(Math.round(eighths / 8));
  const rest = eighths % 8;
  return "█".repeat(Math.floor(eighths / 8)) + (rest === 0 ? "" : EIGHTHS[rest]!);
}
