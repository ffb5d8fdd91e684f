/**
 * @file Tables that can be asked. A table names whose privacy it keeps (the unit), which data sets are its neighbours, how many rows of one
 * unit count, and what each column can hold. All of that is public; the rows are not, and nothing prints them.
 *
 * What the guarantees of all queries rest on, D and D' being the table before it is read:
 *  1. add-remove: D' is D with all rows of one unit taken out or put in, wherever they stand. replace-one: D and D' have the same number
 *     of units, `units`, and all rows of one unit are exchanged for those of another.
 *  2. Which rows of a unit are kept depends on that unit's rows alone: on their order among themselves, or on coins of its own.
 *     So the kept tables of D and D' differ in the rows of one unit, at most `rows` of them on either side.
 *  3. Each value is turned into an integer by itself, inside bounds that are public.
 * Checked: bounds, keys, the number of units where it is promised to be public. Assumed: the unit's column names the one whose privacy
 * is meant; without a column, each row is another unit.
 *
 * Making a table is the act of whoever holds the data. Its errors (columns of different lengths, another number of units than was
 * promised) may depend on the data, and are for the holder's eyes. A query on a table that stands never fails by what the data are.
 */
import { readRows } from "@tacit/core/data";
import { kindOf, quantity, TacitError } from "@tacit/core/errors";
import { checkOptions, namesOf, refuse, whole } from "../check.ts";
import type { Neighbours } from "../events.ts";
import { below, secureBits } from "../samplers/bits.ts";
import { type Columns, encode, isColumn, label } from "./columns.ts";

/** Whose privacy is kept. */
export interface Unit {
  /** As in the budget: "person", "household". */
  readonly name: string;
  /** The column that says whose row it is. Unless said, each row is another unit's. Rows without a name there are left out. */
  readonly column?: string;
  /** How many rows of one unit count; needed with a column. */
  readonly rows?: number;
  /** Where one has more rows: the first ones count (unless said), a random choice does, or the table is refused. */
  readonly excess?: "first" | "random" | "refuse";
}

export interface TableTerms<N extends Neighbours, C extends Columns> {
  /** As in the budget. */
  readonly dataset: string;
  readonly unit: Unit;
  readonly neighbours: N;
  /** replace-one: how many units the table has, which is public. */
  readonly units?: number;
  readonly columns: C;
}

/** Rows as objects, or columns as arrays of one length. */
export type TableInput = readonly Readonly<Record<string, unknown>>[] | Readonly<Record<string, ArrayLike<unknown>>>;

/** The kept rows, those of one unit together. */
export interface View {
  readonly ids: readonly string[];
  /** Rows of unit u: starts[u] up to, not including, starts[u + 1]. */
  readonly starts: Int32Array;
  readonly codes: ReadonlyMap<string, Float64Array>;
  readonly words: ReadonlyMap<string, readonly string[]>;
}

const VIEWS = new WeakMap<object, View>();

export class PrivateTable<N extends Neighbours = Neighbours, C extends Columns = Columns> {
  readonly dataset: string;
  readonly unit: Required<Pick<Unit, "name" | "rows" | "excess">>;
  /** Whether rows name their unit. */
  readonly named: boolean;
  readonly neighbours: N;
  /** How many units there are, where that is public. */
  readonly units: N extends "replace-one" ? number : undefined;
  readonly columns: C;

  /** Use `privateTable` or `privateCsv`. */
  constructor(terms: TableTerms<N, C>, view: View) {
    const { dataset, unit, neighbours } = terms;
    this.dataset = dataset;
    this.unit = { name: unit.name, rows: unit.column === undefined ? 1 : unit.rows!, excess: unit.excess ?? "first" };
    this.named = unit.column !== undefined;
    this.neighbours = neighbours;
    this.units = terms.units as PrivateTable<N, C>["units"];
    this.columns = terms.columns;
    VIEWS.set(this, view);
  }
}

/** For the queries in this room; the package does not export it. */
export function viewOf(table: PrivateTable): View {
  const view = VIEWS.get(table);
  if (view === undefined) refuse("query", "a table made by privateTable or privateCsv", "another");
  return view;
}

export function checkNeighbours(where: string, neighbours: unknown): asserts neighbours is Neighbours {
  if (neighbours !== "add-remove" && neighbours !== "replace-one")
    throw new TacitError("PRIVACY_NEIGHBOURS", `${where}: expected neighbours add-remove or replace-one, got another relation`, {
      hint: "add-remove: one person more or less; replace-one: one person's data exchanged, the number of people public",
    });
}

const TERMS = namesOf<TableTerms<Neighbours, Columns>>({
  dataset: true,
  unit: true,
  neighbours: true,
  units: true,
  columns: true,
});
const UNIT = namesOf<Unit>({ name: true, column: true, rows: true, excess: true });
const UNIT_HINT = 'unit: { name: "person", column: "id", rows: 3 }';
const TERMS_HINTS = {
  ...Object.fromEntries(UNIT.map((name) => [name, `it belongs into ${UNIT_HINT}`])),
  delimiter: "of privateCsv alone",
};

function checkTerms<N extends Neighbours, C extends Columns>(terms: TableTerms<N, C>): void {
  checkOptions("table", terms, TERMS, { names: TERMS_HINTS });
  const { dataset, unit, neighbours, units, columns } = terms;
  if (typeof dataset !== "string" || dataset === "") refuse("table", "a data set with a name", "none");
  checkOptions("table's unit", unit, UNIT, { object: UNIT_HINT });
  if (typeof unit.name !== "string" || unit.name === "") refuse("table", "a unit with a name", "none", UNIT_HINT);
  checkNeighbours("table", neighbours);
  if (unit.column !== undefined) {
    if (unit.rows === undefined)
      throw new TacitError("PRIVACY_UNBOUNDED", `table: expected how many rows of one ${unit.name} count, got nothing`, {
        hint: "unit: { name, column, rows: 3 }: noise grows with it; rows beyond are left out",
      });
    whole("table", "rows of one unit", unit.rows);
  } else if (unit.rows !== undefined && unit.rows !== 1) {
    refuse("table", "a column that names the unit where it has several rows", "none");
  }
  if (unit.excess !== undefined && !["first", "random", "refuse"].includes(unit.excess))
    refuse("table", "excess first, random or refuse", "another");
  if (neighbours === "replace-one") {
    if (units === undefined)
      refuse("table", "units, how many there are, which is public under replace-one", "nothing", "or use add-remove");
    whole("table", "units", units);
  } else if (units !== undefined) {
    refuse("table", "no number of units under add-remove, where it is not public", "one");
  }
  checkColumns(columns);
}

function checkColumns(columns: Columns): void {
  const names = typeof columns === "object" && columns !== null ? Object.keys(columns) : [];
  if (names.length === 0) refuse("table", "at least one column", "none", "columns: { age: integer({ bounds: [0, 120] }) }");
  for (const name of names) {
    if (!isColumn(columns[name]))
      throw new TacitError("PRIVACY_UNBOUNDED", `table: expected a column that says what it can hold, got another as ${name}`, {
        hint: "make it with number({ bounds }), integer({ bounds }), boolean(), category({ keys }) or text()",
      });
  }
}

const has = (row: unknown, name: string): boolean => typeof row === "object" && row !== null && name in row;

const missing = (name: string): TacitError =>
  new TacitError("PRIVACY_COLUMN", `table: expected data for every column, got none for ${name}`, {
    hint: "columns, and the unit's, are named as the keys of rows, or the header of a file, name them: letters count",
  });

/** The named columns of the input, each of `length` values. */
function columnsOf(
  input: TableInput,
  names: readonly string[],
): { readonly length: number; of(name: string): ArrayLike<unknown> } {
  if (Array.isArray(input)) {
    const rows = input as readonly (Readonly<Record<string, unknown>> | null | undefined)[];
    // Misspelt, every value would be missing, and the budget pay for the answer to that.
    const absent = rows.length === 0 ? undefined : names.find((name) => !rows.some((r) => has(r, name)));
    if (absent !== undefined) throw missing(absent);
    return { length: rows.length, of: (name) => rows.map((r) => r?.[name]) };
  }
  const columns = input as Readonly<Record<string, ArrayLike<unknown>>>;
  for (const name of names) {
    if (!Object.hasOwn(Object(columns), name)) throw missing(name);
    if (!Number.isSafeInteger(columns[name]?.length) || typeof columns[name] === "string")
      throw new TacitError("PRIVACY_COLUMN", `table: expected an array of values for ${name}, got ${kindOf(columns[name])}`);
    if (columns[name]!.length !== columns[names[0]!]!.length)
      throw new TacitError("PRIVACY_COLUMN", "table: expected columns of one length, got several lengths");
  }
  return { length: columns[names[0]!]!.length, of: (name) => columns[name]! };
}

/** Row numbers of each unit, in their order. */
function byUnit(ids: ArrayLike<unknown>): Map<string, number[]> {
  const units = new Map<string, number[]>();
  for (let i = 0; i < ids.length; i++) {
    const id = label(ids[i]);
    if (id === "") continue;
    const rows = units.get(id);
    if (rows === undefined) units.set(id, [i]);
    else rows.push(i);
  }
  return units;
}

function keep(rows: number[], unit: Unit): readonly number[] {
  const most = unit.column === undefined ? 1 : unit.rows!;
  if (rows.length <= most) return rows;
  if (unit.excess === "refuse")
    throw new TacitError(
      "PRIVACY_CONTRIBUTIONS",
      `table: expected at most ${quantity(most, "row")} of each ${unit.name}, got more`,
      {
        hint: "excess: first or random leaves the others out",
      },
    );
  if (unit.excess !== "random") return rows.slice(0, most);
  for (let i = 0; i < most; i++) {
    const j = i + Number(below(secureBits, BigInt(rows.length - i)));
    [rows[i], rows[j]] = [rows[j]!, rows[i]!];
  }
  return rows.slice(0, most);
}

/**
 * A table from rows or columns.
 * @throws TacitError PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS, PRIVACY_UNBOUNDED, PRIVACY_COLUMN; PRIVACY_CONTRIBUTIONS where a unit has more rows
 * than promised and `excess` is "refuse", or the table has another number of units than promised
 */
export function privateTable<const N extends Neighbours, const C extends Columns>(
  input: TableInput,
  terms: TableTerms<N, C>,
): PrivateTable<N, C> {
  checkTerms(terms);
  const { unit } = terms;
  const names = Object.keys(terms.columns);
  const data = columnsOf(input, unit.column === undefined ? names : [...names, unit.column]);
  const units = unit.column === undefined ? undefined : byUnit(data.of(unit.column));
  const kept =
    units === undefined
      ? Array.from({ length: data.length }, (_, i) => [i])
      : [...units.values()].map((rows) => keep(rows, unit));
  if (terms.units !== undefined && kept.length !== terms.units)
    throw new TacitError(
      "PRIVACY_CONTRIBUTIONS",
      `table: expected ${quantity(terms.units, "unit")}, got ${kept.length < terms.units ? "fewer" : "more"}`,
      {
        hint: "their number is public under replace-one: state the true one, or use add-remove",
      },
    );
  const starts = Int32Array.from([0, ...kept].map(() => 0));
  kept.forEach((rows, u) => {
    starts[u + 1] = starts[u]! + rows.length;
  });
  const order = kept.flat();
  const [codes, words] = [new Map<string, Float64Array>(), new Map<string, readonly string[]>()];
  for (const name of names) {
    const values = data.of(name);
    const encoded = encode(
      terms.columns[name]!,
      order.map((i) => values[i]),
    );
    codes.set(name, encoded.codes);
    words.set(name, encoded.words);
  }
  return new PrivateTable(terms, { ids: [...(units?.keys() ?? [])], starts, codes, words });
}

/**
 * A table from CSV text (RFC 4180) with a header, read by core's reader.
 * @throws TacitError as `privateTable`; CSV_INVALID, SIZE_LIMIT for a file that is no table
 */
export function privateCsv<const N extends Neighbours, const C extends Columns>(
  input: string | Uint8Array,
  terms: TableTerms<N, C> & { readonly delimiter?: string },
): PrivateTable<N, C> {
  checkOptions("table", terms, [...TERMS, "delimiter"], { names: TERMS_HINTS });
  const { delimiter, ...others } = terms;
  const { names, rows } = readRows(input, { header: true, ...(delimiter === undefined ? {} : { delimiter }) });
  const columns = new Map<string, string[]>(names.map((n) => [n, []]));
  for (const { fields } of rows) for (const [i, name] of names.entries()) columns.get(name)!.push(fields[i]!);
  return privateTable(Object.fromEntries(columns), others as unknown as TableTerms<N, C>);
}

/** The rows of some units only. */
export function restrict(view: View, included: ReadonlySet<string>): View {
  const units = [...view.ids.keys()].filter((u) => included.has(view.ids[u]!));
  const rows = units.flatMap((u) => Array.from({ length: view.starts[u + 1]! - view.starts[u]! }, (_, i) => view.starts[u]! + i));
  const starts = new Int32Array(units.length + 1);
  units.forEach((u, i) => {
    starts[i + 1] = starts[i]! + view.starts[u + 1]! - view.starts[u]!;
  });
  const codes = new Map([...view.codes].map(([name, values]) => [name, Float64Array.from(rows, (r) => values[r]!)]));
  return { ids: units.map((u) => view.ids[u]!), starts, codes, words: view.words };
}
