/** @file Why a budget refuses a release, in words that are true: more noise is advised only where it helps. */
import { TacitError } from "@tacit/core/errors";
import { pureTotal } from "../accountants/pure.ts";
import type { Mechanism, PrivacyEvent } from "../events.ts";
import type { BudgetTerms } from "./budget.ts";
import { entryPrice, epsilonIn } from "./filters.ts";

const show = (x: number): string => x.toPrecision(4);

/** δ of events that hold only outside a chance (unknown keys), as accountants add it up. */
function ownDelta(events: readonly PrivacyEvent[]): number {
  return pureTotal(events.filter((e) => e.mechanism.kind === "approximate")).delta;
}

const KEYS = "releases that hold only outside a chance (unknown keys) have a δ of their own, which no noise lowers";

/** Where the δ of such releases is what does not fit. */
function ofDelta(terms: BudgetTerms, before: readonly PrivacyEvent[], events: readonly PrivacyEvent[]): Reason | null {
  const { delta, approximateDelta } = terms;
  const limit = approximateDelta ?? delta;
  const own = ownDelta([...before, ...events]);
  if (own <= limit) return null;
  const left = limit - ownDelta(before);
  const cure =
    approximateDelta === 0
      ? "they need approximateDelta in the terms of a new budget, or accountant pld"
      : left > limit * 1e-9
        ? `ask with a delta of less than ${show(left)}, which is left`
        : "nothing is left of it";
  return {
    want: `${approximateDelta === undefined ? "δ" : "approximateDelta"} of at most ${limit}`,
    got: `${show(own)} with this release`,
    hint: `${KEYS}: ${cure}`,
  };
}

interface Reason {
  readonly want: string;
  readonly got: string;
  readonly hint: string;
}

const hasPure = (m: Mechanism): boolean => Number.isFinite(pureTotal([plain(m)]).epsilon);
const plain = (mechanism: Mechanism): PrivacyEvent => ({
  mechanism,
  neighbours: "add-remove",
  sampling: { kind: "all" },
  count: 1,
});

/** Where no ε is enough: what the release is, and not how much. */
function ofInfinity({ accountant, delta }: BudgetTerms, events: readonly PrivacyEvent[]): Reason {
  const other = events.find((e) => !hasPure(e.mechanism));
  if (accountant === "pure" && other !== undefined) {
    return {
      want: "releases with a pure ε",
      got: `one with noise of kind ${other.mechanism.kind}`,
      hint: "accountant pure adds up Laplace noise, noise: { epsilon }; Gaussian noise takes a budget with accountant zcdp, rdp or pld",
    };
  }
  return {
    want: `losses that are told apart from δ ${delta}`,
    got: "some that are not",
    hint: "accountant pld adds what its arithmetic may have lost to δ: take a larger δ, or a budget with accountant rdp or zcdp",
  };
}

function ofEpsilon(terms: BudgetTerms, before: readonly PrivacyEvent[], total: number): Reason {
  const { epsilon, dataset, unit } = terms;
  const spent = epsilonIn(terms, before);
  const reason = { want: `at most ε ${epsilon} of ${dataset} per ${unit}`, got: `${show(total)} with this release` };
  const price = before.length === 0 ? entryPrice(terms) : spent;
  if (price >= epsilon * (1 - 1e-9))
    return {
      ...reason,
      hint: "nothing is left: all of it is spent or reserved, and no release is so noisy that it costs nothing",
    };
  return { ...reason, hint: `ε ${show(spent)} is spent or reserved: ask for less, or with more noise` };
}

/** The error of a release that does not fit. */
export function refusal(
  terms: BudgetTerms,
  before: readonly PrivacyEvent[],
  events: readonly PrivacyEvent[],
  total: number,
): TacitError {
  const { want, got, hint } =
    ofDelta(terms, before, events) ??
    (Number.isFinite(total) ? ofEpsilon(terms, before, total) : ofInfinity(terms, [...before, ...events]));
  return new TacitError("PRIVACY_BUDGET", `budget: expected ${want}, got ${got}`, { hint });
}
