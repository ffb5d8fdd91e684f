/** @file Tacit as a contender of the privacy suite. */
import { discreteGaussian, epsilonOf, type PrivacyEvent } from "@tacit/privacy";
import { serve, type Timed } from "../serve.ts";

const SAMPLES = 1_000_000;
const EVENTS = 100_000;

const seconds = (work: () => void): number => {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
};

/** Millions of samples a second. */
const samples = (stdDev: number): (() => Promise<Timed>) => {
  return async () => {
    const draw = discreteGaussian(stdDev);
    return async () => {
      const taken = seconds(() => {
        for (let i = 0; i < SAMPLES; i++) draw();
      });
      return { value: SAMPLES / 1e6 / taken };
    };
  };
};

const event = (noiseMultiplier: number, rate: number): PrivacyEvent => ({
  mechanism: { kind: "gaussian", noiseMultiplier },
  neighbours: "add-remove",
  sampling: { kind: "poisson", rate },
  count: 1,
});

/** Seconds for ε at δ 1e-5. */
const account = (events: readonly PrivacyEvent[], accountant: "pld" | "rdp"): (() => Promise<Timed>) => {
  return async () => async () => ({ value: seconds(() => void epsilonOf(events, { delta: 1e-5, accountant })) });
};

const FIFTY = Array.from({ length: EVENTS }, (_, i) => event(3 + (i % 50) / 10, 0.001 * (1 + (i % 50))));
const DISTINCT = Array.from({ length: EVENTS }, (_, i) =>
  event(1 + (4 * ((i * 7919) % EVENTS)) / EVENTS, 0.001 + (0.1 * i) / EVENTS),
);

serve({
  "gaussian-samples": samples(10),
  "gaussian-samples-1e6": samples(1e6),
  "compose-1e5": account(FIFTY, "pld"),
  "compose-1e5-distinct": account(DISTINCT, "rdp"),
});
