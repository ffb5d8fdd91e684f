/** @file What a budget says when it refuses is true: which term differs, what is wrong with a file, and more noise only where it helps. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Mechanism, PrivacyEvent } from "@tacit/privacy";
import { Budget, type BudgetTerms, PeopleBudget } from "@tacit/privacy/budgets";
import { count, unknownKeys } from "@tacit/privacy/queries";
import { describe, expect, it } from "vitest";
import { event, gaussian, laplace } from "../accountants/events.ts";
import { budgetOf, newFile, small } from "../queries/house.ts";

const TERMS = { dataset: "d", unit: "person", neighbours: "add-remove", epsilon: 1, delta: 1e-6, accountant: "zcdp" } as const;
const refused = (message: string | RegExp, hint: RegExp, code = "PRIVACY_BUDGET"): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message), hint: expect.stringMatching(hint) });
const approximate = (delta: number): PrivacyEvent => event({ kind: "approximate", epsilon: 0, delta } as Mechanism, 1, 1);
const asking =
  (terms: Partial<BudgetTerms>, ...releases: readonly (readonly PrivacyEvent[])[]): (() => void) =>
  () => {
    using budget = Budget.create(newFile(), { ...TERMS, ...terms });
    for (const events of releases) budget.release(events, "x", () => 0);
  };

describe("a release that does not fit", () => {
  it("by its own δ is told so, and not to take more noise", () => {
    const hint = /no noise lowers: ask with a delta of less than/;
    for (const accountant of ["pld", "pure"] as const)
      expect(asking({ accountant }, [approximate(3e-6)])).toThrow(refused(/δ of at most 0\.000001, got 0\.000003000/, hint));
    expect(asking({ accountant: "rdp", epsilon: 3, approximateDelta: 5e-7 }, [approximate(6e-7)])).toThrow(
      refused(/approximateDelta of at most/, hint),
    );
    expect(asking({ accountant: "pure" }, [approximate(1e-6)], [approximate(1e-9)])).toThrow(
      refused(/δ/, /nothing is left of it/),
    );
    expect(asking({}, [approximate(1e-9)])).toThrow(refused(/approximateDelta of at most 0/, /in the terms of a new budget/));
    const table = small([], "add-remove");
    using budget = budgetOf("add-remove");
    const query = unknownKeys(table, "word", { noise: { rho: 0.001 }, delta: 1e-5 });
    expect(() => query.release(budget, "words")).toThrow(refused(/δ of at most/, /no noise lowers/));
  });

  it("as its noise has no pure ε is told which budgets read it", () => {
    expect(asking({ accountant: "pure" }, [gaussian(1e6)])).toThrow(
      refused(/releases with a pure ε, got one with noise of kind gaussian/, /zcdp, rdp or pld/),
    );
  });

  it("as nothing is left is told that", () => {
    const all = [laplace(1)];
    expect(asking({ accountant: "pure" }, all, [laplace(1e6)])).toThrow(refused(/ε 1 of d per person/, /^nothing is left/));
    expect(asking({ accountant: "pure" }, [laplace(2)], all)).toThrow(
      refused(/got 1\.500 with this release/, /with more noise$/),
    );
  });

  it("as δ is below what pld can tell from 0 is told to take another accountant", () => {
    expect(asking({ accountant: "pld", delta: 1e-15 }, [gaussian(100)])).toThrow(
      refused(/told apart from δ 1e-15/, /rdp or zcdp/),
    );
  });

  it("could never fit, whatever its noise: then the budget is not made", () => {
    expect(asking({ accountant: "rdp", epsilon: 0.003 })).toThrow(
      refused(/epsilon above 0\.00\d+, what the first release costs at order 1024/, /zcdp/, "PRIVACY_PARAMETER"),
    );
  });
});

describe("a release", () => {
  it("without a purpose is refused, and nothing is spent", () => {
    using budget = budgetOf("add-remove");
    const query = count(small([], "add-remove"), { noise: { rho: 1 } });
    for (const purpose of [undefined, "", " ", 7])
      expect(() => query.release(budget, purpose as string)).toThrow(
        refused(/a purpose/, /release\(budget, "/, "PRIVACY_PARAMETER"),
      );
    expect(() => query.release(undefined as never, "x")).toThrow(
      refused(/a budget, got undefined/, /Budget\.open/, "PRIVACY_PARAMETER"),
    );
    expect(budget.entries()).toEqual([]);
  });

  it("from a budget that was closed says so, and closing twice is no error", () => {
    const budget = budgetOf("add-remove");
    budget[Symbol.dispose]();
    budget[Symbol.dispose]();
    const closed = refused(/one that is open, got one that was closed/, /open/, "PRIVACY_LEDGER");
    expect(() => budget.release([laplace(1)], "x", () => 0)).toThrow(closed);
    expect(() => budget.entries()).toThrow(closed);
    expect(() => budget.state).toThrow(closed);
  });
});

describe("a file", () => {
  const ledger = (message: RegExp): unknown =>
    expect.objectContaining({ code: "PRIVACY_LEDGER", message: expect.stringMatching(message) });

  it("with other terms names the first that differs, and both values", () => {
    const path = newFile();
    Budget.create(path, TERMS)[Symbol.dispose]();
    expect(() => Budget.open(path, { ...TERMS, epsilon: 2 })).toThrow(ledger(/expected epsilon 1, as the terms in .* got 2$/));
    expect(() => Budget.open(path, { ...TERMS, unit: "visit" })).toThrow(ledger(/expected unit "person", .* got "visit"$/));
    expect(() => Budget.open(path, { ...TERMS, accountant: "pld" })).toThrow(ledger(/expected accountant "zcdp", .* got "pld"$/));
    const people = { dataset: "d", unit: "person", neighbours: "add-remove", measure: "rho", limit: 1 } as const;
    expect(() => PeopleBudget.open(path, people)).toThrow(ledger(/the file of a PeopleBudget, got a Budget's/));
  });

  it("that is no ledger, is a folder, or stands in a folder that does not exist is told apart", () => {
    const path = newFile();
    writeFileSync(path, "not a database, and longer than a header of one hundred bytes ".repeat(4));
    for (const act of ["create", "open"] as const)
      expect(() => Budget[act](path, TERMS)).toThrow(ledger(/got a file of another kind/));
    const nowhere = join(dirname(path), "misspelt", "budget.sqlite");
    expect(() => Budget.create(nowhere, TERMS)).toThrow(ledger(/expected a folder at .*misspelt, got none/));
    mkdirSync(join(dirname(path), "folder"));
    expect(() => Budget.create(join(dirname(path), "folder"), TERMS)).toThrow(ledger(/got the folder/));
  });
});
