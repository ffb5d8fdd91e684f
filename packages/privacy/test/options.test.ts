/** @file A misspelt option is refused at every public door: types are stripped, and an ignored one would leave a guarantee at its default. */
import * as privacy from "@tacit/privacy";
import * as audits from "@tacit/privacy/audits";
import { Budget, PeopleBudget } from "@tacit/privacy/budgets";
import * as queries from "@tacit/privacy/queries";
import { describe, expect, it } from "vitest";
import { gaussian, laplace } from "./accountants/events.ts";
import { budgetOf, newFile, small } from "./queries/house.ts";

const any = (x: unknown): never => x as never;
const noise = { rho: 1 };
const table = small([], "add-remove");
const terms = {
  dataset: "small",
  unit: { name: "person", column: "id", rows: 2 },
  neighbours: "add-remove",
  columns: { v: queries.integer({ bounds: [0, 1] }) },
} as const;
const budget = { dataset: "d", unit: "person", neighbours: "add-remove", epsilon: 1, delta: 1e-6, accountant: "zcdp" } as const;
const people = { dataset: "d", unit: "person", neighbours: "add-remove", measure: "rho", limit: 1 } as const;
const target = { epsilon: 1, delta: 1e-6 };

const losses = Array.from({ length: 300 }, (_, i) => Math.sin(i) + i / 300);
const outcome = { canaries: 20, guesses: 20, correct: 15 };
const coins = Array.from({ length: 20 }, (_, i) => i % 2);

/** Each door with an option `nois` beside what it needs. */
const DOORS: Readonly<Record<string, (wrong: object) => unknown>> = {
  epsilonOf: (x) => privacy.epsilonOf([laplace(1)], any({ delta: 1e-6, accountant: "rdp", ...x })),
  deltaOf: (x) => privacy.deltaOf([laplace(1)], any({ epsilon: 1, accountant: "rdp", ...x })),
  calibrate: (x) => privacy.calibrate((s) => [gaussian(s)], target, any({ accountant: "zcdp", ...x })),
  "calibrate's target": (x) => privacy.calibrate((s) => [gaussian(s)], any({ ...target, ...x }), { accountant: "zcdp" }),
  gaussianStdDev: (x) => privacy.gaussianStdDev(any({ ...target, ...x }), 1),
  exponential: (x) => privacy.exponential([1, 2], any({ epsilon: 1, sensitivity: 1, ...x })),
  reportNoisyMax: (x) => privacy.reportNoisyMax([1, 2], any({ epsilon: 1, sensitivity: 1, ...x })),
  randomisedResponse: (x) => privacy.randomisedResponse(1, any({ epsilon: 1, ...x })),
  estimateCounts: (x) => privacy.estimateCounts([1], any({ epsilon: 1, ...x })),
  "an event": (x) => privacy.epsilonOf(any([{ ...laplace(1), ...x }]), { delta: 1e-6 }),
  "a mechanism": (x) =>
    privacy.epsilonOf(any([{ ...laplace(1), mechanism: { kind: "laplace", scale: 1, ...x } }]), { delta: 1e-6 }),
  sampling: (x) => privacy.epsilonOf(any([{ ...laplace(1), sampling: { kind: "poisson", rate: 0.1, ...x } }]), { delta: 1e-6 }),
  "all rows": (x) => privacy.epsilonOf(any([{ ...laplace(1), sampling: { kind: "all", ...x } }]), { delta: 1e-6 }),
  "Budget.create": (x) => Budget.create(newFile(), any({ ...budget, ...x })),
  "PeopleBudget.create": (x) => PeopleBudget.create(newFile(), any({ ...people, ...x })),
  privateTable: (x) => queries.privateTable([], any({ ...terms, ...x })),
  privateCsv: (x) => queries.privateCsv("id,v\n", any({ ...terms, ...x })),
  "a unit": (x) => queries.privateTable([], any({ ...terms, unit: { ...terms.unit, ...x } })),
  number: (x) => queries.number(any({ bounds: [0, 1], ...x })),
  integer: (x) => queries.integer(any({ bounds: [0, 1], ...x })),
  boolean: (x) => queries.boolean(any(x)),
  category: (x) => queries.category(any({ keys: ["a"], ...x })),
  count: (x) => queries.count(table, any({ noise, ...x })),
  sum: (x) => queries.sum(table, "v", any({ noise, ...x })),
  mean: (x) => queries.mean(table, "v", any({ noise, ...x })),
  variance: (x) => queries.variance(table, "v", any({ noise, ...x })),
  histogram: (x) => queries.histogram(table, "key", any({ noise, ...x })),
  quantiles: (x) => queries.quantiles(table, "v", any({ noise, at: [0.5], ...x })),
  topKeys: (x) => queries.topKeys(table, "key", any({ k: 1, noise: { epsilon: 1 }, ...x })),
  unknownKeys: (x) => queries.unknownKeys(table, "word", any({ noise, delta: 1e-6, ...x })),
  linearRegression: (x) => queries.linearRegression(table, "v", any({ noise, from: ["w"], ...x })),
  "audits.exposure": (x) => audits.exposure([1], losses, any(x)),
  "audits.roc": (x) => audits.roc([1, 2], [3, 4], any(x)),
  "audits.lossThreshold": (x) => audits.lossThreshold([1, 2], [3, 4], any(x)),
  "audits.oneRun": (x) => audits.oneRun(losses.slice(0, 20), coins, any({ delta: 1e-5, ...x })),
  "audits.oneRunBound": (x) => audits.oneRunBound(outcome, any({ delta: 0, ...x })),
  "audits.oneRunPValue": (x) => audits.oneRunPValue(outcome, any({ epsilon: 1, delta: 0, ...x })),
  "audits.defended": (x) => audits.defended([[1, 2]], any({ clip: 1, noiseMultiplier: 1, ...x })),
  noise: (x) => queries.count(table, any({ noise: { ...noise, ...x } })),
};

describe("an option that is none", () => {
  for (const [door, open] of Object.entries(DOORS)) {
    it(`is refused by ${door}, which takes what is right`, () => {
      const made = open({});
      if (made instanceof Budget || made instanceof PeopleBudget) made[Symbol.dispose]();
      expect(() => open({ nois: 1 })).toThrow(expect.objectContaining({ code: "PRIVACY_PARAMETER" }));
    });
  }

  it("is named, beside those that there are", () => {
    expect(() => DOORS.count!({ nois: 1 })).toThrow('count: expected options among noise, where, level, of, got "nois"');
    expect(() => queries.count(table, any(undefined))).toThrow("count: expected an object of options (noise, where, level, of)");
  });

  it("is told where it belongs, if it is one of something else", () => {
    const hint = (code: RegExp): unknown => expect.objectContaining({ hint: expect.stringMatching(code) });
    expect(() => DOORS.privateTable!({ excess: "random" })).toThrow(hint(/unit: \{/));
    expect(() => DOORS["PeopleBudget.create"]!({ rho: 0.1 })).toThrow(hint(/measure: "rho", limit: 0\.1/));
    expect(() => DOORS.integer!({ grid: 2 })).toThrow(hint(/use number/));
    expect(() => queries.histogram(table, "key", any({ noise, edges: [0, 1] }))).toThrow(
      "no edges for a column of kind category",
    );
    expect(() => queries.histogram(table, "v", any({ noise, edges: [0, 1], keys: ["a"] }))).toThrow("no keys for a column");
  });
});

describe("a sampling of another kind", () => {
  it("is refused, and not read as all rows", () => {
    for (const kind of ["Poisson", "shuffle", "fixed", undefined])
      expect(() => privacy.epsilonOf(any([{ ...laplace(1), sampling: { kind, rate: 0.1 } }]), { delta: 1e-6 })).toThrow(
        expect.objectContaining({ code: "PRIVACY_SAMPLING" }),
      );
    expect(() => privacy.epsilonOf(any([{ ...laplace(1), sampling: undefined }]), { delta: 1e-6 })).toThrow("expected sampling");
  });

  it("with a rate of 0 is refused as one of 2 is", () => {
    for (const rate of [0, 2])
      for (const accountant of ["pure", "zcdp", "rdp", "pld"] as const)
        expect(() => privacy.epsilonOf([laplace(1, rate)], { delta: 1e-6, accountant })).toThrow(
          `expected a sampling rate above 0, at most 1, got ${rate}`,
        );
  });
});

describe("conditions", () => {
  it("are data: a function, of which no names would be read, is refused before anything is charged", () => {
    using spent = budgetOf("add-remove");
    for (const where of [(r: { v: number }): boolean => r.v > 1, new Map([["v", [0, 1]]]), ["v"], "v", null, true])
      expect(() => queries.count(table, any({ noise, where })).release(spent, "x")).toThrow(
        expect.objectContaining({ code: "PRIVACY_PARAMETER", hint: expect.stringContaining("where: { smoker: true") }),
      );
    expect(spent.entries()).toEqual([]);
    expect(() => queries.count(table, { noise, where: { v: [0, 1] } })).not.toThrow();
  });
});

describe("the two estimates of pld", () => {
  it("hold the exact ε of Gaussian releases between them", () => {
    const events = [gaussian(2, 1, 3)];
    const [low, high] = (["optimistic", "pessimistic"] as const).map((estimate) =>
      privacy.epsilonOf(events, { delta: 1e-6, estimate }),
    );
    const exact = privacy.gaussianDelta(Math.sqrt(3) / 2, low!);
    expect(low).toBeLessThan(high!);
    expect(high! - low!).toBeLessThan(1e-2);
    expect(exact).toBeGreaterThanOrEqual(1e-6);
    expect(privacy.gaussianDelta(Math.sqrt(3) / 2, high!)).toBeLessThanOrEqual(1e-6);
    expect(privacy.deltaOf(events, { epsilon: 3, estimate: "optimistic" })).toBeLessThan(privacy.deltaOf(events, { epsilon: 3 }));
  });

  it("are of pld alone", () => {
    for (const accountant of ["pure", "zcdp", "rdp"] as const)
      expect(() => privacy.epsilonOf([laplace(1)], { delta: 1e-6, accountant, estimate: "optimistic" })).toThrow(
        `an estimate with accountant pld alone, got ${accountant}`,
      );
    expect(() => privacy.epsilonOf([laplace(1)], { delta: 1e-6, estimate: any("best") })).toThrow("pessimistic or optimistic");
  });
});
