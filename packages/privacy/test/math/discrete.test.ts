/** @file Masses of the discrete laws on runs, and that the accountants read large scales as they read small ones. */
import { epsilonOf, type PrivacyEvent } from "@tacit/privacy";
import { describe, expect, it } from "vitest";
import { discreteGaussianMass, discreteLaplaceMass } from "../../src/math/discrete.ts";

const event = (mechanism: PrivacyEvent["mechanism"], count = 1): PrivacyEvent => ({
  mechanism,
  neighbours: "add-remove",
  sampling: { kind: "all" },
  count,
});
const gaussian = (stdDev: number, sensitivity: number, count = 1): PrivacyEvent =>
  event({ kind: "discrete-gaussian", stdDev, sensitivity }, count);
const laplace = (scale: number, sensitivity: number, count = 1): PrivacyEvent =>
  event({ kind: "discrete-laplace", scale, sensitivity }, count);

describe("masses of runs", () => {
  for (const [name, mass, f] of [
    ["Gaussian of σ 0.7", discreteGaussianMass(0.7), (x: number): number => Math.exp((-x * x) / (2 * 0.49))],
    [
      "Gaussian of σ 4097, by the formula",
      discreteGaussianMass(4097),
      (x: number): number => Math.exp((-x * x) / (2 * 4097 * 4097)),
    ],
    ["Laplace of scale 0.6", discreteLaplaceMass(0.6), (x: number): number => Math.exp(-Math.abs(x) / 0.6)],
    ["Laplace of scale 900", discreteLaplaceMass(900), (x: number): number => Math.exp(-Math.abs(x) / 900)],
  ] as const) {
    it(`are sums of single masses: ${name}`, () => {
      let total = 0;
      for (let x = -50_000; x <= 50_000; x++) total += f(x);
      for (const [lo, hi] of [
        [0, 0],
        [-3, 5],
        [1, 2],
        [-700, -2],
        [2, 9000],
        [-4000, 4100],
        [3, Number.POSITIVE_INFINITY],
        [Number.NEGATIVE_INFINITY, -1],
      ] as const) {
        let sum = 0;
        for (let x = Math.max(lo, -50_000); x <= Math.min(hi, 50_000); x++) sum += f(x) / total;
        expect(mass(lo, hi) / sum).toBeCloseTo(1, 10);
      }
      expect(mass(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toBeCloseTo(1, 13);
      expect(mass(1, 0)).toBe(0);
      expect(mass(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(0);
    });
  }
});

describe("large scales under PLD", () => {
  it("cost what their ratio to the sensitivity costs, for a grid of any fineness", () => {
    const coarse = epsilonOf([gaussian(4000, 800)], { delta: 1e-6 });
    // Atoms are listed up to 4096; then runs are summed. 5e5 once read as ε 0: its far cells were 0, and the window closed.
    for (const k of [1.25, 12.5, 125, 2 ** 30])
      expect(epsilonOf([gaussian(4000 * k, 800 * k)], { delta: 1e-6 }) / coarse).toBeCloseTo(1, 4);
    expect(epsilonOf([laplace(2 ** 31, 2 ** 30)], { delta: 1e-9 })).toBeCloseTo(0.5, 6);
    const listed = epsilonOf([laplace(8000, 4000, 10)], { delta: 1e-6 });
    expect(epsilonOf([laplace(8000 * 2 ** 20, 4000 * 2 ** 20, 10)], { delta: 1e-6 }) / listed).toBeCloseTo(1, 3);
  });

  it("agree with RDP's geometric series for discrete Laplace noise", () => {
    const at = (scale: number, sensitivity: number): number =>
      epsilonOf([laplace(scale, sensitivity, 20)], { delta: 1e-6, accountant: "rdp" });
    expect(at(2e6, 1e6) / at(2000, 1000)).toBeCloseTo(1, 3);
    expect(at(2, 1)).toBeGreaterThan(epsilonOf([laplace(2, 1, 20)], { delta: 1e-6 }));
  });
});
