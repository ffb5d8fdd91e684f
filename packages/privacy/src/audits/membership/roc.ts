/**
 * @file How well a score tells members from non-members: the whole curve, and the true-positive rate at a small false-positive rate,
 * which is what an attacker who must not be wrong has (Carlini, Chien, Nasr, Song, Terzis, Tramèr 2022, "Membership Inference Attacks
 * From First Principles", section III).
 */
import { checkOptions, namesOf } from "../../check.ts";
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
  /**
   * From (0, 0) at threshold ∞ to (1, 1), a point for each different score; equal scores fall together. Between two points the curve is a
   * straight line: a coin decides about the scores that are equal to the threshold.
   */
  readonly points: readonly RocPoint[];
  /** P[member scores higher] + P[equal] / 2. */
  readonly auc: number;
  /** DeLong's standard error (Biometrics 44, 1988): 0 where the samples are separated, which says nothing of how sure that is. */
  readonly aucError: number;
  /** Covers P[member scores higher] + P[equal] / 2 with at least the confidence, for every law and every size; see `areaInterval`. */
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
  let [pairs, squaresM, squaresN] = [0, 0, 0];
  for (const s of all) {
    below -= s.nonMembers;
    const mine = (below + s.nonMembers / 2) / n;
    const theirs = (above + s.members / 2) / m;
    above += s.members;
    pairs += s.members * (below + s.nonMembers / 2);
    squaresM += s.members * mine * mine;
    squaresN += s.nonMembers * theirs * theirs;
  }
  const auc = pairs / (m * n);
  const variance = (squares: number, count: number): number =>
    count < 2 ? 0 : Math.max(0, squares - count * auc * auc) / (count - 1) / count;
  return { auc, error: Math.sqrt(variance(squaresM, m) + variance(squaresN, n)) };
}

/** k · KL(x ‖ p) in nats: -log of Hoeffding's bound on the chance that a mean of k values in [0, 1] with expectation p comes as far as x. */
function surprise(k: number, x: number, p: number): number {
  const term = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(a / b));
  return k * (term(x, p) + term(1 - x, 1 - p));
}

/**
 * An interval for the area, from no assumption but independent scores: the areas p with KL(auc ‖ p) ≤ log(2/(1-confidence)) / k, where k is
 * the smaller sample. The area is a two-sample U-statistic with a kernel in [0, 1] (0, 1/2 or 1 for a pair), for which Hoeffding's theorem 1
 * holds as for the mean of k independent pairs ("Probability inequalities for sums of bounded random variables", JASA 58, 1963, section 5).
 * At an area of 1 its low end is ((1-confidence)/2)^(1/k), which is exact for k pairs. In the middle it is about 1.7 times as wide as DeLong's.
 */
function areaInterval(auc: number, k: number, confidence: number): Interval {
  const limit = Math.log(2 / (1 - confidence));
  // Halving between an end that is inside and one that is not; 60 times leave no digit.
  const edge = (outside: number): number => {
    let [out, inside] = [outside, auc];
    for (let i = 0; i < 60; i++) {
      const p = (out + inside) / 2;
      if (surprise(k, auc, p) > limit) out = p;
      else inside = p;
    }
    return inside;
  };
  return { low: edge(0), high: edge(1) };
}

export interface RocOptions {
  /** Of the intervals; 0.95 unless given. */
  readonly confidence?: number;
}

const OPTIONS = namesOf<RocOptions>({ confidence: true });

/**
 * The curve of a score.
 * @param members scores of examples that were trained on; higher means "rather a member"
 * @param nonMembers scores of others from the same population
 * @throws TacitError PRIVACY_AUDIT_DATA for scores that are none, or not finite
 */
export function roc(members: Scores, nonMembers: Scores, options: RocOptions = {}): Roc {
  checkOptions("roc", options, OPTIONS);
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
  return {
    members: m,
    nonMembers: n,
    points,
    auc,
    aucError: error,
    aucInterval: areaInterval(auc, Math.min(m, n), confidence),
    advantage: points.reduce((most, p) => Math.max(most, p.tpr - p.fpr), 0),
    confidence,
  };
}

/** A true-positive rate at a false-positive rate. */
export interface RateAt {
  readonly fpr: number;
  readonly tpr: number;
  /**
   * Covers the TPR at exactly that FPR with at least the confidence, whatever the laws of the scores; each end by itself fails with at most
   * half of what is left of the confidence. See `tprAtFpr`.
   */
  readonly interval: Interval;
  readonly threshold: number;
  /** Which share of the scores that are equal to the threshold is called members: 1, or less where a tie crosses the rate. */
  readonly share: number;
}

/** What a false-positive rate is known from: at least one false positive is expected. */
export const leastNonMembers = (fpr: number): number => Math.ceil(1 / fpr - 1e-9);

/** How often, at most, each of the four tails below is left, when tails of binomial laws are doubled for ties. */
const tailAt = (confidence: number): number => (1 - confidence) / 8;

/**
 * With fewer non-members the low end of every interval at that rate is 0, for too often no non-member lies above the true threshold:
 * (1-fpr)^n ≤ (1-confidence)/4. 4380 for 0.1 % and 437 for 1 %, at 0.95.
 */
export const leastForLowEnd = (fpr: number, confidence: number): number =>
  Math.ceil(Math.log(2 * tailAt(confidence)) / Math.log1p(-fpr) - 1e-9);

/** The highest low end that so many scores can show: that of an attack which finds every member. A threshold above it is never exceeded. */
export const highestLowEnd = (
  { members, nonMembers, confidence }: Pick<Roc, "members" | "nonMembers" | "confidence">,
  fpr: number,
): number => (nonMembers < leastForLowEnd(fpr, confidence) ? 0 : tailAt(confidence) ** (1 / members));

/** The largest k with P[Binomial(n, p) ≤ k-1] ≤ level, or 2 level where k is 1: a mean of 0 has no ties to double it for. */
function fewest(n: number, p: number, level: number): number {
  const law = binomialMasses(n, p / (1 - p));
  let k = 0;
  while (k < n && 1 - tailOf(law, k + 1) <= (k === 0 ? 2 * level : level)) k++;
  return k;
}

/** The smallest k with P[Binomial(n, p) ≥ k+1] ≤ level. */
function most(n: number, p: number, level: number): number {
  const law = binomialMasses(n, p / (1 - p));
  let k = law.from;
  while (k < n && tailOf(law, k + 1) > level) k++;
  return k;
}

/** A place on the curve: its TPR, and the threshold with its share that lead there. */
type Place = Omit<RateAt, "fpr" | "interval">;

/** Where the curve is at an FPR; where it is vertical there, its upper or its lower end. */
function onCurve({ points, nonMembers }: Roc, fpr: number, end: "upper" | "lower"): Place {
  const tiny = 1e-9 / nonMembers;
  const next = points.findIndex((p) => (end === "upper" ? p.fpr > fpr + tiny : p.fpr >= fpr - tiny));
  if (next < 0) return { threshold: points.at(-1)!.threshold, tpr: 1, share: 1 };
  const [a, b] = [points[next - 1]!, points[next]!];
  const share = Math.min(1, Math.max(0, (fpr - a.fpr) / (b.fpr - a.fpr)));
  if (share < 1e-9 || a.tpr === b.tpr) return { threshold: a.threshold, tpr: a.tpr, share: 1 };
  return { threshold: b.threshold, tpr: a.tpr + share * (b.tpr - a.tpr), share };
}

/**
 * TPR at an FPR: of the widest threshold whose FPR is at most `fpr`, and of a share of the scores that are equal to the next, so that the FPR is
 * met (a randomised threshold: a tie is no place to hide).
 *
 * The interval has no assumption but independent scores.
 * 1. Let t be the true threshold, a score and a share r of those equal to it, so that a share `fpr` of the law of non-members lies above. Let a
 *    coin of chance r put each score that is equal to t above it. Then K of n non-members and M of m members lie above, both binomial.
 * 2. The means K̄, M̄ of K and M over those coins are numbers above the score plus r times numbers equal to it, so (K̄/n, M̄/m) lies on
 *    the curve. A binomial law's median is at least its mean rounded down and at most its mean rounded up (Kaas, Buhrman, Statistica
 *    Neerlandica 34, 1980). So given K̄ ≥ k, K ≥ k in half of all cases at least: P[K̄ ≥ k] ≤ 2 P[K ≥ k]; likewise below, and for M. Without
 *    ties there is no coin and nothing to double.
 * 3. K̄ lies between `few - 1` and `many + 1` and M̄/m between the curve's values there, but for a quarter of 1 - confidence on either side;
 *    Clopper and Pearson's interval from M̄, rounded outwards, takes another quarter on either side.
 * @throws TacitError PRIVACY_AUDIT_DATA where fewer than 1/fpr non-members leave nothing to measure it by
 */
export function tprAtFpr(curve: Roc, fpr: number): RateAt {
  if (!(fpr > 0 && fpr < 1)) refuseData("roc", "a false-positive rate between 0 and 1", `${fpr}`);
  const least = leastNonMembers(fpr);
  const { members, nonMembers, confidence } = curve;
  if (nonMembers < least) {
    const hint = "score more non-members, or ask for a larger rate";
    refuseData("roc", `at least ${least} non-members for a false-positive rate of ${fpr}`, `${nonMembers}`, hint);
  }
  const level = tailAt(confidence);
  const few = fewest(nonMembers, fpr, level);
  const many = most(nonMembers, fpr, level);
  const strict = few === 0 ? 0 : onCurve(curve, (few - 1) / nonMembers, "upper").tpr;
  const wide = onCurve(curve, (many + 1) / nonMembers, "lower").tpr;
  return {
    fpr,
    ...onCurve(curve, fpr, "upper"),
    interval: {
      low: clopperPearson(Math.floor(strict * members + 1e-9), members, 1 - 2 * level).low,
      high: clopperPearson(Math.ceil(wide * members - 1e-9), members, 1 - 2 * level).high,
    },
  };
}
