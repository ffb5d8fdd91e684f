/** @file Sensitivities by brute force: over all neighbouring tables of a small world, no statistic changes by more than is derived, and some by as much. */
import {
  count,
  histogram,
  linearRegression,
  mean,
  type Part,
  type Query,
  quantiles,
  sum,
  variance,
} from "@tacit/privacy/queries";
import { describe, expect, it } from "vitest";
import type { Neighbours } from "../../src/events.ts";
import { halvesOf } from "../../src/queries/integers.ts";
import { type View, viewOf } from "../../src/queries/table.ts";
import { type Row, type Small, small } from "./house.ts";

const row = (id: string, v: unknown, w: unknown, key: unknown): Row => ({ id, v, w, key, word: key });
/** Values outside, at and inside the bounds -2..5 and 0..4, and none; keys of the column and another. */
const ROWS: readonly Row[] = [
  ...[-7, 1, 900].flatMap((v) => [0, 4].flatMap((w) => ["a", "b"].map((key) => row("x", v, w, key)))),
  row("x", 5, 4, "c"),
  row("x", -2, 2, "c"),
  row("x", Number.NaN, 4, "other"),
  row("x", "1e3", undefined, "c"),
];
/** All that one unit can be: one row, two, or three, of which the third is to be left out. */
const UNITS: readonly (readonly Row[])[] = [
  ...ROWS.map((r) => [r]),
  ...ROWS.flatMap((a) => ROWS.map((b) => [a, b])),
  ...ROWS.flatMap((a) => [a, ROWS[9]!, ROWS[5]!].map((c) => [a, a, c])),
];
/** The others, among whose rows those of the unit stand. */
const OTHERS: readonly (readonly Row[])[] = [[], [row("y", 5, 0, "b"), row("y", -2, 4, "a"), row("z", 1, 1, "c")]];

/** Rows of the unit before, between and after those of the others. */
const mixed = (mine: readonly Row[], others: readonly Row[]): Row[] =>
  [...Array(Math.max(mine.length, others.length)).keys()].flatMap((i) => [...mine.slice(i, i + 1), ...others.slice(i, i + 1)]);

type Make = (table: Small<"add-remove"> | Small<"replace-one">) => Query<Neighbours>;
/** With a public number of rows some queries are others, so both are here: all rows, and some. */
const where = { w: [4, 4] } as const;
const noise = { rho: 0.5 };
const QUERIES: Readonly<Record<string, Make>> = {
  "count of some rows": (t) => count(t as Small<"add-remove">, { noise, where }) as Query<Neighbours>,
  "count of some units": (t) => count(t as Small<"add-remove">, { noise, where, of: "units" }) as Query<Neighbours>,
  sum: (t) => sum(t as Small<"add-remove">, "v", { noise }) as Query<Neighbours>,
  "sum of some rows": (t) => sum(t as Small<"add-remove">, "v", { noise, where }) as Query<Neighbours>,
  mean: (t) => mean(t as Small<"add-remove">, "v", { noise }) as Query<Neighbours>,
  variance: (t) => variance(t as Small<"add-remove">, "v", { noise }) as Query<Neighbours>,
  "histogram of units by key": (t) => histogram(t as Small<"add-remove">, "key", { noise }) as Query<Neighbours>,
  "histogram of rows by key": (t) => histogram(t as Small<"add-remove">, "key", { noise, rowsPerCell: 2 }) as Query<Neighbours>,
  "histogram of one key for each unit": (t) =>
    histogram(t as Small<"add-remove">, "key", { noise, cellsPerUnit: 1, rowsPerCell: 2 }) as Query<Neighbours>,
  "histogram by edges": (t) => histogram(t as Small<"add-remove">, "v", { noise, edges: [-2, 0, 2, 5] }) as Query<Neighbours>,
  quantiles: (t) => quantiles(t as Small<"add-remove">, "v", { noise, at: [0.5], leaves: 8 }) as Query<Neighbours>,
  regression: (t) => linearRegression(t as Small<"add-remove">, "v", { noise, from: ["w"] }) as Query<Neighbours>,
};

type Numbers = readonly (readonly number[])[];

interface Views {
  readonly all: readonly View[];
  /** Without the unit. */
  readonly absent: View | undefined;
}

const WORLDS = new Map<string, Views>();

/** The tables of each unit with some others, made once. */
function worldOf(neighbours: Neighbours, others: readonly Row[], rows: number): Views {
  const key = `${neighbours} ${others.length} ${rows}`;
  const of = (mine: readonly Row[]): View => {
    const data = mixed(mine, others);
    const units = neighbours === "replace-one" ? new Set(data.map((r) => r.id)).size : undefined;
    return viewOf(small(data, neighbours, rows, units) as never);
  };
  if (!WORLDS.has(key)) WORLDS.set(key, { all: UNITS.map(of), absent: neighbours === "add-remove" ? of([]) : undefined });
  return WORLDS.get(key)!;
}

interface Worst {
  /** Largest sum of changes of each part. */
  readonly l1: number[];
  /** Whether some change was larger than derived. */
  broken: boolean;
}

/** Compares one pair of neighbours with what was derived. */
function compare(parts: readonly Part[], a: Numbers, b: Numbers, worst: Worst): void {
  parts.forEach((part, p) => {
    const changes = a[p]!.map((x, i) => Math.abs(x - b[p]![i]!)).sort((x, y) => y - x);
    const allowed = part.changes.flatMap((c) => new Array<number>(c.count).fill(c.sensitivity));
    const l1 = changes.reduce((x, y) => x + y, 0);
    worst.l1[p] = Math.max(worst.l1[p] ?? 0, l1);
    if (l1 > part.l1 || changes.some((c, i) => c > (allowed[i] ?? 0))) worst.broken = true;
  });
}

/** All neighbours. `rows`: how many rows of a unit the table really keeps. */
function worstOf(make: Make, neighbours: Neighbours, rows = 2): { parts: readonly Part[]; worst: Worst } {
  const template = small([row("x", 1, 0, "a")], neighbours, 2, neighbours === "replace-one" ? 1 : undefined);
  const query = make(template as Small<"add-remove">);
  const { statistic } = halvesOf(query);
  const worst: Worst = { l1: [], broken: false };
  for (const others of OTHERS) {
    const { all, absent } = worldOf(neighbours, others, rows);
    const of = (view: View): Numbers => statistic(view).map((part) => part.map(Number));
    const values = all.map(of);
    if (absent !== undefined) for (const one of values) compare(query.parts, one, of(absent), worst);
    else for (const [i, one] of values.entries()) for (const other of values.slice(i)) compare(query.parts, one, other, worst);
  }
  return { parts: query.parts, worst };
}

/** These count a unit so often by themselves; the others rest on the table's bound. */
const BY_THEMSELVES = [
  "count of some units",
  "histogram of units by key",
  "histogram of one key for each unit",
  "histogram by edges",
];

describe("sensitivities", () => {
  for (const neighbours of ["add-remove", "replace-one"] as const) {
    for (const [name, make] of Object.entries(QUERIES)) {
      it(`of ${name} under ${neighbours} bound every change, and are reached`, () => {
        const { parts, worst } = worstOf(make, neighbours);
        expect(worst.broken).toBe(false);
        expect(worst.l1).toEqual(parts.map((p) => p.l1));
      });

      if (BY_THEMSELVES.includes(name)) continue;
      it(`of ${name} under ${neighbours} are exceeded where a unit's rows are not bounded`, () => {
        expect(worstOf(make, neighbours, 3).worst.broken).toBe(true);
      });
    }
  }

  it("are exceeded where values are not clamped", () => {
    const table = small([row("x", 1, 0, "a")], "add-remove");
    const query = sum(table, "v", { noise }) as Query<Neighbours>;
    const view = viewOf(table as never);
    const open = { ...view, codes: new Map([...view.codes, ["v", Float64Array.of(900)]]) };
    const worst: Worst = { l1: [], broken: false };
    compare(
      query.parts,
      halvesOf(query)
        .statistic(open)
        .map((p) => p.map(Number)),
      [[0]],
      worst,
    );
    expect(worst.broken).toBe(true);
  });
});
