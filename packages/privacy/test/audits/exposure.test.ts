/** @file Exposure: tails, fits, ranks, and what it is where nothing is remembered. */
import { Random } from "@tacit/core/random";
import { cdfAt, exposure, fitByMoments, fitSkewNormal, logCdf, logDensity, type SkewNormal } from "@tacit/privacy/audits";
import { describe, expect, test } from "vitest";
import { logNormalCdf } from "../../src/math/normal.ts";
import { GOLDEN, near } from "./golden.ts";

/** Draws of a skew-normal law: ξ + ω (δ|z₀| + √(1-δ²) z₁). */
function skewed(random: Random, n: number, { location, scale, shape }: SkewNormal): Float64Array {
  const delta = shape / Math.sqrt(1 + shape * shape);
  const rest = Math.sqrt(1 - delta * delta);
  return Float64Array.from({ length: n }, () => {
    const z = delta * Math.abs(random.gaussian()) + rest * random.gaussian();
    return location + scale * z;
  });
}

describe("the skew-normal law", () => {
  test("has tails that agree with 60 digits to 1e-10, down to e^-812", () => {
    for (const { x, shape, log } of GOLDEN.skewTails) {
      const got = logCdf({ location: 0, scale: 1, shape }, x);
      expect(Math.abs(got - log), `x ${x} shape ${shape}: ${got}`).toBeLessThan(1e-10 * Math.max(1, Math.abs(log)));
    }
  });

  test("without skew is the normal law, under any location and scale", () => {
    for (const x of [-20, -3, 0, 2, 9]) {
      near(logCdf({ location: 5, scale: 3, shape: 0 }, 5 + 3 * x), logNormalCdf(x), 1e-10);
    }
  });

  test("ends in the far tail, with the normal law's digits without skew and no step where the expansion begins", () => {
    for (const x of [-1001, -1e5, -7e7, -1e9, -1e150]) {
      near(logCdf({ location: 0, scale: 1, shape: 0 }, x), logNormalCdf(x), 1e-11);
      // With shape α, φ Φ(α·) falls as a normal law of deviation 1/√(1+α²) does; against it, as the normal law itself, twice.
      near(logCdf({ location: 0, scale: 1, shape: 3 }, x), (-10 * x * x) / 2, 1e-4);
      near(logCdf({ location: 0, scale: 1, shape: -3 }, x), logNormalCdf(x) + Math.LN2, 1e-11);
    }
    for (const shape of [-50, -1, 0, 1e-3, 1, 50]) {
      const at = (x: number): number => logCdf({ location: 0, scale: 1, shape }, x);
      const [inside, outside, far] = [at(-999.999), at(-1000.001), at(-1000.003)];
      expect(Math.abs((inside - outside) / (outside - far) - 1), `shape ${shape}`).toBeLessThan(1e-4);
    }
    expect(logCdf({ location: 0, scale: 1, shape: 2 }, -1e300)).toBe(Number.NEGATIVE_INFINITY);
    expect(logCdf({ location: 0, scale: 1, shape: 2 }, Number.NaN)).toBeNaN();
  });

  test("has the same chances point by point and all at once", () => {
    const law = { location: 1, scale: 2, shape: -4 };
    const points = Float64Array.from({ length: 40 }, (_, i) => -9 + 0.3 * i);
    cdfAt(law, points).forEach((p, i) => {
      expect(Math.abs(p - Math.exp(logCdf(law, points[i]!)))).toBeLessThan(1e-11);
    });
  });
});

describe("fitting", () => {
  test("reaches SciPy's likelihood and its Kolmogorov distance", () => {
    for (const want of GOLDEN.fits) {
      const sample = Float64Array.from(want.sample);
      const { law, test: found } = fitSkewNormal(sample);
      const likelihood = sample.reduce((sum, x) => sum + logDensity(law, x), 0);
      expect(likelihood).toBeGreaterThan(want.logLikelihood - 1e-4);
      near(law.shape, want.shape, 0.01);
      near(law.location, want.location, 1e-3);
      near(law.scale, want.scale, 1e-3);
      expect(Math.abs(found.distance - want.distance)).toBeLessThan(1e-4);
    }
  });

  test("by moments gives back mean, deviation and skewness", () => {
    const sample = skewed(new Random(4), 50_000, { location: -3, scale: 2, shape: 4 });
    const { location, scale, shape } = fitByMoments(sample);
    near(location, -3, 0.03);
    near(scale, 2, 0.03);
    near(shape, 4, 0.15);
  });

  test("rejects a sample of two humps", () => {
    const random = new Random(6);
    const humps = Float64Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? -4 : 4) + random.gaussian());
    expect(fitSkewNormal(humps).test.pValue).toBeLessThan(1e-6);
  });
});

describe("exposure", () => {
  const candidates = skewed(new Random(1), 4095, { location: 50, scale: 5, shape: 1 });

  test("of a canary below all candidates is log2 of how many there are, and says that it may be more", () => {
    const { canaries, visible } = exposure([0], candidates);
    expect(canaries[0]!.sampled).toMatchObject({ rank: 1, bits: 12, atLeast: true });
    expect(canaries[0]!.sampled.interval.high).toBe(Number.POSITIVE_INFINITY);
    expect(visible).toBe(12);
  });

  test("of the median is one bit", () => {
    const median = candidates.toSorted()[2047]! + 1e-9;
    near(exposure([median], candidates).canaries[0]!.sampled.bits, 1, 1e-3);
  });

  test("extrapolates to the law's own tail far below the last candidate", () => {
    const law = { location: 50, scale: 5, shape: 1 };
    const truth = -logCdf(law, 28) / Math.LN2;
    expect(truth).toBeGreaterThan(30);
    near(exposure([28], candidates).canaries[0]!.extrapolated.bits, truth, 0.15);
  });

  test("does not expose more than the format holds", () => {
    const { canaries, space } = exposure([-500], candidates, { space: 10 ** 6 });
    near(space!, Math.log2(10 ** 6), 1e-12);
    expect(canaries[0]!.extrapolated).toEqual({ bits: space, full: true });
  });

  test("averages log2 e bits over canaries that nobody remembers: uniform ranks", () => {
    // Each exposure has mean 1.4427 - log2(n)/(2n) and deviation about 1.44, so the mean of 4000 leaves ±0.13 once in 1e7.
    const random = new Random(2);
    const unseen = skewed(random, 4000, { location: 50, scale: 5, shape: 1 });
    const report = exposure(unseen, skewed(random, 20_000, { location: 50, scale: 5, shape: 1 }));
    expect(Math.abs(report.mean - Math.LOG2E)).toBeLessThan(0.13);
    expect(report.fit.test.distance).toBeLessThan(0.01);
    const extrapolated = report.canaries.reduce((sum, c) => sum + c.extrapolated.bits, 0) / 4000;
    expect(Math.abs(extrapolated - Math.LOG2E)).toBeLessThan(0.18);
  });

  test("is a figure of extrapolation only where the fit is not rejected, and says which it is", () => {
    const random = new Random(7);
    const heavy = Float64Array.from({ length: 1000 }, () => (random.next() < 0.05 ? 5 : 20) + 2 * random.gaussian());
    const [good, bad] = [exposure([20], candidates), exposure([-20], heavy)];
    expect(good).toMatchObject({ mostFrom: "extrapolation", mostSampled: 12, fit: { rejected: false } });
    expect(good.most).toBe(good.canaries[0]!.extrapolated.bits);
    expect(bad.canaries[0]!.extrapolated.bits).toBeGreaterThan(20);
    expect(bad).toMatchObject({ mostFrom: "sampling", most: Math.log2(1001), fit: { rejected: true } });
  });

  test("rejects the fit of few samples that are skew-normal", () => {
    // 5 % of 60 at the steepest shape: more than 9 have a chance of 1e-3.
    const random = new Random(14);
    for (const shape of [0, -4, 20]) {
      const fits = Array.from({ length: 60 }, () => fitSkewNormal(skewed(random, 256, { location: 3, scale: 2, shape })));
      expect(fits.filter((f) => f.rejected).length, `shape ${shape}`).toBeLessThanOrEqual(9);
    }
  });

  test("counts ties with candidates against the model", () => {
    const equal = new Float64Array(1000).map((_, i) => Math.floor(i / 100));
    expect(exposure([3], equal).canaries[0]!.sampled.rank).toBe(301);
  });

  test("refuses too few candidates, what is not finite, a format smaller than its sample, and losses that are all equal", () => {
    const refusal = (f: () => unknown): string => {
      try {
        f();
      } catch (error) {
        return (error as Error).message;
      }
      return "accepted";
    };
    expect(refusal(() => exposure([1], new Float64Array(100)))).toBe(
      "exposure: expected at least 256 losses of candidates, got 100",
    );
    expect(refusal(() => exposure([Number.NaN], candidates))).toBe(
      "exposure: expected finite losses of canaries, got one that is not, at position 0",
    );
    expect(refusal(() => exposure([], candidates))).toBe("exposure: expected one or more losses of canaries, got 0");
    expect(refusal(() => exposure([1], candidates, { space: 100 }))).toContain("got fewer");
    expect(refusal(() => exposure([1], new Float64Array(500).fill(2)))).toContain("got equal ones");
    const huge = new Float64Array(500).map((_, i) => (i % 2 === 0 ? 1e200 : -1e200));
    expect(refusal(() => exposure([1], huge))).toContain("deviation between 1e-150 and 1e150");
  });
});

describe("the chance of so low a rank", () => {
  const even = Float64Array.from({ length: 999 }, (_, i) => i);

  test("is rank / (n + 1) for one canary, and for more that of the first places of a random order", () => {
    near(exposure([4.5], even).byChance, 6 / 1000, 1e-12);
    near(exposure([-1], even).byChance, 1 / 1000, 1e-12);
    // Not all of the first three places of 1003 are candidates.
    near(exposure([1.5, 1.7, 900, 950], even).byChance, 1 - (999 * 998 * 997) / (1003 * 1002 * 1001), 1e-12);
    near(exposure([5000, 5000], even).byChance, 1, 1e-12);
  });

  test("does not grow smaller where losses are equal: equals stand before the canary", () => {
    near(exposure([0.5], even.map(Math.sign)).byChance, 2 / 1000, 1e-12);
    near(exposure([1], even.map(Math.sign)).byChance, 1, 1e-12);
  });

  test("is below 5 % in at most 5 % of runs without memory, whatever the law of the losses", () => {
    // 5 % of 40 is 2; more than 9 have a chance of 5e-5. By the extrapolated figure it was so in most runs of the mixture.
    const laws: Readonly<Record<string, (r: Random) => number>> = {
      mixture: (r) => (r.next() < 0.02 ? 8 + r.gaussian() : 20 + 2 * r.gaussian()),
      logistic: (r) => -Math.log(1 / r.next() - 1),
      "whole numbers": (r) => Math.round(2 * r.gaussian()),
    };
    for (const [name, draw] of Object.entries(laws)) {
      const random = new Random(60);
      const losses = (n: number): Float64Array => Float64Array.from({ length: n }, () => draw(random));
      const low = Array.from({ length: 40 }, () => exposure(losses(20), losses(256)).byChance).filter((p) => p <= 0.05);
      expect(low.length, name).toBeLessThanOrEqual(9);
    }
  });
});
