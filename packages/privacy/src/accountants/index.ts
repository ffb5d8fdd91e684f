/** @file The accountants: one list. Each reads the same events; the smaller ε is the better reader, never the braver one. */
import { checkDelta, checkEpsilon, checkEvents, checkOptions, namesOf, refuse } from "../check.ts";
import type { PrivacyEvent } from "../events.ts";
import type { Estimate } from "./loss-grid.ts";
import { privacyLoss } from "./pld.ts";
import { pureTotal } from "./pure.ts";
import { deltaOfCurve, epsilonOfCurve, renyiCurve } from "./rdp.ts";
import { deltaOfRho, epsilonOfRho, totalRho } from "./zcdp.ts";

export type AccountantName = "pure" | "zcdp" | "rdp" | "pld";

/** Reads events. Every figure is an upper bound, but for the optimistic pld. */
export interface Accountant {
  epsilon(events: readonly PrivacyEvent[], delta: number): number;
  delta(events: readonly PrivacyEvent[], epsilon: number): number;
}

const pld = (estimate: Estimate): Accountant => ({
  epsilon: (events, delta) => privacyLoss(events, { estimate }).epsilon(delta),
  delta: (events, epsilon) => privacyLoss(events, { estimate }).delta(epsilon),
});

export const ACCOUNTANTS: Readonly<Record<AccountantName, Accountant>> = {
  pure: {
    epsilon(events, delta): number {
      const total = pureTotal(events);
      return total.delta <= delta ? total.epsilon : Number.POSITIVE_INFINITY;
    },
    delta(events, epsilon): number {
      const total = pureTotal(events);
      return total.epsilon <= epsilon ? total.delta : 1;
    },
  },
  zcdp: {
    epsilon(events, delta): number {
      const total = totalRho(events);
      return total.delta < delta ? epsilonOfRho(total.rho, delta - total.delta) : Number.POSITIVE_INFINITY;
    },
    delta(events, epsilon): number {
      const total = totalRho(events);
      return Math.min(1, total.delta + deltaOfRho(total.rho, epsilon));
    },
  },
  rdp: {
    epsilon: (events, delta) => epsilonOfCurve(renyiCurve(events), delta).epsilon,
    delta: (events, epsilon) => deltaOfCurve(renyiCurve(events), epsilon),
  },
  pld: pld("pessimistic"),
};

/** @throws TacitError PRIVACY_PARAMETER for a name that is none */
export function accountantNamed(where: string, name: AccountantName = "pld"): Accountant {
  if (Object.hasOwn(ACCOUNTANTS, name)) return ACCOUNTANTS[name];
  return refuse(where, `an accountant of ${Object.keys(ACCOUNTANTS).join(", ")}`, "another");
}

export interface AccountOptions {
  /** Default: pld. */
  readonly accountant?: AccountantName;
  /**
   * With pld alone. `pessimistic` (default): an upper bound, what is promised. `optimistic`: a lower bound, so that the truth is known to lie between:
   * no guarantee.
   */
  readonly estimate?: Estimate;
}

const EPSILON = namesOf<AccountOptions & { readonly delta: number }>({ accountant: true, estimate: true, delta: true });
const DELTA = namesOf<AccountOptions & { readonly epsilon: number }>({ accountant: true, estimate: true, epsilon: true });

/** @throws TacitError PRIVACY_PARAMETER */
function readerOf(where: string, { accountant = "pld", estimate }: AccountOptions): Accountant {
  const named = accountantNamed(where, accountant);
  if (estimate === undefined) return named;
  if (accountant !== "pld") refuse(where, "an estimate with accountant pld alone", accountant);
  if (estimate !== "pessimistic" && estimate !== "optimistic") refuse(where, "an estimate pessimistic or optimistic", "another");
  return pld(estimate);
}

/**
 * The ε that `events` cost together at `delta`: an upper bound, unless a lower one is asked for. 0 for no events. **Infinity where no ε is enough at this
 * δ**: with pure, noise that has no pure ε (Gaussian); with any, events that hold only outside a chance (unknown keys) of more than δ together; with
 * pld, a δ below what its arithmetic can tell from 0 (some 1e-10; about 1e-8 for 10^4 releases), where rdp has a figure.
 * @throws TacitError PRIVACY_PARAMETER, PRIVACY_SAMPLING, PRIVACY_NEIGHBOURS, PRIVACY_UNACCOUNTED, PRIVACY_GRID
 */
export function epsilonOf(events: readonly PrivacyEvent[], options: AccountOptions & { readonly delta: number }): number {
  checkOptions("epsilonOf", options, EPSILON);
  checkEvents(events);
  const reader = readerOf("epsilonOf", options);
  const { accountant, delta } = options;
  if (delta !== 0) return reader.epsilon(events, checkDelta("epsilonOf", delta));
  if (accountant === "pure") return reader.epsilon(events, 0);
  return refuse("epsilonOf", "delta between 0 and 1, both excluded", "0", 'at δ 0 there is accountant: "pure" alone');
}

/** The δ that `events` cost together at `epsilon`, as `epsilonOf` has it; 1 where nothing less is known. @throws as `epsilonOf` */
export function deltaOf(events: readonly PrivacyEvent[], options: AccountOptions & { readonly epsilon: number }): number {
  checkOptions("deltaOf", options, DELTA);
  checkEvents(events);
  return readerOf("deltaOf", options).delta(events, checkEpsilon("deltaOf", options.epsilon));
}
