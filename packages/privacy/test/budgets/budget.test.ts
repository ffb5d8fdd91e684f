/** @file Budgets cannot be over-spent: by many processes at once, after a kill, by rounding, by reopening. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Budget, PeopleBudget } from "../../src/budgets/index.ts";
import { ONE, TERMS } from "./terms.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tacit-budget-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const path = (): string => join(directory, "visits.sqlite");
const coded = (code: string): unknown => expect.objectContaining({ code });

const SPENDER = fileURLToPath(new URL("spender.ts", import.meta.url));

/** Runs a spender to its end: [how it ended, what it printed]. */
function spend(mode: string): Promise<readonly [string, number]> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [SPENDER, path(), mode], { stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (text: Buffer) => {
      out += text.toString();
    });
    child.on("close", (code, signal) => resolve([signal ?? `${code}`, Number(out)]));
  });
}

describe("a budget", () => {
  it("is spent to the last release and then refuses, also when it is opened again", () => {
    {
      using budget = Budget.create(path(), TERMS);
      for (let i = 0; i < 50; i++) budget.release([ONE], "count", () => 0);
      expect(budget.state.spent).toBeCloseTo(5, 9);
    }
    using again = Budget.open(path(), TERMS);
    let drawn = false;
    const more = (): unknown =>
      again.release([ONE], "count", () => {
        drawn = true;
      });
    expect(more).toThrow(coded("PRIVACY_BUDGET"));
    expect(drawn).toBe(false);
    expect(again.entries()).toHaveLength(50);
  });

  it("lives in a file, names its unit and a known relation, and its terms stand", () => {
    const people = { dataset: "visits", unit: "person", neighbours: "add-remove", measure: "rho", limit: 1 } as const;
    for (const name of [":memory:", "", "file::memory:"]) {
      for (const act of ["create", "open"] as const) {
        expect(() => Budget[act](name, TERMS)).toThrow(coded("PRIVACY_LEDGER"));
        expect(() => PeopleBudget[act](name, people)).toThrow(coded("PRIVACY_LEDGER"));
      }
    }
    for (const wrong of [{ neighbours: "similar" }, { measure: "rhoo" }, { dataset: "" }, { unit: "" }])
      expect(() => PeopleBudget.create(path(), { ...people, ...wrong } as typeof people)).toThrow(/expected/);
    using budget = Budget.create(path(), TERMS);
    expect(() => Object.assign(budget.terms, { epsilon: 1000 })).toThrow(TypeError);
    expect(budget.terms.epsilon).toBe(TERMS.epsilon);
  });

  it("gives 4 processes that ask at once exactly what it has, also when one is killed in the middle of a release", async () => {
    using budget = Budget.create(path(), TERMS);
    const ended = await Promise.all(["after", "killed", "after", "after"].map(spend));
    expect(ended[1]![0]).toBe("SIGKILL");
    const drawn = ended.reduce((n, [, count]) => n + (Number.isNaN(count) ? 0 : count), 0);
    expect(budget.entries()).toHaveLength(50);
    // The killed one drew once and could not say so.
    expect(drawn).toBe(49);
    expect(budget.state.left).toBeLessThan(0.1);
  }, 60_000);

  it("counts what is reserved as spent, until it is cancelled", () => {
    using budget = Budget.create(path(), TERMS);
    const half = { ...ONE, count: 25 };
    const first = budget.reserve([half], "training");
    budget.release([half], "counts", () => 0);
    expect(() => budget.reserve([ONE], "one more")).toThrow(coded("PRIVACY_BUDGET"));
    first.cancel();
    const second = budget.reserve([half], "training again");
    second.spend();
    expect(() => second.cancel()).toThrow(coded("PRIVACY_RESERVATION"));
    expect(() => first.spend()).toThrow(coded("PRIVACY_RESERVATION"));
    expect(budget.entries().map((e) => e.state)).toEqual(["cancelled", "spent", "spent"]);
  });

  it("says before what a release would cost, with all that stands there", () => {
    using budget = Budget.create(path(), TERMS);
    budget.release([{ ...ONE, count: 10 }], "counts", () => 0);
    expect(budget.after([ONE])).toBeCloseTo(1.1, 9);
    expect(budget.state).toMatchObject({ epsilon: TERMS.epsilon });
  });

  it("writes nothing where drawing fails later than the write: it stays spent", () => {
    using budget = Budget.create(path(), TERMS);
    const fails = (): unknown =>
      budget.release([ONE], "count", () => {
        throw new Error("no disk for the answer");
      });
    expect(fails).toThrow("no disk");
    expect(budget.state.spent).toBeCloseTo(0.1, 9);
  });

  it("refuses other terms for the same file, other neighbours, bad parameters and files that are none", () => {
    Budget.create(path(), TERMS)[Symbol.dispose]();
    expect(() => Budget.open(path(), { ...TERMS, epsilon: 50 })).toThrow(coded("PRIVACY_LEDGER"));
    expect(() => Budget.create(join(directory, "x"), { ...TERMS, epsilon: Number.NaN })).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => Budget.create(join(directory, "x"), { ...TERMS, accountant: "pld" })).toThrow(coded("PRIVACY_PARAMETER"));
    expect(existsSync(join(directory, "x"))).toBe(false);
    writeFileSync(join(directory, "text"), "not a database, and longer than a header of one hundred bytes ".repeat(4));
    for (const act of ["create", "open"] as const)
      expect(() => Budget[act](join(directory, "text"), TERMS)).toThrow(coded("PRIVACY_LEDGER"));
    using budget = Budget.open(path(), TERMS);
    expect(() => budget.release([{ ...ONE, neighbours: "replace-one" }], "x", () => 0)).toThrow(coded("PRIVACY_NEIGHBOURS"));
    const gaussian = { ...ONE, mechanism: { kind: "gaussian", noiseMultiplier: 100 } as const };
    expect(() => budget.release([gaussian], "x", () => 0)).toThrow(coded("PRIVACY_BUDGET"));
  });
});

describe("a budget for each person", () => {
  const terms = { dataset: "visits", unit: "person", neighbours: "add-remove", measure: "rho", limit: 0.0100001 } as const;
  const event = { ...ONE, mechanism: { kind: "gaussian", noiseMultiplier: 10 } as const };

  it("leaves out who has spent theirs, and charges the others", () => {
    using budget = PeopleBudget.create(path(), terms);
    // Each costs ρ 0.005.
    const ask = (people: readonly string[]): readonly string[] => budget.release([event], people, (included) => included);
    expect(ask(["ann", "bob"])).toEqual(["ann", "bob"]);
    expect(ask(["ann", "ann"])).toEqual(["ann"]);
    expect(ask(["ann", "bob"])).toEqual(["bob"]);
    expect(ask(["ann", "bob"])).toEqual([]);
    expect(budget.left("ann")).toBeLessThan(1e-6);
    expect(budget.left("cem")).toBeCloseTo(0.0100001, 9);
  });

  it("adds up in whole grains, rounded up: a thousand small releases cost no less than their sum", () => {
    using budget = PeopleBudget.create(path(), terms);
    const small = { ...event, mechanism: { kind: "gaussian", noiseMultiplier: 1000 } as const };
    for (let i = 0; i < 100; i++) budget.release([small], ["ann"], () => 0);
    expect(budget.left("ann")).toBeLessThanOrEqual(0.0100001 - 100 * 5e-7);
    expect(budget.left("ann")).toBeCloseTo(0.0100001 - 100 * 5e-7, 9);
  });

  it("is for add-remove alone: who is left out would differ in number where one person is replaced", () => {
    const replaced = { ...terms, neighbours: "replace-one" } as unknown as typeof terms;
    for (const act of ["create", "open"] as const)
      expect(() => PeopleBudget[act](path(), replaced)).toThrow(coded("PRIVACY_NEIGHBOURS"));
  });

  it("refuses events without a finite measure, and other terms", () => {
    using budget = PeopleBudget.create(path(), { ...terms, measure: "epsilon", limit: 1 });
    expect(() => budget.release([event], ["ann"], () => 0)).toThrow(coded("PRIVACY_PARAMETER"));
    expect(() => PeopleBudget.open(path(), terms)).toThrow(coded("PRIVACY_LEDGER"));
    expect(() => PeopleBudget.create(path(), terms)).toThrow(coded("PRIVACY_LEDGER_EXISTS"));
  });
});
