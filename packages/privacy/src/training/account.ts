/** @file What a run costs: its events, and the noise that a target needs. */
import { TacitError } from "@tacit/core/errors";
import { epsilonOf } from "../accountants/index.ts";
import { calibrate } from "../calibrate.ts";
import { checkDelta, checkEpsilon, positive, refuse } from "../check.ts";
import type { Neighbours, PrivacyEvent } from "../events.ts";
import { treeLevels } from "./tree.ts";

export type SamplingName = "poisson" | "passes";

/** How a run chooses rows and adds noise: what its events follow from. */
export interface Scheme {
  readonly sampling: SamplingName;
  /** Chance of a row to be in a step (Poisson). */
  readonly rate: number;
  readonly stepsPerEpoch: number;
  /** The public number of rows that rate and steps follow from. */
  readonly rows: number;
}

/**
 * For whom a run counts. Poisson: one row more or less, which means that it is ignored where it stands: rate and steps stay. Passes: one row's
 * data exchanged for another's, in its place. Without a row, all later ones would move to other steps, and a tree hides one leaf, not all.
 */
export const neighboursOf = (sampling: SamplingName): Neighbours => (sampling === "poisson" ? "add-remove" : "replace-one");

/** How far a row moves what a release shows, in K: 1 in a Poisson step, 2 √h in the nodes of a tree. */
const reach = ({ sampling, stepsPerEpoch }: Scheme): number =>
  sampling === "poisson" ? 1 : 2 * Math.sqrt(treeLevels(stepsPerEpoch));

/**
 * Events of `steps` steps. Poisson: each a Gaussian mechanism of multiplier z on a sample. Passes: each begun pass is one of multiplier
 * z / (2 √h) on all rows, h the levels of its tree (see tree.ts): the old row's q goes and the new one's comes, 2 K. `trees` counts them.
 */
export function eventsOf(scheme: Scheme, noiseMultiplier: number, steps: number, trees: number): readonly PrivacyEvent[] {
  if (steps === 0) return [];
  const neighbours = neighboursOf(scheme.sampling);
  if (scheme.sampling === "poisson") {
    const mechanism = { kind: "gaussian", noiseMultiplier } as const;
    return [{ mechanism, neighbours, sampling: { kind: "poisson", rate: scheme.rate }, count: steps }];
  }
  const mechanism = { kind: "gaussian", noiseMultiplier: noiseMultiplier / reach(scheme) } as const;
  return [{ mechanism, neighbours, sampling: { kind: "all" }, count: trees }];
}

/** How private a run is to be. */
export interface Spending {
  readonly noiseMultiplier?: number;
  readonly epsilon?: number;
  readonly delta: number;
  readonly allowLargeDelta?: boolean;
  readonly epochs?: number;
}

/** The noise multiplier of a run, and its steps: as given, or the least noise that keeps (ε, δ) for all epochs. */
export interface Plan {
  readonly noiseMultiplier: number;
  /** Infinity where the caller sets no end. */
  readonly steps: number;
}

/** An event's multiplier from which on PLD reads any one of them, with room. */
const SMALL = 1 / 4;

/** @throws TacitError PRIVACY_PARAMETER */
export function planOf(scheme: Scheme, { noiseMultiplier, epsilon, delta, epochs, allowLargeDelta }: Spending): Plan {
  checkDelta("makePrivate", delta);
  if (delta >= 1 / scheme.rows && allowLargeDelta !== true) {
    refuse(
      "makePrivate",
      `delta below 1 / rows, ${(1 / scheme.rows).toPrecision(3)}`,
      `${delta}`,
      "to publish one row whole, chosen at random, is private at delta 1 / rows: choose far less, or say allowLargeDelta: true",
    );
  }
  if (epochs !== undefined) positive("makePrivate", "epochs", epochs);
  const steps = epochs === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.round(epochs * scheme.stepsPerEpoch));
  if ((noiseMultiplier === undefined) === (epsilon === undefined)) {
    refuse("makePrivate", "either noiseMultiplier, or epsilon and epochs", noiseMultiplier === undefined ? "neither" : "both");
  }
  if (noiseMultiplier !== undefined) {
    positive("makePrivate", "noiseMultiplier", noiseMultiplier);
    // Looked at only where it is near the end of PLD's grid: a reading takes tenths of a second.
    if (noiseMultiplier / reach(scheme) < SMALL) spent(eventsOf(scheme, noiseMultiplier, 1, 1), delta);
    return { noiseMultiplier, steps };
  }
  if (checkEpsilon("makePrivate", epsilon) === 0) refuse("makePrivate", "epsilon above 0", "0", "nothing is learnt at ε = 0");
  if (epochs === undefined)
    refuse("makePrivate", "epochs beside epsilon", "none", "the noise follows from how many steps it must cover");
  const trees = Math.ceil(steps / scheme.stepsPerEpoch);
  // The search begins at an event's multiplier of 1, which PLD can read; at 1/32 its grid ends.
  const unit = reach(scheme);
  const found = calibrate((m) => eventsOf(scheme, m * unit, steps, trees), { epsilon: epsilon!, delta });
  return { noiseMultiplier: found * unit, steps };
}

/** ε of events at δ by PLD, pessimistic; 0 for none. @throws TacitError PRIVACY_PARAMETER for noise that is too little to be accounted for */
export function spent(events: readonly PrivacyEvent[], delta: number): number {
  if (events.length === 0) return 0;
  try {
    return epsilonOf(events, { delta });
  } catch (e) {
    if (!(e instanceof TacitError && e.code === "PRIVACY_GRID")) throw e;
    const got = "so little that its losses leave the grid of the PLD accountant";
    return refuse(
      "makePrivate",
      "noise that can be accounted for",
      got,
      "take a larger noiseMultiplier: so little hides nothing",
    );
  }
}
