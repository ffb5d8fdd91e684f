/** @file The accountants: one list. Each reads the same events; the smaller ε is the better reader, never the braver one. */
import { checkDelta, checkEpsilon, checkEvents, refuse } from "../check.ts";
import type { PrivacyEvent } from "../events.ts";
import { privacyLoss } from "./pld.ts";
import { pureTotal } from "./pure.ts";
import { deltaOfCurve, epsilonOfCurve, renyiCurve } from "./rdp.ts";
import { deltaOfRho, epsilonOfRho, totalRho } from "./zcdp.ts";

export type AccountantName = "pure" | "zcdp" | "rdp" | "pld";

/** Reads events. Every figure is an upper bound. */
export interface Accountant {
  epsilon(events: readonly PrivacyEvent[], delta: number): number;
  delta(events: readonly PrivacyEvent[], epsilon: number): number;
}

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
  pld: {
    epsilon: (events, delta) => privacyLoss(events).epsilon(delta),
    delta: (events, epsilon) => privacyLoss(events).delta(epsilon),
  },
};

/** @throws TacitError PRIVACY_PARAMETER for a name that is none */
export function accountantNamed(where: string, name: AccountantName = "pld"): Accountant {
  if (Object.hasOwn(ACCOUNTANTS, name)) return ACCOUNTANTS[name];
  return refuse(where, `an accountant of ${Object.keys(ACCOUNTANTS).join(", ")}`, "another");
}

export interface AccountOptions {
  /** Default: pld. */
  readonly accountant?: AccountantName;
}

/** The ε that `events` cost together at `delta`. @throws TacitError PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS, PRIVACY_UNACCOUNTED */
export function epsilonOf(events: readonly PrivacyEvent[], options: AccountOptions & { readonly delta: number }): number {
  checkEvents(events);
  const pure = options.accountant === "pure" && options.delta === 0;
  return accountantNamed("epsilonOf", options.accountant).epsilon(events, pure ? 0 : checkDelta("epsilonOf", options.delta));
}

/** The δ that `events` cost together at `epsilon`. @throws as `epsilonOf` */
export function deltaOf(events: readonly PrivacyEvent[], options: AccountOptions & { readonly epsilon: number }): number {
  checkEvents(events);
  return accountantNamed("deltaOf", options.accountant).delta(events, checkEpsilon("deltaOf", options.epsilon));
}
