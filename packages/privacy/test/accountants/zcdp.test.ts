/** @file The zCDP accountant never says less than a release costs. */
import { epsilonOf, gaussianDelta } from "@tacit/privacy";
import { expect, it } from "vitest";
import { gaussian } from "./events.ts";

it("says an ε that suffices for releases of next to no cost, and 0 only where that is true", () => {
  for (const sigma of [1e3, 1e8, 1e12, 1e13, 1e14]) {
    for (const delta of [1e-20, 1e-15, 1e-9]) {
      const epsilon = epsilonOf([gaussian(sigma)], { delta, accountant: "zcdp" });
      expect(gaussianDelta(1 / sigma, epsilon), `σ ${sigma}, δ ${delta}, ε ${epsilon}`).toBeLessThanOrEqual(delta);
      expect(epsilon).toBeLessThan(12 / sigma); // √(2 log(1/δ)) / σ, and little more
    }
  }
  expect(epsilonOf([], { delta: 1e-9, accountant: "zcdp" })).toBe(0);
});
