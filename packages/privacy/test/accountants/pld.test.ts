/** @file PLD against published values and closed forms; the truth lies between the two estimates. */
import { gaussianDelta } from "@tacit/privacy";
import { describe, expect, it } from "vitest";
import { type PldOptions, privacyLoss } from "../../src/accountants/pld.ts";
import type { PrivacyEvent } from "../../src/events.ts";
import { event, gaussian, laplace } from "./events.ts";

type Between = readonly [optimistic: number, pessimistic: number];
const both = (
  events: readonly PrivacyEvent[],
  of: (loss: ReturnType<typeof privacyLoss>) => number,
  options: PldOptions = {},
): Between => [of(privacyLoss(events, { ...options, estimate: "optimistic" })), of(privacyLoss(events, options))];
const holds = ([low, high]: Between, value: number, width: number): void => {
  expect(low).toBeLessThanOrEqual(value);
  expect(high).toBeGreaterThanOrEqual(value);
  expect(high - low).toBeLessThan(width);
};

describe("the PLD accountant", { timeout: 120_000 }, () => {
  it("gives δ of three Gaussians of σ √3, which are one of μ = 1", () => {
    holds(
      both([gaussian(Math.sqrt(3), 1, 3)], (x) => x.delta(1)),
      gaussianDelta(1, 1),
      1e-5,
    );
    expect(gaussianDelta(1, 1)).toBeCloseTo(0.126936, 5);
  });

  it("gives δ of three sampled Gaussians of σ 0.5, to the width of dp_accounting's own grid", () => {
    const [low, high] = both([gaussian(0.5, 0.2, 3)], (x) => x.delta(1));
    expect(low).toBeLessThanOrEqual(high);
    expect(high - low).toBeLessThan(1e-5);
    // 0.15594 there, on a grid that rounds up.
    expect(high).toBeLessThan(0.15594);
    expect(high).toBeCloseTo(0.15594, 4);
  });

  it("gives ε of three sampled Laplaces at δ 0, and of five plain ones, exactly", () => {
    expect(privacyLoss([laplace(0.5, 0.2, 3)]).epsilon(0)).toBeCloseTo(3 * Math.log(1 + 0.2 * Math.expm1(2)), 12);
    expect(privacyLoss([laplace(1, 1, 3), laplace(2, 1, 2)]).epsilon(0)).toBeCloseTo(4, 12);
    expect(privacyLoss([laplace(1, 1, 3)]).delta(3)).toBe(0);
  });

  it("gives ε of 2,249 steps at σ 1.5 and rate 0.04 within a thousandth, below the published upper bound", () => {
    const [low, high] = both([gaussian(1.5, 0.04, 2249)], (x) => x.epsilon(1e-5));
    expect(high - low).toBeLessThan(1e-3);
    expect(high).toBeCloseTo(6.7673, 3);
    expect(high).toBeLessThan(6.777395712);
  });

  it("gives ε of two published trainings, below what RDP gives", () => {
    const mnist = both([gaussian(1.1, 256 / 60_000, 14_062)], (x) => x.epsilon(1e-5));
    expect(mnist[1] - mnist[0]).toBeLessThan(2e-3);
    expect(Math.abs(mnist[1] - 2.3818)).toBeLessThan(3e-4);
    const abadi = both([gaussian(4, 0.01, 10_000)], (x) => x.epsilon(1e-5));
    expect(abadi[1] - abadi[0]).toBeLessThan(1e-3);
    expect(Math.abs(abadi[1] - 0.9469)).toBeLessThan(1e-4);
  });

  it("holds the closed form of ten thousand Gaussians of σ 100 between its estimates at every ε", () => {
    const loss = {
      low: privacyLoss([gaussian(100, 1, 10_000)], { estimate: "optimistic" }),
      high: privacyLoss([gaussian(100, 1, 10_000)]),
    };
    for (const epsilon of [0.1, 1, 10, 100]) {
      holds([loss.low.delta(epsilon), loss.high.delta(epsilon)], gaussianDelta(1, epsilon), 2e-5);
    }
  });

  it("judges removing by one pair and adding by the other, and reports the worse", () => {
    const loss = privacyLoss([gaussian(1.1, 256 / 60_000, 14_062)]);
    // Published, by another accountant: 2.3818 for removing, 2.2437 for adding.
    expect(Math.abs(loss.epsilon(1e-5, "remove") - 2.3818)).toBeLessThan(3e-4);
    expect(Math.abs(loss.epsilon(1e-5, "add") - 2.2437)).toBeLessThan(3e-4);
    expect(loss.epsilon(1e-5)).toBe(loss.epsilon(1e-5, "remove"));
  });

  it("adds no more for rounding than the docs say: δ that no ε can take away", () => {
    expect(privacyLoss([gaussian(1.5, 0.04, 2249)]).delta(50)).toBeLessThan(2e-9);
    expect(privacyLoss([gaussian(1.1, 256 / 60_000, 14_062)]).delta(50)).toBeLessThan(2e-8);
  });

  it("never finds that one release more costs less, whatever the others are", () => {
    const half = { kind: "laplace", scale: 1 } as const;
    const sure = (delta: number, rate: number, count = 1): PrivacyEvent =>
      event({ kind: "approximate", epsilon: 0, delta }, rate, count);
    const lists: readonly (readonly [readonly PrivacyEvent[], PrivacyEvent])[] = [
      [[gaussian(0.5)], sure(0.99, 1e-6, 4)],
      [[gaussian(0.5, 1, 4)], sure(0.999999, 1e-9, 2)],
      [[event(half, 0.5, 2)], sure(0.3, 1)],
      [[event(half, 0.5, 2)], sure(0.001, 1)],
      [[event(half, 0.5, 2)], event({ kind: "approximate", epsilon: 1, delta: 0.01 }, 0.2, 3)],
    ];
    for (const [events, more] of lists) {
      const [before, after] = [privacyLoss(events), privacyLoss([...events, more])];
      for (const epsilon of [0, 0.25, 1, 5]) expect(after.delta(epsilon)).toBeGreaterThanOrEqual(before.delta(epsilon) - 1e-6);
    }
    // δ(0.25) of the two Laplaces when something is added is 0.16629; with a chance of 0.3 that all is lost besides: 1 - 0.7 (1 - 0.16629).
    const adding = privacyLoss([event(half, 0.5, 2), sure(0.3, 1)]).delta(0.25);
    expect(adding).toBeGreaterThanOrEqual(0.3 + 0.7 * 0.16628);
  });

  it("takes what a sampled approximate event does to both sides: the closed form of one", () => {
    const [rate, delta] = [0.3, 0.2];
    const loss = privacyLoss([event({ kind: "approximate", epsilon: 0, delta }, rate, 1)]);
    // (M, Q): rate·δ has infinite loss. (Q, M): δ at loss -log(1 - rate).
    for (const epsilon of [0, 0.1, 0.2, 0.5]) {
      const add = Math.max(0, delta * (1 - Math.exp(epsilon) * (1 - rate)));
      expect(loss.delta(epsilon)).toBeCloseTo(Math.max(rate * delta, add), 9);
    }
  });

  it("takes fields of a mechanism by their names, in any order", () => {
    const one = event({ kind: "discrete-gaussian", stdDev: 8, sensitivity: 2 }, 1, 1);
    const other = event({ kind: "discrete-gaussian", sensitivity: 8, stdDev: 2 }, 1, 1);
    expect(privacyLoss([one, other]).epsilon(1e-5)).toBeGreaterThan(privacyLoss([other]).epsilon(1e-5));
  });

  it("takes little noise, too: σ down to a fifth, and steps of five deviations", () => {
    for (const sigma of [0.3, 0.25, 0.2]) {
      const epsilon = privacyLoss([gaussian(sigma)]).epsilon(1e-5);
      expect(gaussianDelta(1 / sigma, epsilon)).toBeLessThanOrEqual(1e-5);
      expect(gaussianDelta(1 / sigma, epsilon * 0.995)).toBeGreaterThan(1e-5);
    }
    for (const [stdDev, sensitivity] of [
      [2, 8],
      [1, 4],
      [50, 200],
    ] as const) {
      const epsilon = privacyLoss([event({ kind: "discrete-gaussian", stdDev, sensitivity }, 1, 1)]).epsilon(1e-5);
      expect(Number.isFinite(epsilon)).toBe(true);
    }
  });

  it("adds mechanisms of different kinds and scales up, in any order", () => {
    const events = [
      gaussian(5, 0.1, 30),
      laplace(10, 1, 3),
      event({ kind: "discrete-gaussian", stdDev: 40, sensitivity: 3 }, 1, 7),
    ];
    const [low, high] = both(events, (x) => x.epsilon(1e-6));
    expect(low).toBeLessThan(high);
    expect(high / low).toBeLessThan(1.01);
    expect(privacyLoss([...events].reverse()).epsilon(1e-6)).toBeCloseTo(high, 9);
  });

  it("gives the discrete Laplace its pure ε, and lets an approximate event cost its δ", () => {
    const discrete = event({ kind: "discrete-laplace", scale: 4, sensitivity: 2 }, 1, 3);
    expect(privacyLoss([discrete]).epsilon(0)).toBeCloseTo(1.5, 12);
    const approximate = event({ kind: "approximate", epsilon: 0.5, delta: 1e-6 }, 1, 2);
    expect(privacyLoss([approximate]).epsilon(1e-6)).toBe(Number.POSITIVE_INFINITY);
    holds([0, privacyLoss([approximate]).delta(1)], 1.999999e-6, 2.1e-6);
  });

  it("refuses an event of which only ρ is known, and costs nothing where nothing was released", () => {
    expect(() => privacyLoss([event({ kind: "concentrated", rho: 0.1 }, 1, 1)])).toThrow("privacy loss");
    expect(privacyLoss([]).epsilon(1e-6)).toBe(0);
    expect(privacyLoss([gaussian(1, 1, 0)]).delta(0.5)).toBe(0);
  });
});
