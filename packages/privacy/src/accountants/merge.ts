/** @file Events that differ in their count alone, as one. */
import type { Mechanism, PrivacyEvent } from "../events.ts";

export function mergeEvents(events: readonly PrivacyEvent[]): PrivacyEvent[] {
  const merged = new Map<string, PrivacyEvent>();
  for (const e of events) {
    const key = keyOf(e);
    const before = merged.get(key);
    merged.set(key, before === undefined ? e : { ...before, count: before.count + e.count });
  }
  return [...merged.values()].filter((e) => e.count > 0);
}

/** By name, since fields come in any order. Cheaper than JSON, which took a third of the time of 10^5 events. */
function keyOf({ mechanism, sampling }: PrivacyEvent): string {
  return `${mechanismKey(mechanism)} ${sampling.kind === "poisson" ? sampling.rate : 1}`;
}

function mechanismKey(m: Mechanism): string {
  switch (m.kind) {
    case "gaussian":
      return `g ${m.noiseMultiplier}`;
    case "laplace":
      return `l ${m.scale}`;
    case "discrete-gaussian":
      return `dg ${m.stdDev} ${m.sensitivity}`;
    case "discrete-laplace":
      return `dl ${m.scale} ${m.sensitivity}`;
    case "distributed-discrete-gaussian":
      return `ddg ${m.stdDev} ${m.parties} ${m.sensitivity} ${m.dimension}`;
    case "approximate":
      return `a ${m.epsilon} ${m.delta}`;
    case "concentrated":
      return `c ${m.rho}`;
  }
}
