/** @file Binomial tails, exact intervals, Kolmogorov's test. */
import { clopperPearson, kolmogorov } from "@tacit/privacy/audits";
import { describe, expect, test } from "vitest";
import { binomialMasses, binomialTail } from "../../src/audits/statistics/binomial.ts";
import { minimise } from "../../src/audits/statistics/simplex.ts";
import { GOLDEN, near } from "./golden.ts";

describe("binomial", () => {
  test("tails agree with sums of whole numbers to 1e-12", () => {
    for (const { trials, k, odds, p } of GOLDEN.tails) near(binomialTail(trials, k, odds), p, 1e-12);
  });

  test("masses of a million trials sum to 1 and have the law's mean", () => {
    const { from, masses } = binomialMasses(1_000_000, 3);
    near(
      masses.reduce((a, b) => a + b, 0),
      1,
      1e-12,
    );
    near(
      masses.reduce((sum, p, i) => sum + p * (from + i), 0),
      750_000,
      1e-12,
    );
  });

  test("odds of 0 and of e^40 put all mass at one end", () => {
    expect(binomialTail(10, 1, 0)).toBe(0);
    near(binomialTail(10, 10, Math.exp(40)), 1, 1e-15);
  });

  test("Clopper and Pearson's intervals agree with SciPy's beta quantiles to 1e-9", () => {
    for (const { hits, trials, confidence, low, high } of GOLDEN.intervals) {
      const got = clopperPearson(hits, trials, confidence);
      expect(Math.abs(got.low - low)).toBeLessThan(1e-9);
      expect(Math.abs(got.high - high)).toBeLessThan(1e-9);
    }
  });

  test("Clopper and Pearson cover every chance on a grid with their confidence, exactly", () => {
    const trials = 30;
    const intervals = Array.from({ length: trials + 1 }, (_, k) => clopperPearson(k, trials, 0.9));
    for (let p = 0.02; p < 1; p += 0.02) {
      const { from, masses } = binomialMasses(trials, p / (1 - p));
      const covered = masses.reduce((sum, w, i) => {
        const { low, high } = intervals[from + i]!;
        return low <= p && p <= high ? sum + w : sum;
      }, 0);
      expect(covered).toBeGreaterThanOrEqual(0.9 - 1e-12);
    }
  });
});

describe("Kolmogorov's test", () => {
  test("of evenly spaced points finds half a step and no reason to doubt", () => {
    const found = kolmogorov(Float64Array.from({ length: 100 }, (_, i) => (i + 0.5) / 100));
    near(found.distance, 0.005, 1e-12);
    expect(found.pValue).toBe(1);
  });

  test("rejects another law: the squares of evenly spaced points", () => {
    expect(kolmogorov(Float64Array.from({ length: 200 }, (_, i) => ((i + 0.5) / 200) ** 2)).pValue).toBeLessThan(1e-10);
  });

  test("gives 0.05 at the distance 1.358 / √n of the tables", () => {
    const n = 100_000;
    const shift = 1.358 / Math.sqrt(n) - 1 / n;
    const found = kolmogorov(Float64Array.from({ length: n }, (_, i) => Math.max(0, i / n - shift)));
    expect(Math.abs(found.pValue - 0.05)).toBeLessThan(0.001);
  });
});

test("the simplex finds the bottom of Rosenbrock's valley", () => {
  const f = ([x, y]: readonly number[]): number => (1 - x!) ** 2 + 100 * (y! - x! * x!) ** 2;
  const { at } = minimise(f, [-1.2, 1], { spread: [0.5, 0.5], tolerance: 1e-16, most: 1000 });
  near(at[0]!, 1, 1e-4);
  near(at[1]!, 1, 1e-4);
});
