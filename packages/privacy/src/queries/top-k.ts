/**
 * @file The k most frequent of public keys: one after the other by permute-and-flip (McKenna, Sheldon 2020), each time among those that are left.
 * Only names are chosen, no counts released; so in how many cells a unit counts costs nothing, as each choice looks at the
 * largest change of one count, 1. Under add-remove all counts move the same way, which halves the noise.
 */
import { checkEpsilon, namesOf, positive, refuse, whole } from "../check.ts";
import type { Neighbours, PrivacyEvent } from "../events.ts";
import { permuteAndFlip } from "../samplers/selection.ts";
import { CELLS, type CellOptions, cellBounds, countCells } from "./cells.ts";
import type { Columns } from "./columns.ts";
import { cellsOf, type HistogramOptions } from "./histogram.ts";
import { checkLevel, checkQuery, QUERY, type QueryOptions } from "./integers.ts";
import { changesOf } from "./noise.ts";
import { Query } from "./query.ts";
import type { PrivateTable } from "./table.ts";
import { columnOf, type NamesOf, rowTest } from "./where.ts";

export interface TopOptions<C extends Columns>
  extends Omit<QueryOptions<C>, "noise">,
    CellOptions,
    Pick<HistogramOptions<C>, "keys" | "edges"> {
  /** How many keys; each costs epsilon / k. */
  readonly k: number;
  readonly noise: { readonly epsilon: number };
}

export interface TopAnswer {
  /** In the order of their choice. */
  readonly keys: readonly string[];
  /**
   * With probability `level`: at each choice, the chosen key's count was at most this far below the largest one of those left.
   */
  readonly behind: number;
}

const OPTIONS = namesOf<TopOptions<Columns>>({ ...QUERY, ...CELLS, keys: true, edges: true, k: true });

/**
 * Top k. A choice is (ε/k)-DP, all of them ε-DP. Sensitivity of a count: `rowsPerCell`.
 * Error: a key that is r behind is taken only if its coin of e^(-rate r) falls, rate = ε / (k Δ), half of it under replace-one; there are fewer
 * than `keys` such keys at each of k choices. @throws TacitError PRIVACY_COLUMN, PRIVACY_PARAMETER
 */
export function topKeys<N extends Neighbours, C extends Columns>(
  table: PrivateTable<N, C>,
  name: NamesOf<C, "number" | "boolean" | "category">,
  options: TopOptions<C>,
): Query<N, TopAnswer> {
  checkQuery("topKeys", table, options, OPTIONS);
  const column = columnOf("topKeys", table.columns, name, ["number", "boolean", "category"]);
  const { keys, cellOf } = cellsOf(column, options);
  const k = whole("topKeys", "k", options.k);
  if (k > keys.length) refuse("topKeys", `at most ${keys.length} keys to choose`, "more");
  const { epsilon, ...others } = (options.noise ?? {}) as Readonly<Record<string, unknown>>;
  if (Object.keys(others).length > 0) refuse("topKeys", "noise of epsilon", "another", "noise: { epsilon: 0.5 }");
  const each = checkEpsilon("topKeys", positive("topKeys", "epsilon", epsilon)) / k;
  const bounds = cellBounds("topKeys", table, keys.length, options);
  const level = checkLevel("topKeys", options.level);
  const monotonic = table.neighbours === "add-remove";
  const rate = each / (bounds.perCell * (monotonic ? 1 : 2));
  const behind = Math.ceil(Math.log((k * Math.max(1, keys.length - 1)) / (1 - level)) / rate);
  const tests = rowTest(table.columns, options.where);
  const events: PrivacyEvent[] = [
    {
      mechanism: { kind: "approximate", epsilon: each, delta: 0 },
      neighbours: table.neighbours,
      sampling: { kind: "all" },
      count: k,
    },
  ];
  return new Query<N, TopAnswer>(table, {
    title: `top ${k} of ${name}`,
    reads: [name, ...Object.keys(options.where ?? {})],
    parts: [
      {
        name: "largest count",
        size: 1,
        changes: changesOf([bounds.perCell]),
        l1: bounds.perCell,
        share: 1,
        step: 1,
        why: `each of ${keys.length} counts changes by at most ${bounds.perCell}${monotonic ? ", all the same way" : ""}`,
      },
    ],
    notes: [`${k} choices by permute-and-flip of ε ${each} each`],
    events,
    level,
    errors: [{ name: "count behind the largest at each choice", halfWidth: behind }],
    ready: () => undefined,
    draw: (view) => {
      const codes = view.codes.get(name)!;
      const counts = Array.from(countCells(view, keys.length, bounds, tests(view), (row) => cellOf(codes[row]!)));
      const left = [...keys.keys()];
      const chosen: string[] = [];
      while (chosen.length < k) {
        const at = permuteAndFlip(
          left.map((i) => counts[i]!),
          { epsilon: each, sensitivity: bounds.perCell, monotonic },
        );
        chosen.push(keys[left[at]!]!);
        left.splice(at, 1);
      }
      return { keys: chosen, behind };
    },
  });
}
