/**
 * @file Choosing one of several by score: exponential mechanism, permute-and-flip, report noisy max. Scores are doubles, taken as exactly
 * the fractions that they are; nothing is rounded between them and the coins.
 */
import { checkOptions, namesOf, refuse } from "../check.ts";
import { bernoulliExp } from "./bernoulli.ts";
import { below, secureBits } from "./bits.ts";
import { discreteLaplace } from "./discrete-laplace.ts";
import { difference, over, type Rational, rational, times } from "./rational.ts";

export interface SelectionOptions {
  readonly epsilon: number;
  /** How much one unit changes any score, at most. */
  readonly sensitivity: number;
  /** One unit moves all scores the same way (counts do): half of the noise is enough. */
  readonly monotonic?: boolean;
}

function checkScores(where: string, scores: readonly number[]): number {
  if (scores.length === 0) refuse(where, "at least one score", "none");
  if (!scores.every(Number.isFinite)) refuse(where, "finite scores", "another at some position");
  return scores.reduce((x, y) => Math.max(x, y));
}

const OPTIONS = namesOf<SelectionOptions>({ epsilon: true, sensitivity: true, monotonic: true });

/** ε / (2 Δ), or ε / Δ. */
function rate(where: string, options: SelectionOptions): Rational {
  checkOptions(where, options, OPTIONS);
  const { epsilon, sensitivity, monotonic } = options;
  const e = rational(where, "epsilon", epsilon);
  const d = rational(where, "a sensitivity", sensitivity);
  return over(e, monotonic === true ? d : times(d, { n: 2n, d: 1n }));
}

const pick = (n: number): number => Number(below(secureBits, BigInt(n)));

/**
 * Index i with probability ∝ e^(ε s_i / (2 Δ)) (McSherry, Talwar 2007): a uniform one, taken with e^(-ε (max - s_i) / (2 Δ)), until one is.
 * ε-differentially private. @throws TacitError PRIVACY_PARAMETER
 */
export function exponential(scores: readonly number[], options: SelectionOptions): number {
  const top = checkScores("exponential", scores);
  const by = rate("exponential", options);
  for (;;) {
    const i = pick(scores.length);
    if (bernoulliExp(times(by, difference(top, scores[i]!)))) return i;
  }
}

/**
 * Candidates in random order, each taken with e^(-ε (max - s_i) / (2 Δ)) (McKenna, Sheldon 2020): never worse than the exponential
 * mechanism, at the same ε. @throws TacitError PRIVACY_PARAMETER
 */
export function permuteAndFlip(scores: readonly number[], options: SelectionOptions): number {
  const top = checkScores("permuteAndFlip", scores);
  const by = rate("permuteAndFlip", options);
  const order = scores.map((_, i) => i);
  for (let left = order.length; left > 0; left--) {
    const at = pick(left);
    const i = order[at]!;
    if (bernoulliExp(times(by, difference(top, scores[i]!)))) return i;
    order[at] = order[left - 1]!;
  }
  // The best one is always taken when its turn comes.
  return refuse("permuteAndFlip", "one candidate to be taken", "none");
}

/**
 * Index of the largest score after discrete Laplace noise of scale 2 Δ / ε on each; among equals a uniform one. Scores are integers, so that
 * noise and scores share one grid. ε-DP: for fixed noise of the others, raising one's own by 2 Δ outweighs every
 * change that a neighbour makes. @throws TacitError PRIVACY_PARAMETER
 */
export function reportNoisyMax(scores: readonly number[], options: SelectionOptions): number {
  checkScores("reportNoisyMax", scores);
  if (!scores.every(Number.isSafeInteger)) refuse("reportNoisyMax", "integer scores", "fractions", "scale them to a grid first");
  rate("reportNoisyMax", options);
  const change = (options.monotonic === true ? 1 : 2) * options.sensitivity;
  // A quotient of doubles is rounded; one that was rounded down would be noise for a little more ε.
  const noise = discreteLaplace((change / options.epsilon) * (1 + 2 ** -51));
  const noisy = scores.map((s) => s + noise());
  const top = noisy.reduce((x, y) => Math.max(x, y));
  const best = noisy.flatMap((s, i) => (s === top ? [i] : []));
  return best[pick(best.length)]!;
}
