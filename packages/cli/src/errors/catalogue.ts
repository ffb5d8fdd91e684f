/** @file Every error code with its meaning, what to do and an example: the one source of `tacit explain` and of docs/errors. */
import { CORE } from "./core.ts";
import type { Entries, Entry } from "./entry.ts";
import { FILES } from "./files.ts";
import { KERNELS } from "./kernels.ts";
import { MPC } from "./mpc.ts";
import { PRIVACY } from "./privacy.ts";

export type { Entries, Entry } from "./entry.ts";

/** By code; a code stands in the file of its room. */
export const CATALOGUE: Entries = { ...CORE, ...FILES, ...KERNELS, ...MPC, ...PRIVACY };

/** What the catalogue says of a code; undefined for another word. */
export const entryOf = (code: string): Entry | undefined => (Object.hasOwn(CATALOGUE, code) ? CATALOGUE[code] : undefined);

/** Levenshtein's distance: the least number of letters put in, left out or replaced. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Longer words are no code; a distance to them would only take time. */
const LONGEST = 64;

/** The `count` codes nearest to a word, nearest first: those that share a part of the name, then by spelling. */
export function nearestCodes(word: string, count = 3): string[] {
  const wanted = word
    .slice(0, LONGEST)
    .toUpperCase()
    .replaceAll(/[-\s./]/g, "_");
  const parts = wanted.split("_").filter((p) => p.length > 2);
  const alike = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);
  const shared = (code: string): number => code.split("_").filter((p) => parts.some((w) => alike(p, w))).length;
  const score = (code: string): number => distance(wanted, code) - 6 * shared(code);
  return Object.keys(CATALOGUE)
    .map((code) => ({ code, score: score(code) }))
    .sort((a, b) => a.score - b.score || (a.code < b.code ? -1 : 1))
    .slice(0, count)
    .map(({ code }) => code);
}
