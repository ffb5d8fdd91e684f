/** @file The budget of the tests: 50 releases of ε 0.1. */
import type { PrivacyEvent } from "@tacit/privacy";
import type { BudgetTerms } from "../../src/budgets/index.ts";

export const TERMS: BudgetTerms = {
  dataset: "visits",
  unit: "person",
  neighbours: "add-remove",
  epsilon: 5.00001,
  delta: 0,
  accountant: "pure",
};

export const ONE: PrivacyEvent = {
  mechanism: { kind: "discrete-laplace", scale: 10, sensitivity: 1 },
  neighbours: "add-remove",
  sampling: { kind: "all" },
  count: 1,
};
