/**
 * @file The variance of a column (of the population: divided by n): noisy sums of distances from the middle of the bounds and of their squares, by a
 * noisy count. Squares are between 0 and the square of half the distance, so they are summed from the middle of that.
 */
import { quantity } from "@tacit/core/errors";
import { namesOf } from "../check.ts";
import type { Neighbours } from "../events.ts";
import type { Columns } from "./columns.ts";
import { countRows } from "./count.ts";
import { checkQuery, type Interval, integerQuery, onePart, QUERY, type QueryOptions, rowsOfUnit, sumChange } from "./integers.ts";
import { around, clip, countPart, middle, quotient } from "./mean.ts";
import type { Query } from "./query.ts";
import { sumRows } from "./sum.ts";
import type { PrivateTable } from "./table.ts";
import { columnOf, type NamesOf, rowTest } from "./where.ts";

export interface VarianceAnswer {
  /** From 0 to the square of half the distance of the bounds. */
  readonly value: number;
  /** About the variance of clamped and rounded values; 0 for no rows. */
  readonly interval: Interval;
  readonly mean: number;
  readonly count: number;
}

/** Squares are kept in at most 2^26 steps: their rounding is then 2^-27 of the largest, and is added to the interval. */
const SQUARE_STEPS = 2 ** 26;

/** What m2 - m² can be. */
function varianceWithin([lo, hi]: Interval, [a, b]: Interval): Interval {
  const largest = Math.max(a * a, b * b);
  const smallest = a <= 0 && b >= 0 ? 0 : Math.min(a * a, b * b);
  return [lo - largest, hi - smallest];
}

const OPTIONS = namesOf<QueryOptions<Columns>>(QUERY);

/** @throws TacitError PRIVACY_COLUMN, PRIVACY_PARAMETER */
export function variance<N extends Neighbours, C extends Columns>(
  table: PrivateTable<N, C>,
  name: NamesOf<C, "number">,
  options: QueryOptions<C>,
): Query<N, VarianceAnswer> {
  checkQuery("variance", table, options, OPTIONS);
  const column = columnOf("variance", table.columns, name, ["number"]);
  const { at, half } = middle(column);
  // Steps of squares, in squared steps of the column: a power of two, or 1.
  const coarse = 2 ** Math.max(0, Math.ceil(Math.log2((half * half) / SQUARE_STEPS)));
  const squareOf = (code: number): number => Math.round(((code - at) * (code - at)) / coarse);
  const top = Math.round((half * half) / coarse);
  const centre = Math.floor(top / 2);
  const rows = rowsOfUnit(table, options.where);
  const counted = countPart(table, options.where);
  const change = (ends: readonly [number, number]): number => sumChange(table.neighbours, rows, ends);
  const tests = rowTest(table.columns, options.where);
  const units = table.units ?? 0;
  const square = column.grid * column.grid;
  const bounds: Interval = [0, ((column.upper - column.lower) / 2) ** 2 * square];
  const why = `${quantity(rows.most, "row")} within ${half} steps of ${at}`;
  return integerQuery(table, options, {
    title: `variance of ${name}`,
    reads: [name, ...Object.keys(options.where ?? {})],
    parts: [
      onePart("sum from the middle", change([column.lower - at, column.upper - at]), column.grid, 1, why),
      onePart("sum of squares", change([-centre, top - centre]), coarse * square, 1, `${why}, squared, from ${centre}`),
      ...counted,
    ],
    statistic: (view) => {
      const passes = tests(view);
      const sums = [[sumRows(view, name, passes, (c) => c - at)], [sumRows(view, name, passes, (c) => squareOf(c) - centre)]];
      return counted.length === 0 ? sums : [...sums, [countRows(view, passes)]];
    },
    finish: ([sum, squares, number]) => {
      const count = number === undefined ? units : Number(number.values[0]);
      const n = Math.max(1, count);
      const [m, m2] = [Number(sum!.values[0]) / n, (centre + Number(squares!.values[0]) / n) * coarse];
      const within = number === undefined ? ([units, units] as const) : around(number);
      const [lo, hi] = quotient(around(squares!), within);
      // Half a step of rounding for each square, so for their mean.
      const ends = varianceWithin([(centre + lo - 0.5) * coarse, (centre + hi + 0.5) * coarse], quotient(around(sum!), within));
      const empty = within[0] < 1 ? 0 : ends[0];
      return {
        value: clip((m2 - m * m) * square, bounds),
        interval: [clip(Math.min(empty, ends[0]) * square, bounds), clip(ends[1] * square, bounds)],
        mean: clip((at + m) * column.grid, [column.lower * column.grid, column.upper * column.grid]),
        count,
      };
    },
  });
}
