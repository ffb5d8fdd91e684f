/**
 * @file Columns of a table that can be asked: each says what its values can be before anybody looks at them, and turns every value into an
 * integer. Nothing about a value is an error: what is no value counts as the one that the column declares for it.
 */
import { TacitError } from "@tacit/core/errors";
import { checkOptions, namesOf, positive, refuse } from "../check.ts";

/** Numbers between bounds, on a grid: value v is the integer round(v / grid), clamped to lower..upper. */
export interface NumberColumn {
  readonly kind: "number";
  /** Bounds in steps of the grid. */
  readonly lower: number;
  readonly upper: number;
  /** Length of a step. A value moves by at most half of it. */
  readonly grid: number;
  /** What a missing value counts as, in steps. */
  readonly missing: number;
}

export interface BooleanColumn {
  readonly kind: "boolean";
  readonly missing: boolean;
}

/** One of some keys that are public. Another value belongs to none. */
export interface CategoryColumn<K extends string = string> {
  readonly kind: "category";
  readonly keys: readonly K[];
}

/** Words of which none is known beforehand. Only `unknownKeys` can ask for them. */
export interface TextColumn {
  readonly kind: "text";
}

export type Column = NumberColumn | BooleanColumn | CategoryColumn | TextColumn;
export type Columns = Readonly<Record<string, Column>>;

export interface NumberOptions {
  /** The least and the largest value that counts, from knowledge that is public: what lies outside is moved to them. */
  readonly bounds: readonly [number, number];
  /**
   * Length of a grid step. Unless said, a power of two: 2^-24 of the distance of the bounds or a little more, and at least 2^-40 of the larger one.
   */
  readonly grid?: number;
  /** What a missing value (empty, text, NaN) counts as; the middle of the bounds unless said. */
  readonly missing?: number;
}

const MADE = new WeakSet<object>();

function made<C extends Column>(column: C): C {
  MADE.add(Object.freeze(column));
  return column;
}

/** Whether a function of this file made it: a column that somebody wrote by hand has bounds that nobody checked. */
export const isColumn = (x: unknown): x is Column => typeof x === "object" && x !== null && MADE.has(x);

/** Steps from 0 to a bound; then n rows and their noise stay far below 2^53 in the samplers' arithmetic. */
const MOST_STEPS = 2 ** 40;

function checkBounds(where: string, bounds: unknown): readonly [number, number] {
  if (Array.isArray(bounds) && bounds.length === 2) {
    const [lo, hi] = bounds as [unknown, unknown];
    if (typeof lo === "number" && typeof hi === "number" && Number.isFinite(lo) && Number.isFinite(hi) && lo < hi)
      return [lo, hi];
  }
  throw new TacitError("PRIVACY_UNBOUNDED", `${where}: expected two finite bounds, the lower one first, got none`, {
    hint: "say what is plausible without looking at the data, bounds: [0, 120]; values outside are moved to the bounds",
  });
}

function onGrid(where: string, [lo, hi]: readonly [number, number], grid: number, missing: number | undefined): NumberColumn {
  const [lower, upper] = [Math.round(lo / grid) + 0, Math.round(hi / grid) + 0];
  if (!(upper > lower)) refuse(where, "a grid finer than the distance of the bounds", "a coarser one");
  if (Math.max(Math.abs(lower), Math.abs(upper)) > MOST_STEPS)
    refuse(where, "bounds of at most 2^40 grid steps", "more", "use a coarser grid, or measure from another zero");
  if (missing !== undefined && !(missing >= lo && missing <= hi))
    refuse(where, "a value inside the bounds for what is missing", "another");
  const at = missing === undefined ? Math.floor((lower + upper) / 2) : Math.round(missing / grid);
  return made({ kind: "number", lower, upper, grid, missing: at + 0 });
}

const NUMBER = namesOf<NumberOptions>({ bounds: true, grid: true, missing: true });
const INTEGER = namesOf<Omit<NumberOptions, "grid">>({ bounds: true, missing: true });
const BOOLEAN = namesOf<{ readonly missing?: boolean }>({ missing: true });
const CATEGORY = namesOf<{ readonly keys: readonly string[] }>({ keys: true });

/** A column of real numbers. @throws TacitError PRIVACY_UNBOUNDED, PRIVACY_PARAMETER */
export function number(options: NumberOptions): NumberColumn {
  const bounds = checkBounds("number", (options as NumberOptions | undefined)?.bounds);
  checkOptions("number", options, NUMBER);
  const [lo, hi] = bounds;
  const least = Math.max((hi - lo) * 2 ** -24, Math.max(Math.abs(lo), Math.abs(hi)) / MOST_STEPS);
  const grid = options.grid === undefined ? 2 ** Math.ceil(Math.log2(least)) : positive("number", "a grid", options.grid);
  return onGrid("number", bounds, grid, options.missing);
}

/** A column of integers, on a grid of 1. @throws TacitError PRIVACY_UNBOUNDED, PRIVACY_PARAMETER */
export function integer(options: Omit<NumberOptions, "grid">): NumberColumn {
  const bounds = checkBounds("integer", (options as NumberOptions | undefined)?.bounds);
  checkOptions("integer", options, INTEGER, { names: { grid: "integers stand on a grid of 1: use number for another" } });
  if (!bounds.every(Number.isInteger)) refuse("integer", "bounds that are integers", "fractions", "use number for others");
  return onGrid("integer", bounds, 1, options.missing);
}

/** A column of yes and no: true, 1, "true", "1" are yes; false, 0, "false", "0" are no; others count as `missing`, no unless said. @throws TacitError PRIVACY_PARAMETER */
export function boolean(options: { readonly missing?: boolean } = {}): BooleanColumn {
  checkOptions("boolean", options, BOOLEAN);
  const { missing = false } = options;
  if (typeof missing !== "boolean") refuse("boolean", "true or false for what is missing", typeof missing);
  return made({ kind: "boolean", missing });
}

/** A column of public keys. A value that is none of them counts in no group. @throws TacitError PRIVACY_PARAMETER */
export function category<const K extends string>(options: { readonly keys: readonly K[] }): CategoryColumn<K> {
  const keys: unknown = (options as { readonly keys?: unknown } | undefined)?.keys;
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every((k) => typeof k === "string"))
    refuse("category", "keys that are public", "none", "list them; where nobody knows them beforehand, use text and unknownKeys");
  checkOptions("category", options, CATEGORY);
  if (new Set(keys).size !== keys.length) refuse("category", "keys that differ", "one twice");
  return made({ kind: "category", keys: Object.freeze([...options.keys]) });
}

/** A column of words that nobody knows beforehand. */
export const text = (): TextColumn => made({ kind: "text" });

function toNumber(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "boolean") return value ? 1 : 0;
  // Number("") is 0.
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
}

function steps(column: NumberColumn, value: unknown): number {
  const at = toNumber(value) / column.grid;
  if (Number.isNaN(at)) return column.missing;
  if (at <= column.lower) return column.lower;
  if (at >= column.upper) return column.upper;
  return Math.round(at) + 0; // -0 is 0
}

const YES: ReadonlySet<unknown> = new Set([true, 1, 1n, "1", "true"]);
const NO: ReadonlySet<unknown> = new Set([false, 0, 0n, "0", "false"]);

/** The integers of one column, whatever the values are. `words` are the texts by code, for a text column. */
export function encode(
  column: Column,
  values: ArrayLike<unknown>,
): { readonly codes: Float64Array; readonly words: readonly string[] } {
  const each = (of: (value: unknown) => number): Float64Array => {
    const codes = new Float64Array(values.length);
    for (let i = 0; i < codes.length; i++) codes[i] = of(values[i]);
    return codes;
  };
  switch (column.kind) {
    case "number":
      return { codes: each((v) => steps(column, v)), words: [] };
    case "boolean":
      return { codes: each((v) => Number(YES.has(v) || (!NO.has(v) && column.missing))), words: [] };
    case "category": {
      const at = new Map<unknown, number>(column.keys.map((k, i) => [k, i]));
      return { codes: each((v) => at.get(typeof v === "string" ? v : label(v)) ?? -1), words: column.keys };
    }
    case "text": {
      const at = new Map<string, number>();
      const codes = each((v) => {
        const word = label(v);
        if (word === "") return -1;
        if (!at.has(word)) at.set(word, at.size);
        return at.get(word)!;
      });
      return { codes, words: [...at.keys()] };
    }
  }
}

/** A word for a key or for a person; "" where there is none. */
export function label(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isNaN(value) ? "" : `${value + 0}`;
  return typeof value === "bigint" || typeof value === "boolean" ? `${value}` : "";
}

/** What a column does to values, for `explain`. */
export function describeColumn(column: Column): string {
  switch (column.kind) {
    case "number": {
      const at = (x: number): string => `${x * column.grid}`;
      return `moved into [${at(column.lower)}, ${at(column.upper)}], rounded to multiples of ${column.grid}, ${at(column.missing)} where missing`;
    }
    case "boolean":
      return `yes or no, ${column.missing ? "yes" : "no"} where missing`;
    case "category":
      return `one of ${column.keys.length} public keys, another value in no group`;
    case "text":
      return "words that are not public";
  }
}
