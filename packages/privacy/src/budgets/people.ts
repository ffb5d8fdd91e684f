/**
 * @file A budget for each person: every release names whom it concerns, and nobody is counted in more than their own share allows (a
 * privacy filter: Feldman, Zrnic 2021). Node only.
 *
 * What people spend is ρ of zCDP, or pure ε: both simply add up. It is kept as whole numbers of 2^-40, rounded up at each release, so
 * that sums are exact and no order of releases costs less.
 *
 * For add-remove neighbours alone: without one person, nobody else's share differs, so who is left out is the same but for that person. Where one
 * person is replaced by another, one of them may have something left and the other nothing: then the number of those who are counted differs,
 * which replace-one takes as public.
 */
import { TacitError } from "@tacit/core/errors";
import { pureTotal } from "../accountants/pure.ts";
import { totalRho } from "../accountants/zcdp.ts";
import { checkEvents, checkOptions, namesOf, positive, refuse } from "../check.ts";
import type { PrivacyEvent } from "../events.ts";
import { checkNames } from "./budget.ts";
import { createLedger, type Ledger, openLedger } from "./ledger.ts";

export interface PeopleTerms {
  readonly dataset: string;
  readonly unit: string;
  /** An individual filter does not hold for `replace-one`: see above. */
  readonly neighbours: "add-remove";
  /** What is limited for each: ρ of zCDP, or pure ε. */
  readonly measure: "rho" | "epsilon";
  readonly limit: number;
}

const GRAIN = 2 ** -40;

const TERMS = namesOf<PeopleTerms>({ dataset: true, unit: true, neighbours: true, measure: true, limit: true });
const HINTS = {
  rho: 'measure: "rho", limit: 0.1',
  epsilon: 'measure: "epsilon", limit: 0.1',
  delta: "of Budget alone: shares of people are of ρ, or of pure ε",
  accountant: 'measure: "rho" or "epsilon" says it',
};

/** The terms as they stand in the file. */
function written(terms: PeopleTerms): string {
  checkOptions("people budget", terms, TERMS, { names: HINTS });
  checkNames(terms);
  if (terms.neighbours !== "add-remove")
    throw new TacitError("PRIVACY_NEIGHBOURS", "people budget: expected neighbours add-remove, got replace-one", {
      hint: "who has nothing left is left out, and under replace-one the number of those who are counted is public",
    });
  if (terms.measure !== "rho" && terms.measure !== "epsilon") refuse("people budget", "a measure, rho or epsilon", "another");
  positive("people budget", "a limit", terms.limit);
  if (terms.limit > 4096) refuse("people budget", "a limit of at most 4096", `${terms.limit}`);
  const { dataset, unit, neighbours, measure, limit } = terms;
  return JSON.stringify({ dataset, unit, neighbours, measure, limit });
}

export class PeopleBudget implements Disposable {
  readonly terms: PeopleTerms;
  readonly #ledger: Ledger;
  readonly #limit: number;

  private constructor(terms: PeopleTerms, ledger: Ledger) {
    this.terms = Object.freeze({ ...terms });
    this.#ledger = ledger;
    this.#limit = Math.floor(terms.limit / GRAIN);
  }

  /**
   * Makes a new file, in which nobody has spent anything, and opens it. Of several processes that ask at once, one gets it.
   * @throws TacitError PRIVACY_LEDGER_EXISTS where there is a budget; PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS; PRIVACY_LEDGER when it cannot be written
   */
  static create(path: string, terms: PeopleTerms): PeopleBudget {
    return new PeopleBudget(terms, createLedger(path, written(terms)));
  }

  /**
   * Opens the budget that was created at `path`.
   * @throws TacitError PRIVACY_LEDGER_MISSING where there is none; PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS; PRIVACY_LEDGER when the file has
   * other terms or cannot be written
   */
  static open(path: string, terms: PeopleTerms): PeopleBudget {
    return new PeopleBudget(terms, openLedger(path, written(terms)));
  }

  #cost(events: readonly PrivacyEvent[]): number {
    checkEvents(events);
    if (events.some((e) => e.neighbours !== this.terms.neighbours)) {
      throw new TacitError("PRIVACY_NEIGHBOURS", `budget: expected events for ${this.terms.neighbours} neighbours, got others`);
    }
    const { epsilon, delta } = pureTotal(events);
    const rho = this.terms.measure === "rho" ? totalRho(events) : { rho: epsilon, delta };
    if (rho.delta > 0 || !Number.isFinite(rho.rho))
      refuse("people budget", `events that have a finite ${this.terms.measure}`, "others");
    return Math.ceil(rho.rho / GRAIN);
  }

  /**
   * What is left for one person. **For the holder of the data alone**: less than the limit says that this person is in the data, without noise
   * and without cost. The file says so of everybody: it is as private as the data.
   */
  left(person: string): number {
    return Math.max(0, this.#limit - this.#ledger.personSpent(person)) * GRAIN;
  }

  /**
   * Spends `events` on each of `people` who can afford it, then calls `draw` with those. Who cannot is left out, as if they were not
   * in the data: that they are missing depends on releases only, not on what their data say.
   */
  release<T>(events: readonly PrivacyEvent[], people: readonly string[], draw: (included: readonly string[]) => T): T {
    const cost = this.#cost(events);
    const included = this.#ledger.exclusively(() => {
      const able = [...new Set(people)].filter((p) => this.#ledger.personSpent(p) + cost <= this.#limit);
      for (const p of able) this.#ledger.addPerson(p, cost);
      return able;
    });
    return draw(included);
  }

  [Symbol.dispose](): void {
    this.#ledger[Symbol.dispose]();
  }
}
