/** @file Sums of discrete Gaussians: the bound against divergences computed term by term, and what it must refuse. */
import { deltaOf, epsilonOf } from "@tacit/privacy";
import { describe, expect, it } from "vitest";
import { closeness, distributedRho } from "../../src/accountants/distributed.ts";
import { renyiCurve } from "../../src/accountants/rdp.ts";
import type { DistributedDiscreteGaussian } from "../../src/events.ts";
import { event } from "./events.ts";

const FAR = 60;
const mechanism = (stdDev: number, parties: number, sensitivity: number, dimension = 1): DistributedDiscreteGaussian => ({
  kind: "distributed-discrete-gaussian",
  stdDev,
  parties,
  sensitivity,
  dimension,
});

/** Masses of the sum at -FAR..FAR, by convolution. */
function masses(stdDev: number, parties: number): number[] {
  const one = Array.from({ length: 2 * FAR + 1 }, (_, i) => Math.exp(-((i - FAR) ** 2) / (2 * stdDev ** 2)));
  let sum = one;
  for (let p = 1; p < parties; p++) {
    sum = one.map((_, z) => one.reduce((s, m, x) => s + m * (sum[z - x + FAR] ?? 0), 0));
  }
  const total = sum.reduce((a, b) => a + b, 0);
  return sum.map((m) => m / total);
}

/** Rényi divergence of order α of the sum from itself moved by `shift`; in the order 1 Kullback and Leibler's. */
function divergence(law: readonly number[], shift: number, a: number): number {
  let sum = 0;
  law.forEach((p, z) => {
    const q = law[z - shift] ?? 0;
    if (p > 0 && q > 0) sum += a === 1 ? p * Math.log(p / q) : Math.exp(a * Math.log(p) + (1 - a) * Math.log(q));
  });
  return a === 1 ? sum : Math.log(sum) / (a - 1);
}

const ORDERS = [1, 1.001, 1.05, 1.5, 2, 3, 5];
const SMALL = [0.71, 0.75, 0.85, 1, 1.5, 2];

describe("a sum of discrete Gaussians", () => {
  it("has divergences below the bound, at every order, for one to four parties and the smallest deviations", () => {
    for (const stdDev of SMALL) {
      for (const parties of [1, 2, 3, 4]) {
        const law = masses(stdDev, parties);
        for (const shift of [1, 2, 3]) {
          const rho = distributedRho(mechanism(stdDev, parties, shift));
          for (const a of ORDERS) expect(divergence(law, shift, a) / a).toBeLessThanOrEqual(rho * (1 + 1e-9));
        }
      }
    }
  });

  it("has them in two coordinates as well, where they add up", () => {
    for (const stdDev of SMALL) {
      const law = masses(stdDev, 2);
      const rho = distributedRho(mechanism(stdDev, 2, Math.SQRT2, 2));
      for (const a of ORDERS) expect((2 * divergence(law, 1, a)) / a).toBeLessThanOrEqual(rho * (1 + 1e-9));
    }
  });

  it("is not the discrete Gaussian of the sum's variance: without τ the bound would be broken", () => {
    const broken = SMALL.flatMap((stdDev) => {
      const law = masses(stdDev, 2);
      return ORDERS.filter((a) => divergence(law, 1, a) / a > 1 / (4 * stdDev ** 2));
    });
    expect(broken.length).toBeGreaterThan(0);
  });

  it("costs what one Gaussian of the sum's variance costs once deviations are not tiny, and τ where they are", () => {
    expect(distributedRho(mechanism(50, 2, 10, 1e6))).toBeCloseTo(100 / (2 * 2 * 2500), 15);
    expect(closeness(0.75, 2)).toBeCloseTo(10 * Math.exp(-(Math.PI ** 2) * 0.5625), 12);
    expect(closeness(0.75, 3)).toBeGreaterThan(closeness(0.75, 2));
    expect(closeness(3, 1)).toBe(0);
  });

  it("adds up under zCDP and RDP, which agree on it", () => {
    const events = [event(mechanism(100, 2, 25, 7850), 1, 40)];
    const zcdp = epsilonOf(events, { delta: 1e-5, accountant: "zcdp" });
    expect(epsilonOf(events, { delta: 1e-5, accountant: "rdp" }) / zcdp).toBeCloseTo(1, 2);
    expect(deltaOf(events, { epsilon: zcdp, accountant: "zcdp" })).toBeCloseTo(1e-5, 9);
    expect(renyiCurve(events).divergences[0]).toBeCloseTo(40 * 1.05 * (625 / 40_000), 10);
  });

  it("is refused where it has no account: PLD, a variance below 1/2, no party, no coordinate", () => {
    const cost = (m: DistributedDiscreteGaussian, accountant: "pld" | "zcdp"): (() => number) => {
      return () => epsilonOf([event(m, 1, 1)], { delta: 1e-5, accountant });
    };
    expect(cost(mechanism(9, 2, 1), "pld")).toThrow(expect.objectContaining({ code: "PRIVACY_UNACCOUNTED" }));
    for (const bad of [
      mechanism(0.7, 2, 1),
      mechanism(9, 0, 1),
      mechanism(9, 1.5, 1),
      mechanism(9, 2, 1, 0),
      mechanism(9, 2, -1),
    ])
      expect(cost(bad, "zcdp")).toThrow(expect.objectContaining({ code: "PRIVACY_PARAMETER" }));
  });
});
