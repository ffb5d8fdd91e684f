/** @file The one-run bound: against whole numbers, under the null, near the truth, and what no order of a file may do. */
import { Random } from "@tacit/core/random";
import { oneRun, oneRunBound, oneRunPValue, pValueOfClaim, rightGuesses } from "@tacit/privacy/audits";
import { describe, expect, test } from "vitest";
import { GOLDEN, near } from "./golden.ts";

describe("the p-value", () => {
  test("agrees with the theorem written out in whole numbers to 1e-10", () => {
    for (const { odds, delta, p, ...outcome } of GOLDEN.oneRun) {
      near(oneRunPValue(outcome, { epsilon: Math.log(odds), delta }), p, 1e-10);
    }
  });

  test("of all right guesses is (e^ε/(1+e^ε))^r", () => {
    const q = Math.E / (1 + Math.E);
    near(oneRunPValue({ canaries: 20, guesses: 20, correct: 20 }, { epsilon: 1, delta: 0 }), q ** 20, 1e-12);
  });

  test("refuses more right guesses than guesses, and a delta that is none", () => {
    expect(() => oneRunPValue({ canaries: 10, guesses: 5, correct: 6 }, { epsilon: 1, delta: 0 })).toThrow(
      "at most 5 right guesses",
    );
    expect(() => oneRunPValue({ canaries: 10, guesses: 11, correct: 6 }, { epsilon: 1, delta: 0 })).toThrow("at most 10 guesses");
    expect(() => oneRunPValue({ canaries: 10, guesses: 5, correct: 5 }, { epsilon: 1, delta: Number.NaN })).toThrow(
      "a delta of 0",
    );
    expect(() => oneRunPValue({ canaries: 10, guesses: 5, correct: 5 }, { epsilon: -1, delta: 0 })).toThrow(
      "epsilon of 0 or more",
    );
  });
});

describe("the bound", () => {
  test("of all right guesses is where (e^ε/(1+e^ε))^r = 5 %", () => {
    const r = 1000;
    const q = 0.05 ** (1 / r);
    near(oneRunBound({ canaries: r, guesses: r, correct: r }, { delta: 0 }), Math.log(q / (1 - q)), 1e-9);
  });

  test("is 0 where half the guesses are right", () => {
    expect(oneRunBound({ canaries: 1000, guesses: 1000, correct: 500 }, { delta: 0 })).toBe(0);
  });

  test("falls as delta grows, and as fewer guesses are right", () => {
    const at = (correct: number, delta: number): number => oneRunBound({ canaries: 1000, guesses: 500, correct }, { delta });
    expect(at(480, 0)).toBeGreaterThan(at(480, 1e-6));
    expect(at(480, 1e-6)).toBeGreaterThan(at(480, 1e-4));
    expect(at(480, 1e-6)).toBeGreaterThan(at(450, 1e-6));
  });
});

/** m people answer truthfully with chance e^ε/(1+e^ε): exactly ε-DP, and no mechanism of that ε tells more. */
function respond(random: Random, m: number, epsilon: number): { scores: Float64Array; included: Uint8Array } {
  const truthful = 1 / (1 + Math.exp(-epsilon));
  const included = Uint8Array.from({ length: m }, () => (random.next() < 0.5 ? 1 : 0));
  const scores = Float64Array.from(included, (c) => (random.next() < truthful ? c : 1 - c) + 1e-6 * random.next());
  return { scores, included };
}

describe("randomised response of exactly ε", () => {
  test("is given more than ε in at most 5 % of 400 runs, with one number of guesses and with the best of several", () => {
    // 46 or more of 400 at 5 % happen with a chance of 2e-7.
    for (const guesses of [{ guesses: 100 }, {}]) {
      const random = new Random(20);
      let above = 0;
      for (let run = 0; run < 400; run++) {
        const { scores, included } = respond(random, 100, 1);
        if (oneRun(scores, included, { delta: 0, ...guesses }).epsilon > 1) above++;
      }
      expect(above).toBeLessThan(46);
    }
  });

  test("is told within a tenth of ε by 20000 canaries, for ε from 0.5 to 4", () => {
    const random = new Random(21);
    for (const epsilon of [0.5, 1, 2, 4]) {
      const { scores, included } = respond(random, 20_000, epsilon);
      const found = oneRun(scores, included, { delta: 0, guesses: 20_000 }).epsilon;
      expect(found).toBeLessThanOrEqual(epsilon + 0.25); // six standard errors above, at ε 4
      expect(found).toBeGreaterThan(0.85 * epsilon);
    }
  });

  test("that claims less than it is gets caught", () => {
    const { scores, included } = respond(new Random(22), 2000, 3);
    const report = oneRun(scores, included, { delta: 0 });
    expect(report.epsilon).toBeGreaterThan(2);
    expect(pValueOfClaim(report, 1)).toBeLessThan(1e-9);
    expect(pValueOfClaim(report, 3)).toBeGreaterThan(1e-6);
  });
});

/** Sum of one Gaussian coordinate for each canary: μ = 1/σ, as a Dirac canary of DP-SGD with one step sees it. */
function gaussians(random: Random, m: number, stdDev: number): { scores: Float64Array; included: Uint8Array } {
  const included = Uint8Array.from({ length: m }, () => (random.next() < 0.5 ? 1 : 0));
  return { scores: Float64Array.from(included, (c) => c + stdDev * random.gaussian()), included };
}

describe("a Gaussian mechanism", () => {
  test("of σ 1 (ε 4.378 at δ 1e-5) stays below that, and abstaining shows more than guessing all", () => {
    const { scores, included } = gaussians(new Random(23), 10_000, 1);
    const found = (guesses: number): number => oneRun(scores, included, { delta: 1e-5, guesses }).epsilon;
    const report = oneRun(scores, included, { delta: 1e-5 });
    expect(report.epsilon).toBeLessThan(4.378);
    expect(found(312)).toBeGreaterThan(found(10_000));
    expect(report.epsilon).toBeGreaterThan(1.5);
  });

  test("whose noise is off is caught with 200 canaries", () => {
    const { scores, included } = gaussians(new Random(24), 200, 1e-3);
    expect(oneRun(scores, included, { delta: 1e-5 }).epsilon).toBeGreaterThan(3);
  });
});

describe("guesses", () => {
  test("are counted among the highest and the lowest scores", () => {
    const count = rightGuesses(Float64Array.of(5, 4, 3, 2, 1), Uint8Array.of(1, 0, 1, 1, 0));
    expect([0, 1, 2, 3, 4, 5].map(count)).toEqual([0, 1, 2, 2, 2, 3]);
  });

  test("about equal scores are never right by the order of the file", () => {
    const included = Uint8Array.from({ length: 200 }, (_, i) => (i < 100 ? 1 : 0));
    for (const coins of [included, included.toReversed()]) {
      expect(oneRun(new Float64Array(200), coins, { delta: 0 })).toMatchObject({ epsilon: 0 });
      expect(rightGuesses(new Float64Array(200), coins)(100)).toBe(0);
    }
  });

  test("of few canaries, of coins that were not thrown, and of scores that are not finite are refused", () => {
    expect(() => oneRun(new Float64Array(10), new Uint8Array(10), { delta: 0 })).toThrow("at least 16 canaries, got 10");
    expect(() => oneRun(new Float64Array(100), new Uint8Array(100).fill(1), { delta: 0 })).toThrow(
      "expected coins that were fair, got 100 of 100 canaries in",
    );
    expect(() => oneRun([...new Float64Array(99), Number.NaN], new Uint8Array(100), { delta: 0 })).toThrow("at position 99");
  });
});
