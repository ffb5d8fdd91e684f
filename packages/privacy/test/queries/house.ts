/** @file What the tests of queries share: a small table's terms, budgets in memory, and the one way to draw without a budget. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Budget } from "@tacit/privacy/budgets";
import {
  type CategoryColumn,
  category,
  integer,
  type NumberColumn,
  type PrivateTable,
  privateTable,
  type Query,
  type TableTerms,
  type TextColumn,
  text,
} from "@tacit/privacy/queries";
import { afterAll, expect } from "vitest";
import type { Neighbours } from "../../src/events.ts";
import { planOf } from "../../src/queries/query.ts";
import { viewOf } from "../../src/queries/table.ts";

/** A row of the tests' table. */
export interface Row {
  readonly id: string;
  readonly v: unknown;
  readonly w: unknown;
  readonly key: unknown;
  readonly word: unknown;
}

export const COLUMNS: {
  readonly v: NumberColumn;
  readonly w: NumberColumn;
  readonly key: CategoryColumn<"a" | "b" | "c">;
  readonly word: TextColumn;
} = {
  v: integer({ bounds: [-2, 5] }),
  w: integer({ bounds: [0, 4] }),
  key: category({ keys: ["a", "b", "c"] }),
  word: text(),
};

export type Small<N extends Neighbours> = PrivateTable<N, typeof COLUMNS>;

/** At most `rows` rows of each; `units` as replace-one needs them. */
export function small<N extends Neighbours>(data: readonly Row[], neighbours: N, rows = 2, units?: number): Small<N> {
  const terms = { dataset: "small", unit: { name: "person", column: "id", rows }, neighbours, columns: COLUMNS };
  return privateTable(data as never, (units === undefined ? terms : { ...terms, units }) as TableTerms<N, typeof COLUMNS>);
}

const folders: string[] = [];
afterAll(() => {
  for (const f of folders.splice(0)) rmSync(f, { recursive: true, force: true });
});
/** A path for a budget, gone after the tests of a file. */
export function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "tacit-queries-"));
  folders.push(folder);
  return join(folder, "budget.sqlite");
}

export const budgetOf = <const N extends Neighbours>(neighbours: N, epsilon = 1000): Budget<N> =>
  Budget.create(newFile(), { dataset: "small", unit: "person", neighbours, epsilon, delta: 1e-6, accountant: "pld" });

/** Draws answers without a budget, by names that the package does not export. */
export function drawing<N extends Neighbours, A>(query: Query<N, A>, table: PrivateTable<N, typeof COLUMNS>): () => A {
  const plan = planOf(query as Query<Neighbours, A>);
  plan.ready();
  const view = viewOf(table as never);
  return () => plan.draw(view);
}

export const coded = (code: string): unknown => expect.objectContaining({ code });
