/**
 * @file An empirical tester of (ε, δ) passes every query on neighbours that differ as much as they can, and rejects noise of 0.9 of the scale that the
 * ledger says. False alarms: 1e-8 for each of fewer than 60 tests of sound queries. TACIT_LONG: noise of 5 times the sensitivity, 2·10^6 samples each.
 */
import { deltaOf } from "@tacit/privacy";
import {
  count,
  histogram,
  linearRegression,
  mean,
  type Noise,
  type Query,
  quantiles,
  sum,
  topKeys,
  unknownKeys,
  variance,
} from "@tacit/privacy/queries";
import { describe, expect, it } from "vitest";
import type { Neighbours } from "../../src/events.ts";
import { halvesOf } from "../../src/queries/integers.ts";
import type { NoiseLaw } from "../../src/queries/noise.ts";
import { planOf } from "../../src/queries/query.ts";
import { viewOf } from "../../src/queries/table.ts";
import { drawing, type Row, type Small, small } from "./house.ts";
import { type CellName, lowerDelta, type TesterOptions } from "./tester.ts";

const ALARM = 1e-8;
const row = (id: string, v: number, w: number, key: string): Row => ({ id, v, w, key, word: key });

/** Tables that differ in one unit, as much as the query's sensitivity says. */
interface Case {
  readonly name: string;
  readonly neighbours: Neighbours;
  readonly tables: readonly [readonly Row[], readonly Row[]];
  /** Rows that count of one unit; 2 unless said. */
  readonly rows?: number;
  make(table: Small<"add-remove">, noise: Noise): Query<Neighbours>;
}

const UNIT = [row("x", 5, 4, "a"), row("x", 5, 4, "b")];
const OTHER = [row("x", -2, 0, "c"), row("x", -2, 0, "c")];
const ADDED = [UNIT, []] as const;
const CASES: readonly Case[] = [
  { name: "count", neighbours: "add-remove", tables: ADDED, make: (t, noise) => count(t, { noise }) },
  {
    name: "count of some",
    neighbours: "replace-one",
    tables: [UNIT, OTHER],
    make: (t, noise) => count(t, { noise, where: { w: [4, 4] } }),
  },
  { name: "sum", neighbours: "add-remove", tables: ADDED, make: (t, noise) => sum(t, "v", { noise }) },
  { name: "sum", neighbours: "replace-one", tables: [UNIT, OTHER], make: (t, noise) => sum(t, "v", { noise }) },
  { name: "mean", neighbours: "add-remove", tables: ADDED, make: (t, noise) => mean(t, "v", { noise }) },
  { name: "variance", neighbours: "add-remove", tables: ADDED, make: (t, noise) => variance(t, "v", { noise }) },
  { name: "histogram", neighbours: "add-remove", tables: ADDED, make: (t, noise) => histogram(t, "key", { noise }) },
  { name: "histogram", neighbours: "replace-one", tables: [UNIT, OTHER], make: (t, noise) => histogram(t, "key", { noise }) },
  {
    name: "quantiles",
    neighbours: "add-remove",
    // With 2 rows the list of changes, 2 and 1 on each level, is more than any unit makes: 1.25 times the ρ, which the tester would not see spent.
    rows: 1,
    tables: [[UNIT[0]!], []],
    make: (t, noise) => quantiles(t, "v", { noise, at: [0.5], leaves: 4 }),
  },
  {
    name: "regression",
    neighbours: "add-remove",
    tables: ADDED,
    make: (t, noise) => linearRegression(t, "v", { noise, from: ["w"] }),
  },
];

const tableOf = ({ neighbours, rows = 2 }: Pick<Case, "neighbours" | "rows">, data: readonly Row[]): Small<"add-remove"> =>
  small(data, neighbours, rows, neighbours === "replace-one" ? 1 : undefined) as Small<"add-remove">;

/** log of how much likelier the noise is at x than at y. */
function loss({ kind, scale }: NoiseLaw, x: number, y: number): number {
  return kind === "discrete-laplace" ? (Math.abs(y) - Math.abs(x)) / scale : (y * y - x * x) / (2 * scale * scale);
}

/** Draws of a query's noisy integers on each table, as cells of the privacy loss between the two. */
function lossCells(one: Case, noise: Noise): readonly [() => CellName, () => CellName] {
  const { tables } = one;
  const query = one.make(tableOf(one, tables[0]), noise);
  planOf(query).ready();
  const { statistic, perturb } = halvesOf(query);
  const [a, b] = tables.map((rows) => statistic(viewOf(tableOf(one, rows) as never))) as [bigint[][], bigint[][]];
  const draw = (from: bigint[][]) => (): CellName => {
    let sum = 0;
    perturb(from).forEach(({ values, law }, p) => {
      values.forEach((v, i) => {
        if (a[p]![i] !== b[p]![i]) sum += loss(law, Number(v - a[p]![i]!), Number(v - b[p]![i]!));
      });
    });
    return Math.max(-80, Math.min(80, Math.floor(sum * 10)));
  };
  return [draw(a), draw(b)];
}

/** Noise of `part` of the claimed scale. */
const scaledNoise = (noise: Noise, part: number): Noise =>
  "rho" in noise ? { rho: noise.rho / part ** 2 } : { epsilon: noise.epsilon / part };

/** How far the lower bound on δ is above the claim, in the worse direction; above 0: rejected. */
function excess(one: Case, noise: Noise, part: number, options: Omit<TesterOptions, "alarm">): number {
  const { events } = one.make(tableOf(one, one.tables[0]), noise);
  const claimed = deltaOf(events, { epsilon: options.epsilon });
  const [p, q] = lossCells(one, scaledNoise(noise, part));
  return lowerDelta(p, q, { ...options, alarm: ALARM }) - claimed;
}

const QUICK = { epsilon: 0, learn: 10_000, judge: 60_000 };

describe("a tester of ε and δ", () => {
  for (const one of CASES) {
    it(`passes ${one.name} under ${one.neighbours} and rejects it at 0.9 σ`, () => {
      expect(excess(one, { rho: 0.5 }, 1, QUICK)).toBeLessThan(0);
      expect(excess(one, { rho: 0.5 }, 0.9, QUICK)).toBeGreaterThan(0);
    });
  }

  it("passes a count with discrete Laplace noise at its ε and below, and rejects it at 0.9 of its scale", () => {
    for (const epsilon of [0, 0.5, 1]) expect(excess(CASES[0]!, { epsilon: 1 }, 1, { ...QUICK, epsilon })).toBeLessThan(0);
    // At ε 1 nothing may be left: 0.05 is.
    expect(excess(CASES[0]!, { epsilon: 1 }, 0.9, { ...QUICK, epsilon: 1 })).toBeGreaterThan(0.01);
  });

  it("passes other directions and other ε", () => {
    const [one] = CASES;
    for (const epsilon of [0.5, 1.5]) {
      expect(excess(one!, { rho: 0.5 }, 1, { ...QUICK, epsilon })).toBeLessThan(0);
      expect(excess({ ...one!, tables: [[], UNIT] }, { rho: 0.5 }, 1, { ...QUICK, epsilon })).toBeLessThan(0);
    }
  });

  it("rejects a query that forgets to bound the rows of a unit", () => {
    const three = [...UNIT, UNIT[0]!];
    const one: Case = { ...CASES[0]!, tables: [three, []], make: (t, noise) => count(t, { noise }) };
    const claimed = deltaOf(one.make(tableOf(one, UNIT), { rho: 0.5 }).events, { epsilon: 0 });
    const open = count(small(three, "add-remove", 3), { noise: { rho: 0.5 * (3 / 2) ** 2 } });
    planOf(open as Query).ready();
    const { perturb } = halvesOf(open);
    const at = (n: bigint) => (): CellName => Number(perturb([[n]])[0]!.values[0]);
    expect(lowerDelta(at(3n), at(0n), { ...QUICK, alarm: ALARM })).toBeGreaterThan(claimed);
  });
});

describe("a tester of whole answers", () => {
  const options = { epsilon: 1, judge: 100_000, learn: 5000, alarm: ALARM };

  it("passes top keys at their ε, which they reach, and rejects 0.9 of their noise", () => {
    const [a, none] = [small([row("x", 1, 1, "a")], "add-remove"), small([], "add-remove")];
    const draws = (epsilon: number): [() => CellName, () => CellName] => {
      const query = topKeys(a, "key", { k: 1, noise: { epsilon }, keys: ["a", "b"] });
      const [one, other] = [drawing(query, none), drawing(query, a)];
      return [() => one().keys.join(), () => other().keys.join()];
    };
    expect(lowerDelta(...draws(1), { ...options, judge: 20_000 })).toBeLessThan(0);
    // Without the unit b wins half of the time, with it e^-(1/0.9) / 2: at ε 1 that leaves 0.052, of which the bound takes 0.030.
    expect(lowerDelta(...draws(1 / 0.9), options)).toBeGreaterThan(0);
  });

  it("sees a key of one unit alone as often as the ledger says", () => {
    const table = small([row("x", 1, 1, "a")], "add-remove", 1);
    const query = unknownKeys(table, "word", { noise: { rho: 0.5 }, delta: 0.05 });
    const draw = drawing(query, table);
    const stated = query.events.find((e) => e.mechanism.kind === "approximate")!.mechanism as { delta: number };
    let seen = 0;
    for (let i = 0; i < 200_000; i++) if (draw().cells.length > 0) seen++;
    // Five and a half deviations: a chance of 4e-8.
    expect(Math.abs(seen / 200_000 - stated.delta)).toBeLessThan(5.5 * Math.sqrt((stated.delta * (1 - stated.delta)) / 200_000));
    expect(stated.delta).toBeLessThanOrEqual(0.05);
  });
});

describe.runIf(process.env.TACIT_LONG !== undefined)("the tester at noise of 5 times the sensitivity, 2·10^6 samples", () => {
  for (const one of CASES) {
    // δ(0) is 0.0797 as claimed and 0.0885 at 0.9 σ; the bound falls 0.0044 short, the rest is 8 deviations.
    it(`passes ${one.name} under ${one.neighbours} and rejects it at 0.9 σ`, () => {
      const options = { epsilon: 0, learn: 200_000, judge: 2_000_000 };
      expect(excess(one, { rho: 0.02 }, 1, options)).toBeLessThan(0);
      expect(excess(one, { rho: 0.02 }, 0.9, options)).toBeGreaterThan(0);
    });
  }
});
