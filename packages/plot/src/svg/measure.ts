/** @file How wide a text will be, without a font at hand. */

/** Widths in em of DejaVu Sans, the widest of the usual sans-serif faces, so that nothing is cut: narrow, middle, wide letters. */
const NARROW = /[ijlItfr.,:;|!'()[\]{} ]/;
const WIDE = /[mwMW@%…—<>=+~#&–→×]/;

/** Pixels that `text` takes at most, at `size` pixels. */
export function textWidth(text: string, size: number): number {
  let em = 0;
  for (const c of text) {
    const code = c.codePointAt(0)!;
    em += code > 0x2e80 ? 1.05 : NARROW.test(c) ? 0.41 : WIDE.test(c) ? 0.98 : c >= "A" && c <= "Z" ? 0.74 : 0.63;
  }
  return em * size;
}

/** What bold letters take more. */
export const BOLD = 1.12;

/** Cut to `pixels`, with an ellipsis. */
export function fit(text: string, size: number, pixels: number): string {
  if (textWidth(text, size) <= pixels) return text;
  const letters = [...text];
  while (letters.length > 1 && textWidth(`${letters.join("")}…`, size) > pixels) letters.pop();
  return `${letters.join("")}…`;
}
