/** @file Budget: how much of one data set's privacy may be spent. Reserve, spend, or be refused. Node only. */
import { kindOf, TacitError } from "@tacit/core/errors";
import { checkDelta, checkEpsilon, checkEvents, checkOptions, namesOf, refuse } from "../check.ts";
import type { Neighbours, PrivacyEvent } from "../events.ts";
import { checkReading, epsilonIn, type Reading } from "./filters.ts";
import { createLedger, type Entry, type Ledger, openLedger } from "./ledger.ts";
import { refusal } from "./refusal.ts";

/** What everybody who spends from the budget agrees on; it stands in the file. */
export interface BudgetTerms<N extends Neighbours = Neighbours> extends Reading {
  readonly dataset: string;
  /** Whose privacy: "person", "household", "visit". */
  readonly unit: string;
  readonly neighbours: N;
}

/** Where a budget stands. ε at the budget's δ; reserved events count as spent. */
export interface BudgetState {
  readonly epsilon: number;
  readonly spent: number;
  readonly left: number;
}

/** What every kind of budget names. @throws TacitError PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS */
export function checkNames(t: Pick<BudgetTerms, "dataset" | "unit" | "neighbours">): void {
  if (![t.dataset, t.unit].every((name) => typeof name === "string" && name !== ""))
    refuse("budget", "a data set and a unit with names", "none");
  if (t.neighbours !== "add-remove" && t.neighbours !== "replace-one")
    throw new TacitError("PRIVACY_NEIGHBOURS", "budget: expected neighbours add-remove or replace-one, got another relation");
}

const TERMS = namesOf<BudgetTerms>({
  dataset: true,
  unit: true,
  neighbours: true,
  epsilon: true,
  delta: true,
  accountant: true,
  order: true,
  approximateDelta: true,
});
const PERSONS = "of PeopleBudget alone: a limit for each person";

function checkTerms<N extends Neighbours>(t: BudgetTerms<N>): BudgetTerms<N> {
  checkOptions("budget", t, TERMS, { names: { measure: PERSONS, limit: PERSONS } });
  checkNames(t);
  const { dataset, unit, neighbours, accountant } = t;
  const delta = accountant === "pure" && t.delta === 0 ? 0 : checkDelta("budget", t.delta);
  const epsilon = checkEpsilon("budget", t.epsilon);
  return { dataset, unit, neighbours, ...checkReading({ ...t, epsilon, delta }) };
}

/** A part of the budget that is set aside: it counts as spent until it is cancelled. */
export class Reservation {
  readonly id: number;
  readonly #ledger: Ledger;

  constructor(ledger: Ledger, id: number) {
    this.id = id;
    this.#ledger = ledger;
  }

  /** From now on noise may be drawn; there is no way back. @throws TacitError PRIVACY_RESERVATION when it is no longer open */
  spend(): void {
    this.#end("spent");
  }

  /** Gives it back, as nothing was drawn. @throws TacitError PRIVACY_RESERVATION when it is no longer open */
  cancel(): void {
    this.#end("cancelled");
  }

  #end(state: "spent" | "cancelled"): void {
    this.#ledger.exclusively(() => {
      const now = this.#ledger.state(this.id);
      if (now !== "reserved") {
        throw new TacitError(
          "PRIVACY_RESERVATION",
          `reservation: expected one that is open, got one that is ${now ?? "unknown"}`,
        );
      }
      this.#ledger.turn(this.id, state);
    });
  }
}

/** `N`: the neighbours that it counts for; a query for others does not type-check, and is refused at run time too. */
export class Budget<N extends Neighbours = Neighbours> implements Disposable {
  readonly terms: BudgetTerms<N>;
  readonly #ledger: Ledger;

  private constructor(terms: BudgetTerms<N>, ledger: Ledger) {
    this.terms = Object.freeze(terms);
    this.#ledger = ledger;
  }

  /**
   * Makes a new budget, of which nothing is spent, at `path`, and opens it. Of several processes that ask at once, one gets it.
   * @throws TacitError PRIVACY_LEDGER_EXISTS where there is one; PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS; PRIVACY_LEDGER when it cannot be written
   */
  static create<const N extends Neighbours>(path: string, terms: BudgetTerms<N>): Budget<N> {
    const checked = checkTerms(terms);
    return new Budget(checked, createLedger(path, JSON.stringify(checked)));
  }

  /**
   * Opens the budget that was created at `path`, with what is left of it. One file, one budget; any number of processes.
   * @throws TacitError PRIVACY_LEDGER_MISSING where there is none; PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS; PRIVACY_LEDGER when the file has
   * other terms or cannot be written
   */
  static open<const N extends Neighbours>(path: string, terms: BudgetTerms<N>): Budget<N> {
    const checked = checkTerms(terms);
    return new Budget(checked, openLedger(path, JSON.stringify(checked)));
  }

  #epsilon(events: readonly PrivacyEvent[]): number {
    return epsilonIn(this.terms, events);
  }

  #check(events: readonly PrivacyEvent[]): void {
    checkEvents(events);
    const other = events.find((e) => e.neighbours !== this.terms.neighbours);
    if (other !== undefined) {
      throw new TacitError(
        "PRIVACY_NEIGHBOURS",
        `budget: expected events for ${this.terms.neighbours} neighbours, got ${other.neighbours}`,
      );
    }
  }

  /** What `events` would bring the spent ε to, all that stands there included. */
  after(events: readonly PrivacyEvent[]): number {
    this.#check(events);
    return this.#epsilon([...this.#ledger.events(), ...events]);
  }

  get state(): BudgetState {
    const spent = this.#epsilon(this.#ledger.events());
    return { epsilon: this.terms.epsilon, spent, left: Math.max(0, this.terms.epsilon - spent) };
  }

  /** Sets `events` aside. @throws TacitError PRIVACY_BUDGET when they are more than what is left: nothing is written */
  reserve(events: readonly PrivacyEvent[], purpose: string): Reservation {
    return new Reservation(this.#ledger, this.#take("reserved", events, purpose));
  }

  /** Writes `events` down as spent, then calls `draw`. @throws TacitError PRIVACY_BUDGET before anything is drawn */
  release<T>(events: readonly PrivacyEvent[], purpose: string, draw: () => T): T {
    this.#take("spent", events, purpose);
    return draw();
  }

  #take(state: "reserved" | "spent", events: readonly PrivacyEvent[], purpose: string): number {
    this.#check(events);
    if (typeof purpose !== "string" || purpose.trim() === "")
      refuse(
        "budget",
        "a purpose, what the ledger says of the release",
        kindOf(purpose),
        'release(budget, "mean age, report of May")',
      );
    return this.#ledger.exclusively(() => {
      const before = this.#ledger.events();
      const total = this.#epsilon([...before, ...events]);
      if (!(total <= this.terms.epsilon)) throw refusal(this.terms, before, events, total);
      return this.#ledger.add(state, purpose, events);
    });
  }

  /** The lines of the ledger, reserved and cancelled ones too. @throws TacitError PRIVACY_LEDGER when the budget was closed */
  entries(): readonly Entry[] {
    return this.#ledger.entries();
  }

  [Symbol.dispose](): void {
    this.#ledger[Symbol.dispose]();
  }
}
