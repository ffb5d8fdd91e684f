/** @file The sum of a column. */
import { namesOf } from "../check.ts";
import type { Neighbours } from "../events.ts";
import type { Columns } from "./columns.ts";
import {
  checkQuery,
  type Interval,
  integerQuery,
  onePart,
  QUERY,
  type QueryOptions,
  rowsOfUnit,
  rowsText,
  scaled,
  sumChange,
} from "./integers.ts";
import type { Query } from "./query.ts";
import type { PrivateTable, View } from "./table.ts";
import { columnOf, type NamesOf, type RowTest, rowTest } from "./where.ts";

export interface SumAnswer {
  readonly value: number;
  /** About the sum of clamped and rounded values. */
  readonly interval: Interval;
}

/** Σ of(code) over the rows that pass; integers of any size, so that no order of rows and no overflow changes it. */
export function sumRows(view: View, column: string, passes: RowTest, of: (code: number) => number = (c) => c): bigint {
  const codes = view.codes.get(column)!;
  let [sum, part] = [0n, 0];
  for (let row = 0; row < codes.length; row++) {
    if (!passes(row)) continue;
    part += of(codes[row]!);
    // Doubles hold integers below 2^53: moved on before that.
    if (Math.abs(part) < 2 ** 51) continue;
    sum += BigInt(part);
    part = 0;
  }
  return sum + BigInt(part);
}

const OPTIONS = namesOf<QueryOptions<Columns>>(QUERY);

/**
 * The sum. Sensitivity with k rows in [a, b]: k max(|a|, |b|) under add-remove; under replace-one the largest sum of a unit less the smallest,
 * b - a for one row. @throws TacitError PRIVACY_COLUMN, PRIVACY_PARAMETER
 */
export function sum<N extends Neighbours, C extends Columns>(
  table: PrivateTable<N, C>,
  name: NamesOf<C, "number">,
  options: QueryOptions<C>,
): Query<N, SumAnswer> {
  checkQuery("sum", table, options, OPTIONS);
  const column = columnOf("sum", table.columns, name, ["number"]);
  const rows = rowsOfUnit(table, options.where);
  const change = sumChange(table.neighbours, rows, [column.lower, column.upper]);
  const tests = rowTest(table.columns, options.where);
  return integerQuery(table, options, {
    title: `sum of ${name}`,
    reads: [name, ...Object.keys(options.where ?? {})],
    parts: [onePart("sum", change, column.grid, 1, `${rowsText(rows)} of ${column.lower} to ${column.upper} steps`)],
    statistic: (view) => [[sumRows(view, name, tests(view))]],
    finish: ([noisy]) => scaled(noisy!, column.grid),
  });
}
