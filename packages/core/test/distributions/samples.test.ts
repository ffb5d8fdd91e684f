/**
 * @file Samples of every distribution against its distribution function (Kolmogorov) or its probabilities (chi-square). Seeds are fixed;
 * with others each check would fail once in a million, which is the level that the bounds are set to.
 */
import { describe, expect, test } from "vitest";
import { cpu } from "../../src/device/cpu/index.ts";
import {
  bernoulli,
  distributions as d,
  grad,
  multinomial,
  poisson,
  Random,
  setDefaultDevice,
  type Tensor,
  tensor,
  zeros,
} from "../../src/index.ts";
import { erfOf } from "../../src/ops/elementwise/scalar.ts";

setDefaultDevice(cpu());
const N = 4000;
/** P(√n D > x) is about 2 exp(-2x²): 1e-6. */
const KOLMOGOROV = Math.sqrt(-Math.log(5e-7) / 2) / Math.sqrt(N);
const phi = (z: number): number => (1 + erfOf(z / Math.SQRT2)) / 2;
const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data(), Number);

/** The point that chi-square of this many degrees of freedom exceeds with probability 1e-6 (Wilson and Hilferty 1931). */
const chiLimit = (df: number): number => df * (1 - 2 / (9 * df) + 4.7534 * Math.sqrt(2 / (9 * df))) ** 3;

/** Largest gap between the samples' distribution function and `cdf`. */
function kolmogorov(samples: readonly number[], cdf: (x: number) => number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted.reduce((worst, x, i) => {
    const p = cdf(x);
    return Math.max(worst, p - i / sorted.length, (i + 1) / sorted.length - p);
  }, 0);
}

/** Chi-square of the counts of 0, 1, ...; what is expected less than 5 times is put together. */
function checkCounts(samples: readonly number[], probability: (k: number) => number): void {
  let [chi, cells, rest, restSeen] = [0, 0, samples.length, samples.length];
  for (let k = 0; k < 400; k++) {
    const want = samples.length * probability(k);
    if (want < 5) continue;
    const seen = samples.filter((s) => s === k).length;
    chi += (seen - want) ** 2 / want;
    cells++;
    rest -= want;
    restSeen -= seen;
  }
  if (rest > 5) {
    chi += (restSeen - rest) ** 2 / rest;
    cells++;
  } else expect(restSeen).toBeLessThan(rest + 25);
  expect(chi).toBeLessThan(chiLimit(Math.max(1, cells - 1)));
}
const logFactorial = (k: number): number => Array.from({ length: k }, (_, i) => Math.log(i + 1)).reduce((a, b) => a + b, 0);
const poissonOf =
  (rate: number) =>
  (k: number): number =>
    Math.exp(k * Math.log(rate) - rate - logFactorial(k));

describe("continuous samples follow their distribution function", () => {
  const Z = phi(1.5) - phi(-0.5);
  const ROWS: readonly (readonly [string, d.Distribution, (x: number) => number])[] = [
    ["normal", d.normal(2, 3), (x) => phi((x - 2) / 3)],
    ["logNormal", d.logNormal(0.5, 0.7), (x) => phi((Math.log(x) - 0.5) / 0.7)],
    ["truncatedNormal", d.truncatedNormal(1, 2, 0, 4), (x) => (phi((x - 1) / 2) - phi(-0.5)) / Z],
    ["uniform", d.uniform(-3, 5), (x) => (x + 3) / 8],
    ["laplace", d.laplace(1, 2), (x) => (x < 1 ? Math.exp((x - 1) / 2) / 2 : 1 - Math.exp((1 - x) / 2) / 2)],
    ["cauchy", d.cauchy(1, 2), (x) => 0.5 + Math.atan((x - 1) / 2) / Math.PI],
    ["exponential", d.exponential(0.4), (x) => 1 - Math.exp(-0.4 * x)],
    ["gamma of concentration 3", d.gamma(3, 2), (x) => 1 - Math.exp(-2 * x) * (1 + 2 * x + 2 * x * x)],
    ["gamma of concentration 1/2", d.gamma(0.5, 2), (x) => erfOf(Math.sqrt(2 * x))],
    ["beta(2, 3)", d.beta(2, 3), (x) => 6 * x ** 2 - 8 * x ** 3 + 3 * x ** 4],
    ["beta(1/2, 1/2)", d.beta(0.5, 0.5), (x) => (2 / Math.PI) * Math.asin(Math.sqrt(Math.min(1, x)))],
  ];
  test.each(ROWS)("%s, and has the moments that it says", async (name, p, cdf) => {
    const samples = await list(p.sample(new Random(3).fork(name), [N]));
    expect(kolmogorov(samples, cdf)).toBeLessThan(KOLMOGOROV);
    if (name === "cauchy") return;
    const [mean, variance] = [await p.mean.item(), await p.variance.item()];
    const average = samples.reduce((a, b) => a + b, 0) / N;
    // 4.9 standard errors: 1e-6, two-sided.
    expect(Math.abs(average - mean)).toBeLessThan(4.9 * Math.sqrt(variance / N));
    const spread = samples.reduce((a, b) => a + (b - average) ** 2, 0) / (N - 1);
    // Heavy tails: the log-normal's fourth moment is 60 times the variance's square.
    expect(Math.abs(spread / variance - 1)).toBeLessThan(0.6);
  });

  test("each place of a Dirichlet vector is beta, and the vectors sum to 1", async () => {
    const x = d.dirichlet(tensor([2, 1.5, 1.5])).sample(new Random(4), [N]);
    expect(kolmogorov(await list(x.select(1, 0)), (v) => 6 * v ** 2 - 8 * v ** 3 + 3 * v ** 4)).toBeLessThan(KOLMOGOROV);
    expect(await x.sum(1).sub(1).abs().amax().item()).toBeLessThan(1e-6);
  });
});

describe("counted samples come as often as they should", () => {
  const weights = [0.1, 0.25, 0.05, 0.6];
  test.each<readonly [string, d.Distribution, (k: number) => number]>([
    ["bernoulli", d.bernoulli({ probs: 0.3 }), (k) => [0.7, 0.3][k] ?? 0],
    ["geometric", d.geometric(0.25), (k) => 0.25 * 0.75 ** k],
    ["poisson of rate 3", d.poisson(3), poissonOf(3)],
    ["poisson of rate 9.9", d.poisson(9.9), poissonOf(9.9)],
    ["poisson of rate 10", d.poisson(10), poissonOf(10)],
    ["poisson of rate 60", d.poisson(60), poissonOf(60)],
    ["categorical", d.categorical({ probs: tensor(weights) }), (k) => weights[k] ?? 0],
  ])("%s", async (name, p, probability) => {
    checkCounts(await list(p.sample(new Random(6).fork(name), [N])), probability);
  });

  test("multinomial counts sum to the number of draws and are binomial", async () => {
    const x = d.multinomial(4, { probs: tensor(weights) }).sample(new Random(7), [N]);
    expect(await x.sum(1).eq(4).all().item()).toBe(1);
    const binomial = (k: number): number => (k > 4 ? 0 : [1, 4, 6, 4, 1][k]! * 0.25 ** k * 0.75 ** (4 - k));
    checkCounts(await list(x.select(1, 1)), binomial);
  });

  test("draws without replacement are pairs of different classes, each as likely as drawn one after the other", async () => {
    const w = tensor(weights).expand(N, 4);
    const pairs = await multinomial(w, 2, new Random(8)).tolist();
    const codes = (pairs as number[][]).map(([a, b]) => a! * 4 + b!);
    checkCounts(codes, (k) => {
      const [a, b] = [Math.floor(k / 4), k % 4];
      return a === b || k > 15 ? 0 : (weights[a]! * weights[b]!) / (1 - weights[a]!);
    });
    const again = await multinomial(tensor(weights), 3000, new Random(9), { replacement: true }).tolist();
    checkCounts(again as number[], (k) => weights[k] ?? 0);
  });

  test("parameters may be tensors, one distribution for each element", async () => {
    const rates = tensor([0.5, 40]);
    const x = await list(poisson(rates.expand(N, 2), new Random(10)));
    checkCounts(
      x.filter((_, i) => i % 2 === 0),
      poissonOf(0.5),
    );
    checkCounts(
      x.filter((_, i) => i % 2 === 1),
      poissonOf(40),
    );
    const coins = await list(bernoulli(tensor([0, 1]).expand(50, 2), new Random(1)));
    expect(coins).toEqual(Array.from({ length: 100 }, (_, i) => i % 2));
    expect(d.gamma(tensor([1, 2, 3]), tensor([[1], [2]])).sample(new Random(1), [4]).shape).toEqual([4, 2, 3]);
  });
});

describe("a distribution", () => {
  test("gives the same samples for the same seed, and others when the generator goes on", async () => {
    const random = new Random(5);
    const [a, b] = [await list(d.gamma(2).sample(random, [5])), await list(d.gamma(2).sample(random, [5]))];
    expect(await list(d.gamma(2).sample(new Random(5), [5]))).toEqual(a);
    expect(b).not.toEqual(a);
  });

  test("passes gradients through rsample and none through sample", async () => {
    const slope = grad((m: Tensor) => d.normal(m, 2).rsample(new Random(1), [3]).sum())(tensor(0.5));
    expect(await slope.item()).toBe(3);
    const loc = tensor([1]).requiresGrad_();
    expect(d.normal(loc, 1).sample(new Random(1)).requiresGrad).toBe(false);
  });

  test("is -∞ outside of its support, and has a density of area 1 where PyTorch has no such family", async () => {
    const outside = [
      d.uniform(0, 1).logProb(tensor([1, -0.1])),
      d.exponential(1).logProb(tensor([-1, -2])),
      d.gamma(2, 1).logProb(tensor([-1, -2])),
      d.beta(2, 2).logProb(tensor([-0.5, 1.5])),
      d.logNormal(0, 1).logProb(tensor([-1, 0])),
      d.poisson(2).logProb(tensor([-1, 0.5])),
      d.geometric(0.5).logProb(tensor([-1, 0.5])),
      d.bernoulli({ probs: 0.5 }).logProb(tensor([2, 0.5])),
      d.truncatedNormal(0, 1, -1, 1).logProb(tensor([-1.1, 1.1])),
    ];
    for (const x of outside) expect(await list(x)).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    const p = d.truncatedNormal(1, 2, 0, 4);
    const xs = Array.from({ length: 4000 }, (_, i) => (i + 0.5) / 1000);
    const density = (await list(p.logProb(tensor(xs)))).map(Math.exp);
    const integral = (f: (x: number, q: number) => number): number => density.reduce((sum, q, i) => sum + f(xs[i]!, q) / 1000, 0);
    const mean = integral((x, q) => x * q);
    expect(integral((_, q) => q)).toBeCloseTo(1, 4);
    expect(await p.mean.item()).toBeCloseTo(mean, 4);
    expect(await p.variance.item()).toBeCloseTo(
      integral((x, q) => (x - mean) ** 2 * q),
      4,
    );
    expect(await p.entropy().item()).toBeCloseTo(
      integral((_, q) => -q * Math.log(q)),
      4,
    );
  });

  test.each<readonly [string, () => unknown, string]>([
    ["a scale of 0", () => d.normal(0, 0), "ARGUMENT_INVALID"],
    ["a probability above 1", () => d.bernoulli({ probs: 1.1 }), "ARGUMENT_INVALID"],
    ["both probs and logits", () => d.bernoulli({ probs: 0.5, logits: 0 }), "ARGUMENT_INVALID"],
    ["neither", () => d.categorical({}), "ARGUMENT_INVALID"],
    ["no classes", () => d.categorical({ probs: zeros([2, 0]) }), "SHAPE_MISMATCH"],
    ["integers", () => d.exponential(tensor([1], { dtype: "i32" })), "DTYPE_UNSUPPORTED"],
    ["an empty interval", () => d.uniform(1, 1), "ARGUMENT_INVALID"],
    ["half a draw", () => d.multinomial(1.5, { probs: tensor([1]) }), "ARGUMENT_INVALID"],
    ["a divergence of two families", () => d.klDivergence(d.normal(0, 1), d.laplace(0, 1)), "ARGUMENT_INVALID"],
    ["an entropy without closed form", () => d.poisson(2).entropy(), "ARGUMENT_INVALID"],
    ["more classes than there are", () => multinomial(tensor([1, 2]), 3, new Random(1)), "ARGUMENT_INVALID"],
  ])("refuses %s", (_, f, code) => {
    expect(f).toThrow(expect.objectContaining({ code }));
  });
});
