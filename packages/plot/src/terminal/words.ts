/** @file Words in a terminal: no control characters from outside, and how many columns they take. */

import type { Look } from "./look.ts";

/** What a stranger's label must not do: move the cursor, colour, reorder the line. */
export const plainWords = (text: string): string => text.toWellFormed().replaceAll(/\p{C}/gu, "?");

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns: 2 for East Asian wide letters and emoji, 0 for combining marks (Unicode standard annex 11). */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const c of text) columns += /\p{M}/u.test(c) ? 0 : WIDE.test(c) ? 2 : 1;
  return columns;
}

/** Cut to `most` columns, with an ellipsis. */
export function cut(text: string, most: number, ellipsis = "…"): string {
  if (columnsOf(text) <= most) return text;
  let out = "";
  for (const c of text) {
    if (columnsOf(out + c + ellipsis) > most) break;
    out += c;
  }
  return out + ellipsis.slice(0, Math.max(0, most - columnsOf(out)));
}

export const padStart = (text: string, columns: number): string => " ".repeat(Math.max(0, columns - columnsOf(text))) + text;
export const padEnd = (text: string, columns: number): string => text + " ".repeat(Math.max(0, columns - columnsOf(text)));
export const centred = (text: string, columns: number): string => {
  const free = Math.max(0, columns - columnsOf(text));
  return padEnd(" ".repeat(Math.floor(free / 2)) + text, columns);
};

/** Words from outside as they may be shown, in at most so many columns. */
export const wordsFor = (look: Pick<Look, "unicode">, text: string, most: number): string =>
  cut(plainWords(text), most, look.unicode ? "…" : "~");
