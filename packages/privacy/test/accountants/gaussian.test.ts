/** @file δ and the least σ of a Gaussian release against fixed-point arithmetic of 1400 bits. */
import { Random } from "@tacit/core";
import { gaussianDelta, gaussianStdDev } from "@tacit/privacy";
import { describe, expect, it } from "vitest";
import { exactDelta } from "./exact-normal.ts";

describe("δ of a Gaussian release", () => {
  it("has 10 digits wherever it is above 1e-290, where its two terms all but cancel, too", () => {
    let compared = 0;
    for (const epsilon of [0, 1e-12, 1e-6, 0.01, 0.1, 1, 3, 10, 40]) {
      for (const mu of [1e-200, 1e-9, 1e-4, 0.01, 0.05, 0.2, 0.5, 0.9, 0.999, 1, 1.3, 2, 5, 10, 100]) {
        if (epsilon / mu - mu / 2 > 36) continue; // below 1e-284
        const exact = exactDelta(mu, 1, epsilon);
        compared++;
        expect(Math.abs(gaussianDelta(mu, epsilon) / exact - 1), `ε ${epsilon}, μ ${mu}`).toBeLessThan(1e-10);
      }
    }
    expect(compared).toBeGreaterThan(80);
  });

  it("is 0 where it is below what doubles can say, and 1 where nothing is hidden", () => {
    expect([gaussianDelta(1e-3, 10), gaussianDelta(1e-300, 1e300), gaussianDelta(1e300, 0)]).toEqual([0, 0, 1]);
  });
});

describe("the least σ", () => {
  /** δ of the σ that was found, over the target: at most 1, and no less than what the error of the computation takes. */
  const ratio = (epsilon: number, delta: number): number => exactDelta(1, gaussianStdDev({ epsilon, delta }, 1), epsilon) / delta;

  it("keeps δ, for the smallest ε and δ too", () => {
    const random = new Random(4);
    const some = Array.from({ length: 60 }, (): [number, number] => [
      random.uniform(1)[0]! < 0.2 ? 0 : 10 ** (14 * random.uniform(1)[0]! - 12.5),
      10 ** (-30 * random.uniform(1)[0]! - 1e-6),
    ]);
    for (const [epsilon, delta] of [[0, 1e-15], [0, 1e-12], [0, 0.9999], [1e-9, 1e-9], [1, 1e-280], ...some] as const) {
      expect(ratio(epsilon, delta), `ε ${epsilon}, δ ${delta}`).toBeLessThanOrEqual(1);
      expect(ratio(epsilon, delta), `ε ${epsilon}, δ ${delta}`).toBeGreaterThan(1 - 1e-9);
    }
    expect(gaussianStdDev({ epsilon: 0, delta: 1e-15 }, 1) / 3.98942280401433e14).toBeCloseTo(1, 8);
  });

  it("has no end that is not said: huge ε are served, what doubles cannot say is refused", () => {
    // At a half: Φ(μ/2 - ε/μ) = 1/2 to the digits that count, so μ = √(2 ε).
    expect(gaussianStdDev({ epsilon: 1e12, delta: 0.5 }, 1) * Math.sqrt(2e12)).toBeCloseTo(1, 5);
    const refused = expect.objectContaining({ code: "PRIVACY_PARAMETER" });
    expect(() => gaussianStdDev({ epsilon: 0, delta: 1e-300 }, 1)).toThrow(refused);
    expect(() => gaussianStdDev({ epsilon: 0, delta: 1e-280 }, 1e60)).toThrow(refused);
  });
});
