/** @file log E_Q[(P/Q)^α] = (α - 1) · RDP(α) of one release, mechanism by mechanism, plain or under Poisson sampling. */
import { TacitError } from "@tacit/core/errors";
import type { Mechanism, Sampling } from "../../events.ts";
import { log1mExp, logAdd, logSum } from "../../math/log-space.ts";
import { distributedRho } from "../distributed.ts";
import { atIntegers, atOrder } from "./sampled-gaussian.ts";

type Moment = (order: number) => number;

/** Laplace of scale b (Mironov 2017, "Rényi differential privacy", table II). */
const laplace =
  (scale: number): Moment =>
  (a) =>
    logAdd(Math.log(a / (2 * a - 1)) + (a - 1) / scale, Math.log((a - 1) / (2 * a - 1)) - a / scale);

/** Randomised response at ±ε: the worst pure mechanism. */
const pure =
  (epsilon: number): Moment =>
  (a) => {
    const yes = -Math.log1p(Math.exp(-epsilon));
    const no = -Math.log1p(Math.exp(epsilon));
    return logAdd(a * yes + (1 - a) * no, a * no + (1 - a) * yes);
  };

/** Discrete Laplace: an atom for each x in 0..Δ, tails in the outer two; those between are a geometric series. */
const discreteLaplace = (scale: number, sensitivity: number): Moment => {
  const outer = -Math.log1p(Math.exp(-1 / scale));
  const inner = outer + Math.log(-Math.expm1(-1 / scale));
  return (a) => {
    const terms = [outer + ((a - 1) * sensitivity) / scale, outer - (a * sensitivity) / scale];
    // Σ_{x=1}^{Δ-1} e^((-a(Δ-x) - (1-a)x)/b) = e^(-aΔ/b) (q^Δ - q)/(q - 1), q = e^((2a-1)/b).
    const c = (2 * a - 1) / scale;
    if (sensitivity > 1) terms.push(inner + ((a - 1) * sensitivity) / scale - c + log1mExp((sensitivity - 1) * c) - log1mExp(c));
    return logSum(terms);
  };
};

/** The moment of one release without sampling. Mechanisms of which (ε, δ) is known: outside an event of probability δ. */
export function momentOf(m: Mechanism): Moment {
  switch (m.kind) {
    case "gaussian":
      return (a) => ((a - 1) * a) / (2 * m.noiseMultiplier * m.noiseMultiplier);
    // Canonne, Kamath, Steinke 2020, theorem 4: no more than the continuous one.
    case "discrete-gaussian":
      return (a) => ((a - 1) * a * m.sensitivity * m.sensitivity) / (2 * m.stdDev * m.stdDev);
    case "laplace":
      return laplace(m.scale);
    case "discrete-laplace":
      return discreteLaplace(m.scale, m.sensitivity);
    case "approximate":
      return pure(m.epsilon);
    case "distributed-discrete-gaussian": {
      const rho = distributedRho(m);
      return (a) => (a - 1) * a * rho;
    }
    case "concentrated":
      return (a) => (a - 1) * a * m.rho;
  }
}

/**
 * Σ_k C(n, k) (1 - r)^(n-k) r^k E_Q[(P/Q)^k] for integers n: exact for (M, Q), and this direction is the larger one for pairs that a
 * reflection exchanges (Mironov, Talwar, Zhang 2019, theorem 5), which all of ours are.
 */
function sampledAt(base: Moment, rate: number, n: number): number {
  const [stay, go] = [Math.log1p(-rate), Math.log(rate)];
  const terms: number[] = [];
  let choose = 0;
  for (let k = 0; k <= n; k++) {
    if (k > 0) choose += Math.log(n - k + 1) - Math.log(k);
    terms.push(choose + (n - k) * stay + k * go + (k < 2 ? 0 : base(k)));
  }
  return logSum(terms);
}

/** Between integers moments are convex: a straight line lies above. At order 1 the moment is 0. */
function between(at: Moment, order: number): number {
  const low = Math.floor(order);
  const part = order - low;
  return (1 - part) * (low === 1 ? 0 : at(low)) + part * at(low + 1);
}

/** (α - 1) · RDP(α) at each of `orders` (> 1). */
export function moments(m: Mechanism, sampling: Sampling, orders: readonly number[]): number[] {
  const rate = sampling.kind === "poisson" ? sampling.rate : 1;
  if (rate === 0) return orders.map(() => 0);
  if (rate === 1) return orders.map(momentOf(m));
  if (m.kind === "gaussian") {
    if (orders.every(Number.isInteger)) return atIntegers(m.noiseMultiplier, rate, orders);
    const whole = orders.filter(Number.isInteger);
    const values = atIntegers(m.noiseMultiplier, rate, whole);
    let next = 0;
    return orders.map((a) => (Number.isInteger(a) ? values[next++]! : atOrder(m.noiseMultiplier, rate, a)));
  }
  if (m.kind === "concentrated") {
    throw new TacitError(
      "PRIVACY_UNACCOUNTED",
      "rdp: expected a sampled mechanism whose laws are known, got one of which only ρ is known",
      {
        hint: "amplification by sampling holds for pairs that a reflection exchanges; ρ alone does not say that they do",
      },
    );
  }
  const base = momentOf(m);
  const at: Moment = (n) => sampledAt(base, rate, n);
  return orders.map((a) => (Number.isInteger(a) ? at(a) : between(at, a)));
}
