/** @file Which checkpoint all parties resume from, from what each of them says it has. Pure: every party comes to the same. */

/** What one party says. */
export interface Held {
  /** The newest that it knows to be at all parties; 0: none. */
  readonly committed: number;
  /** All up to this one were given up by the driver. */
  readonly forgotten: number;
  /** Those whose files it has. */
  readonly held: readonly number[];
}

export type Choice =
  | { readonly kind: "none" }
  | { readonly kind: "use"; readonly checkpoint: number }
  /** These parties lack one that another knows to be at all of them. */
  | { readonly kind: "lacking"; readonly checkpoint: number; readonly parties: readonly number[] };

/**
 * The newest that every party has. A party commits only what all have prepared, so whoever lacks the newest committed one was
 * taken back to an older state, or lost it. One that all have prepared and none has committed is as good: they compare it before
 * use. `previous`: the one before.
 */
export function chooseCheckpoint(all: readonly Held[], previous: boolean): Choice {
  const forgotten = Math.max(...all.map((h) => h.forgotten));
  const committed = Math.max(...all.map((h) => h.committed));
  if (committed > forgotten) {
    const parties = all.flatMap((h, i) => (h.held.includes(committed) ? [] : [i]));
    if (parties.length > 0) return { kind: "lacking", checkpoint: committed, parties };
  }
  const common = (all[0]?.held ?? []).filter((n) => n > forgotten && all.every((h) => h.held.includes(n)));
  const chosen = common.toSorted((a, b) => b - a)[previous ? 1 : 0];
  return chosen === undefined ? { kind: "none" } : { kind: "use", checkpoint: chosen };
}
