/** @file How many rows, or how many units with at least one of them, there are. */
import { namesOf, refuse } from "../check.ts";
import type { Neighbours } from "../events.ts";
import type { Columns } from "./columns.ts";
import {
  checkQuery,
  type Interval,
  integerQuery,
  onePart,
  publicRows,
  QUERY,
  type QueryOptions,
  rowsOfUnit,
  rowsText,
  scaled,
  sumChange,
} from "./integers.ts";
import type { Query } from "./query.ts";
import type { PrivateTable, View } from "./table.ts";
import { filters, type RowTest, rowTest } from "./where.ts";

export interface CountOptions<C extends Columns> extends QueryOptions<C> {
  /** Rows (unless said), or units that have at least one row that counts. */
  readonly of?: "rows" | "units";
}

export interface CountAnswer {
  /** Unbiased: it may be below 0 where the truth is small. */
  readonly value: number;
  readonly interval: Interval;
}

/** Rows of all units that pass. */
export function countRows(view: View, passes: RowTest): bigint {
  let n = 0;
  for (let row = 0; row < view.starts.at(-1)!; row++) if (passes(row)) n++;
  return BigInt(n);
}

function countUnits(view: View, passes: RowTest): bigint {
  let n = 0;
  for (let u = 0; u + 1 < view.starts.length; u++) {
    let row = view.starts[u]!;
    while (row < view.starts[u + 1]! && !passes(row)) row++;
    if (row < view.starts[u + 1]!) n++;
  }
  return BigInt(n);
}

const OPTIONS = namesOf<CountOptions<Columns>>({ ...QUERY, of: true });

/**
 * A count. Sensitivity: `rows` of the unit; 1 for units; under replace-one, where every unit has a row, one row less unless `where` may leave
 * out all. @throws TacitError PRIVACY_PARAMETER for a count that is public; PRIVACY_COLUMN for conditions on other columns
 */
export function count<N extends Neighbours, C extends Columns>(
  table: PrivateTable<N, C>,
  options: CountOptions<C>,
): Query<N, CountAnswer> {
  checkQuery("count", table, options, OPTIONS);
  const { where, of = "rows" } = options;
  if (of !== "rows" && of !== "units") refuse("count", "rows or units", "another");
  const known = table.neighbours === "replace-one" && !filters(where) && of === "units";
  if (known || publicRows(table, where))
    refuse(
      "count",
      "a count that is not public",
      "the number of units under replace-one",
      "it is table.units, without noise and without cost",
    );
  const rows = rowsOfUnit(table, where);
  const change = of === "units" ? 1 : sumChange(table.neighbours, rows, [1, 1]);
  const why = of === "units" ? "a unit counts once" : rowsText(rows);
  const tests = rowTest(table.columns, where);
  return integerQuery(table, options, {
    title: `count of ${of}`,
    reads: Object.keys(where ?? {}),
    parts: [onePart(of, change, 1, 1, why)],
    statistic: (view) => [[(of === "units" ? countUnits : countRows)(view, tests(view))]],
    finish: ([noisy]) => scaled(noisy!, 1),
  });
}
