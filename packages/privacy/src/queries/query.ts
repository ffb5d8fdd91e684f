/**
 * @file Query: a question to a table with its noise, its price and its error. It can be answered in one way only: a budget writes down its events,
 * then noise is drawn. There is no answer without a budget; tests draw by `planOf`, which the package does not export.
 *
 * Errors after the budget is charged would say something about the data that nobody paid for. So all that can fail (parameters, samplers,
 * the budget) fails before; `draw` is arithmetic on integers of any length and cannot. Should it fail nevertheless, the
 * error says that it did and not why. Not hidden: how long a query takes, which grows with rows, keys and units.
 */
import { kindOf, quantity, TacitError } from "@tacit/core/errors";
import { type AccountOptions, epsilonOf } from "../accountants/index.ts";
import { totalRho } from "../accountants/zcdp.ts";
import { epsilonIn } from "../budgets/filters.ts";
import type { Budget, PeopleBudget, Reservation } from "../budgets/index.ts";
import { refuse } from "../check.ts";
import type { Neighbours, PrivacyEvent } from "../events.ts";
import { describeColumn } from "./columns.ts";
import type { Change, Part } from "./noise.ts";
import { type PrivateTable, restrict, type View, viewOf } from "./table.ts";

/** How far an answer may be off, known before it is asked. */
export interface ErrorBound {
  readonly name: string;
  /** In the units of what is named. With the query's level all of a query's bounds hold together. */
  readonly halfWidth: number;
}

/** What a query costs. */
export interface Cost {
  /** At the budget's δ, by its accountant, for this query alone. */
  readonly epsilon: number;
  readonly delta: number;
  /** ρ of zCDP; undefined where it has none. */
  readonly rho?: number;
  /** What the budget's spent ε would become. */
  readonly after: number;
  /** Whether the budget would pay for it now. */
  readonly affordable: boolean;
}

/** What makes up a query. */
export interface Plan<A> {
  readonly title: string;
  /** Columns that it reads. */
  readonly reads: readonly string[];
  readonly parts: readonly Part[];
  /** Lines for `explain`, beyond the parts: what is chosen and how. */
  readonly notes: readonly string[];
  readonly events: readonly PrivacyEvent[];
  readonly level: number;
  readonly errors: readonly ErrorBound[];
  /** Makes the samplers, so that nothing is left that can fail. */
  ready(): void;
  /** The answer, noise drawn. Must not throw, whatever the rows are. */
  draw(view: View): A;
}

const changeText = ({ sensitivity, count }: Change): string => `${quantity(count, "integer")} by ${sensitivity} at most`;

const PLANS = new WeakMap<object, Plan<unknown>>();

/** For this room and its tests; the package does not export it. */
export const planOf = <A>(query: Query<Neighbours, A>): Plan<A> => PLANS.get(query) as Plan<A>;

/** An answer that is paid for and not yet drawn. */
export class Reserved<A> {
  readonly #reservation: Reservation;
  readonly #draw: () => A;

  constructor(reservation: Reservation, draw: () => A) {
    this.#reservation = reservation;
    this.#draw = draw;
  }

  /** The answer; from here on it is spent. @throws TacitError PRIVACY_RESERVATION when it is no longer open */
  release(): A {
    this.#reservation.spend();
    return this.#draw();
  }

  /** Gives back what was set aside. @throws TacitError PRIVACY_RESERVATION when it is no longer open */
  cancel(): void {
    this.#reservation.cancel();
  }
}

export class Query<N extends Neighbours = Neighbours, A = unknown> {
  readonly neighbours: N;
  readonly events: readonly PrivacyEvent[];
  /** What one unit changes at most: sensitivities, and why. */
  readonly parts: readonly Part[];
  /** How far the answer may be off, at `level`, before it is asked. */
  readonly errors: readonly ErrorBound[];
  readonly level: number;
  readonly #table: PrivateTable<N>;

  constructor(table: PrivateTable<N>, plan: Plan<A>) {
    this.neighbours = table.neighbours;
    this.#table = table;
    this.events = Object.freeze(plan.events.map((e) => Object.freeze({ ...e, mechanism: Object.freeze({ ...e.mechanism }) })));
    this.parts = plan.parts;
    this.errors = plan.errors;
    this.level = plan.level;
    PLANS.set(this, plan);
  }

  /** What it costs at the budget's δ, and what would be spent with it; nothing is spent by asking. */
  cost(budget: Budget<N>): Cost {
    this.#check(budget);
    const { delta, epsilon } = budget.terms;
    const { rho, delta: aside } = totalRho(this.events);
    const after = budget.after(this.events);
    const alone = epsilonIn(budget.terms, this.events);
    return { epsilon: alone, delta, ...(aside === 0 ? { rho } : {}), after, affordable: after <= epsilon };
  }

  /** ε for a δ of one's own. @throws as `epsilonOf` */
  epsilon(options: AccountOptions & { readonly delta: number }): number {
    return epsilonOf(this.events, options);
  }

  /** In words: what counts, how one unit changes it, what noise is drawn, what is written into the ledger, how far it may be off. */
  explain(): string {
    const { table, plan } = { table: this.#table, plan: planOf(this) };
    const { name, rows, excess } = table.unit;
    const lines = [`${plan.title} of ${table.dataset}, per ${name}, neighbours ${table.neighbours}`];
    lines.push(
      table.named
        ? `at most ${quantity(rows, "row")} of each ${name} ${rows === 1 ? "counts" : "count"} (${excess === "refuse" ? "more were refused" : excess === "first" ? `the first ${rows === 1 ? "one" : "ones"}` : "a random choice"})`
        : `each row is another ${name} (assumed)`,
    );
    if (table.units !== undefined) lines.push(`public: ${quantity(table.units, "unit")}`);
    for (const column of plan.reads) lines.push(`${column}: ${describeColumn(table.columns[column]!)}`);
    for (const p of plan.parts)
      lines.push(`${p.name}: one ${name} changes ${p.changes.map(changeText).join(", ")}, in steps of ${p.step} (${p.why})`);
    lines.push(...plan.notes);
    for (const { mechanism, count } of plan.events) lines.push(`event: ${count} x ${JSON.stringify(mechanism)}`);
    for (const e of plan.errors)
      lines.push(`error: ${e.name} within ${e.halfWidth}, all together with probability ${plan.level}`);
    return lines.join("\n");
  }

  /**
   * The answer: its events are written down as spent, then noise is drawn.
   * @throws TacitError PRIVACY_BUDGET when it is more than what is left; PRIVACY_NEIGHBOURS, PRIVACY_PARAMETER when the budget is for another data set
   */
  release(budget: Budget<N>, purpose: string): A {
    this.#check(budget);
    planOf(this).ready();
    const view = viewOf(this.#table);
    return budget.release(planOf(this).events, purpose, () => this.#draw(view));
  }

  /** Sets the price aside; the answer is drawn later, or never. @throws as `release` */
  reserve(budget: Budget<N>, purpose: string): Reserved<A> {
    this.#check(budget);
    planOf(this).ready();
    const view = viewOf(this.#table);
    return new Reserved(budget.reserve(planOf(this).events, purpose), () => this.#draw(view));
  }

  /**
   * The answer about those who still have a share of their own left; each of them pays the whole price, the others are left out. Sound for
   * add-remove alone: without one person, nobody else's share differs, so the table differs by that person, and not at all once their share is
   * spent. Under replace-one, two persons would pay, one of whom may have nothing left: then the number of units would change, which is public.
   * @throws TacitError PRIVACY_NEIGHBOURS for replace-one; PRIVACY_PARAMETER for another data set or a price that does not add up
   */
  releaseForPeople(people: PeopleBudget): A {
    if (this.#table.neighbours !== "add-remove")
      throw new TacitError("PRIVACY_NEIGHBOURS", "query: expected add-remove for budgets of persons, got replace-one", {
        hint: "who has nothing left is left out, and their number is not public",
      });
    this.#check(people);
    if (!this.#table.named) refuse("query", "a table whose rows name their unit", "one without such a column");
    planOf(this).ready();
    const view = viewOf(this.#table);
    return people.release(planOf(this).events, view.ids, (included) => this.#draw(restrict(view, new Set(included))));
  }

  #check(budget: Budget<N> | PeopleBudget): void {
    const terms = budget?.terms;
    if (terms === undefined) refuse("query", "a budget", kindOf(budget), "Budget.create makes one, Budget.open opens it");
    const { dataset, unit, neighbours } = this.#table;
    if (terms.dataset !== dataset) refuse("query", `a budget of ${dataset}`, "another data set's");
    if (terms.unit !== unit.name) refuse("query", `a budget per ${unit.name}`, `one per ${terms.unit}`);
    if (terms.neighbours !== neighbours)
      throw new TacitError(
        "PRIVACY_NEIGHBOURS",
        `query: expected a budget for ${neighbours} neighbours, got one for ${terms.neighbours}`,
      );
  }

  #draw(view: View): A {
    try {
      return planOf(this).draw(view);
    } catch {
      throw new TacitError("PRIVACY_QUERY", "query: expected an answer once its budget was charged, got a failure");
    }
  }
}
