/** @file The mechanism of a release on shares: clip norm and noise as the fractions that stand in a Program. */
import type { Device, Storage } from "@tacit/core/device";
import { checkOptions, expected, TacitError } from "@tacit/core/errors";
import { fractionAbove, fractionBelow } from "@tacit/core/program";
import { epsilonOf, type Neighbours, type PrivacyEvent } from "@tacit/privacy";
import type { Source } from "../session/grant.ts";
import type { NoiseOn } from "./event.ts";

/** What owners are asked to demand: all runs together cost at most ε at δ, by zCDP. */
export interface Budget {
  readonly epsilon: number;
  readonly delta: number;
}

/** The same of the rows in these values. */
export interface Demand extends Budget {
  readonly neighbours: Neighbours;
  readonly rows: ReadonlySet<Storage>;
}

/** What releases ask of a session of parties, or of the recorder that stands for one in plans. */
export interface ReleaseDevice extends Device {
  /** Of its fixed point. */
  readonly fractionBits: number;
  sourceOf(storage: Storage): Source;
  /** Of a recorder: what is planned has owners demand this. In a session they have signed already, or have not. */
  demand?(demand: Demand): void;
}

/** Which data sets are not to be told apart. The number of rows is public on shares, whatever the relation. */
export interface ReleaseOptions {
  /** Most 2-norm of what one row adds: C. A larger row is scaled to it. */
  readonly clipNorm: number;
  /** z: two honest parties' noise has the deviation z C in each coordinate; three parties', 1.22 times as much. */
  readonly noiseMultiplier: number;
  /**
   * `add-remove`: a row holds its person's data, or adds nothing. `replace-one`: it holds another person's. What the second costs is what the
   * first costs at twice the sensitivity.
   */
  readonly neighbours: Neighbours;
  /**
   * What a plan (`mpc.Recorder`) has owners demand of every disclosure of these Programs. In a session what would cost more is refused before it is sent; whether
   * the parties hold to it is for the owners' grants to say.
   */
  readonly mechanism?: Budget;
}

/** Attributes of the two ops. */
export interface Fractions {
  /** At most C. */
  readonly bound: readonly [number, number];
  /** At least z C / √2: of each party's noise. */
  readonly deviation: readonly [number, number];
}

const bad = (where: string, name: string, x: unknown): never =>
  expected("PRIVACY_PARAMETER", where, `a ${name} above 0 and finite`, `${x}`);

/** The same as numbers, for `dimension` coordinates. */
export const noiseOf = ({ bound, deviation }: Fractions, dimension: number): NoiseOn => ({
  sensitivity: bound[0] / 2 ** bound[1],
  deviation: deviation[0] / 2 ** deviation[1],
  dimension,
});

/** Names of these. */
export const RELEASE: Readonly<Record<keyof ReleaseOptions, true>> = {
  clipNorm: true,
  noiseMultiplier: true,
  neighbours: true,
  mechanism: true,
};
const BUDGET: Readonly<Record<keyof Budget, true>> = { epsilon: true, delta: true };

/** Most of a fraction's numerator, and of its shift (`core`, ops/release/fraction.ts). */
const [MOST_BOUND, LEAST_BOUND] = [2 ** 31 - 1, 2 ** -62];
/** Of a party's deviation in least units: below, a sum of discrete Gaussians has no account; above, its samples could pass 2^53. */
const [LEAST_DEVIATION, MOST_DEVIATION] = [1, 2 ** 45];

/**
 * `fractionBits` of the session.
 * @throws TacitError PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS
 */
export function fractionsOf(where: string, options: ReleaseOptions, fractionBits: number): Fractions {
  const { clipNorm, noiseMultiplier, neighbours } = options;
  if (!(clipNorm > 0 && clipNorm < Number.POSITIVE_INFINITY)) bad(where, "clip norm", clipNorm);
  if (!(noiseMultiplier > 0 && noiseMultiplier < Number.POSITIVE_INFINITY)) bad(where, "noise multiplier", noiseMultiplier);
  if (neighbours !== "add-remove" && neighbours !== "replace-one") {
    throw new TacitError("PRIVACY_NEIGHBOURS", `${where}: expected neighbours add-remove or replace-one, got another relation`);
  }
  if (!(clipNorm >= LEAST_BOUND && clipNorm <= MOST_BOUND))
    expected("PRIVACY_PARAMETER", where, `a clip norm from 2^-62 to ${MOST_BOUND}`, `${clipNorm}`);
  // √(1/2) rounded up: the deviation may only be larger.
  const deviation = noiseMultiplier * clipNorm * 0.7071067811865477;
  const [least, most] = [LEAST_DEVIATION / 2 ** fractionBits, Math.min(MOST_BOUND, MOST_DEVIATION / 2 ** fractionBits)];
  if (!(deviation >= least && deviation <= most)) {
    const range = [least, most].map((d) => ((d / clipNorm) * Math.SQRT2).toPrecision(3)).join(" to ");
    const hint = `each party's noise is to be of 1 least unit, 2^-${fractionBits}, to 2^45 of them: that depends on the clip norm, too`;
    expected("PRIVACY_PARAMETER", where, `a noise multiplier of ${range} at clip norm ${clipNorm}`, `${noiseMultiplier}`, hint);
  }
  return { bound: fractionBelow("clippedSum", clipNorm), deviation: fractionAbove("partyNoise", deviation) };
}

/** The device of a value. @throws TacitError DEVICE_UNSUPPORTED for one on a single machine */
export function releaseDevice(where: string, device: Device): ReleaseDevice {
  if ("fractionBits" in device && "sourceOf" in device) return device as ReleaseDevice;
  throw new TacitError("DEVICE_UNSUPPORTED", `${where}: expected a tensor in a session of parties, got one on ${device.name}`, {
    hint: "on one machine @tacit/privacy has queries and training",
  });
}

/** @throws TacitError PRIVACY_PARAMETER; PRIVACY_BUDGET where `events` cost more than the budget of `options` */
export function checkBudget(where: string, { mechanism }: ReleaseOptions, events: readonly PrivacyEvent[]): void {
  if (mechanism === undefined) return;
  checkOptions("PRIVACY_PARAMETER", `${where}'s mechanism`, mechanism, Object.keys(BUDGET));
  const { epsilon, delta } = mechanism;
  if (!(epsilon > 0 && epsilon < Number.POSITIVE_INFINITY)) bad(where, "budget ε", epsilon);
  const cost = epsilonOf(events, { delta, accountant: "zcdp" });
  if (cost <= epsilon) return;
  const message = `${where}: expected at most ε ${epsilon} at δ ${delta}, got ${cost.toPrecision(4)} with one release more`;
  throw new TacitError("PRIVACY_BUDGET", message, { hint: "plan more noise, or fewer releases" });
}
