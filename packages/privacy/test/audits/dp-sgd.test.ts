/** @file The one-run audit of DP-SGD of this build: below the claim as it is, above it for mutants without noise and without clipping. */
import { auditDpSgd } from "@tacit/privacy/audits";
import { afterEach, describe, expect, test, vi } from "vitest";

/** What the mutants do to the build; nothing unless a test says so. */
const mutant = vi.hoisted(() => ({ noNoise: false, noise: 1, clip: 1 }));

vi.mock("../../src/training/noise.ts", async (original) => {
  const real = await original<typeof import("../../src/training/noise.ts")>();
  return {
    ...real,
    independentNoise: (multiplier: number, units: number) => {
      const noise = real.independentNoise(multiplier * mutant.noise, units);
      return { ...noise, restart: () => noise.restart(), add: (sums: never) => (mutant.noNoise ? undefined : noise.add(sums)) };
    },
  };
});

vi.mock("../../src/training/grid.ts", async (original) => {
  const real = await original<typeof import("../../src/training/grid.ts")>();
  return { ...real, clipTarget: (...args: Parameters<typeof real.clipTarget>) => mutant.clip * real.clipTarget(...args) };
});

afterEach(() => Object.assign(mutant, { noNoise: false, noise: 1, clip: 1 }));

// ε 2.7 at δ 1e-8; 1000 canaries can show 5.3, and 3.4 at a confidence of 1 - 1e-6.
const RUN = { canaries: 1000, steps: 1, rate: 1, noiseMultiplier: 2, delta: 1e-8 };

describe("the one-run audit of makePrivate", () => {
  test("stays below the accountant's claim, and above nothing: noise 2 in one step, ε 2.7", async () => {
    // Above the claim with a chance of at most 1e-6; without a trace (a bound of 0) far less often.
    const { report, claimed, statement } = await auditDpSgd({ ...RUN, confidence: 1 - 1e-6 });
    expect(claimed).toBeGreaterThan(2.5);
    expect(claimed).toBeLessThan(3);
    expect(report.epsilon).toBeLessThanOrEqual(claimed);
    expect(statement).toContain("noise multiplier 2");
    expect((await auditDpSgd(RUN)).report.epsilon).toBeGreaterThan(0.1);
  });

  test("stays below the claim under Poisson sampling over several steps", async () => {
    const { report, claimed } = await auditDpSgd({ ...RUN, steps: 5, rate: 0.3, noiseMultiplier: 1, confidence: 1 - 1e-6 });
    expect(report.epsilon).toBeLessThanOrEqual(claimed);
  });

  test("catches a build with its noise switched off", async () => {
    mutant.noNoise = true;
    const { report, claimed } = await auditDpSgd(RUN);
    expect(report.epsilon).toBeGreaterThan(claimed);
  });

  test("catches a build with a quarter of its noise", async () => {
    mutant.noise = 0.25;
    // One audit misses it in about 1 of 15 runs (2 of 30 on 2026-11-29): four in a row in 1 of 50,000.
    let caught = false;
    for (let i = 0; i < 4 && !caught; i++) {
      const { report, claimed } = await auditDpSgd(RUN);
      caught = report.epsilon > claimed;
    }
    expect(caught).toBe(true);
  });

  test("catches a build that clips to ten times the norm that it says", async () => {
    mutant.clip = 10;
    const { report, claimed } = await auditDpSgd(RUN);
    expect(report.epsilon).toBeGreaterThan(claimed);
  });

  test("refuses too many canaries, a rate that is none, and no steps", async () => {
    await expect(auditDpSgd({ ...RUN, canaries: 5000 })).rejects.toThrow("at most 4096 canaries");
    await expect(auditDpSgd({ ...RUN, rate: 0 })).rejects.toThrow("a sampling rate above 0, at most 1");
    await expect(auditDpSgd({ ...RUN, steps: 0 })).rejects.toThrow("steps, a whole number");
  });
});
