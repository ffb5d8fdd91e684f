/** @file Budgets that hold when what is asked next depends on the answers: limits that are fixed with the budget, and no others. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PrivacyEvent } from "@tacit/privacy";
import { epsilonOf } from "@tacit/privacy";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bestOrder, epsilonIn } from "../../src/budgets/filters.ts";
import { Budget, type BudgetTerms } from "../../src/budgets/index.ts";
import { event, gaussian, laplace } from "../accountants/events.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tacit-filter-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const budget = (terms: Partial<BudgetTerms>): Budget => {
  const path = join(directory, `${files++}.sqlite`);
  return Budget.create(path, {
    dataset: "d",
    unit: "person",
    neighbours: "add-remove",
    epsilon: 3,
    delta: 1e-6,
    accountant: "zcdp",
    ...terms,
  });
};
const coded = (code: string): unknown => expect.objectContaining({ code });
const unknownKeys: PrivacyEvent = event({ kind: "approximate", epsilon: 0.1, delta: 1e-8 }, 1, 1);

/** ε of a divergence r at order a and δ, written down again (Canonne, Kamath, Steinke 2020, proposition 12). */
const byHand = (r: number, a: number, delta: number): number =>
  Math.max(0, r + Math.log((a - 1) / a) - (Math.log(delta) + Math.log(a)) / (a - 1));

describe("a budget read by rdp", () => {
  it("adds up the divergence at one order that stands in its terms", () => {
    using b = budget({ accountant: "rdp", order: 8 });
    b.release([gaussian(20, 1, 10)], "a", () => 0);
    b.release([laplace(30, 1, 5)], "b", () => 0);
    const l = Math.log((8 / 15) * Math.exp(7 / 30) + (7 / 15) * Math.exp(-8 / 30)) / 7;
    expect(b.state.spent).toBeCloseTo(byHand((10 * 8) / (2 * 400) + 5 * l, 8, 1e-6), 10);
  });

  it("takes no better order for what came: releases that the best of many orders would let pass are refused", () => {
    using b = budget({ accountant: "rdp" });
    expect(b.terms.order).toBe(bestOrder(3, 1e-6));
    const pure = laplace(0.5);
    // One answer of pure ε 2: at a large order alone its divergence is 2.
    expect(epsilonOf([pure], { delta: 1e-6, accountant: "rdp" })).toBeLessThan(2.01);
    expect(epsilonIn(b.terms, [pure])).toBeGreaterThan(3);
    expect(() => b.release([pure], "noise chosen after an answer", () => 0)).toThrow(coded("PRIVACY_BUDGET"));
    let n = 0;
    expect(() => {
      for (; n < 100; n++) b.release([gaussian(10)], "noise chosen before", () => 0);
    }).toThrow(coded("PRIVACY_BUDGET"));
    const fits = (k: number): number => epsilonIn(b.terms, [gaussian(10, 1, k)]);
    expect(fits(n)).toBeLessThanOrEqual(3);
    expect(fits(n + 1)).toBeGreaterThan(3);
    // Of Gaussian noise as many as zCDP lets through.
    expect(epsilonOf([gaussian(10, 1, n + 2)], { delta: 1e-6, accountant: "zcdp" })).toBeGreaterThan(3);
  });

  it("chooses the order at which Gaussian noise goes farthest: no integer beside it lets more through", () => {
    for (const [epsilon, delta] of [
      [0.1, 1e-9],
      [1, 1e-6],
      [8, 1e-5],
    ] as const) {
      const order = bestOrder(epsilon, delta);
      const most = (a: number): number => (epsilon - byHand(100, a, delta) + 100) / a;
      for (const other of [order - 1, order + 1].filter((a) => a > 1 && a <= 1024))
        expect(most(other), `${epsilon} ${other}`).toBeLessThanOrEqual(most(order));
    }
  });

  it("counts sampled steps with what sampling gains, which zcdp cannot", () => {
    const steps = gaussian(1, 0.01, 200);
    using b = budget({ accountant: "rdp" });
    b.release([steps], "training", () => 0);
    expect(b.state.spent).toBeLessThan(3);
    using z = budget({ accountant: "zcdp" });
    expect(() => z.release([steps], "training", () => 0)).toThrow(coded("PRIVACY_UNACCOUNTED"));
  });
});

describe("δ of releases that hold only outside a chance", () => {
  it("has a limit of its own, and none unless the terms say so", () => {
    for (const accountant of ["zcdp", "rdp"] as const) {
      using none = budget({ accountant });
      expect(() => none.release([unknownKeys], "keys", () => 0)).toThrow(
        expect.objectContaining({ code: "PRIVACY_BUDGET", hint: expect.stringContaining("approximateDelta") }),
      );
      using some = budget({ accountant, approximateDelta: 2.5e-8 });
      some.release([unknownKeys], "keys", () => 0);
      some.release([unknownKeys], "keys", () => 0);
      expect(() => some.release([unknownKeys], "keys", () => 0)).toThrow(coded("PRIVACY_BUDGET"));
    }
  });

  it("does not move the limit of the rest, whether it is used or not", () => {
    for (const accountant of ["zcdp", "rdp"] as const) {
      const terms = { epsilon: 3, delta: 1e-6, accountant, approximateDelta: 5e-7, ...(accountant === "rdp" && { order: 12 }) };
      const gauss = gaussian(5, 1, 2);
      const whole = epsilonIn({ ...terms, delta: 5e-7, approximateDelta: 0 }, [gauss]);
      expect(epsilonIn(terms, [gauss])).toBeCloseTo(whole, 12);
      const none = event({ kind: "approximate", epsilon: 0, delta: 4e-7 }, 1, 1);
      expect(epsilonIn(terms, [gauss, none])).toBeCloseTo(whole, 12);
    }
  });
});

describe("terms of reading", () => {
  it("are refused where the accountant has none, or they are out of range", () => {
    for (const wrong of [
      { accountant: undefined },
      { accountant: "none" },
      { accountant: "pld", order: 8 },
      { accountant: "zcdp", order: 8 },
      { accountant: "pld", approximateDelta: 1e-7 },
      { accountant: "rdp", order: 1 },
      { accountant: "rdp", order: Number.NaN },
      { accountant: "rdp", approximateDelta: 1e-6 },
      { accountant: "zcdp", approximateDelta: -1e-9 },
    ] as unknown as Partial<BudgetTerms>[])
      expect(() => budget(wrong), JSON.stringify(wrong)).toThrow(coded("PRIVACY_PARAMETER"));
  });

  it("stand in the file: it opens with the same, and with no others", () => {
    const path = join(directory, "one.sqlite");
    const terms = { dataset: "d", unit: "person", neighbours: "add-remove", epsilon: 3, delta: 1e-6, accountant: "rdp" } as const;
    Budget.create(path, terms)[Symbol.dispose]();
    Budget.open(path, terms)[Symbol.dispose]();
    expect(() => Budget.open(path, { ...terms, order: 12 })).toThrow(
      expect.objectContaining({
        code: "PRIVACY_LEDGER",
        message: `budget: expected order ${bestOrder(3, 1e-6)}, as the terms in ${path} have it, got 12`,
      }),
    );
  });
});
