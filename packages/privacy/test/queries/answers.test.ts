/**
 * @file Answers lie within their intervals as often as is stated, for every query, and at the edges: no rows, one, all at the bounds, -0, huge integers.
 * Each coverage test fails a sound query with a chance below 1e-7: 5.3 deviations of the number of misses.
 */
import {
  boolean,
  category,
  count,
  histogram,
  type Interval,
  integer,
  linearRegression,
  mean,
  number,
  privateCsv,
  privateTable,
  quantiles,
  sum,
  topKeys,
  unknownKeys,
  variance,
} from "@tacit/privacy/queries";
import { describe, expect, it } from "vitest";
import { halvesOf } from "../../src/queries/integers.ts";
import { viewOf } from "../../src/queries/table.ts";
import { drawing, type Row, small } from "./house.ts";

const RUNS = 600;
const LEVEL = 0.8;

/** How often `holds` must be true of RUNS draws, each with probability at least LEVEL. */
const LEAST = Math.floor(RUNS * LEVEL - 5.3 * Math.sqrt(RUNS * LEVEL * (1 - LEVEL)));
const covered = (holds: () => boolean): number => Array.from({ length: RUNS }, holds).filter(Boolean).length;
const within = (x: number, [lo, hi]: Interval): boolean => x >= lo - 1e-9 && x <= hi + 1e-9;

const ROWS: readonly Row[] = Array.from({ length: 60 }, (_, i) => ({
  id: `p${i}`,
  v: ((i * 7) % 11) - 4,
  w: (i * 3) % 5,
  key: "abcd"[i % 4],
  word: "",
}));
const clamped = ROWS.map((r) => Math.min(5, Math.max(-2, r.v as number)));
const MEAN = clamped.reduce((a, b) => a + b, 0) / clamped.length;
const VARIANCE = clamped.reduce((s, v) => s + (v - MEAN) ** 2, 0) / clamped.length;
const noise = { rho: 0.1 };
const level = LEVEL;

describe("intervals", () => {
  const table = small(ROWS, "add-remove", 1);
  const replaced = small(ROWS, "replace-one", 1, ROWS.length);

  it("of counts, sums and histograms hold as often as stated, and not much more often", () => {
    const exact = [
      [drawing(count(table, { noise, level }), table), 60],
      [drawing(sum(table, "v", { noise, level }), table), MEAN * 60],
      [drawing(sum(replaced, "v", { noise: { epsilon: 0.3 }, level }), replaced), MEAN * 60],
    ] as const;
    for (const [draw, truth] of exact) {
      const hits = covered(() => within(truth, draw().interval));
      expect(hits).toBeGreaterThanOrEqual(LEAST);
      // The least half width on the integers: one step less would not be enough.
      expect(hits).toBeLessThan(RUNS * 0.95);
    }
    const cells = drawing(histogram(table, "key", { noise, level }), table);
    const hits = covered(() => cells().every(({ interval }) => within(15, interval)));
    expect(hits).toBeGreaterThanOrEqual(LEAST);
    expect(hits).toBeLessThan(RUNS * 0.95);
  });

  it("of means and variances hold at least as often as stated, for both relations and both kinds of noise", () => {
    for (const of of [table, replaced] as const) {
      for (const spent of [noise, { epsilon: 0.4 }]) {
        const m = drawing(mean(of as typeof table, "v", { noise: spent, level }), of as typeof table);
        expect(covered(() => within(MEAN, m().interval))).toBeGreaterThanOrEqual(LEAST);
        const s = drawing(variance(of as typeof table, "v", { noise: spent, level }), of as typeof table);
        expect(covered(() => within(VARIANCE, s().interval))).toBeGreaterThanOrEqual(LEAST);
      }
    }
  });

  it("of quantiles hold together at least as often as stated", () => {
    const at = [0.1, 0.5, 0.9, 1];
    const sorted = [...clamped].sort((a, b) => a - b);
    const truth = at.map((q) => sorted[Math.ceil(q * 60) - 1]!);
    for (const spent of [{ rho: 2 }, { epsilon: 2 }]) {
      const draw = drawing(quantiles(table, "v", { noise: spent, level, at }), table);
      expect(covered(() => draw().every(({ interval }, i) => within(truth[i]!, interval)))).toBeGreaterThanOrEqual(LEAST);
    }
  });

  it("of regressions hold together at least as often as stated, and are finite where there is little noise", () => {
    const [x, y] = [ROWS.map((r) => r.w as number), clamped];
    const xm = x.reduce((a, b) => a + b, 0) / 60;
    const slope = x.reduce((s, v, i) => s + (v - xm) * y[i]!, 0) / x.reduce((s, v) => s + (v - xm) ** 2, 0);
    const truth = [MEAN - slope * xm, slope];
    let finite = 0;
    const draw = drawing(linearRegression(table, "v", { noise: { rho: 5 }, level, from: ["w"] }), table);
    const hits = covered(() => {
      const { coefficients } = draw();
      if (coefficients.every(({ interval }) => interval.every(Number.isFinite))) finite++;
      // Columns are rounded to 2^-16 of their range.
      return coefficients.every(({ interval: [lo, hi] }, i) => within(truth[i]!, [lo - 1e-3, hi + 1e-3]));
    });
    expect(hits).toBeGreaterThanOrEqual(LEAST);
    expect(finite).toBeGreaterThan(RUNS / 2);
  });

  it("of top keys: the count behind the largest is within what is stated", () => {
    const rows = ROWS.map((r, i) => ({ ...r, key: "aaaabbc"[i % 7] }));
    const of = small(rows, "add-remove", 1);
    const counts = { a: 36, b: 16, c: 8 };
    const draw = drawing(topKeys(of, "key", { k: 1, noise: { epsilon: 0.05 }, level }), of);
    expect(covered(() => 36 - counts[draw().keys[0] as "a"] <= draw().behind)).toBeGreaterThanOrEqual(LEAST);
    const sure = drawing(topKeys(of, "key", { k: 3, noise: { epsilon: 300 } }), of);
    expect(sure().keys).toEqual(["a", "b", "c"]);
  });
});

describe("answers with next to no noise", () => {
  const exact = { rho: 1e6 };
  const table = small(ROWS, "add-remove", 1);

  it("are the statistics", () => {
    expect(drawing(mean(table, "v", { noise: exact }), table)().value).toBeCloseTo(MEAN, 9);
    expect(drawing(variance(table, "v", { noise: exact }), table)().value).toBeCloseTo(VARIANCE, 9);
    expect(drawing(histogram(table, "v", { noise: exact, edges: [-2, 0, 5] }), table)().map((c) => [c.key, c.value])).toEqual([
      ["[-2, 0)", clamped.filter((v) => v < 0).length],
      ["[0, 5]", clamped.filter((v) => v >= 0).length],
    ]);
    expect(drawing(quantiles(table, "v", { noise: exact, at: [0.5], leaves: 8 }), table)()[0]!.value).toBe(
      [...clamped].sort((a, b) => a - b)[29],
    );
    const where = { key: ["a", "b"], w: [2, 4] } as const;
    expect(drawing(count(table, { noise: exact, where }), table)().value).toBe(
      ROWS.filter((r) => "ab".includes(r.key as string) && (r.w as number) >= 2).length,
    );
    const words = small(
      ROWS.map((r, i) => ({ ...r, word: i === 0 ? "rare" : i % 2 ? "odd" : "even" })),
      "add-remove",
      1,
    );
    const named = drawing(unknownKeys(words, "word", { noise: { rho: 10 }, delta: 1e-9 }), words)();
    expect(named.cells.map((c) => c.key)).toEqual(["even", "odd"]);
  });

  it("read a CSV file with core's reader, quotes and all", () => {
    const csv = 'who,age,ward,smoker\nann,34,"a, b",true\nbob,x,c,0\ncem,200,"a, b",1\nann,99,c,false\n,50,c,true\n';
    const of = privateCsv(csv, {
      dataset: "d",
      unit: { name: "person", column: "who", rows: 1 },
      neighbours: "add-remove",
      columns: { age: integer({ bounds: [0, 120], missing: 40 }), ward: category({ keys: ["a, b", "c"] }), smoker: boolean() },
    });
    // Ann's second row is beyond her bound, the last row is nobody's; x is missing, 200 is moved.
    const view = viewOf(of as never);
    expect([...view.codes.get("age")!]).toEqual([34, 40, 120]);
    expect([...view.codes.get("ward")!]).toEqual([0, 1, 0]);
    expect([...view.codes.get("smoker")!]).toEqual([1, 0, 1]);
  });

  it("keep a random choice of a unit's rows where that is asked for: each as often as the others", () => {
    const rows = [1, 2, 3].map((v) => ({ id: "x", v }));
    const columns = { v: integer({ bounds: [0, 5] }) };
    const unit = { name: "person", column: "id", rows: 1, excess: "random" } as const;
    const seen = [0, 0, 0, 0];
    for (let i = 0; i < 3000; i++) {
      const of = privateTable(rows, { dataset: "d", unit, neighbours: "add-remove", columns });
      seen[viewOf(of as never).codes.get("v")![0]!]!++;
    }
    // 1000 ± 5.3 deviations of 26.
    for (const n of seen.slice(1)) expect(Math.abs(n - 1000)).toBeLessThan(137);
  });
});

describe("edges", () => {
  const exact = { rho: 1e6 };

  it("no rows: answers are finite and inside the bounds", () => {
    const none = small([], "add-remove");
    const m = drawing(mean(none, "v", { noise: { rho: 0.01 } }), none);
    for (let i = 0; i < 100; i++) {
      const { value, interval } = m();
      expect(value >= -2 && value <= 5 && interval[0] >= -2 && interval[1] <= 5).toBe(true);
      expect(within(1, interval) || interval[0] > 1 || interval[1] < 1).toBe(true);
    }
    expect(drawing(mean(none, "v", { noise: exact }), none)().value).toBe(1);
    expect(drawing(variance(none, "v", { noise: exact }), none)().interval[0]).toBe(0);
    expect(drawing(count(none, { noise: exact }), none)().value).toBe(0);
    expect(drawing(unknownKeys(none, "word", { noise: { rho: 1 }, delta: 1e-6 }), none)().cells).toEqual([]);
  });

  it("one row, and all rows at the bounds", () => {
    for (const v of [-2, 5]) {
      const all = small(
        Array.from({ length: 40 }, (_, i) => ({ id: `p${i}`, v: v * 100, w: 0, key: "a", word: "" })),
        "add-remove",
      );
      expect(drawing(mean(all, "v", { noise: exact }), all)().value).toBe(v);
      expect(drawing(sum(all, "v", { noise: exact }), all)().value).toBe(40 * v);
      expect(drawing(variance(all, "v", { noise: exact }), all)().value).toBeCloseTo(0, 9);
      expect(drawing(quantiles(all, "v", { noise: exact, at: [0.5, 1], leaves: 8 }), all)().map((q) => q.value)).toEqual([v, v]);
    }
    const one = small([{ id: "x", v: 3, w: 0, key: "a", word: "" }], "add-remove");
    expect(drawing(mean(one, "v", { noise: exact }), one)().value).toBe(3);
  });

  it("-0 is 0, also in a sum, and as a bound", () => {
    const column = number({ bounds: [-0, 1], missing: -0 });
    expect(Object.is(column.lower, 0) && Object.is(column.missing, 0)).toBe(true);
    const of = privateTable([{ x: -0 }, { x: -1e-9 }], {
      dataset: "d",
      unit: { name: "p" },
      neighbours: "add-remove",
      columns: { x: column },
    });
    expect([...viewOf(of as never).codes.get("x")!].every((c) => Object.is(c, 0))).toBe(true);
  });

  it("huge integers are moved to the bounds, and a sum of many large ones is exact", () => {
    const columns = { x: integer({ bounds: [-(2 ** 40), 2 ** 40] }) };
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ x: i % 2 === 0 ? 2n ** 80n : 2 ** 40 - 1 }));
    const of = privateTable(rows, { dataset: "d", unit: { name: "p" }, neighbours: "add-remove", columns });
    const [[total]] = halvesOf(sum(of, "x", { noise: { rho: 1 } })).statistic(viewOf(of as never)) as [[bigint]];
    // 2^54 and more: doubles would have lost the odd ones.
    expect(total).toBe(10_000n * 2n ** 40n + 10_000n * (2n ** 40n - 1n));
    expect(() => integer({ bounds: [0, 2 ** 41] })).toThrow("2^40");
  });

  it("rounding to the grid moves a value by half a step at most, and its sums stay inside the bounds", () => {
    const column = number({ bounds: [0.1, 0.7] });
    for (const v of [0.1, 0.123456789, 0.3, 0.65, 0.7]) {
      const of = privateTable([{ v }], { dataset: "d", unit: { name: "p" }, neighbours: "add-remove", columns: { v: column } });
      const code = viewOf(of as never).codes.get("v")![0]!;
      expect(Math.abs(code * column.grid - v)).toBeLessThanOrEqual(column.grid / 2);
      expect(code >= column.lower && code <= column.upper).toBe(true);
    }
    // 2^-24 of the distance of the bounds, to the next power of two.
    expect(column.grid).toBe(2 ** -24);
  });

  it("a query and a table show none of their rows", () => {
    const of = small(ROWS, "add-remove");
    const query = count(of, { noise: { rho: 1 } });
    for (const shown of [JSON.stringify(of), JSON.stringify(query), query.explain()]) {
      expect(shown).not.toContain("p17");
      expect(shown.length).toBeLessThan(3000);
    }
  });
});
