/**
 * @file A lower bound on ε from a single run (Steinke, Nasr, Jagielski, "Privacy Auditing with One (1) Training Run", NeurIPS 2023,
 * arXiv 2305.08846, theorem 5.2 and section 4).
 *
 * m canaries, each put in or left out by a fair coin of its own; whoever sees the result says of r of them which, and abstains from the rest.
 * If the mechanism is (ε, δ)-DP for putting one in or leaving it out, then the number W of right guesses has
 *     P[W ≥ v] ≤ β(v) + 2 m δ · max_{1≤i≤v} (1/i) P[v > B ≥ v - i],   β(v) = P[B ≥ v],   B ~ Binomial(r, e^ε/(1+e^ε)).
 * (For δ = 0: a guess about a pure ε-DP output is right with chance at most e^ε/(1+e^ε), whatever the other coins were, so W lies below B.)
 * That right side is the p-value of "the mechanism is (ε, δ)-DP"; the bound is the largest ε that it rejects.
 *
 * Assumed: coins fair, independent and unknown to the mechanism's other inputs; guesses made from the output alone; the number of guesses
 * fixed beforehand (`guesses.ts` pays for choosing among several).
 */

import { TacitError } from "@tacit/core/errors";
import { checkEpsilon, checkOptions, whole } from "../../check.ts";
import { checkConfidence, refuseData } from "../check.ts";
import { binomialMasses, tailOf } from "../statistics/binomial.ts";

/** What came of the guesses. */
export interface Outcome {
  /** m: canaries whose coin was thrown, also those about which no guess was made. */
  readonly canaries: number;
  /** r: guesses that were made. */
  readonly guesses: number;
  /** v: guesses that were right. */
  readonly correct: number;
}

function checkOutcome({ canaries, guesses, correct }: Outcome): void {
  whole("one-run", "canaries", canaries);
  if (whole("one-run", "guesses", guesses, 0) > canaries)
    refuseData("one-run", `at most ${canaries} guesses, one for each canary`, `${guesses}`);
  if (whole("one-run", "right guesses", correct, 0) > guesses)
    refuseData("one-run", `at most ${guesses} right guesses`, `${correct}`);
}

/** δ of an audited claim: 0 is a claim too. */
function checkClaimedDelta(delta: number): void {
  if (!(delta >= 0 && delta < 1))
    throw new TacitError("PRIVACY_PARAMETER", `one-run: expected a delta of 0 or more, below 1, got ${delta}`);
}

/** The p-value without checks. Masses of B just below v are summed downwards, so α costs what B's window costs. */
function pValue({ canaries, guesses, correct }: Outcome, epsilon: number, delta: number): number {
  const law = binomialMasses(guesses, Math.exp(epsilon));
  const beta = tailOf(law, correct);
  if (delta === 0) return Math.min(1, beta);
  let [alpha, sum] = [0, 0];
  for (let i = 1; i <= correct; i++) {
    const k = correct - i - law.from;
    if (k < 0) break; // no mass below: sum stays and sum/i falls
    sum += law.masses[k] ?? 0;
    alpha = Math.max(alpha, sum / i);
  }
  return Math.min(1, beta + 2 * canaries * delta * alpha);
}

/**
 * How likely at most `correct` or more right guesses are if the mechanism is (ε, δ)-DP: a p-value for that claim.
 * @throws TacitError PRIVACY_AUDIT_DATA, PRIVACY_PARAMETER
 */
export function oneRunPValue(outcome: Outcome, claim: { readonly epsilon: number; readonly delta: number }): number {
  checkOutcome(outcome);
  checkOptions("oneRunPValue", claim, ["epsilon", "delta"]);
  checkEpsilon("one-run", claim.epsilon);
  checkClaimedDelta(claim.delta);
  return pValue(outcome, claim.epsilon, claim.delta);
}

/** To reject an ε takes about e^ε guesses. */
const MOST_EPSILON = 40;
const HALVINGS = 32;

/**
 * The largest ε such that (ε, δ)-DP is rejected at the confidence; 0 where nothing is. With at least the confidence, a mechanism that is
 * (ε', δ)-DP gets a bound of at most ε'.
 *
 * The p-value rises with ε for δ = 0. With δ > 0 it need not: the bound is the end of the rejected stretch that starts at 0, found on a grid
 * of a quarter and then halved, so it is never above an ε that is not rejected by more than that.
 * @throws TacitError PRIVACY_AUDIT_DATA, PRIVACY_PARAMETER
 */
export function oneRunBound(outcome: Outcome, options: { readonly delta: number; readonly confidence?: number }): number {
  checkOutcome(outcome);
  checkOptions("oneRunBound", options, ["delta", "confidence"]);
  const { delta, confidence = 0.95 } = options;
  checkClaimedDelta(delta);
  const level = 1 - checkConfidence("one-run", confidence);
  const rejected = (epsilon: number): boolean => pValue(outcome, epsilon, delta) <= level;
  const STEP = 1 / 4;
  if (!rejected(0)) return 0;
  let low = 0;
  while (low < MOST_EPSILON && rejected(low + STEP)) low += STEP;
  let high = low + STEP;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (rejected(middle)) low = middle;
    else high = middle;
  }
  return low;
}
