/** @file From scores of canaries to guesses, and to the bound; choosing among several numbers of guesses is paid for. */
import { checkOptions, namesOf, whole } from "../../check.ts";
import { checkConfidence, coins, finite, refuseData, type Scores } from "../check.ts";
import { type Outcome, oneRunBound, oneRunPValue } from "./bound.ts";

/** Right guesses are counted against what no auditor would want fewer of: with fewer canaries no bound above 0 is likely. */
export const LEAST_CANARIES = 16;
/** Halvings of m that are tried unless a number of guesses is given. */
const MOST_TRIED = 6;
const LEAST_GUESSES = 10;

/**
 * Says for a number r of guesses how many are right, where the r/2 highest scores are called "in" and the r/2 lowest "out" (an odd one "in").
 *
 * Equal scores at either edge are counted as if those had been chosen that are wrong: the order of a file may follow the coins, and a guess
 * must not. This can only lower the count, and with it the bound.
 */
export function rightGuesses(scores: Float64Array, included: Uint8Array): (guesses: number) => number {
  /** How many of the first k are right, scores in the order of `sign`, among equal ones the wrong ones first. */
  const prefix = (sign: 1 | -1, right: 0 | 1): Uint32Array => {
    const order = Uint32Array.from(scores, (_, i) => i).sort(
      (a, b) =>
        sign * (scores[a]! - scores[b]!) || right * (included[a]! - included[b]!) - (1 - right) * (included[a]! - included[b]!),
    );
    const sums = new Uint32Array(scores.length + 1);
    order.forEach((i, k) => {
      sums[k + 1] = sums[k]! + (included[i] === right ? 1 : 0);
    });
    return sums;
  };
  const [ins, outs] = [prefix(-1, 1), prefix(1, 0)];
  return (guesses) => ins[Math.ceil(guesses / 2)]! + outs[Math.floor(guesses / 2)]!;
}

export interface OneRunOptions {
  /** δ of the claim. */
  readonly delta: number;
  readonly confidence?: number;
  /**
   * How many guesses, fixed before the scores were seen. Without it: m, m/2, m/4, … down to 10, at most six, each at a sixth of the error
   * (Bonferroni), and the best bound counts.
   */
  readonly guesses?: number;
}

const OPTIONS = namesOf<OneRunOptions>({ delta: true, confidence: true, guesses: true });

export interface OneRunReport {
  readonly canaries: number;
  readonly included: number;
  readonly delta: number;
  readonly confidence: number;
  /** The lower bound on ε. */
  readonly epsilon: number;
  /** The outcome that gave it. */
  readonly outcome: Outcome;
  /** Every number of guesses that was tried, with its bound at its part of the error. */
  readonly tried: readonly { readonly guesses: number; readonly correct: number; readonly epsilon: number }[];
  /** The most that so many canaries could have shown: the bound if every guess of the largest number had been right. */
  readonly visible: number;
}

function numbersOfGuesses(m: number): number[] {
  const out: number[] = [];
  for (let r = m; out.length < MOST_TRIED && r >= LEAST_GUESSES; r = Math.floor(r / 2)) out.push(r);
  return out;
}

/**
 * The lower bound on ε from canaries' scores.
 * @param scores one for each canary, higher where the output looks as if it was in
 * @param included the coins: 1 where it was in
 * @throws TacitError PRIVACY_AUDIT_DATA for fewer than 16 canaries, scores that are not finite, coins that cannot have been fair
 *   (a count of ones that fair coins have with a chance below 1e-9); PRIVACY_PARAMETER
 */
export function oneRun(scores: Scores, included: Scores, options: OneRunOptions): OneRunReport {
  checkOptions("oneRun", options, OPTIONS);
  const values = finite(
    "one-run",
    "canaries",
    scores,
    LEAST_CANARIES,
    "more canaries see larger ε: a thousand can show about ε 5",
  );
  const m = values.length;
  const thrown = coins("one-run", "coins", included, m);
  const ones = thrown.reduce((n, c) => n + c, 0);
  checkFair(ones, m);
  const { delta, confidence = 0.95 } = options;
  const error = 1 - checkConfidence("one-run", confidence);
  if (options.guesses !== undefined && whole("one-run", "guesses", options.guesses) > m)
    refuseData("one-run", `at most ${m} guesses, one for each canary`, `${options.guesses}`);
  const numbers = options.guesses === undefined ? numbersOfGuesses(m) : [options.guesses];
  const each = { delta, confidence: 1 - error / numbers.length };
  const rightOf = rightGuesses(values, thrown);
  const tried = numbers.map((guesses) => {
    const correct = rightOf(guesses);
    return { guesses, correct, epsilon: oneRunBound({ canaries: m, guesses, correct }, each) };
  });
  const best = tried.reduce((a, b) => (b.epsilon > a.epsilon ? b : a));
  const all = numbers[0]!;
  return {
    canaries: m,
    included: ones,
    delta,
    confidence,
    epsilon: best.epsilon,
    outcome: { canaries: m, guesses: best.guesses, correct: best.correct },
    tried,
    visible: oneRunBound({ canaries: m, guesses: all, correct: all }, each),
  };
}

/** Chance, by Hoeffding, that fair coins stray so far; a file of members only is a mistake, not luck. */
function checkFair(ones: number, m: number): void {
  const chance = 2 * Math.exp((-2 * (ones - m / 2) ** 2) / m);
  if (chance < 1e-9)
    refuseData(
      "one-run",
      "coins that were fair",
      `${ones} of ${m} canaries in`,
      "each canary is put in by a fair coin of its own",
    );
}

/** A p-value for the claim itself, for each number of guesses of a report. The smallest, times how many there are, is the claim's. */
export function pValueOfClaim(report: OneRunReport, epsilon: number): number {
  const { canaries, delta, tried } = report;
  const values = tried.map(({ guesses, correct }) => oneRunPValue({ canaries, guesses, correct }, { epsilon, delta }));
  return Math.min(1, tried.length * Math.min(...values));
}
