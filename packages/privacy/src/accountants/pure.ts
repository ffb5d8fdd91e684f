/** @file The pure accountant: ε (and δ) add up. The plainest bound, and the only one at δ = 0 for everything that has one. */
import type { Mechanism, PrivacyEvent } from "../events.ts";

/** (ε, δ) of one release by itself; ε Infinity where no pure part exists. */
function one(m: Mechanism): { readonly epsilon: number; readonly delta: number } {
  switch (m.kind) {
    case "laplace":
      return { epsilon: 1 / m.scale, delta: 0 };
    case "discrete-laplace":
      return { epsilon: m.sensitivity / m.scale, delta: 0 };
    case "approximate":
      return { epsilon: m.epsilon, delta: m.delta };
    default:
      return { epsilon: Number.POSITIVE_INFINITY, delta: 0 };
  }
}

/** log(1 + r (e^ε - 1)): what a sampled release costs (Balle, Barthe, Gaboardi 2018, theorem 8). */
const amplified = (epsilon: number, rate: number): number =>
  epsilon > 700 ? epsilon + Math.log(rate) : Math.log1p(rate * Math.expm1(epsilon));

export function pureTotal(events: readonly PrivacyEvent[]): { readonly epsilon: number; readonly delta: number } {
  let [epsilon, delta] = [0, 0];
  for (const { mechanism, sampling, count } of events) {
    const rate = sampling.kind === "poisson" ? sampling.rate : 1;
    if (rate === 0 || count === 0) continue;
    const single = one(mechanism);
    epsilon += count * amplified(single.epsilon, rate);
    delta += count * rate * single.delta;
  }
  return { epsilon, delta: Math.min(1, delta) };
}
