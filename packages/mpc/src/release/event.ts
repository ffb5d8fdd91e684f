/** @file The event of one use of noise on shares, as an accountant reads it. */
import type { Neighbours, PrivacyEvent } from "@tacit/privacy";

/** Parties whose noise a corrupted one does not know. */
const HONEST = 2;

/** In units of the value: exact, for each is a fraction with a power of two below. */
export interface NoiseOn {
  /** Most that one row adds, in the 2-norm. */
  readonly sensitivity: number;
  /** Of each party's noise. */
  readonly deviation: number;
  readonly dimension: number;
}

/** What `count` such releases cost against a corrupted party, in least units of a session with `fractionBits`. */
export function eventOf(noise: NoiseOn, neighbours: Neighbours, fractionBits: number, count = 1): PrivacyEvent {
  const units = 2 ** fractionBits;
  return {
    mechanism: {
      kind: "distributed-discrete-gaussian",
      stdDev: noise.deviation * units,
      parties: HONEST,
      sensitivity: noise.sensitivity * units * (neighbours === "replace-one" ? 2 : 1),
      dimension: noise.dimension,
    },
    neighbours,
    sampling: { kind: "all" },
    count,
  };
}
