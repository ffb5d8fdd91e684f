/** @file Guards at the border: parameters of privacy are checked before anything is promised. A NaN promises nothing. */
import { checkOptions as checkNames, kindOf, type OptionHints, TacitError } from "@tacit/core/errors";
import type {
  Approximate,
  Concentrated,
  DiscreteGaussian,
  DiscreteLaplace,
  DistributedDiscreteGaussian,
  Gaussian,
  Laplace,
  Mechanism,
  PrivacyEvent,
  Sampling,
} from "./events.ts";

const CODE = "PRIVACY_PARAMETER";

/** @throws TacitError PRIVACY_PARAMETER */
export function refuse(where: string, want: string, got: string, hint?: string): never {
  throw new TacitError(CODE, `${where}: expected ${want}, got ${got}`, hint === undefined ? {} : { hint });
}

/** The names of a type's fields, all of them and no others: the compiler sees to it. */
export const namesOf = <T>(names: Readonly<Record<keyof T, true>>): readonly string[] => Object.keys(names);

/** An ignored option would leave a guarantee at its default. @throws TacitError PRIVACY_PARAMETER for what is no object, or has other names */
export function checkOptions(where: string, options: unknown, known: readonly string[], hints?: OptionHints): void {
  checkNames(CODE, where, options, known, hints);
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

type Fields = { readonly [K in Mechanism["kind"]]: readonly string[] };
const FIELDS: Fields = {
  gaussian: namesOf<Gaussian>({ kind: true, noiseMultiplier: true }),
  laplace: namesOf<Laplace>({ kind: true, scale: true }),
  "discrete-gaussian": namesOf<DiscreteGaussian>({ kind: true, stdDev: true, sensitivity: true }),
  "discrete-laplace": namesOf<DiscreteLaplace>({ kind: true, scale: true, sensitivity: true }),
  "distributed-discrete-gaussian": namesOf<DistributedDiscreteGaussian>({
    kind: true,
    stdDev: true,
    parties: true,
    sensitivity: true,
    dimension: true,
  }),
  approximate: namesOf<Approximate>({ kind: true, epsilon: true, delta: true }),
  concentrated: namesOf<Concentrated>({ kind: true, rho: true }),
};

function checkMechanism(m: Mechanism): void {
  if (!Object.hasOwn(FIELDS, m?.kind ?? "")) refuse("event", `a mechanism of kind ${Object.keys(FIELDS).join(", ")}`, "another");
  const at = `event ${m.kind}`;
  checkOptions(at, m, FIELDS[m.kind]);
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
  }
}

const ALL = namesOf<Extract<Sampling, { kind: "all" }>>({ kind: true });
const POISSON = namesOf<Extract<Sampling, { kind: "poisson" }>>({ kind: true, rate: true });

/** @throws TacitError PRIVACY_SAMPLING for another kind; PRIVACY_PARAMETER for a rate that is none */
function checkSampling(at: string, sampling: Sampling): void {
  if (sampling?.kind === "all") return void checkOptions(at, sampling, ALL);
  if (sampling?.kind !== "poisson") {
    throw new TacitError(
      "PRIVACY_SAMPLING",
      `${at}: expected sampling { kind: "all" } or { kind: "poisson", rate }, got another`,
      {
        hint: "only true Poisson samples are accounted with what sampling gains: shuffled batches, and samples of a fixed size, count as all",
      },
    );
  }
  checkOptions(at, sampling, POISSON);
  const { rate } = sampling;
  // As `poissonSample` has it.
  if (!(typeof rate === "number" && rate > 0 && rate <= 1)) refuse(at, "a sampling rate above 0, at most 1", show(rate));
}

const EVENT = namesOf<PrivacyEvent>({ mechanism: true, neighbours: true, sampling: true, count: true });

/**
 * Checks events before they are added up.
 * @throws TacitError PRIVACY_PARAMETER, PRIVACY_SAMPLING; PRIVACY_NEIGHBOURS where relations mix, or sampling meets replace-one
 */
export function checkEvents(events: readonly PrivacyEvent[]): void {
  if (!Array.isArray(events)) refuse("account", "a list of events", kindOf(events), "epsilonOf([event], { delta: 1e-6 })");
  const relation = events[0]?.neighbours;
  for (const e of events) {
    checkOptions("event", e, EVENT);
    checkMechanism(e.mechanism);
    const at = `event ${e.mechanism.kind}`;
    whole(at, "a count", e.count, 0);
    checkSampling(at, e.sampling);
    if (e.neighbours !== "add-remove" && e.neighbours !== "replace-one") {
      throw new TacitError("PRIVACY_NEIGHBOURS", "event: expected neighbours add-remove or replace-one, got another relation");
    }
    if (e.neighbours !== relation) {
      throw new TacitError("PRIVACY_NEIGHBOURS", "account: expected one neighbouring relation, got both", {
        hint: "restate one: (ε, δ) for add-remove is (2 ε, (1 + e^ε) δ) for replace-one",
      });
    }
    if (e.sampling.kind !== "all" && e.neighbours === "replace-one") {
      throw new TacitError("PRIVACY_NEIGHBOURS", "account: expected add-remove for Poisson samples, got replace-one", {
        hint: "a replaced unit is sampled in both data sets, and amplification is another theorem: account for add-remove",
      });
    }
  }
}
