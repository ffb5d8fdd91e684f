/**
 * @file How a budget reads its events: one reader for each accountant. `pure`, `zcdp` and `rdp` are privacy filters: the bound holds also
 * where whoever asks chooses mechanism, noise and sampling after having seen the answers so far. `pld` is not one: its composition theorem
 * takes a plan that is fixed before.
 *
 * A filter needs what it adds up, and the limit of the sum, fixed beforehand. So:
 *  - `pure`: ε and δ are plain sums, with a limit each (Rogers, Roth, Ullman, Vadhan 2016).
 *  - `zcdp`: ρ is a sum, its limit what makes (ε, δ - `approximateDelta`) (Whitehouse, Ramdas, Rogers, Wu 2023).
 *  - `rdp`: the divergence at *one* order, fixed with the budget, is a sum (Feldman, Zrnic 2021; the best of many orders, as
 *    `epsilonOf` takes it, is for plans that are fixed before).
 * In the latter two, δ of events that hold only outside a chance has a limit of its own, `approximateDelta`: were it taken off the δ of the
 * conversion as it comes, the limit of the sum would depend on the answers.
 */
import { ACCOUNTANTS, type AccountantName } from "../accountants/index.ts";
import { epsilonOfCurve, renyiCurve } from "../accountants/rdp.ts";
import { epsilonOfRho, totalRho } from "../accountants/zcdp.ts";
import { refuse } from "../check.ts";
import type { PrivacyEvent } from "../events.ts";

/** The part of a budget's terms that says how its events are read. */
export interface Reading {
  readonly epsilon: number;
  readonly delta: number;
  /**
   * No default, as it says what is promised. pld, the tightest: for a plan that is fixed before anything is answered (a training, a table of
   * statistics). zcdp, rdp, pure: also where the next question, its noise or its sampling follows from the answers so far; rdp where rows are sampled.
   */
  readonly accountant: AccountantName;
  /** With rdp: the Rényi order, above 1; by default the integer at which Gaussian noise goes farthest. */
  readonly order?: number;
  /** With zcdp and rdp: the part of δ that is set aside for releases that hold only outside a chance (unknown keys); 0 unless said. */
  readonly approximateDelta?: number;
}

const MOST_ORDER = 1024;

/** The integer order at which the most ρ of Gaussian noise, divergence ρα, fits in (ε, δ). */
export function bestOrder(epsilon: number, delta: number): number {
  const none = { orders: [2], divergences: [0], delta: 0 };
  let best = { order: 2, rho: Number.NEGATIVE_INFINITY };
  for (let order = 2; order <= MOST_ORDER; order++) {
    const rho = (epsilon - conversion({ ...none, orders: [order] }, delta)) / order;
    if (rho > best.rho) best = { order, rho };
  }
  return best.order;
}

/** What (ε, δ) costs over the divergence: log(1/δ)/(α - 1) and smaller terms; it may be below 0. */
function conversion(curve: { readonly orders: readonly number[]; readonly delta: number }, delta: number): number {
  const far = 2 ** 20; // away from the bound of 0 that ε has
  return epsilonOfCurve({ ...curve, divergences: [far] }, delta).epsilon - far;
}

/** The terms of reading, whole: what stands in the file. @throws TacitError PRIVACY_PARAMETER */
export function checkReading({ epsilon, delta, accountant, order, approximateDelta }: Reading): Reading {
  if (!Object.hasOwn(ACCOUNTANTS, accountant ?? "")) {
    const hint =
      "pld where the whole plan is fixed before the first answer; zcdp, or rdp where rows are sampled, where answers decide what is asked next";
    refuse("budget", `an accountant of ${Object.keys(ACCOUNTANTS).join(", ")}`, "another or none", hint);
  }
  const filter = accountant === "zcdp" || accountant === "rdp";
  if (order !== undefined && accountant !== "rdp") refuse("budget", "an order with accountant rdp alone", accountant);
  if (approximateDelta !== undefined && !filter)
    refuse("budget", "approximateDelta with accountant zcdp or rdp alone", accountant);
  if (!filter) return { epsilon, delta, accountant };
  const aside = approximateDelta ?? 0;
  if (!(aside >= 0 && aside < delta)) refuse("budget", `approximateDelta from 0 to below δ ${delta}`, `${aside}`);
  if (accountant === "zcdp") return { epsilon, delta, accountant, approximateDelta: aside };
  const at = order ?? bestOrder(epsilon, delta - aside);
  if (!(at > 1 && at <= MOST_ORDER)) refuse("budget", `an order above 1, at most ${MOST_ORDER}`, `${at}`);
  const terms: Reading = { epsilon, delta, accountant, order: at, approximateDelta: aside };
  const least = entryPrice(terms);
  if (!(least < epsilon))
    refuse(
      "budget",
      `epsilon above ${least.toPrecision(3)}, what the first release costs at order ${at} and this δ whatever its noise`,
      `${epsilon}`,
      "take a larger epsilon, order or δ; or zcdp, which has no such price",
    );
  return terms;
}

/** rdp: ε of releases without any divergence, which a budget's first release costs beside its own. 0 for the other accountants. */
export function entryPrice({ delta, accountant, order, approximateDelta = 0 }: Reading): number {
  if (accountant !== "rdp") return 0;
  return epsilonOfCurve({ orders: [order!], divergences: [0], delta: 0 }, delta - approximateDelta).epsilon;
}

/** ε of events at the budget's δ: an upper bound; Infinity where they do not fit at any. */
export function epsilonIn(terms: Reading, events: readonly PrivacyEvent[]): number {
  if (events.length === 0) return 0;
  const { delta, accountant, order, approximateDelta = 0 } = terms;
  if (accountant === "zcdp") {
    const total = totalRho(events);
    return total.delta <= approximateDelta ? epsilonOfRho(total.rho, delta - approximateDelta) : Number.POSITIVE_INFINITY;
  }
  if (accountant === "rdp") {
    const curve = renyiCurve(events, [order!]);
    if (curve.delta > approximateDelta) return Number.POSITIVE_INFINITY;
    return epsilonOfCurve({ ...curve, delta: 0 }, delta - approximateDelta).epsilon;
  }
  return ACCOUNTANTS[accountant].epsilon(events, delta);
}
