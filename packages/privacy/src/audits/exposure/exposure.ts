/**
 * @file Exposure of canaries: how many bits of a secret's rank a model gives away (Carlini, Liu, Erlingsson, Kos, Song, "The Secret
 * Sharer", USENIX Security 2019, sections 4.2 to 4.4).
 *
 * exposure(s) = log2 |R| - log2 rank(s), the rank by the model's loss among all strings R of the secret's format; this is -log2 of the
 * chance that a random string of the format is as likely to the model as the secret. Two ways to that chance from n random candidates:
 * sampling (the rank among them; at most log2(n+1) bits can be seen) and extrapolation (the tail of a skew-normal law fitted to them).
 *
 * What exposure by sampling is without memory: a canary that the model has not seen is exchangeable with the candidates, so its rank is
 * uniform and P[exposure ≥ b] ≤ 2^-b where no losses are equal; the mean tends to log2 e = 1.44 bits. Assumed: canaries and candidates were
 * drawn alike, the canaries' choice did not depend on the model, and no candidate was trained on. Extrapolation has no such error rate: tails
 * of losses need not be skew-normal, and where they are heavier it says 10 bits and more of canaries that nobody has seen, many times as
 * often as 2^-10. It is left out of `most` where the fit is rejected; where it is not, nothing vouches for the tail either.
 */
import { checkOptions, namesOf } from "../../check.ts";
import { checkConfidence, finite, refuseData, type Scores } from "../check.ts";
import { clopperPearson, type Interval } from "../statistics/binomial.ts";
import { type Fit, fitSkewNormal } from "./fit.ts";
import { logCdf } from "./skew-normal.ts";

/** Three parameters are fitted; fewer would leave the tail to chance. */
export const LEAST_CANDIDATES = 256;

export interface ExposureOptions {
  /** Size of the format |R|, at least the number of candidates: more than log2 |R| bits are not there to be exposed. */
  readonly space?: number;
  /** Of the intervals; 0.95 unless given. */
  readonly confidence?: number;
}

const OPTIONS = namesOf<ExposureOptions>({ space: true, confidence: true });

/** What is known of one canary. */
export interface CanaryExposure {
  readonly loss: number;
  /** By sampling. `rank` 1 is the likeliest; ties count against the model that is audited, before the canary's equals. */
  readonly sampled: {
    readonly rank: number;
    readonly bits: number;
    /** For the exposure among all strings, by Clopper and Pearson. `high` is infinite at rank 1. */
    readonly interval: Interval;
    /** At rank 1 the exposure is at least this: more candidates could show more. */
    readonly atLeast: boolean;
  };
  /** By extrapolation; not above log2 |R| where that is known. */
  readonly extrapolated: { readonly bits: number; readonly full: boolean };
}

export interface ExposureReport {
  readonly canaries: readonly CanaryExposure[];
  readonly candidates: number;
  /** Bits that sampling can show: log2(candidates + 1). */
  readonly visible: number;
  /** Bits of the whole format, where it was given. */
  readonly space: number | null;
  readonly fit: Fit;
  readonly confidence: number;
  /** The largest exposure of any canary: by sampling, or by extrapolation where that is more and its fit is not rejected. */
  readonly most: number;
  readonly mostFrom: "sampling" | "extrapolation";
  /** The largest exposure by sampling. */
  readonly mostSampled: number;
  /** Mean by sampling; about 1.44 where nothing is remembered. */
  readonly mean: number;
  /** Chance, at most, that among so many canaries without memory one has so low a rank; about sampling alone, see `chanceOfRank`. */
  readonly byChance: number;
}

/** How many of the sorted values are below x. */
function countBelow(sorted: Float64Array, x: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The rank among the candidates and itself. Ties with candidates leave the canary first: an audit errs towards alarm.
 * Exposure by a chance p in the interval [low, high] is -log2 p; 0 candidates below leave p without a lower bound.
 */
function bySampling(sorted: Float64Array, loss: number, confidence: number): CanaryExposure["sampled"] {
  const n = sorted.length;
  const below = countBelow(sorted, loss);
  const chance = clopperPearson(below, n, confidence);
  const bits = Math.log2(n + 1) - Math.log2(below + 1);
  const interval = { low: -Math.log2(chance.high), high: -Math.log2(chance.low) };
  return { rank: below + 1, bits, interval, atLeast: below === 0 };
}

/**
 * Chance that the lowest of m canaries stands at the given rank or lower among n candidates, when all m + n are exchangeable: that the first
 * `rank` of all in order are not all candidates, 1 - C(n, rank)/C(n+m, rank) = 1 - Π (1 - rank/(n+j)) for j = 1 to m. Exact where no losses are
 * equal. Equals are to stand before the canary: then the rank is at least that of ties broken by coins, and the chance an upper bound.
 */
function chanceOfRank(rank: number, m: number, n: number): number {
  let log = 0;
  for (let j = 1; j <= m; j++) log += Math.log1p(-rank / (n + j));
  return -Math.expm1(log);
}

/**
 * Exposure of canaries among random candidates of the same format.
 * @param canaries losses (negative log-likelihood, any base, one for each canary that was trained on)
 * @param candidates losses of random strings of the format that were not trained on, at least 256; the measurable exposure is log2(n + 1)
 * @throws TacitError PRIVACY_AUDIT_DATA for too few or not finite losses, or a format smaller than the candidates
 */
export function exposure(canaries: Scores, candidates: Scores, options: ExposureOptions = {}): ExposureReport {
  checkOptions("exposure", options, OPTIONS);
  const confidence = checkConfidence("exposure", options.confidence ?? 0.95);
  const mine = finite("exposure", "losses of canaries", canaries, 1);
  const more = "score more random strings of the canaries' format";
  const sorted = finite("exposure", "losses of candidates", candidates, LEAST_CANDIDATES, more).sort();
  const { space } = options;
  if (space !== undefined && !(space >= sorted.length && space < Number.POSITIVE_INFINITY)) {
    refuseData("exposure", "a format of at least as many strings as candidates", "fewer", "space is |R|, 10^9 for nine digits");
  }
  const fit = fitSkewNormal(sorted);
  const whole = space === undefined ? Number.POSITIVE_INFINITY : Math.log2(space);
  const found = Array.from(mine, (loss): CanaryExposure => {
    const bits = -logCdf(fit.law, loss) / Math.LN2;
    return {
      loss,
      sampled: bySampling(sorted, loss, confidence),
      extrapolated: { bits: Math.min(bits, whole), full: bits >= whole },
    };
  });
  const mostSampled = found.reduce((high, c) => Math.max(high, c.sampled.bits), 0);
  const mostFitted = found.reduce((high, c) => Math.max(high, c.extrapolated.bits), 0);
  const fitted = !fit.rejected && mostFitted > mostSampled;
  const lowest = mine.reduce((a, b) => Math.min(a, b));
  const notAbove = sorted.reduce((count, v) => count + (v <= lowest ? 1 : 0), 0);
  return {
    canaries: found,
    candidates: sorted.length,
    visible: Math.log2(sorted.length + 1),
    space: space === undefined ? null : whole,
    fit,
    confidence,
    most: fitted ? mostFitted : mostSampled,
    mostFrom: fitted ? "extrapolation" : "sampling",
    mostSampled,
    mean: found.reduce((sum, c) => sum + c.sampled.bits, 0) / found.length,
    byChance: chanceOfRank(notAbove + 1, found.length, sorted.length),
  };
}
