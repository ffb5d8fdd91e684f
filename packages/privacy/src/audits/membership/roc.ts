/**
 * @file How well a score tells members from non-members: the whole curve, and the true-positive rate at a small false-positive rate,
 * which is what an attacker who must not be wrong has (Carlini, Chien, Nasr, Song, Terzis, Tramèr 2022, "Membership Inference Attacks
 * From First Principles", section III).
 */
import { normalCdf } from "../../math/normal.ts";
import { checkConfidence, finite, refuseData, type Scores } from "../check.ts";
import { binomialMasses, clopperPearson, type Interval, tailOf } from "../statistics/binomial.ts";

/** A threshold `score ≥ threshold → member`, and how often it is right and wrong. */
export interface RocPoint {
  readonly threshold: number;
  readonly fpr: number;
  readonly tpr: number;
}

export interface Roc {
  readonly members: number;
  readonly nonMembers: number;
  /** From (0, 0) at threshold ∞ to (1, 1), a point for each different score; equal scores fall together. */
  readonly points: readonly RocPoint[];
  /** P[member scores higher] + P[equal] / 2. */
  readonly auc: number;
  /** By DeLong's variance (Biometrics 44, 1988), normal approximation. */
  readonly aucInterval: Interval;
  /** Largest TPR - FPR of any threshold: chosen on the same scores, so a little above what a fresh sample shows. */
  readonly advantage: number;
  readonly confidence: number;
}

/** Scores of both kinds, descending, with how many of each lie at a value. */
interface Step {
  readonly score: number;
  readonly members: number;
  readonly nonMembers: number;
}

function steps(members: Float64Array, nonMembers: Float64Array): Step[] {
  const a = members.toSorted().reverse();
  const b = nonMembers.toSorted().reverse();
  const out: Step[] = [];
  for (let [i, j] = [0, 0]; i < a.length || j < b.length; ) {
    const score = Math.max(a[i] ?? Number.NEGATIVE_INFINITY, b[j] ?? Number.NEGATIVE_INFINITY);
    const [i0, j0] = [i, j];
    while (a[i] === score) i++;
    while (b[j] === score) j++;
    out.push({ score, members: i - i0, nonMembers: j - j0 });
  }
  return out;
}

/** Area and DeLong's standard error: each member's share of non-members below it, each non-member's of members above it. */
function areaOf(all: readonly Step[], m: number, n: number): { readonly auc: number; readonly error: number } {
  let [above, below] = [0, n];
  let [auc, squaresM, squaresN] = [0, 0, 0];
  for (const s of all) {
    below -= s.nonMembers;
    const mine = (below + s.nonMembers / 2) / n;
    const theirs = (above + s.members / 2) / m;
    above += s.members;
    auc += (s.members * mine) / m;
    squaresM += s.members * mine * mine;
    squaresN += s.nonMembers * theirs * theirs;
  }
  const variance = (squares: number, count: number): number =>
    count < 2 ? 0 : Math.max(0, squares - count * auc * auc) / (count - 1) / count;
  return { auc, error: Math.sqrt(variance(squaresM, m) + variance(squaresN, n)) };
}

/** z with P[|N(0, 1)| ≤ z] = confidence, by halving on the tail. */
function normalQuantile(confidence: number): number {
  let [low, high] = [0, 40];
  for (let i = 0; i < 60; i++) {
    const z = (low + high) / 2;
    if (normalCdf(z) < (1 + confidence) / 2) low = z;
    else high = z;
  }
  return low;
}

/**
 * The curve of a score.
 * @param members scores of examples that were trained on; higher means "rather a member"
 * @param nonMembers scores of others from the same population
 * @throws TacitError PRIVACY_AUDIT_DATA for scores that are none, or not finite
 */
export function roc(members: Scores, nonMembers: Scores, options: { readonly confidence?: number } = {}): Roc {
  const confidence = checkConfidence("roc", options.confidence ?? 0.95);
  const all = steps(finite("roc", "scores of members", members, 2), finite("roc", "scores of non-members", nonMembers, 2));
  const [m, n] = [members.length, nonMembers.length];
  const points: RocPoint[] = [{ threshold: Number.POSITIVE_INFINITY, fpr: 0, tpr: 0 }];
  let [tp, fp] = [0, 0];
  for (const s of all) {
    tp += s.members;
    fp += s.nonMembers;
    points.push({ threshold: s.score, fpr: fp / n, tpr: tp / m });
  }
  const { auc, error } = areaOf(all, m, n);
  const z = normalQuantile(confidence);
  return {
    members: m,
    nonMembers: n,
    points,
    auc,
    aucInterval: { low: Math.max(0, auc - z * error), high: Math.min(1, auc + z * error) },
    advantage: points.reduce((most, p) => Math.max(most, p.tpr - p.fpr), 0),
    confidence,
  };
}

/** A true-positive rate at a false-positive rate. */
export interface RateAt {
  readonly fpr: number;
  readonly tpr: number;
  /** Covers the TPR at exactly that FPR with at least the confidence, whatever the laws of the scores; see `tprAtFpr`. */
  readonly interval: Interval;
  readonly threshold: number;
}

/** What a false-positive rate is known from: at least one false positive is expected. */
export const leastNonMembers = (fpr: number): number => Math.ceil(1 / fpr - 1e-9);

/** The largest k with P[Binomial(n, p) ≤ k-1] ≤ level: fewer than k scores lie above the threshold with at most that chance. */
function fewest(n: number, p: number, level: number): number {
  const law = binomialMasses(n, p / (1 - p));
  let k = 0;
  while (k < n && 1 - tailOf(law, k + 1) <= level) k++;
  return k;
}

/** The smallest k with P[Binomial(n, p) ≥ k+1] ≤ level. */
function most(n: number, p: number, level: number): number {
  const law = binomialMasses(n, p / (1 - p));
  let k = law.from;
  while (k < n && tailOf(law, k + 1) > level) k++;
  return k;
}

/**
 * TPR of the widest threshold whose FPR is at most `fpr`.
 *
 * The interval has no assumption but independent scores. Let t be the true threshold, of which a share `fpr` of non-members lies above.
 * How many of n do is binomial: with chance 1-a/2 between k₁ and k₂, so t lies between two order statistics; and the members above t are
 * binomial, to which Clopper and Pearson give an interval of level 1-a/2. Its ends are taken at the two order statistics: both hold with
 * chance 1-a, and TPR falls as the threshold rises.
 * @throws TacitError PRIVACY_AUDIT_DATA where fewer than 1/fpr non-members leave nothing to measure it by
 */
export function tprAtFpr(curve: Roc, fpr: number): RateAt {
  if (!(fpr > 0 && fpr < 1)) refuseData("roc", "a false-positive rate between 0 and 1", `${fpr}`);
  const least = leastNonMembers(fpr);
  const { members, nonMembers, points, confidence } = curve;
  if (nonMembers < least) {
    const hint = "score more non-members, or ask for a larger rate";
    refuseData("roc", `at least ${least} non-members for a false-positive rate of ${fpr}`, `${nonMembers}`, hint);
  }
  const last = (limit: number): RocPoint => points.findLast((p) => p.fpr * nonMembers <= limit + 1e-9)!;
  const at = last(fpr * nonMembers);
  const level = (1 - confidence) / 2;
  const few = fewest(nonMembers, fpr, level / 2);
  const many = most(nonMembers, fpr, level / 2);
  // `few` false positives or more: t lies below the few-th highest. `many` or fewer: t is not below the (many+1)-th.
  const strict = few === 0 ? points[0]! : last(few - 1);
  const wide = points.find((p) => p.fpr * nonMembers > many + 1e-9) ?? points.at(-1)!;
  const hits = (p: RocPoint): number => Math.round(p.tpr * members);
  return {
    fpr,
    tpr: at.tpr,
    threshold: at.threshold,
    interval: {
      low: clopperPearson(hits(strict), members, 1 - level).low,
      high: clopperPearson(hits(wide), members, 1 - level).high,
    },
  };
}
