/** @file Names of state dicts: PyTorch's are found by ours, and what does not fit is said with what may be meant. */
import type { Tensor } from "../tensor/tensor.ts";

/** `layer1.0.running_mean` and `layer1.0.runningMean` alike: underscores and case do not count. */
const plain = (name: string): string => name.replaceAll("_", "").toLowerCase();

/** Given tensors by the names of the model, and complaints: two names for one place. */
export interface Matched {
  readonly given: ReadonlyMap<string, Tensor>;
  readonly faults: readonly string[];
}

/** Names as they stand, else those that differ in underscores and case only, where that is unambiguous. */
export function matchNames(own: ReadonlyMap<string, unknown>, entries: readonly (readonly [string, Tensor])[]): Matched {
  const byPlain = new Map<string, string | null>();
  for (const name of own.keys()) byPlain.set(plain(name), byPlain.has(plain(name)) ? null : name);
  const given = new Map<string, Tensor>();
  const faults: string[] = [];
  for (const [name, t] of entries) {
    const target = own.has(name) ? name : (byPlain.get(plain(name)) ?? name);
    if (given.has(target)) faults.push(`${target} is there twice, once as ${name}`);
    given.set(target, t);
  }
  return { given, faults };
}

/** Number of single-character changes between two names (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The candidate that a misspelt name probably means. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  let seen = 0;
  for (const candidate of candidates) {
    if (seen++ === 1000) break; // a hint is not worth a quadratic search of a large model
    const d = distance(plain(name), plain(candidate));
    if (d < least) [best, least] = [candidate, d];
  }
  return best;
}

/** The prefix that all given names have, and without which they would fit: "module." of a wrapped model, "0." of a part. */
export function commonPrefix(own: ReadonlyMap<string, unknown>, names: readonly string[]): string | undefined {
  const prefix = /^[^.]+\./.exec(names[0] ?? "")?.[0];
  if (prefix === undefined || !names.every((n) => n.startsWith(prefix))) return undefined;
  const known = new Set([...own.keys()].map(plain));
  return names.some((n) => known.has(plain(n.slice(prefix.length)))) ? prefix : undefined;
}
