/** @file Pictures of letters: two pixels to a letter, as upper half blocks in colour, or as shades of their mean. */
import { luminance, type Rgb } from "../color/ramp.ts";
import type { Look } from "./look.ts";
import { type Cell, paintRow } from "./paint.ts";
import { shade } from "./shades.ts";

/** Rows of a picture; `at` gives the colour of a pixel, null where there is none. */
export function halfBlocks(look: Look, width: number, height: number, at: (x: number, y: number) => Rgb | null): string[] {
  return Array.from({ length: Math.ceil(height / 2) }, (_, row) =>
    paintRow(
      look,
      Array.from({ length: width }, (_, x) => {
        const [upper, lower] = [at(x, 2 * row), 2 * row + 1 < height ? at(x, 2 * row + 1) : null];
        return look.color === "none" || !look.unicode ? shadeOf(look, upper, lower) : block(upper, lower);
      }),
    ),
  );
}

function block(upper: Rgb | null, lower: Rgb | null): Cell {
  if (upper === null) return lower === null ? { text: " ", ink: null, ground: null } : { text: "▄", ink: lower, ground: null };
  return { text: "▀", ink: upper, ground: lower };
}

/** Perceived lightness (the cube root of luminance, as in CIE L*), the mean of both. */
function shadeOf(look: Look, upper: Rgb | null, lower: Rgb | null): Cell {
  const light = (c: Rgb | null): number => (c === null ? 0 : Math.cbrt(luminance(c)));
  const level = upper === null || lower === null ? light(upper ?? lower) : (light(upper) + light(lower)) / 2;
  return { text: shade(look, level), ink: null, ground: null };
}
