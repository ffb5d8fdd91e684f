/**
 * @file Counts by keys that nobody knows beforehand: a key is released with its noisy count, if that passes a threshold (Korolova, Kenthapadi, Mishra,
 * Ntoulas 2009; Desfontaines, Voss, Gipson, Mandayam 2022 on what it costs).
 *
 * Argument, for D and D' that differ by one unit, which counts once in each of at most g keys. Counts of keys that both have differ by at most 1
 * in at most g of them: that is a histogram, dominated by g releases of sensitivity 1. Keys that D alone has were that unit's own: at most g, each
 * with a count of 1. None of them is released in D'; in D each passes with probability Pr[1 + X ≥ t], any of them with at most d = g times that.
 * Noise is independent, so the two halves are independent, and the second is (0, d)-DP in both directions. The events are those of the histogram and
 * an approximate one of (0, d); under replace-one, where each side may have keys of its own, two of those.
 *
 * Keys come in the order of their text, so that the order says nothing. Not hidden: the time, which grows with the number of keys.
 */
import { checkDelta, namesOf, whole } from "../check.ts";
import type { Neighbours, PrivacyEvent } from "../events.ts";
import { cellBounds, cellPart, countCells } from "./cells.ts";
import type { Columns } from "./columns.ts";
import type { Cell } from "./histogram.ts";
import { checkLevel, checkQuery, QUERY, type QueryOptions } from "./integers.ts";
import { eventsOf, halfWidth, lawsOf, type NoiseLaw } from "./noise.ts";
import { Query } from "./query.ts";
import type { PrivateTable } from "./table.ts";
import { columnOf, type NamesOf, rowTest } from "./where.ts";

export interface UnknownKeysOptions<C extends Columns> extends QueryOptions<C> {
  /** Chance that a key of one unit alone is released: well below 1 / units. It is spent besides the noise. */
  readonly delta: number;
  /** In how many keys one unit counts; as many as it has rows unless said. */
  readonly keysPerUnit?: number;
}

export interface UnknownKeysAnswer {
  /** Keys that passed, in the order of their text. Each interval holds with probability `level` for a key by itself, before the threshold. */
  readonly cells: readonly Cell[];
  /** Noisy counts from here on are released. */
  readonly threshold: number;
}

/** Digits that masses have. */
const DIGITS = 1e-11;

/** The least t with g Pr[1 + X ≥ t] ≤ delta, and that chance, rounded up. */
export function thresholdOf(law: NoiseLaw, g: number, delta: number): { readonly threshold: number; readonly chance: number } {
  const chance = (t: number): number => g * law.mass(t - 1, Number.POSITIVE_INFINITY) * (1 + DIGITS);
  let hi = 2;
  while (chance(hi) > delta) hi *= 2;
  let lo = 1;
  while (hi - lo > 1) {
    const mid = Math.floor((lo + hi) / 2);
    if (chance(mid) <= delta) hi = mid;
    else lo = mid;
  }
  return { threshold: hi, chance: chance(hi) };
}

const OPTIONS = namesOf<UnknownKeysOptions<Columns>>({ ...QUERY, delta: true, keysPerUnit: true });

/** @throws TacitError PRIVACY_COLUMN, PRIVACY_PARAMETER */
export function unknownKeys<N extends Neighbours, C extends Columns>(
  table: PrivateTable<N, C>,
  name: NamesOf<C, "text">,
  options: UnknownKeysOptions<C>,
): Query<N, UnknownKeysAnswer> {
  checkQuery("unknownKeys", table, options, OPTIONS);
  columnOf("unknownKeys", table.columns, name, ["text"]);
  const delta = checkDelta("unknownKeys", options.delta);
  const g = whole("unknownKeys", "keys for each unit", options.keysPerUnit ?? table.unit.rows);
  const level = checkLevel("unknownKeys", options.level);
  const bounds = cellBounds("unknownKeys", table, Number.MAX_SAFE_INTEGER, { cellsPerUnit: g });
  const part = { ...cellPart("counts", table, Number.MAX_SAFE_INTEGER, bounds), size: 1 };
  const laws = lawsOf("unknownKeys", options.noise, [part], table.neighbours);
  const law = laws[0]!;
  const sides = table.neighbours === "replace-one" ? 2 : 1;
  const { threshold, chance } = thresholdOf(law, g, delta / sides);
  const own: PrivacyEvent = {
    mechanism: { kind: "approximate", epsilon: 0, delta: chance },
    neighbours: table.neighbours,
    sampling: { kind: "all" },
    count: sides,
  };
  const tests = rowTest(table.columns, options.where);
  const within = halfWidth(law, level);
  let noise: (() => number) | undefined;
  return new Query<N, UnknownKeysAnswer>(table, {
    title: `counts by unknown keys of ${name}`,
    reads: [name, ...Object.keys(options.where ?? {})],
    parts: [part],
    notes: [
      `keys with a noisy count of ${threshold} or more, noise ${law.kind} of scale ${law.scale}`,
      `a key of one unit alone passes with probability at most ${chance}`,
    ],
    events: [...eventsOf([part], laws, table.neighbours), ...(chance > 0 ? [own] : [])],
    level,
    errors: [{ name: "count of one key", halfWidth: within }],
    ready: () => {
      noise = law.sampler();
    },
    draw: (view) => {
      const [codes, words] = [view.codes.get(name)!, view.words.get(name)!];
      const counts = countCells(view, words.length, bounds, tests(view), (row) => codes[row]!);
      const noisy = words.flatMap((key, i) => (counts[i] === 0 ? [] : [{ key, value: counts[i]! + noise!() }]));
      const cells = noisy
        .filter(({ value }) => value >= threshold)
        .sort((a, b) => (a.key < b.key ? -1 : 1))
        .map(({ key, value }) => ({ key, value, interval: [value - within, value + within] as const }));
      return { cells, threshold };
    },
  });
}
