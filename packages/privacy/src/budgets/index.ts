/** @file Budgets in SQLite files. Node only. */
export { Budget, type BudgetState, type BudgetTerms, Reservation } from "./budget.ts";
export type { Entry, EntryState } from "./ledger.ts";
export { PeopleBudget, type PeopleTerms } from "./people.ts";
