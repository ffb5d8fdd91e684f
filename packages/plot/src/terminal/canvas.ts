/** @file A drawing of letters: curves in Braille dots (2x4 to a letter), or in one sign per series where dots could not be told apart. */
import type { Rgb } from "../color/ramp.ts";
import type { Look } from "./look.ts";
import { type Cell, paintRow } from "./paint.ts";
import { columnsOf } from "./words.ts";

/** Bits of the dots in a Braille pattern, by row and column (Unicode 15, block U+2800). */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** Signs of series without colours. */
export const SIGNS = { unicode: "•×+○◆▲□▼", ascii: "*x+o#@%&" } as const;

export class Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly #look: Look;
  readonly #dots: Uint8Array;
  readonly #signs: (string | null)[];
  readonly #inks: (Rgb | null)[];

  constructor(look: Look, columns: number, rows: number) {
    this.#look = look;
    this.columns = columns;
    this.rows = rows;
    this.#dots = new Uint8Array(columns * rows);
    this.#signs = new Array<string | null>(columns * rows).fill(null);
    this.#inks = new Array<Rgb | null>(columns * rows).fill(null);
  }

  /** A Braille dot; x and y in 0..1, y upward. Beyond is not drawn. */
  dot(x: number, y: number, ink: Rgb | null): void {
    this.#dotAt(Math.round(x * (this.columns * 2 - 1)), Math.round((1 - y) * (this.rows * 4 - 1)), ink);
  }

  #dotAt(column: number, row: number, ink: Rgb | null): void {
    if (!(column >= 0 && column < this.columns * 2 && row >= 0 && row < this.rows * 4)) return;
    const at = (row >> 2) * this.columns + (column >> 1);
    this.#dots[at]! |= DOTS[row & 3]![column & 1]!;
    this.#inks[at] = ink;
  }

  /** A sign in the letter's place; "under": only where nothing stands. */
  sign(x: number, y: number, text: string, ink: Rgb | null, where: "over" | "under" = "over"): void {
    this.#signAt(Math.round(x * (this.columns - 1)), Math.round((1 - y) * (this.rows - 1)), text, ink, where);
  }

  #signAt(column: number, row: number, text: string, ink: Rgb | null, where: "over" | "under"): void {
    if (!(column >= 0 && column < this.columns && row >= 0 && row < this.rows)) return;
    const at = row * this.columns + column;
    if (where === "under" && (this.#dots[at] !== 0 || this.#signs[at] !== null)) return;
    this.#signs[at] = text;
    this.#inks[at] = ink;
  }

  /** Words at the right of a point, or at its left where there is no room; the first to come stay. */
  beside(x: number, y: number, text: string, ink: Rgb | null): void {
    const [column, row] = [Math.round(x * (this.columns - 1)), Math.round((1 - y) * (this.rows - 1))];
    const letters = [...text].filter((c) => columnsOf(c) === 1);
    const start = column + 2 + letters.length <= this.columns ? column + 2 : column - 1 - letters.length;
    letters.forEach((c, i) => {
      this.#signAt(start + i, row, c, ink, "under");
    });
  }

  /** Words in the middle. */
  words(text: string): void {
    const start = Math.floor((this.columns - text.length) / 2);
    [...text].forEach((c, i) => {
      this.#signAt(start + i, Math.floor((this.rows - 1) / 2), c, null, "over");
    });
  }

  /** A straight line of dots, or of signs where `sign` is one; ends in 0..1. */
  line(from: readonly [number, number], to: readonly [number, number], ink: Rgb | null, sign: string | null): void {
    const [w, h] = sign === null ? [this.columns * 2 - 1, this.rows * 4 - 1] : [this.columns - 1, this.rows - 1];
    const [x0, y0, x1, y1] = [from[0] * w, (1 - from[1]) * h, to[0] * w, (1 - to[1]) * h];
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))));
    for (let i = 0; i <= steps; i++) {
      const [x, y] = [Math.round(x0 + ((x1 - x0) * i) / steps), Math.round(y0 + ((y1 - y0) * i) / steps)];
      if (sign === null) this.#dotAt(x, y, ink);
      else this.#signAt(x, y, sign, ink, "over");
    }
  }

  /** The rows, top first. */
  lines(): string[] {
    return Array.from({ length: this.rows }, (_, row) => {
      const cells = Array.from({ length: this.columns }, (_, column): Cell => {
        const at = row * this.columns + column;
        const dots = this.#dots[at]!;
        const text = this.#signs[at] ?? (dots === 0 ? " " : String.fromCharCode(0x2800 + dots));
        return { text, ink: text === " " ? null : this.#inks[at]!, ground: null };
      });
      return paintRow(this.#look, cells);
    });
  }
}
