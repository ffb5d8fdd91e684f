/** @file Every answer is paid for first: exact events in the ledger, refusals, reservations, budgets of persons. */
import { epsilonOf } from "@tacit/privacy";
import { type Budget, PeopleBudget } from "@tacit/privacy/budgets";
import { count, histogram, mean, type Query, quantiles, sum, topKeys, unknownKeys, variance } from "@tacit/privacy/queries";
import { describe, expect, it } from "vitest";
import type { PrivacyEvent } from "../../src/events.ts";
import { budgetOf, coded, newFile, type Row, small } from "./house.ts";

const ROWS: Row[] = Array.from({ length: 30 }, (_, i) => ({
  id: `p${i % 20}`,
  v: (i % 8) - 2,
  w: i % 5,
  key: "abc"[i % 3],
  word: i % 2 === 0 ? "even" : "odd",
}));
const add = (mechanism: PrivacyEvent["mechanism"], times = 1): PrivacyEvent => ({
  mechanism,
  neighbours: "add-remove",
  sampling: { kind: "all" },
  count: times,
});
const table = small(ROWS, "add-remove");

describe("the ledger", () => {
  it("gets what a query costs, whatever somebody does to the list that it shows", () => {
    using budget = budgetOf("add-remove");
    const query = count(table, { noise: { rho: 0.5 } });
    expect(() => Object.assign(query.events, { length: 0 })).toThrow(TypeError);
    query.release(budget, "count");
    expect(budget.entries()).toHaveLength(1);
    expect(budget.state.spent).toBeGreaterThan(0);
  });

  it("holds the events of each query, and nothing of an ε", () => {
    using budget = budgetOf("add-remove");
    count(table, { noise: { rho: 0.5 } }).release(budget, "count");
    sum(table, "v", { noise: { epsilon: 0.5 } }).release(budget, "sum");
    mean(table, "v", { noise: { rho: 1 } }).release(budget, "mean");
    histogram(table, "key", { noise: { rho: 1 } }).release(budget, "histogram");
    topKeys(table, "key", { k: 2, noise: { epsilon: 1 } }).release(budget, "top");
    histogram(table, "key", { noise: { epsilon: 1 }, rowsPerCell: 2 }).release(budget, "rows");
    expect(budget.entries().map((e) => [e.purpose, e.state, e.events])).toEqual([
      ["count", "spent", [add({ kind: "discrete-gaussian", stdDev: 2, sensitivity: 2 })]],
      ["sum", "spent", [add({ kind: "discrete-laplace", scale: 20, sensitivity: 10 })]],
      [
        "mean",
        "spent",
        // 2 rows within 4 of the middle; ρ 1/2 each.
        [
          add({ kind: "discrete-gaussian", stdDev: 8, sensitivity: 8 }),
          add({ kind: "discrete-gaussian", stdDev: 2, sensitivity: 2 }),
        ],
      ],
      ["histogram", "spent", [add({ kind: "discrete-gaussian", stdDev: 1, sensitivity: 1 }, 2)]],
      ["top", "spent", [add({ kind: "approximate", epsilon: 0.5, delta: 0 }, 2)]],
      // Changes of 2 and 1 sum to 3, but all of a unit's are 2 together: pure ε says so.
      ["rows", "spent", [add({ kind: "approximate", epsilon: 1, delta: 0 })]],
    ]);
  });

  it("counts replaced units twice, as far as there are cells", () => {
    const replaced = small(ROWS, "replace-one", 1, 20);
    const gaussian = (stdDev: number, sensitivity: number, times = 1): PrivacyEvent => ({
      ...add({ kind: "discrete-gaussian", stdDev, sensitivity }, times),
      neighbours: "replace-one",
    });
    expect(histogram(replaced, "key", { noise: { rho: 1 } }).events).toEqual([gaussian(1, 1, 2)]);
    expect(histogram(replaced, "key", { noise: { rho: 0.5 }, keys: ["a"] }).events).toEqual([gaussian(1, 1)]);
    expect(mean(replaced, "v", { noise: { rho: 0.5 } }).events).toEqual([gaussian(7, 7)]);
    expect(sum(replaced, "v", { noise: { rho: 0.5 } }).events).toEqual([gaussian(7, 7)]);
  });

  it("never costs more than the noise asked for", () => {
    for (const rho of [0.013, 0.1, 1 / 3, 2.7]) {
      for (const query of [variance(table, "v", { noise: { rho } }), quantiles(table, "v", { noise: { rho }, at: [0.5] })]) {
        const spent = query.events.reduce((n, e) => {
          const m = e.mechanism as { stdDev: number; sensitivity: number };
          return n + (e.count * m.sensitivity ** 2) / (2 * m.stdDev ** 2);
        }, 0);
        expect(spent).toBeLessThanOrEqual(rho * (1 + 1e-15));
        expect(spent).toBeGreaterThan(rho * (1 - 1e-12));
      }
      expect(count(table, { noise: { epsilon: rho } }).epsilon({ delta: 0, accountant: "pure" })).toBeLessThanOrEqual(rho);
    }
  });

  it("finds the least noise for ε and δ", () => {
    const query = count(table, { noise: { epsilon: 1, delta: 1e-6 } });
    expect(query.epsilon({ delta: 1e-6 })).toBeLessThanOrEqual(1);
    expect(query.epsilon({ delta: 1e-6 })).toBeGreaterThan(0.999);
  });
});

describe("a budget", () => {
  it("is asked what a query costs before, and pays for it once", () => {
    using budget = budgetOf("add-remove", 2);
    const query = count(table, { noise: { rho: 0.05 } });
    const cost = query.cost(budget);
    expect(cost.epsilon).toBeCloseTo(epsilonOf(query.events, { delta: 1e-6 }), 12);
    expect(cost).toMatchObject({ delta: 1e-6, affordable: true });
    expect(cost.rho).toBeCloseTo(0.05, 12);
    expect(budget.entries()).toHaveLength(0);
    query.release(budget, "once");
    expect(budget.state.spent).toBeCloseTo(cost.after, 12);
    expect(query.cost(budget).after).toBeGreaterThan(cost.after);
  });

  it("refuses what it cannot pay, and nothing is drawn or written", () => {
    using budget = budgetOf("add-remove", 0.5);
    const query = count(table, { noise: { epsilon: 0.4 } });
    query.release(budget, "first");
    expect(query.cost(budget).affordable).toBe(false);
    expect(() => query.release(budget, "second")).toThrow(coded("PRIVACY_BUDGET"));
    expect(() => query.reserve(budget, "second")).toThrow(coded("PRIVACY_BUDGET"));
    expect(budget.entries()).toHaveLength(1);
  });

  it("sets aside for an answer that is drawn later, once, or not at all", () => {
    using budget = budgetOf("add-remove", 1);
    const query = sum(table, "w", { noise: { epsilon: 0.4 } });
    const [later, never] = [query.reserve(budget, "later"), query.reserve(budget, "never")];
    expect(() => query.reserve(budget, "third")).toThrow(coded("PRIVACY_BUDGET"));
    never.cancel();
    expect(Number.isFinite(later.release().value)).toBe(true);
    expect(() => later.release()).toThrow(coded("PRIVACY_RESERVATION"));
    expect(() => never.release()).toThrow(coded("PRIVACY_RESERVATION"));
    expect(budget.entries().map((e) => e.state)).toEqual(["spent", "cancelled"]);
  });

  it("is refused for another data set, another unit or other neighbours", () => {
    using other = budgetOf("replace-one");
    const query = count(table, { noise: { epsilon: 0.1 } });
    expect(() => query.release(other as never, "x")).toThrow(coded("PRIVACY_NEIGHBOURS"));
    expect(() => query.cost(other as never)).toThrow(coded("PRIVACY_NEIGHBOURS"));
    using budget = budgetOf("add-remove");
    const named = { ...budget.terms, dataset: "another" };
    expect(() => query.release({ ...budget, terms: named } as never, "x")).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => query.release({ ...budget, terms: { ...budget.terms, unit: "visit" } } as never, "x")).toThrow(
      coded("PRIVACY_PARAMETER"),
    );
    expect(other.entries()).toHaveLength(0);
  });
});

/** Whether a query for add-remove takes that budget, by its type. */
type Takes<B> = B extends Parameters<Query<"add-remove">["release"]>[0] ? "taken" : "refused";

it("a budget for other neighbours does not type-check", () => {
  const [same, other, either]: [Takes<Budget<"add-remove">>, Takes<Budget<"replace-one">>, Takes<Budget>] = [
    "taken",
    "refused",
    "refused",
  ];
  expect([same, other, either]).toEqual(["taken", "refused", "refused"]);
});

describe("budgets of persons", () => {
  const terms = { dataset: "small", unit: "person", neighbours: "add-remove", measure: "epsilon", limit: 1 } as const;

  it("leave out who has nothing left, and charge each of the others", () => {
    using people = PeopleBudget.create(newFile(), terms);
    const some = small(ROWS.slice(0, 5), "add-remove");
    // No noise to speak of, and all that p0 to p4 have.
    count(some, { noise: { epsilon: 1 }, of: "units" }).releaseForPeople(people);
    expect([people.left("p0"), people.left("p4"), people.left("p5")]).toEqual([0, 0, 1]);
    const rest = count(table, { noise: { epsilon: 0.99 }, of: "units" });
    // 15 units are left of 20; noise of scale 1.01 passes 24 with a chance of 5e-11.
    const { value } = rest.releaseForPeople(people);
    expect(Math.abs(value - 15)).toBeLessThanOrEqual(24);
    expect(people.left("p5")).toBeCloseTo(0.01, 9);
    expect(rest.releaseForPeople(people).value).toBeLessThanOrEqual(24);
  });

  it("are refused where they would not be sound", () => {
    const units = new Set(ROWS.map((r) => r.id)).size;
    const query = sum(small(ROWS, "replace-one", 2, units), "v", { noise: { epsilon: 0.1 } });
    using people = PeopleBudget.create(newFile(), terms);
    expect(() => query.releaseForPeople(people)).toThrow("query: expected add-remove for budgets of persons, got replace-one");
    // Of ρ there is no pure ε, and a δ does not add up there.
    expect(() => count(table, { noise: { rho: 0.1 } }).releaseForPeople(people)).toThrow(coded("PRIVACY_PARAMETER"));
    const unknown = unknownKeys(table, "word", { noise: { epsilon: 0.1 }, delta: 1e-6 });
    expect(() => unknown.releaseForPeople(people)).toThrow(coded("PRIVACY_PARAMETER"));
    expect(people.left("p0")).toBe(1);
  });
});
