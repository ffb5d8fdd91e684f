/** @file RDP against the published tests of Opacus and of Google's dp_accounting, and against quadrature. */
import { describe, expect, it } from "vitest";
import { deltaOfCurve, epsilonOfCurve, renyiCurve } from "../../src/accountants/rdp.ts";
import { moments } from "../../src/accountants/renyi/moments.ts";
import { atIntegers } from "../../src/accountants/renyi/sampled-gaussian.ts";
import { logSum } from "../../src/math/log-space.ts";
import { event, gaussian, laplace } from "./events.ts";

const range = (n: number, at: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => at(i));
/** Opacus' orders: 1.1 to 10.9 by 0.1, 12 to 63. */
const OPACUS = [...range(99, (i) => 1 + (i + 1) / 10), ...range(52, (i) => 12 + i)];

describe("the RDP accountant", () => {
  it("gives Opacus' ε of 2,250 steps at σ 1.5 and rate 0.04, and its order", () => {
    const { epsilon, order } = epsilonOfCurve(renyiCurve([gaussian(1.5, 0.04, 2250)], OPACUS), 1e-5);
    expect(epsilon).toBeCloseTo(7.32911117143, 9);
    expect(order).toBe(3.9);
  });

  it("gives dp_accounting's divergences at integer orders, and the exact ones between, where theirs are loose bounds", () => {
    const { divergences } = renyiCurve([gaussian(2.5, 0.01, 50)], [1.5, 2.5, 5, 50, 100]);
    expect(divergences[2]).toBeCloseTo(2.18075656e-3, 11);
    expect(divergences[3]).toBeCloseTo(2.38460375e-2, 10);
    expect(divergences[4]).toBeCloseTo(1.67416308e2, 6);
    // 6.70579741e-4 and 1.08548710e-3 there.
    expect(divergences[0]).toBeCloseTo(6.50071e-4, 9);
    expect(divergences[1]).toBeLessThan(1.0854871e-3);
    expect(divergences[1]).toBeGreaterThan(1.0853e-3);
  });

  it("agrees at integer orders with the quadrature that serves the others", () => {
    for (const [sigma, rate, order] of [
      [0.6, 0.3, 3],
      [1.1, 0.01, 7],
      [4, 0.9, 2],
      [0.9, 1e-4, 5],
    ] as const) {
      const [whole, near] = moments({ kind: "gaussian", noiseMultiplier: sigma }, { kind: "poisson", rate }, [
        order,
        order + 1e-9,
      ]);
      expect(near! / whole!).toBeCloseTo(1, 6);
    }
  });

  it("adds up integer orders on any scale, in any order, as the sum of logarithms does", () => {
    // The largest term is e^(n² / (2 σ²)) or so: from 1 to 2^11,000,000, far beyond doubles, and back.
    const orders = [2, 64, 3, 33, 63, 2, 17, 64, 8, 5, 4, 100];
    for (const sigma of [0.016, 0.3, 0.7, 1.1, 1.6, 1.9, 5, 1e3]) {
      for (const rate of [1e-300, 1e-9, 0.001, 0.3, 0.999]) {
        const [odds, v] = [Math.log(rate) - Math.log1p(-rate), 1 / (2 * sigma * sigma)];
        const found = atIntegers(sigma, rate, orders);
        orders.forEach((n, i) => {
          let choose = 0;
          const logs = range(n + 1, (k) => {
            if (k > 0) choose += Math.log(n - k + 1) - Math.log(k);
            return choose + k * odds + (k * k - k) * v;
          });
          const largest = Math.max(...logs.map(Math.abs));
          expect(Math.abs(found[i]! - n * Math.log1p(-rate) - logSum(logs))).toBeLessThan(1e-12 + 1e-15 * largest);
        });
      }
    }
  });

  it("gives ε 1 for the σ that was calibrated for it, at a thousand orders a unit", () => {
    const orders = range(99_001, (i) => 1.001 + i / 1000);
    expect(epsilonOfCurve(renyiCurve([gaussian(4.530877117)], orders), 1e-6).epsilon).toBeCloseTo(1, 8);
  });

  it("gives dp_accounting's ε of a constant curve", () => {
    const orders = range(31, (i) => 2 + i);
    const { epsilon, order } = epsilonOfCurve({ orders, divergences: orders.map(() => 1.1), delta: 0 }, 1e-5);
    expect([epsilon.toFixed(11), order]).toEqual(["1.32783806176", 32]);
  });

  it("gives the ε of two published trainings, by both conversions", () => {
    const mnist = renyiCurve([gaussian(1.1, 256 / 60_000, 14_062)], OPACUS);
    expect(epsilonOfCurve(mnist, 1e-5, "classic").epsilon).toBeCloseTo(3.0083, 4);
    expect(epsilonOfCurve(mnist, 1e-5)).toMatchObject({ order: 8.1 });
    expect(epsilonOfCurve(mnist, 1e-5).epsilon).toBeCloseTo(2.5966, 4);
    const abadi = renyiCurve([gaussian(4, 0.01, 10_000)], OPACUS);
    expect(epsilonOfCurve(abadi, 1e-5, "classic").epsilon).toBeCloseTo(1.2586, 4);
    expect(epsilonOfCurve(abadi, 1e-5).epsilon).toBeCloseTo(1.0355, 4);
  });

  it("turns δ back into the ε that it came from", () => {
    const curve = renyiCurve([gaussian(2, 0.1, 100), laplace(3, 1, 2)]);
    const { epsilon } = epsilonOfCurve(curve, 1e-6);
    expect(deltaOfCurve(curve, epsilon)).toBeCloseTo(1e-6, 12);
  });

  it("bounds sampled Laplace between integers from above, and meets the closed form without sampling", () => {
    const at = (order: number, rate: number): number =>
      moments({ kind: "laplace", scale: 2 }, rate === 1 ? { kind: "all" } : { kind: "poisson", rate }, [order])[0]! / (order - 1);
    expect(at(2.5, 0.2)).toBeGreaterThan(at(2, 0.2));
    expect(at(2.5, 0.2)).toBeLessThan(at(3, 0.2) * 1.05);
    expect(at(4, 1 - 1e-12)).toBeCloseTo(at(4, 1), 9);
    // As the order grows, the divergence nears the pure ε.
    expect(at(4000, 1)).toBeCloseTo(0.5, 3);
  });

  it("costs no more for a small-scale discrete Gaussian than for the continuous one, and nothing at rate 0", () => {
    const discrete = event({ kind: "discrete-gaussian", stdDev: 3, sensitivity: 2 }, 1, 4);
    expect(renyiCurve([discrete], [2]).divergences[0]).toBeCloseTo(4 * 2 * (4 / 18), 12);
    expect(renyiCurve([event({ kind: "gaussian", noiseMultiplier: 1 }, 0, 9)], [3]).divergences[0]).toBe(0);
  });

  it("keeps δ of approximate events aside, and spends all of it where nothing is left", () => {
    const events = [event({ kind: "approximate", epsilon: 0.1, delta: 1e-7 }, 1, 5)];
    expect(epsilonOfCurve(renyiCurve(events), 1e-6).epsilon).toBeLessThan(0.51);
    expect(epsilonOfCurve(renyiCurve(events), 4e-7).epsilon).toBe(Number.POSITIVE_INFINITY);
  });
});
