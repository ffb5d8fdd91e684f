/**
 * @file The mean of a column: a noisy sum of distances from the middle of the bounds, by a noisy count. From the middle, a row adds at most half of
 * the distance of the bounds. Under replace-one with one row of each unit the count is public, and all is spent on the sum.
 */
import { quantity } from "@tacit/core/errors";
import { namesOf } from "../check.ts";
import type { Neighbours } from "../events.ts";
import type { Columns, NumberColumn } from "./columns.ts";
import { countRows } from "./count.ts";
import {
  checkQuery,
  type Interval,
  integerQuery,
  type Noisy,
  onePart,
  publicRows,
  QUERY,
  type QueryOptions,
  rowsOfUnit,
  rowsText,
  sumChange,
} from "./integers.ts";
import type { Part } from "./noise.ts";
import type { Query } from "./query.ts";
import { sumRows } from "./sum.ts";
import type { PrivateTable } from "./table.ts";
import { columnOf, type NamesOf, rowTest } from "./where.ts";

export interface MeanAnswer {
  /** Inside the bounds; their middle where there are no rows. */
  readonly value: number;
  /** About the mean of clamped and rounded values; for no rows, of the middle. */
  readonly interval: Interval;
  /** The noisy count that it was divided by, or the public one. */
  readonly count: number;
}

/** The grid point at the middle, and how far the bounds are from it. */
export function middle({ lower, upper }: NumberColumn): { readonly at: number; readonly half: number } {
  const at = Math.floor((lower + upper) / 2);
  return { at, half: Math.max(upper - at, at - lower) };
}

const ROUNDING = 4 * Number.EPSILON;

/** What a quotient can be for a numerator and a denominator between ends; denominators are at least 1. */
export function quotient([a, b]: Interval, [c, d]: Interval): Interval {
  const [least, most] = [Math.max(1, c), Math.max(1, d)];
  const [lo, hi] = [a < 0 ? a / least : a / most, b < 0 ? b / most : b / least];
  return [lo - Math.abs(lo) * ROUNDING, hi + Math.abs(hi) * ROUNDING];
}

export const around = ({ values, within }: Noisy): Interval => [
  Number(values[0]! - BigInt(within)),
  Number(values[0]! + BigInt(within)),
];

export const clip = (x: number, [lo, hi]: Interval): number => Math.min(Math.max(x, lo), hi);

/** The part that counts rows; none where their number is public. */
export function countPart(table: PrivateTable, where: object | undefined): Part[] {
  if (publicRows(table, where)) return [];
  const rows = rowsOfUnit(table, where);
  return [onePart("rows", sumChange(table.neighbours, rows, [1, 1]), 1, 1, rowsText(rows))];
}

const OPTIONS = namesOf<QueryOptions<Columns>>(QUERY);

/**
 * The mean. Sensitivities with k rows in [a, b]: of the sum k (b - a)/2 under add-remove and twice that under replace-one, of the count k and k - 1.
 * The interval divides what the sum can be by what the count can be. @throws TacitError PRIVACY_COLUMN, PRIVACY_PARAMETER
 */
export function mean<N extends Neighbours, C extends Columns>(
  table: PrivateTable<N, C>,
  name: NamesOf<C, "number">,
  options: QueryOptions<C>,
): Query<N, MeanAnswer> {
  checkQuery("mean", table, options, OPTIONS);
  const column = columnOf("mean", table.columns, name, ["number"]);
  const { at, half } = middle(column);
  const rows = rowsOfUnit(table, options.where);
  const counted = countPart(table, options.where);
  const change = sumChange(table.neighbours, rows, [column.lower - at, column.upper - at]);
  const tests = rowTest(table.columns, options.where);
  const units = table.units ?? 0;
  const bounds: Interval = [column.lower * column.grid, column.upper * column.grid];
  return integerQuery(table, options, {
    title: `mean of ${name}`,
    reads: [name, ...Object.keys(options.where ?? {})],
    parts: [
      onePart("sum from the middle", change, column.grid, 1, `${quantity(rows.most, "row")} within ${half} steps of ${at}`),
      ...counted,
    ],
    statistic: (view) => {
      const passes = tests(view);
      const sum = sumRows(view, name, passes, (c) => c - at);
      return counted.length === 0 ? [[sum]] : [[sum], [countRows(view, passes)]];
    },
    finish: ([sum, number]) => {
      const count = number === undefined ? units : Number(number.values[0]);
      const value = clip((at + Number(sum!.values[0]) / Math.max(1, count)) * column.grid, bounds);
      const [lo, hi] = quotient(around(sum!), number === undefined ? [units, units] : around(number));
      return { value, count, interval: [clip((at + lo) * column.grid, bounds), clip((at + hi) * column.grid, bounds)] };
    },
  });
}
