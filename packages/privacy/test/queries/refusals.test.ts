/** @file What cannot be private is refused, with the reason and the cure, before anything is charged; and what the data are is never a reason. */
import {
  boolean,
  category,
  count,
  histogram,
  integer,
  linearRegression,
  mean,
  number,
  privateCsv,
  privateTable,
  type Query,
  quantiles,
  sum,
  topKeys,
  unknownKeys,
  variance,
} from "@tacit/privacy/queries";
import { describe, expect, it } from "vitest";
import { planOf } from "../../src/queries/query.ts";
import { viewOf } from "../../src/queries/table.ts";
import { budgetOf, COLUMNS, coded, drawing, type Row, small } from "./house.ts";

const table = small([], "add-remove");
const any = (x: unknown): never => x as never;

describe("noise", () => {
  it("that is negative, NaN, infinite, none or of two kinds is refused", () => {
    const bad = [
      undefined,
      null,
      0.1,
      {},
      { epsilon: -1 },
      { epsilon: 0 },
      { epsilon: Number.NaN },
      { epsilon: Number.POSITIVE_INFINITY },
      { epsilon: "1" },
      { rho: -0.1 },
      { rho: 0 },
      { epsilon: 1, rho: 1 },
      { rho: 1, delta: 0.1 },
      { epsilon: 1, delta: 0 },
      { epsilon: 1, delta: 1 },
      { epsilon: 1, delta: Number.NaN },
      { delta: 0.1 },
      { epsilon: 1, sigma: 1 },
    ];
    for (const noise of bad) expect(() => count(table, { noise: any(noise) })).toThrow(coded("PRIVACY_PARAMETER"));
    for (const delta of [-1, 0, 1, Number.NaN])
      expect(() => unknownKeys(table, "word", { noise: { rho: 1 }, delta })).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => topKeys(table, "key", { k: 1, noise: any({ rho: 1 }) })).toThrow(coded("PRIVACY_PARAMETER"));
  });

  it("too wide for the grid is refused by the cure", () => {
    expect(() => sum(table, "v", { noise: { epsilon: 1e-14 } })).toThrow("2^46 grid steps");
  });

  it("with a level that is none is refused", () => {
    for (const level of [0, 1, -1, Number.NaN, "0.9"])
      expect(() => count(table, { noise: { rho: 1 }, level: any(level) })).toThrow(coded("PRIVACY_PARAMETER"));
  });
});

describe("a column", () => {
  it("without two finite bounds is refused, and told to declare some", () => {
    const bad = [
      undefined,
      {},
      { bounds: [0] },
      { bounds: [1, 1] },
      { bounds: [2, 1] },
      { bounds: [0, Number.POSITIVE_INFINITY] },
    ];
    for (const options of [...bad, { bounds: [Number.NaN, 1] }, { bounds: ["0", "1"] }])
      for (const make of [number, integer]) expect(() => make(any(options))).toThrow(coded("PRIVACY_UNBOUNDED"));
    expect(() =>
      privateTable([], any({ dataset: "d", unit: { name: "person" }, neighbours: "add-remove", columns: { v: "number" } })),
    ).toThrow(coded("PRIVACY_UNBOUNDED"));
  });

  it("with a grid, a missing value or keys that cannot be is refused", () => {
    expect(() => number({ bounds: [0, 1], grid: 0 })).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => number({ bounds: [0, 1], grid: 8 })).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => number({ bounds: [0, 1e9], grid: 1e-9 })).toThrow("2^40 grid steps");
    expect(() => number({ bounds: [0, 1], missing: 2 })).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => number({ bounds: [0, 1], missing: Number.NaN })).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => integer({ bounds: [0, 1.5] })).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => category({ keys: [] })).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => category({ keys: ["a", "a"] })).toThrow(coded("PRIVACY_PARAMETER"));
  });

  it("of another kind, or of no such name, is refused for a query", () => {
    const noise = { rho: 1 };
    expect(() => histogram(table, any("word"), { noise })).toThrow(coded("PRIVACY_COLUMN"));
    expect(() => sum(table, any("key"), { noise })).toThrow(coded("PRIVACY_COLUMN"));
    expect(() => mean(table, any("none"), { noise })).toThrow(coded("PRIVACY_COLUMN"));
    expect(() => mean(table, any("toString"), { noise })).toThrow(coded("PRIVACY_COLUMN"));
    expect(() => unknownKeys(table, any("key"), { noise, delta: 1e-6 })).toThrow(coded("PRIVACY_COLUMN"));
    expect(() => count(table, { noise, where: any({ word: "x" }) })).toThrow(coded("PRIVACY_COLUMN"));
    expect(() => count(table, { noise, where: any({ key: "z" }) })).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => count(table, { noise, where: any({ v: [3, 1] }) })).toThrow(coded("PRIVACY_PARAMETER"));
  });
});

describe("a table", () => {
  const terms = {
    dataset: "small",
    unit: { name: "person", column: "id", rows: 2 },
    neighbours: "add-remove",
    columns: COLUMNS,
  } as const;

  it("with an unknown relation, no bound on a unit's rows or no names is refused", () => {
    expect(() => privateTable([], any({ ...terms, neighbours: "swap" }))).toThrow(coded("PRIVACY_NEIGHBOURS"));
    expect(() => privateTable([], any({ ...terms, unit: { name: "person", column: "id" } }))).toThrow(coded("PRIVACY_UNBOUNDED"));
    for (const bad of [
      { dataset: "" },
      { unit: { name: "" } },
      { unit: undefined },
      { unit: { name: "person", rows: 3 } },
      { unit: { name: "person", column: "id", rows: 0 } },
      { unit: { name: "person", column: "id", rows: 1, excess: "some" } },
      { columns: {} },
      { units: 3 },
      { neighbours: "replace-one" },
    ])
      expect(() => privateTable([], any({ ...terms, ...bad }))).toThrow(coded("PRIVACY_PARAMETER"));
  });

  it("smaller or larger than promised, or with more rows of a unit than promised, is refused", () => {
    const one = { id: "x", v: 1, w: 1, key: "a", word: "" };
    expect(() => small([one], "replace-one", 2, 2)).toThrow(coded("PRIVACY_CONTRIBUTIONS"));
    expect(() => small([one, { ...one, id: "y" }], "replace-one", 2, 1)).toThrow(coded("PRIVACY_CONTRIBUTIONS"));
    const strict = { ...terms, unit: { ...terms.unit, excess: "refuse" } } as const;
    expect(() => privateTable([one, one, one] as never, strict)).toThrow(coded("PRIVACY_CONTRIBUTIONS"));
  });

  it("with columns of several lengths or none is refused", () => {
    const columns = { v: [1], w: [1], key: ["a"], word: [""], id: ["x"] };
    expect(() => privateTable({ ...columns, v: [1, 2] }, terms)).toThrow(coded("PRIVACY_COLUMN"));
    expect(() => privateTable({ id: [], v: [], w: [], key: [] }, terms)).toThrow(coded("PRIVACY_COLUMN"));
    expect(() => privateCsv("id,v,w,key\nx,1,2,a", terms)).toThrow(coded("PRIVACY_COLUMN"));
  });
});

describe("a table of rows", () => {
  const columns = { age: integer({ bounds: [0, 120] }) };
  const terms = { dataset: "d", unit: { name: "person", column: "id", rows: 1 }, neighbours: "add-remove", columns } as const;

  it("in which no row has a declared column, or the unit's, is refused: a misspelt key would be paid for", () => {
    const named = (name: string): unknown =>
      expect.objectContaining({ code: "PRIVACY_COLUMN", message: expect.stringContaining(`got none for ${name}`) });
    expect(() => privateTable([{ Id: 1, age: 30 }], terms)).toThrow(named("id"));
    expect(() => privateTable([{ id: 1, Age: 30 }], terms)).toThrow(named("age"));
    expect(() => privateTable([null, undefined] as never, terms)).toThrow(named("age"));
    expect(() => privateTable({ Id: [1], age: [30] }, terms)).toThrow(named("id"));
    // Some rows may lack it: a missing value, or a row of nobody.
    expect(() => privateTable([{ id: 1 }, { age: 30 }, null] as never, terms)).not.toThrow();
    expect(() => privateTable([], terms)).not.toThrow();
  });

  it("or columns, which are no arrays is refused", () => {
    expect(() => privateTable({ id: 5, age: 6 } as never, terms)).toThrow("an array of values for age, got number");
    expect(() => privateTable({ id: "ab", age: "cd" } as never, terms)).toThrow(coded("PRIVACY_COLUMN"));
  });

  it("with a column that somebody wrote by hand is refused: nobody checked its bounds", () => {
    for (const column of [
      { kind: "number" },
      { kind: "number", lower: 0, upper: 1, grid: -1, missing: 0 },
      { ...columns.age },
      null,
    ])
      expect(() => privateTable([], { ...terms, columns: { age: any(column) } })).toThrow(
        expect.objectContaining({ code: "PRIVACY_UNBOUNDED", hint: expect.stringContaining("make it with number({ bounds })") }),
      );
    expect(Object.isFrozen(columns.age)).toBe(true);
    expect(() => boolean({ missing: any("yes") })).toThrow(coded("PRIVACY_PARAMETER"));
  });

  it("counts in words what it allows: one row, three rows", () => {
    const said = (rows: number): string => {
      const unit = { ...terms.unit, rows };
      return mean(privateTable([], { ...terms, unit }), "age", { noise: { rho: 1 } }).explain();
    };
    expect(said(1)).toMatch(
      /at most 1 row of each person counts \(the first one\)[\s\S]*\(1 row within 60 steps[\s\S]*\(1 row\)/,
    );
    expect(said(3)).toMatch(/at most 3 rows of each person count \(the first ones\)[\s\S]*\(3 rows within[\s\S]*\(1 to 3 rows\)/);
    const one = [{ id: 1, age: 3 }];
    const strict = { ...terms, unit: { ...terms.unit, excess: "refuse" } } as const;
    expect(() => privateTable([...one, ...one], strict)).toThrow("at most 1 row of each person, got more");
  });

  it("names the column that was asked for, and those that there are", () => {
    const t = privateTable([], { ...terms, columns: { ...columns, word: COLUMNS.word } });
    expect(() => mean(t, any("agee"), { noise: { rho: 1 } })).toThrow('mean: expected a column among age, word, got "agee"');
    expect(() => mean(t, any("word"), { noise: { rho: 1 } })).toThrow("a column of kind number, got word, of kind text");
    expect(() => count(any({}), { noise: { rho: 1 } })).toThrow("a table made by privateTable or privateCsv");
  });
});

describe("a query", () => {
  it("whose answer is public is refused", () => {
    const replaced = small([{ id: "x", v: 1, w: 1, key: "a", word: "" }], "replace-one", 1, 1);
    expect(() => count(replaced, { noise: { rho: 1 } })).toThrow("not public");
    expect(() => count(replaced, { noise: { rho: 1 }, of: "units" })).toThrow("not public");
    expect(count(replaced, { noise: { rho: 1 }, where: { v: [0, 1] } }).parts[0]!.l1).toBe(1);
  });

  it("with keys, edges, shares or columns that cannot be is refused", () => {
    const noise = { rho: 1 };
    const bad = [
      (): unknown => histogram(table, "key", { noise, keys: ["z"] }),
      (): unknown => histogram(table, "key", { noise, keys: [] }),
      (): unknown => histogram(table, "key", { noise, cellsPerUnit: 3 }),
      (): unknown => histogram(table, "key", { noise, rowsPerCell: 3 }),
      (): unknown => histogram(table, "v", { noise }),
      (): unknown => histogram(table, "v", { noise, edges: [1, 0] }),
      (): unknown => quantiles(table, "v", { noise, at: [] }),
      (): unknown => quantiles(table, "v", { noise, at: [1.1] }),
      (): unknown => quantiles(table, "v", { noise, at: [0] }),
      (): unknown => quantiles(table, "v", { noise, at: [0.5], leaves: 1 }),
      (): unknown => linearRegression(table, "v", { noise, from: ["v"] }),
      (): unknown => linearRegression(table, "v", { noise, from: [] }),
      (): unknown => topKeys(table, "key", { k: 4, noise: { epsilon: 1 } }),
      (): unknown => topKeys(table, "key", { k: 0, noise: { epsilon: 1 } }),
    ];
    for (const make of bad) expect(make).toThrow(coded("PRIVACY_PARAMETER"));
  });

  it("does not fail by what the data are, once it is charged", () => {
    const strange: unknown[] = [
      Number.NaN,
      Infinity,
      -Infinity,
      -0,
      1e308,
      2n ** 90n,
      -(2n ** 90n),
      "",
      "x",
      null,
      undefined,
      {},
      [],
      true,
      Symbol.iterator,
      "__proto__",
    ];
    const rows = strange.flatMap((s, i) => strange.map((t, j): Row => ({ id: `p${i}.${j % 9}`, v: s, w: t, key: t, word: s })));
    const full = small(rows, "add-remove");
    using budget = budgetOf("add-remove", 1e6);
    const noise = { rho: 1 };
    const queries = [
      count(full, { noise }),
      sum(full, "v", { noise }),
      mean(full, "v", { noise }),
      variance(full, "v", { noise }),
      histogram(full, "key", { noise }),
      quantiles(full, "v", { noise, at: [0.5, 1] }),
      linearRegression(full, "v", { noise, from: ["w"] }),
      topKeys(full, "key", { k: 3, noise: { epsilon: 1 } }),
      unknownKeys(full, "word", { noise, delta: 1e-7 }),
    ] as readonly Query<"add-remove">[];
    for (const query of queries) {
      query.release(budget, "strange");
      const empty = JSON.stringify(drawing(query, small([], "add-remove"))(), (_, x: unknown) => (Number.isNaN(x) ? "NaN" : x));
      expect(empty).not.toContain("NaN");
    }
  });

  it("that fails all the same says that it did and not why", () => {
    const query = count(table, { noise: { rho: 1 } });
    Object.assign(planOf(query as Query) as object, {
      draw: () => {
        throw new Error("the value was 17");
      },
    });
    using budget = budgetOf("add-remove");
    let message = "";
    try {
      query.release(budget, "x");
    } catch (e) {
      message = `${String(e)} ${String((e as Error).cause)}`;
      expect((e as { code: string }).code).toBe("PRIVACY_QUERY");
    }
    expect(message).not.toContain("17");
    expect(message).toContain("once its budget was charged");
    expect(budget.entries()).toHaveLength(1);
  });

  it("on something that is no table is refused", () => {
    expect(() => viewOf({} as never)).toThrow(coded("PRIVACY_PARAMETER"));
    expect(boolean().kind).toBe("boolean");
  });
});
