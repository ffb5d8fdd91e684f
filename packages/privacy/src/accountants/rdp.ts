/** @file The RDP accountant: Rényi divergences at many orders add up; the best order gives ε (Mironov 2017). */
import type { PrivacyEvent } from "../events.ts";
import { mergeEvents } from "./merge.ts";
import { moments } from "./renyi/moments.ts";

export type Conversion = "improved" | "classic";

/** Orders by default: small ones for much noise, large ones for little loss. */
export const DEFAULT_ORDERS: readonly number[] = [
  1.05,
  1.1,
  1.15,
  1.2,
  1.25,
  1.3,
  1.4,
  1.5,
  1.6,
  1.75,
  ...Array.from({ length: 32 }, (_, i) => 2 + i / 4),
  ...Array.from({ length: 55 }, (_, i) => 10 + i),
  72,
  80,
  96,
  128,
  192,
  256,
  512,
  1024,
];
/** Where many events differ, integers alone: all of these cost 3 µs a release, each other order as much again. */
const MANY = 500;
const MANY_ORDERS: readonly number[] = [...Array.from({ length: 31 }, (_, i) => 2 + i), 40, 48, 56, 64];

/** Rényi divergence at each order, and the δ of events that only hold outside such a part. */
export interface RenyiCurve {
  readonly orders: readonly number[];
  readonly divergences: readonly number[];
  readonly delta: number;
}

/** Adds up `events`, which have one neighbouring relation and were checked. */
export function renyiCurve(events: readonly PrivacyEvent[], orders?: readonly number[]): RenyiCurve {
  const merged = mergeEvents(events);
  const at = orders ?? (merged.length > MANY ? MANY_ORDERS : DEFAULT_ORDERS);
  const sums = new Float64Array(at.length);
  let delta = 0;
  for (const { mechanism, sampling, count } of merged) {
    moments(mechanism, sampling, at).forEach((m, i) => {
      sums[i]! += count * m;
    });
    if (mechanism.kind === "approximate") {
      // A sampled release fails only where the unit was sampled.
      delta += count * mechanism.delta * (sampling.kind === "poisson" ? sampling.rate : 1);
    }
  }
  return { orders: at, divergences: at.map((a, i) => sums[i]! / (a - 1)), delta };
}

/**
 * The smallest ε for δ, and the order that gives it. `improved`: Canonne, Kamath, Steinke 2020, proposition 12; `classic`: Mironov 2017,
 * proposition 3, as older papers report.
 */
export function epsilonOfCurve(
  curve: RenyiCurve,
  delta: number,
  conversion: Conversion = "improved",
): { readonly epsilon: number; readonly order: number } {
  const left = delta - curve.delta;
  let best = { epsilon: Number.POSITIVE_INFINITY, order: Number.NaN };
  if (left <= 0) return best;
  curve.orders.forEach((a, i) => {
    const gain = conversion === "improved" ? Math.log1p(-1 / a) - Math.log(a) / (a - 1) : 0;
    const epsilon = Math.max(0, curve.divergences[i]! - Math.log(left) / (a - 1) + gain);
    if (epsilon < best.epsilon) best = { epsilon, order: a };
  });
  return best;
}

/** The smallest δ for ε: the same inequality, solved the other way. */
export function deltaOfCurve(curve: RenyiCurve, epsilon: number): number {
  const logs = curve.orders.map((a, i) => (a - 1) * (curve.divergences[i]! - epsilon + Math.log1p(-1 / a)) - Math.log(a));
  return Math.min(1, curve.delta + Math.exp(logs.reduce((x, y) => Math.min(x, y), 0)));
}
