/** @file Conditions on rows, as data and not as code: they look at one row, cannot fail and cannot remember. */
import { kindOf, TacitError } from "@tacit/core/errors";
import { refuse } from "../check.ts";
import type { BooleanColumn, CategoryColumn, Column, Columns, NumberColumn } from "./columns.ts";
import type { View } from "./table.ts";

type ConditionOf<C extends Column> = C extends NumberColumn
  ? readonly [number, number]
  : C extends BooleanColumn
    ? boolean
    : C extends CategoryColumn<infer K>
      ? K | readonly K[]
      : never;

/** A number within both ends (after it was moved into its bounds), yes or no, a key or one of several; all of them must hold. */
export type Where<C extends Columns> = { readonly [K in keyof C]?: ConditionOf<C[K]> };

export type RowTest = (row: number) => boolean;

/** Names of the columns of a kind. */
export type NamesOf<C extends Columns, K extends Column["kind"]> = {
  [P in keyof C]: C[P]["kind"] extends K ? P : never;
}[keyof C] &
  string;

/** @throws TacitError PRIVACY_PARAMETER for what is no plain object: of a function no names would be read, and all rows would count */
export function checkWhere(where: unknown): void {
  if (where === undefined) return;
  const plain = typeof where === "object" && where !== null && [Object.prototype, null].includes(Object.getPrototypeOf(where));
  if (plain) return;
  refuse("where", "conditions by column", kindOf(where), "where: { smoker: true, age: [18, 65] }: data, and not code");
}

/** The column, if it is of one of these kinds. @throws TacitError PRIVACY_COLUMN */
export function columnOf<K extends Column["kind"]>(
  where: string,
  columns: Columns,
  name: string,
  kinds: readonly K[],
): Extract<Column, { readonly kind: K }> {
  const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (column !== undefined && (kinds as readonly string[]).includes(column.kind))
    return column as Extract<Column, { readonly kind: K }>;
  if (column === undefined)
    throw new TacitError(
      "PRIVACY_COLUMN",
      `${where}: expected a column among ${Object.keys(columns).join(", ")}, got ${JSON.stringify(name) ?? "none"}`,
      { hint: "columns are declared when the table is made" },
    );
  throw new TacitError(
    "PRIVACY_COLUMN",
    `${where}: expected a column of kind ${kinds.join(" or ")}, got ${name}, of kind ${column.kind}`,
    column.kind === "text" ? { hint: "its keys are not public: category({ keys }) where they are, else unknownKeys" } : {},
  );
}

function allowed(name: string, column: Column, condition: unknown): (code: number) => boolean {
  if (column.kind === "number") {
    const [from, to] = Array.isArray(condition) ? (condition as unknown[]) : [];
    if (typeof from !== "number" || typeof to !== "number" || !(from <= to))
      refuse("where", "two numbers, from and to", "another");
    const [least, most] = [Math.ceil(from / column.grid), Math.floor(to / column.grid)];
    return (code) => code >= least && code <= most;
  }
  if (column.kind === "boolean") {
    if (typeof condition !== "boolean") refuse("where", "true or false", typeof condition);
    return (code) => code === Number(condition);
  }
  const { keys } = columnOf("where", { [name]: column }, name, ["category"]);
  const wanted = (Array.isArray(condition) ? condition : [condition]).map((k) => keys.indexOf(k as string));
  if (wanted.includes(-1)) refuse("where", "public keys of the column", "another");
  return (code) => wanted.includes(code);
}

/** @throws TacitError PRIVACY_COLUMN, PRIVACY_PARAMETER */
export function rowTest(columns: Columns, where: Readonly<Record<string, unknown>> | undefined): (view: View) => RowTest {
  const tests = Object.entries(where ?? {}).flatMap(([name, condition]) => {
    if (condition === undefined) return [];
    const column = columnOf("where", columns, name, ["number", "boolean", "category"]);
    return [{ name, test: allowed(name, column, condition) }];
  });
  return (view) => {
    const bound = tests.map(({ name, test }) => ({ codes: view.codes.get(name)!, test }));
    return (row) => bound.every(({ codes, test }) => test(codes[row]!));
  };
}

/** Whether `where` leaves out any row: under replace-one, then, how many rows count is not public. */
export const filters = (where: object | undefined): boolean => Object.values(where ?? {}).some((c) => c !== undefined);
