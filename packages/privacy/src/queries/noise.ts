/**
 * @file Noise of a query: from what may be spent to one scale for each of its parts, the events that say so, and the exact law of the noise.
 *
 * A part is a list of integers that are released with independent noise of one scale. One unit changes at most `changes`: the i-th largest of
 * the changes of the integers is at most the i-th of the list. Then the events
 *     for each entry s of the list: a release of one integer of sensitivity s with that noise
 * together dominate the release of the whole part: noise is independent, so the pair of output laws on neighbours is a product of
 * pairs of one integer each, and each of those is dominated by that of its entry, since a smaller shift of a log-concave law on the
 * integers is dominated by a larger one: the best event at any ε is {x ≥ t}, and Pr[X ≥ t - s] rises with s.
 * For discrete Laplace noise the same part is also (l1 / b)-DP, l1 the largest sum of all changes; where the list sums to more, that is written.
 */
import { calibrate } from "../calibrate.ts";
import { checkDelta, positive, refuse } from "../check.ts";
import type { Mechanism, Neighbours, PrivacyEvent } from "../events.ts";
import { discreteGaussianMass, discreteLaplaceMass, type RunMass } from "../math/discrete.ts";
import { discreteGaussian } from "../samplers/discrete-gaussian.ts";
import { discreteLaplace } from "../samplers/discrete-laplace.ts";

/**
 * What a query may spend. `epsilon`: discrete Laplace noise, pure ε-DP. `rho`: discrete Gaussian noise, ρ-zCDP. `epsilon` and `delta`:
 * discrete Gaussian noise, the least that keeps (ε, δ) by the PLD accountant (finding it takes a few seconds).
 */
export type Noise =
  | { readonly epsilon: number }
  | { readonly rho: number }
  | { readonly epsilon: number; readonly delta: number };

/** `count` integers that change by at most `sensitivity`, a whole number above 0. */
export interface Change {
  readonly sensitivity: number;
  readonly count: number;
}

/** Integers that are released with noise of one scale. */
export interface Part {
  readonly name: string;
  /** How many integers. */
  readonly size: number;
  /** What one unit changes, largest first. */
  readonly changes: readonly Change[];
  /** The largest sum of absolute changes. */
  readonly l1: number;
  /** Of what is spent, relative to the other parts. */
  readonly share: number;
  /** What one step of the integers is in the units of the answer. */
  readonly step: number;
  /** Why the changes are what they are. */
  readonly why: string;
}

/** Independent noise on integers. */
export interface NoiseLaw {
  readonly kind: "discrete-laplace" | "discrete-gaussian";
  /** b, or σ, in steps. */
  readonly scale: number;
  /** Mass on runs of integers. */
  readonly mass: RunMass;
  /** log E e^(tX), or above it; Infinity where it has none. */
  logMoment(t: number): number;
  /** A sampler; made at the first call, which takes a tenth of a second. */
  sampler(): () => number;
}

/** Above this, samples could pass 2^53. */
const MOST_SCALE = 2 ** 46;

function lawOf(kind: NoiseLaw["kind"], scale: number): NoiseLaw {
  if (!(scale < MOST_SCALE))
    refuse("noise", "a scale below 2^46 grid steps", "a wider one", "use a coarser grid for the column, or spend more");
  let draw: (() => number) | undefined;
  const gaussian = kind === "discrete-gaussian";
  const make = gaussian ? discreteGaussian : discreteLaplace;
  return {
    kind,
    scale,
    mass: gaussian ? discreteGaussianMass(scale) : discreteLaplaceMass(scale),
    logMoment: gaussian ? (t) => (t * t * scale * scale) / 2 : (t) => laplaceMoment(scale, Math.abs(t)),
    sampler: () => {
      draw ??= make(scale);
      return draw;
    },
  };
}

/** (1 - r)² / ((1 - r e^t)(1 - r e^-t)), r = e^(-1/b). The Gaussian's is at most that of N(0, σ²): Canonne, Kamath, Steinke 2020, fact 20. */
function laplaceMoment(scale: number, t: number): number {
  const rate = 1 / scale;
  if (t >= rate) return Number.POSITIVE_INFINITY;
  return 2 * Math.log(-Math.expm1(-rate)) - Math.log(-Math.expm1(t - rate)) - Math.log(-Math.expm1(-t - rate));
}

/** The least double at or above a / b with a / result ≤ b: rounding must not cost a little more than what was asked. */
function atLeast(x: number, costs: (scale: number) => boolean): number {
  for (let step = 2 ** -52; !costs(x); step *= 2) x += x * step;
  return x;
}

const l2Squared = (part: Part): number => part.changes.reduce((sum, c) => sum + c.count * c.sensitivity ** 2, 0);

export function checkNoise(where: string, noise: unknown): Noise {
  const hint = "noise: { epsilon: 0.1 }, { rho: 0.01 } or { epsilon: 0.5, delta: 1e-6 }";
  if (typeof noise !== "object" || noise === null) return refuse(where, "noise, what may be spent", typeof noise, hint);
  const { epsilon, rho, delta, ...others } = noise as Record<string, unknown>;
  if (
    Object.keys(others).length > 0 ||
    (rho === undefined) === (epsilon === undefined) ||
    (rho !== undefined && delta !== undefined)
  )
    return refuse(where, "noise of epsilon, of rho, or of epsilon and delta", "another", hint);
  if (rho !== undefined) return { rho: positive(where, "rho", rho) };
  const checked = positive(where, "epsilon", epsilon);
  return delta === undefined ? { epsilon: checked } : { epsilon: checked, delta: checkDelta(where, delta) };
}

function gaussianParts(parts: readonly Part[], rho: number): NoiseLaw[] {
  const all = parts.reduce((sum, p) => sum + p.share, 0);
  return parts.map((p) => {
    const [most, square] = [(rho * p.share) / all, l2Squared(p)];
    return lawOf(
      "discrete-gaussian",
      atLeast(Math.sqrt(square / (2 * most)), (s) => square / (2 * s * s) <= most),
    );
  });
}

function laplaceParts(parts: readonly Part[], epsilon: number): NoiseLaw[] {
  const all = parts.reduce((sum, p) => sum + p.share, 0);
  return parts.map((p) => {
    const most = (epsilon * p.share) / all;
    return lawOf(
      "discrete-laplace",
      atLeast(p.l1 / most, (b) => p.l1 / b <= most),
    );
  });
}

/** The laws of `parts`, in their order. @throws TacitError PRIVACY_PARAMETER */
export function lawsOf(where: string, noise: unknown, parts: readonly Part[], neighbours: Neighbours): NoiseLaw[] {
  const checked = checkNoise(where, noise);
  if ("rho" in checked) return gaussianParts(parts, checked.rho);
  if (!("delta" in checked)) return laplaceParts(parts, checked.epsilon);
  // ρ = 1 / (2 m²) for the noise multiplier m.
  const of = (m: number): NoiseLaw[] => gaussianParts(parts, 1 / (2 * m * m));
  return of(calibrate((m) => eventsOf(parts, of(m), neighbours), checked));
}

/** What the ledger stores of a release of `parts`. */
export function eventsOf(parts: readonly Part[], laws: readonly NoiseLaw[], neighbours: Neighbours): PrivacyEvent[] {
  const event = (mechanism: Mechanism, count: number): PrivacyEvent => ({
    mechanism,
    neighbours,
    sampling: { kind: "all" },
    count,
  });
  return parts.flatMap((part, i) => {
    const { kind, scale } = laws[i]!;
    const sum = part.changes.reduce((n, c) => n + c.count * c.sensitivity, 0);
    if (kind === "discrete-laplace" && sum > part.l1)
      return [event({ kind: "approximate", epsilon: part.l1 / scale, delta: 0 }, 1)];
    return part.changes.map(({ sensitivity, count }) =>
      event(kind === "discrete-laplace" ? { kind, scale, sensitivity } : { kind, stdDev: scale, sensitivity }, count),
    );
  });
}

/** Digits that the masses have, taken off the confident side. */
const DIGITS = 1e-11;

/** The least q with Pr[|X| ≤ q] ≥ level. */
export function halfWidth(law: NoiseLaw, level: number): number {
  const holds = (q: number): boolean => 2 * law.mass(q + 1, Number.POSITIVE_INFINITY) * (1 + DIGITS) <= 1 - level;
  let hi = 1;
  while (!holds(hi)) hi *= 2;
  let lo = -1;
  while (hi - lo > 1) {
    const mid = Math.floor((lo + hi) / 2);
    if (holds(mid)) hi = mid;
    else lo = mid;
  }
  return hi;
}

/** For each part the q with which all integers of all parts lie within ± q of the truth together with probability at least `level`. */
export function halfWidths(parts: readonly Part[], laws: readonly NoiseLaw[], level: number): number[] {
  const cells = parts.reduce((n, p) => n + p.size, 0);
  // Independent: the chances multiply.
  const each = level ** (1 / cells);
  return laws.map((law) => halfWidth(law, each));
}

/** Changes of a list of counts, run-length coded, largest first; zeros left out. */
export function changesOf(sensitivities: readonly number[]): Change[] {
  const changes: { sensitivity: number; count: number }[] = [];
  for (const s of [...sensitivities].sort((a, b) => b - a)) {
    const last = changes.at(-1);
    if (s <= 0) continue;
    if (last?.sensitivity === s) last.count++;
    else changes.push({ sensitivity: s, count: 1 });
  }
  return changes;
}
