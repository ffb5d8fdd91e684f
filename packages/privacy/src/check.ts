/** @file Guards at the border: parameters of privacy are checked before anything is promised. A NaN promises nothing. */
import { TacitError } from "@tacit/core/errors";
import type { Mechanism, PrivacyEvent } from "./events.ts";

const CODE = "PRIVACY_PARAMETER";

/** @throws TacitError PRIVACY_PARAMETER */
export function refuse(where: string, want: string, got: string, hint?: string): never {
  throw new TacitError(CODE, `${where}: expected ${want}, got ${got}`, hint === undefined ? {} : { hint });
}

const show = (x: unknown): string => (typeof x === "number" ? `${x}` : typeof x);

/** A finite number above 0. */
export function positive(where: string, name: string, x: unknown): number {
  if (typeof x === "number" && x > 0 && x < Number.POSITIVE_INFINITY) return x;
  return refuse(where, `${name} above 0 and finite`, show(x));
}

/** ε: finite, 0 or more. */
export function checkEpsilon(where: string, x: unknown): number {
  if (typeof x === "number" && x >= 0 && x < Number.POSITIVE_INFINITY) return x;
  return refuse(where, "epsilon of 0 or more, finite", show(x));
}

/** δ strictly between 0 and 1. */
export function checkDelta(where: string, x: unknown): number {
  if (typeof x === "number" && x > 0 && x < 1) return x;
  return refuse(
    where,
    "delta between 0 and 1, both excluded",
    show(x),
    "delta is the chance of a failure: well below 1 / people",
  );
}

/** A whole number of at least `least`. */
export function whole(where: string, name: string, x: unknown, least = 1): number {
  if (typeof x === "number" && Number.isSafeInteger(x) && x >= least) return x;
  return refuse(where, `${name}, a whole number of at least ${least}`, show(x));
}

function checkMechanism(m: Mechanism): void {
  const at = `event ${m.kind}`;
  switch (m.kind) {
    case "gaussian":
      return void positive(at, "a noise multiplier", m.noiseMultiplier);
    case "laplace":
      return void positive(at, "a scale", m.scale);
    case "discrete-gaussian":
      positive(at, "a standard deviation", m.stdDev);
      return void whole(at, "a sensitivity", m.sensitivity);
    case "discrete-laplace":
      positive(at, "a scale", m.scale);
      return void whole(at, "a sensitivity", m.sensitivity);
    case "distributed-discrete-gaussian":
      positive(at, "a sensitivity", m.sensitivity);
      whole(at, "a number of parties", m.parties);
      whole(at, "a dimension", m.dimension);
      if (!(positive(at, "a standard deviation", m.stdDev) ** 2 >= 0.5)) refuse(at, "a variance of 1/2 at least", "less");
      return;
    case "approximate":
      checkEpsilon(at, m.epsilon);
      if (m.delta !== 0) checkDelta(at, m.delta);
      return;
    case "concentrated":
      return void positive(at, "rho", m.rho);
    default:
      refuse("event", "a known mechanism", "another");
  }
}

/**
 * Checks events before they are added up.
 * @throws TacitError PRIVACY_PARAMETER; PRIVACY_NEIGHBOURS where relations mix, or sampling meets replace-one
 */
export function checkEvents(events: readonly PrivacyEvent[]): void {
  const relation = events[0]?.neighbours;
  for (const e of events) {
    checkMechanism(e.mechanism);
    whole(`event ${e.mechanism.kind}`, "a count", e.count, 0);
    if (e.neighbours !== "add-remove" && e.neighbours !== "replace-one") {
      throw new TacitError("PRIVACY_NEIGHBOURS", "event: expected neighbours add-remove or replace-one, got another relation");
    }
    if (e.neighbours !== relation) {
      throw new TacitError("PRIVACY_NEIGHBOURS", "account: expected one neighbouring relation, got both", {
        hint: "restate one: (ε, δ) for add-remove is (2 ε, (1 + e^ε) δ) for replace-one",
      });
    }
    if (e.sampling.kind === "all") continue;
    const { rate } = e.sampling;
    if (!(rate >= 0 && rate <= 1)) refuse(`event ${e.mechanism.kind}`, "a sampling rate from 0 to 1", show(rate));
    if (e.neighbours === "replace-one") {
      throw new TacitError("PRIVACY_NEIGHBOURS", "account: expected add-remove for Poisson samples, got replace-one", {
        hint: "a replaced unit is sampled in both data sets, and amplification is another theorem: account for add-remove",
      });
    }
  }
}
