/**
 * @file Linear regression by least squares from noisy sums of products of bounded columns (Wang 2018, "Revisiting differentially private
 * linear regression"; sufficient statistics perturbation).
 *
 * Each column is moved to u in [-1, 1], on a grid of 2^-16. Released with noise are the number of rows, the sums of each u, of each product
 * of two, and of each square (from its middle, 1/2). One row changes each of these by 1 at most (squares: 1/2), and with u = ±1
 * everywhere all of them at once: the sensitivity is that of all together, and no smaller one would do.
 *
 * The interval holds for the least-squares coefficients of the true sums (clamped and rounded columns): if all noise is within its half
 * widths, which has probability `level`, the true equations differ from the noisy ones by no more, and `enclosure` bounds their solution. With
 * so much noise that the true equations might have no single solution, the interval is everything.
 */
import { quantity } from "@tacit/core/errors";
import { namesOf, refuse } from "../../check.ts";
import type { Neighbours } from "../../events.ts";
import type { BooleanColumn, Columns, NumberColumn } from "../columns.ts";
import { countRows } from "../count.ts";
import {
  checkQuery,
  type Interval,
  integerQuery,
  type Noisy,
  publicRows,
  QUERY,
  type QueryOptions,
  rowsOfUnit,
  sumChange,
} from "../integers.ts";
import type { Part } from "../noise.ts";
import type { Query } from "../query.ts";
import type { PrivateTable, View } from "../table.ts";
import { columnOf, type NamesOf, type RowTest, rowTest } from "../where.ts";
import { enclosure, inverse, multiply, raised } from "./solve.ts";

export interface RegressionOptions<C extends Columns> extends QueryOptions<C> {
  /** Columns to predict from: numbers, or yes and no as 1 and 0. */
  readonly from: readonly NamesOf<C, "number" | "boolean">[];
}

export interface Coefficient {
  readonly name: string;
  readonly value: number;
  readonly interval: Interval;
}

export interface RegressionAnswer {
  /** "intercept" first, then one for each column, in the columns' units. */
  readonly coefficients: readonly Coefficient[];
  /** Noisy, or public. */
  readonly count: number;
  predict(row: Readonly<Record<string, number | boolean>>): number;
}

const STEPS = 2 ** 16;

/** A column moved to [-1, 1]: u = (value - centre) / half. */
interface Scaled {
  readonly name: string;
  readonly centre: number;
  readonly half: number;
  /** u in steps of 2^-16. */
  stepsOf(code: number): number;
}

function scaledColumn(name: string, column: NumberColumn | BooleanColumn): Scaled {
  const { lower, upper, grid } = column.kind === "number" ? column : { lower: 0, upper: 1, grid: 1 };
  return {
    name,
    centre: ((lower + upper) / 2) * grid,
    half: ((upper - lower) / 2) * grid,
    stepsOf: (code) => Math.round(((2 * code - lower - upper) * STEPS) / (upper - lower)),
  };
}

/** Pairs i < j of predictors, then (predictor, target). Column `d` is the target. */
function pairsOf(d: number): (readonly [number, number])[] {
  return Array.from({ length: d }, (_, i) => Array.from({ length: d - i }, (__, j) => [i, i + j + 1] as const)).flat();
}

function partsOf(table: PrivateTable, where: object | undefined, d: number): Part[] {
  const rows = rowsOfUnit(table, where);
  const part = (name: string, size: number, ends: readonly [number, number], step: number): Part => {
    const sensitivity = sumChange(table.neighbours, rows, ends);
    const why = `${quantity(rows.most, "row")} of ${ends[0]} to ${ends[1]}, in each of ${quantity(size, "sum")} at once`;
    if (!Number.isSafeInteger(sensitivity)) refuse("regression", "fewer rows of each unit", "too many");
    return { name, size, changes: [{ sensitivity, count: size }], l1: sensitivity * size, share: size, step, why };
  };
  const square = STEPS * STEPS;
  const parts = [
    part("sums", d + 1, [-STEPS, STEPS], 1 / STEPS),
    part("products", pairsOf(d).length, [-square, square], 1 / square),
    part("squares", d, [-square / 2, square / 2], 1 / square),
  ];
  return publicRows(table, where) ? parts : [...parts, part("rows", 1, [1, 1], 1)];
}

function sumsOf(view: View, columns: readonly Scaled[], passes: RowTest): bigint[][] {
  const d = columns.length - 1;
  const pairs = pairsOf(d);
  const [sums, products, squares] = [new Array<bigint>(d + 1).fill(0n), pairs.map(() => 0n), new Array<bigint>(d).fill(0n)];
  const codes = columns.map((c) => view.codes.get(c.name)!);
  const half = BigInt((STEPS * STEPS) / 2);
  for (let row = 0; row < view.starts.at(-1)!; row++) {
    if (!passes(row)) continue;
    const u = columns.map((c, i) => BigInt(c.stepsOf(codes[i]![row]!)));
    for (let i = 0; i <= d; i++) sums[i]! += u[i]!;
    pairs.forEach(([i, j], k) => {
      products[k]! += u[i]! * u[j]!;
    });
    for (let i = 0; i < d; i++) squares[i]! += u[i]! * u[i]! - half;
  }
  return [sums, products, squares];
}

/** Equations A x = b in u, and how far each entry may be off. */
interface Equations {
  readonly a: readonly (readonly number[])[];
  readonly b: readonly number[];
  readonly most: readonly (readonly number[])[];
  readonly q: readonly number[];
  readonly count: number;
}

function equationsOf(d: number, [sums, products, squares, rows]: readonly Noisy[], units: number): Equations {
  const value = (part: Noisy, i: number, step: number): number => Number(part.values[i]!) * step;
  const [s1, s2] = [1 / STEPS, 1 / (STEPS * STEPS)];
  const count = rows === undefined ? units : Number(rows.values[0]);
  const countOff = rows?.within ?? 0;
  const a = Array.from({ length: d + 1 }, () => new Array<number>(d + 1).fill(0));
  const most = a.map((row) => [...row]);
  const b = new Array<number>(d + 1).fill(0);
  const q = [...b];
  const put = (i: number, j: number, x: number, off: number): void => {
    [a[i]![j], a[j]![i], most[i]![j], most[j]![i]] = [x, x, off, off];
  };
  put(0, 0, count, countOff);
  for (let i = 0; i < d; i++) {
    put(0, i + 1, value(sums!, i, s1), sums!.within * s1);
    // Squares were summed from 1/2: half of the rows comes back.
    put(i + 1, i + 1, value(squares!, i, s2) + count / 2, squares!.within * s2 + countOff / 2);
  }
  [b[0], q[0]] = [value(sums!, d, s1), sums!.within * s1];
  pairsOf(d).forEach(([i, j], k) => {
    const [x, off] = [value(products!, k, s2), products!.within * s2];
    if (j < d) put(i + 1, j + 1, x, off);
    else [b[i + 1], q[i + 1]] = [x, off];
  });
  return { a, b, most, q, count };
}

/** In the columns' units: slope_i = x_i h_y / h_i, and the intercept takes the centres. `off` is how far each x may be off. */
function coefficientsOf(columns: readonly Scaled[], x: readonly number[], off: readonly number[]): Coefficient[] {
  const target = columns.at(-1)!;
  const around = (name: string, value: number, within: number): Coefficient => ({
    name,
    value,
    interval: [value - within, value + within],
  });
  const from = columns.slice(0, -1);
  const slopes = from.map(({ name, half }, i) =>
    around(name, (x[i + 1]! * target.half) / half, (off[i + 1]! * target.half) / half),
  );
  const intercept = from.reduce(
    (sum, { centre, half }, i) => sum - (x[i + 1]! * target.half * centre) / half,
    target.centre + x[0]! * target.half,
  );
  const within = from.reduce(
    (sum, { centre, half }, i) => sum + (centre === 0 ? 0 : off[i + 1]! * target.half * Math.abs(centre / half)),
    off[0]! * target.half,
  );
  return [around("intercept", intercept, within), ...slopes];
}

function answerOf(columns: readonly Scaled[], noisy: readonly Noisy[], units: number): RegressionAnswer {
  const d = columns.length - 1;
  const { a, b, most, q, count } = equationsOf(d, noisy, units);
  // Eigenvalues below what noise alone makes say nothing: raised to it, the solution stays bounded.
  const floor = Math.max(1, ...most.map((row) => row.reduce((sum, v) => sum + v * v, 0) ** 0.5)) / 2;
  const inverted = inverse(raised(a, floor));
  const x = inverted === undefined ? b.map(() => 0) : multiply(inverted, b);
  const plain = inverse(a);
  const off = plain === undefined ? x.map(() => Number.POSITIVE_INFINITY) : enclosure(a, b, plain, x, most, q);
  const coefficients = coefficientsOf(columns, x, off);
  return {
    coefficients,
    count,
    predict: (row) => coefficients.slice(1).reduce((sum, c) => sum + c.value * Number(row[c.name]), coefficients[0]!.value),
  };
}

const OPTIONS = namesOf<RegressionOptions<Columns>>({ ...QUERY, from: true });

/**
 * Least squares: `target` from the columns `from`, with an intercept. @throws TacitError PRIVACY_COLUMN for columns without bounds; PRIVACY_PARAMETER
 */
export function linearRegression<N extends Neighbours, C extends Columns>(
  table: PrivateTable<N, C>,
  target: NamesOf<C, "number" | "boolean">,
  options: RegressionOptions<C>,
): Query<N, RegressionAnswer> {
  checkQuery("linearRegression", table, options, OPTIONS);
  const { from } = options;
  if (!Array.isArray(from) || from.length === 0 || from.length > 64 || new Set([...from, target]).size !== from.length + 1)
    refuse("regression", "1 to 64 columns to predict from, each once and not the target", "others");
  const columns = [...from, target].map((name) =>
    scaledColumn(name, columnOf("regression", table.columns, name, ["number", "boolean"])),
  );
  const d = from.length;
  const tests = rowTest(table.columns, options.where);
  return integerQuery(table, options, {
    title: `linear regression of ${target} from ${from.join(", ")}`,
    reads: [...from, target, ...Object.keys(options.where ?? {})],
    parts: partsOf(table, options.where, d),
    notes: [`columns moved to [-1, 1] in steps of 2^-16; all ${d + 1} coefficients' intervals hold together`],
    statistic: (view) => {
      const passes = tests(view);
      const sums = sumsOf(view, columns, passes);
      return publicRows(table, options.where) ? sums : [...sums, [countRows(view, passes)]];
    },
    finish: (noisy) => answerOf(columns, noisy, table.units ?? 0),
  });
}
