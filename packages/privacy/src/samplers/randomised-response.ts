/** @file Randomised response (Warner 1965): each answers by itself, and can always deny. Local ε-differential privacy. */
import { checkOptions, namesOf, refuse } from "../check.ts";
import { bernoulliExp } from "./bernoulli.ts";
import { below, secureBits } from "./bits.ts";
import { rational } from "./rational.ts";

export interface ResponseOptions {
  readonly epsilon: number;
  /** How many answers there are; 2 unless said. */
  readonly choices?: number;
}

const OPTIONS = namesOf<ResponseOptions>({ epsilon: true, choices: true });

/**
 * The true answer among `choices` with e^ε / (e^ε + choices - 1), each other one with 1 / (e^ε + choices - 1), exactly: a uniform choice, kept
 * if it is the truth and else with e^-ε, until one is kept.
 * @throws TacitError PRIVACY_PARAMETER
 */
export function randomisedResponse(truth: number, options: ResponseOptions): number {
  checkOptions("randomisedResponse", options, OPTIONS);
  const { epsilon, choices = 2 } = options;
  const e = rational("randomisedResponse", "epsilon", epsilon);
  if (!Number.isSafeInteger(choices) || choices < 2) refuse("randomisedResponse", "at least 2 choices", `${choices}`);
  if (!Number.isInteger(truth) || truth < 0 || truth >= choices)
    refuse("randomisedResponse", `an answer from 0 to ${choices - 1}`, "another");
  for (;;) {
    const answer = Number(below(secureBits, BigInt(choices)));
    if (answer === truth || bernoulliExp(e)) return answer;
  }
}

/** Unbiased counts of each answer from the answers that were given. */
export function estimateCounts(answers: ArrayLike<number>, options: ResponseOptions): number[] {
  checkOptions("estimateCounts", options, OPTIONS);
  const { epsilon, choices = 2 } = options;
  rational("estimateCounts", "epsilon", epsilon);
  const seen = new Array<number>(choices).fill(0);
  for (let i = 0; i < answers.length; i++) seen[answers[i]!]! += 1;
  const other = 1 / (Math.exp(epsilon) + choices - 1);
  const gain = Math.expm1(epsilon) * other;
  return seen.map((n) => (n - answers.length * other) / gain);
}
