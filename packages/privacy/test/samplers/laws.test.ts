/** @file Samples have their law: χ² and Kolmogorov tests, each with a false-alarm rate of 1e-7 (about 40 of them: 4e-6 for the file). */
import {
  bernoulli,
  bernoulliExp,
  discreteGaussian,
  discreteLaplace,
  estimateCounts,
  exponential,
  geometric,
  permuteAndFlip,
  randomisedResponse,
  reportNoisyMax,
} from "@tacit/privacy";
import { describe, expect, it } from "vitest";
import { normalCdf } from "../../src/math/normal.ts";
import { fit, kolmogorov } from "./statistics.ts";

const ALARM = 1e-7;
const N = 60_000;
/** Coins are computed with big integers: fewer of them. */
const CHOICES = 6000;

/** Counts over -reach..reach, everything beyond in the outer two. */
function histogram(draw: () => number, reach: number): number[] {
  const counts = new Array<number>(2 * reach + 1).fill(0);
  for (let i = 0; i < N; i++) counts[Math.min(Math.max(draw(), -reach), reach) + reach]!++;
  return counts;
}

function expectedOf(f: (x: number) => number, reach: number, most: number): number[] {
  const masses = new Map<number, number>();
  let total = 0;
  for (let x = -most; x <= most; x++) {
    const m = f(x);
    total += m;
    const at = Math.min(Math.max(x, -reach), reach);
    masses.set(at, (masses.get(at) ?? 0) + m);
  }
  return Array.from({ length: 2 * reach + 1 }, (_, i) => (N * (masses.get(i - reach) ?? 0)) / total);
}

describe("the discrete Gaussian", () => {
  for (const sigma of [0.05, 0.4, 1, 1 / 3, Math.SQRT2, 7.5, 40, 300, 5000.25]) {
    it(`has its law at σ ${sigma}`, () => {
      const reach = Math.max(2, Math.min(60, Math.ceil(4 * sigma)));
      const width = Math.max(1, Math.ceil((4 * sigma) / reach));
      const draw = discreteGaussian(sigma);
      const cell = (x: number): number => Math.round(x / width);
      const f = (x: number): number => Math.exp((-x * x) / (2 * sigma * sigma));
      const masses = (c: number): number => {
        let sum = 0;
        for (let x = Math.ceil((c - 0.5) * width); x <= (c + 0.5) * width; x++) if (cell(x) === c) sum += f(x);
        return sum;
      };
      const most = Math.ceil((12 * sigma) / width) + 3;
      expect(
        fit(
          histogram(() => cell(draw()), reach),
          expectedOf(masses, reach, most),
        ),
      ).toBeGreaterThan(ALARM);
    });
  }

  for (const sigma of [1e4, 1e6, 3.7e8, 2 ** 40]) {
    it(`follows the normal curve at σ ${sigma}, where the two differ by less than the test sees`, () => {
      const draw = discreteGaussian(sigma);
      const samples = Float64Array.from({ length: N }, draw);
      expect(kolmogorov(samples, (x) => normalCdf((x + 0.5) / sigma))).toBeGreaterThan(ALARM);
      expect(samples.every(Number.isSafeInteger)).toBe(true);
    });
  }

  it("uses every low bit: no holes at large σ", () => {
    const draw = discreteGaussian(1e6);
    const counts = new Array<number>(64).fill(0);
    for (let i = 0; i < N; i++) counts[((draw() % 64) + 64) % 64]!++;
    expect(
      fit(
        counts,
        counts.map(() => N / 64),
      ),
    ).toBeGreaterThan(ALARM);
  });

  it("would be caught at 0.95 of its σ, by the same test", () => {
    const draw = discreteGaussian(0.95 * 7.5);
    const f = (x: number): number => Math.exp((-x * x) / (2 * 7.5 * 7.5));
    expect(fit(histogram(draw, 30), expectedOf(f, 30, 200))).toBeLessThan(ALARM);
  });
});

describe("the discrete Laplace and the geometric distribution", () => {
  for (const scale of [0.1, 0.7, 1, 12.5, 800]) {
    it(`have their law at scale ${scale}`, () => {
      const width = Math.max(1, Math.round(scale / 8));
      const f = (x: number): number => Math.exp(-Math.abs(x) / scale);
      const mass = (c: number): number => {
        let sum = 0;
        for (let x = c * width; x < (c + 1) * width; x++) sum += f(x);
        return sum;
      };
      const most = Math.ceil((45 * scale) / width) + 2;
      const [two, one] = [discreteLaplace(scale), geometric(scale)];
      expect(
        fit(
          histogram(() => Math.floor(two() / width), 40),
          expectedOf(mass, 40, most),
        ),
      ).toBeGreaterThan(ALARM);
      const half = (c: number): number => (c < 0 ? 0 : mass(c));
      const counts = histogram(() => Math.floor(one() / width), 40);
      expect(fit(counts.slice(40), expectedOf(half, 40, most).slice(40))).toBeGreaterThan(ALARM);
      expect(counts.slice(0, 40).every((n) => n === 0)).toBe(true);
    });
  }
});

describe("coins and choices", () => {
  const share = (draw: () => boolean): number => {
    let n = 0;
    for (let i = 0; i < N; i++) n += draw() ? 1 : 0;
    return n;
  };

  it("fall with their exact bias", () => {
    for (const [n, d] of [
      [1n, 3n],
      [5n, 7n],
      [1n, 1000n],
    ] as const) {
      const yes = share(() => bernoulli({ n, d }));
      const p = Number(n) / Number(d);
      expect(fit([yes, N - yes], [N * p, N * (1 - p)])).toBeGreaterThan(ALARM);
    }
    for (const x of [
      { n: 1n, d: 10n },
      { n: 7n, d: 3n },
    ]) {
      const yes = share(() => bernoulliExp(x));
      const p = Math.exp(-Number(x.n) / Number(x.d));
      expect(fit([yes, N - yes], [N * p, N * (1 - p)])).toBeGreaterThan(ALARM);
    }
    expect(bernoulli({ n: 0n, d: 5n })).toBe(false);
    expect(bernoulliExp({ n: 0n, d: 1n })).toBe(true);
  });

  const scores = [3, 5, 4.5, -2, 5];
  const options = { epsilon: 1.2, sensitivity: 1.5 };
  const weights = scores.map((s) => Math.exp((1.2 * (s - 5)) / 3));
  const total = weights.reduce((a, b) => a + b, 0);
  const counts = (choose: () => number): number[] => {
    const out = scores.map(() => 0);
    for (let i = 0; i < CHOICES; i++) out[choose()]!++;
    return out;
  };

  it("come from the exponential mechanism with e^(ε s / 2Δ)", () => {
    expect(
      fit(
        counts(() => exponential(scores, options)),
        weights.map((w) => (CHOICES * w) / total),
      ),
    ).toBeGreaterThan(ALARM);
  });

  it("come from permute-and-flip as its order of all permutations says", () => {
    const expected = permuteAndFlipLaw(weights);
    expect(
      fit(
        counts(() => permuteAndFlip(scores, options)),
        expected.map((p) => CHOICES * p),
      ),
    ).toBeGreaterThan(ALARM);
  });

  it("name the largest noisy score, equals alike", () => {
    const out = counts(() => reportNoisyMax([3, 5, 4, -2, 5], options));
    expect(fit([out[1]!, out[4]!], [(out[1]! + out[4]!) / 2, (out[1]! + out[4]!) / 2])).toBeGreaterThan(ALARM);
    expect(out[1]!).toBeGreaterThan(out[2]!);
    expect(out[3]!).toBeLessThan(out[0]!);
  });

  it("answer truly as often as randomised response says, and are counted back", () => {
    const epsilon = Math.log(3);
    const answers = Array.from({ length: N }, (_, i) => randomisedResponse(i % 10 === 0 ? 2 : 0, { epsilon, choices: 4 }));
    const kept = answers.filter((a, i) => a === (i % 10 === 0 ? 2 : 0)).length;
    expect(fit([kept, N - kept], [N / 2, N / 2])).toBeGreaterThan(ALARM);
    const back = estimateCounts(answers, { epsilon, choices: 4 });
    expect(back[0]! / N).toBeCloseTo(0.9, 1);
    expect(back[2]! / N).toBeCloseTo(0.1, 1);
  });

  it("refuse what has no law", () => {
    expect(() => exponential([], options)).toThrow("at least one score");
    expect(() => permuteAndFlip([1, Number.NaN], options)).toThrow("finite scores");
    expect(() => reportNoisyMax([0.5], options)).toThrow("integer scores");
    expect(() => exponential([1], { epsilon: 0, sensitivity: 1 })).toThrow("epsilon above 0");
    expect(() => discreteGaussian(Number.NaN)).toThrow("above 0 and finite");
    expect(() => randomisedResponse(4, { epsilon: 1, choices: 4 })).toThrow("from 0 to 3");
  });
});

/** Sums over all orders: each candidate is taken in turn with its weight (largest 1). */
function permuteAndFlipLaw(weights: readonly number[]): number[] {
  const out = weights.map(() => 0);
  const visit = (left: readonly number[], p: number): void => {
    for (const i of left) {
      out[i]! += (p / left.length) * weights[i]!;
      const rest = left.filter((j) => j !== i);
      if (rest.length > 0) visit(rest, (p / left.length) * (1 - weights[i]!));
    }
  };
  visit(
    weights.map((_, i) => i),
    1,
  );
  return out;
}
