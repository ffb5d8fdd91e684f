/**
 * @file LiRA, the likelihood-ratio attack (Carlini, Chien, Nasr, Song, Terzis, Tramèr 2022, algorithms 1 and 2): each example is compared
 * with how models behave on it that were, and that were not, trained on it.
 *
 * Scores are logit-scaled confidences φ = log(p/(1-p)) of the right class, whose laws over trainings are close to normal (their section
 * V.B); a law is fitted for each example from shadow models, trained by the same recipe on random halves.
 */

import { checkOptions, namesOf } from "../../check.ts";
import { logNormalCdf, logNormalDensity } from "../../math/normal.ts";
import { coins, finite, refuseData, type Scores } from "../check.ts";

/**
 * φ = log(p/(1-p)) of the right class from logits: z_y - log Σ_{j≠y} e^{z_j}, which has no 1 - p and so no overflow where a model is sure.
 * @param logits row-major [examples, classes]
 * @throws TacitError PRIVACY_AUDIT_DATA for sizes that do not fit, or labels that are no class
 */
export function logitScaled(logits: Scores, labels: Scores): Float64Array {
  const n = labels.length;
  const classes = logits.length / n;
  if (!Number.isInteger(classes) || classes < 2) {
    refuseData("lira", "logits of two classes or more for each label", `${logits.length} for ${n}`);
  }
  return Float64Array.from({ length: n }, (_, i) => {
    const y = labels[i]!;
    if (!(Number.isInteger(y) && y >= 0 && y < classes))
      refuseData("lira", "labels that are classes", `another at position ${i}`);
    let high = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < classes; j++) if (j !== y) high = Math.max(high, logits[i * classes + j]!);
    let sum = 0;
    for (let j = 0; j < classes; j++) if (j !== y) sum += Math.exp(logits[i * classes + j]! - high);
    return logits[i * classes + y]! - high - Math.log(sum);
  });
}

/** What a shadow model says of the same examples, and which of them it was trained on. */
export interface Shadow {
  readonly scores: Scores;
  /** 1 where the example was among its training data. */
  readonly included: Scores;
}

export interface LiraOptions {
  /** `online` compares both laws; `offline` needs only models without the example: how unusually sure the target is. */
  readonly mode?: "online" | "offline";
  /**
   * `each`: a variance for every example and side, which takes about 64 shadow models; `shared`: one for each side, all examples together,
   * which is better with fewer (their section VI.C). Unless given: each from 64 models on.
   */
  readonly variance?: "each" | "shared";
}

const OPTIONS = namesOf<LiraOptions>({ mode: true, variance: true });

/** A mean and a variance need two models, on each side that is used. */
const LEAST_EACH_SIDE = 2;
const MANY_SHADOWS = 64;
/** Below, a variance is an accident of few models; φ is of the order of 1 to 10. */
const LEAST_VARIANCE = 1e-6;

/** Sums of one side (with or without the example) over the shadow models, example by example. */
class Side {
  readonly count: Uint32Array;
  readonly mean: Float64Array;
  readonly #squares: Float64Array;

  constructor(examples: number) {
    this.count = new Uint32Array(examples);
    this.mean = new Float64Array(examples);
    this.#squares = new Float64Array(examples);
  }

  /** Welford's update. */
  add(i: number, x: number): void {
    const n = ++this.count[i]!;
    const off = x - this.mean[i]!;
    this.mean[i]! += off / n;
    this.#squares[i]! += off * (x - this.mean[i]!);
  }

  check(what: string): void {
    const short = this.count.findIndex((n) => n < LEAST_EACH_SIDE);
    if (short < 0) return;
    const hint = "train more shadow models, each on a random half of all examples";
    refuseData("lira", `at least ${LEAST_EACH_SIDE} shadow models ${what} each example`, `${this.count[short]} at one`, hint);
  }

  deviations(shared: boolean): Float64Array {
    const free = this.count.reduce((sum, n) => sum + n - 1, 0);
    const all = this.#squares.reduce((a, b) => a + b, 0) / free;
    return this.#squares.map((s, i) => Math.sqrt(Math.max(LEAST_VARIANCE, shared ? all : s / (this.count[i]! - 1))));
  }
}

/**
 * The attack's score for each example, higher for members.
 * @param target logit-scaled confidences of the model under attack
 * @param shadows the same of shadow models; at least two with and two without each example (offline: two without)
 * @returns online: log of the ratio of the two likelihoods; offline: -log P[N(μ_out, σ_out²) > φ], which orders as the paper's 1 - P does
 * but keeps its digits where P is tiny
 * @throws TacitError PRIVACY_AUDIT_DATA
 */
export function lira(target: Scores, shadows: readonly Shadow[], options: LiraOptions = {}): Float64Array {
  checkOptions("lira", options, OPTIONS);
  const { mode = "online", variance = shadows.length >= MANY_SHADOWS ? "each" : "shared" } = options;
  const scores = finite("lira", "scores of the target", target, 1);
  const [inside, outside] = [new Side(scores.length), new Side(scores.length)];
  for (const s of shadows) {
    if (s.scores.length !== scores.length)
      refuseData("lira", `${scores.length} scores of each shadow model`, `${s.scores.length}`);
    const values = finite("lira", "scores of a shadow model", s.scores, 1);
    const included = coins("lira", "membership of a shadow model", s.included, scores.length);
    values.forEach((v, i) => {
      (included[i] === 1 ? inside : outside).add(i, v);
    });
  }
  outside.check("without");
  const out = outside.deviations(variance === "shared");
  const z = (i: number, side: Side, deviation: Float64Array): number => (scores[i]! - side.mean[i]!) / deviation[i]!;
  if (mode === "offline") return scores.map((_, i) => -logNormalCdf(-z(i, outside, out)));
  inside.check("with");
  const within = inside.deviations(variance === "shared");
  const density = (i: number, side: Side, deviation: Float64Array): number =>
    logNormalDensity(z(i, side, deviation)) - Math.log(deviation[i]!);
  return scores.map((_, i) => density(i, inside, within) - density(i, outside, out));
}
