/** @file Short forms of events for the tests. */
import type { Mechanism, PrivacyEvent } from "@tacit/privacy";

export const event = (mechanism: Mechanism, rate: number, count: number): PrivacyEvent => ({
  mechanism,
  neighbours: "add-remove",
  sampling: rate === 1 ? { kind: "all" } : { kind: "poisson", rate },
  count,
});

export const gaussian = (noiseMultiplier: number, rate = 1, count = 1): PrivacyEvent =>
  event({ kind: "gaussian", noiseMultiplier }, rate, count);

export const laplace = (scale: number, rate = 1, count = 1): PrivacyEvent => event({ kind: "laplace", scale }, rate, count);
