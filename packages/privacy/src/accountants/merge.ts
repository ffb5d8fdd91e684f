/** @file Events that differ in their count alone, as one. */
import type { PrivacyEvent } from "../events.ts";

export function mergeEvents(events: readonly PrivacyEvent[]): PrivacyEvent[] {
  const merged = new Map<string, PrivacyEvent>();
  for (const e of events) {
    const key = keyOf(e);
    const before = merged.get(key);
    merged.set(key, before === undefined ? e : { ...before, count: before.count + e.count });
  }
  return [...merged.values()].filter((e) => e.count > 0);
}

/** Cheaper than JSON, which took a third of the time of 10^5 events. */
function keyOf({ mechanism, sampling }: PrivacyEvent): string {
  const rate = sampling.kind === "poisson" ? sampling.rate : 1;
  return `${Object.values(mechanism).join(" ")} ${rate}`;
}
