/** @file The numbers that the book prints, and how many of them ours meet to the last printed digit. */
import { readFileSync } from "node:fs";
import * as autograd from "./autograd.ts";
import type { Part, Printed } from "./book.ts";
import * as layers from "./layers.ts";

const file = new URL("../../../vectors/grokking.json", import.meta.url);
const book = JSON.parse(readFileSync(file, "utf8")) as { readonly parts: readonly (readonly Printed[])[] };

/** Parts 1 to 16, in order, each with what the book prints there. Part 17 depends on a text: see recurrent.ts. */
export const PARTS: readonly (Part & { readonly printed: readonly Printed[] })[] = Array.from({ length: 16 }, (_, i) => {
  const parts = { ...autograd, ...layers } as Readonly<Record<string, Part>>;
  return { ...parts[`part${i + 1}`]!, printed: book.parts[i]! };
});

/** What the book prints in part 17: [loss / 10, share of right words] before steps 0, 200, 400, 600 and 800. */
export const PRINTED_17: readonly Printed[] = book.parts[16]!;

const flat = (x: Printed): (number | boolean | string)[] => (typeof x === "object" ? x.flatMap(flat) : [x]);

/**
 * Whether a number is the printed one. Arrays are printed with 8 decimals; plain numbers with all that a double has, 16 or 17 digits, of
 * which the last one or two depend on the order of sums: these are compared to 1e-15.
 */
function same(got: number | boolean | string, printed: number | boolean | string): boolean {
  if (typeof got !== "number" || typeof printed !== "number") return got === printed;
  const decimals = String(printed).split(".")[1]?.length ?? 0;
  return Math.abs(got - printed) <= (decimals > 8 ? 1e-15 : 0.5e-8);
}

/** How many of the printed values are met; all must be there. */
export function compare(got: Printed, printed: Printed): { met: number; of: number } {
  const [ours, theirs] = [flat(got), flat(printed)];
  if (ours.length !== theirs.length) return { met: 0, of: theirs.length };
  return { met: ours.filter((x, i) => same(x, theirs[i]!)).length, of: theirs.length };
}
