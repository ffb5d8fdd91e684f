/** @file Queries that are integers with noise: their deterministic half, one part for each scale of noise, and what is made of the noisy numbers. */
import { quantity } from "@tacit/core/errors";
import { checkOptions, refuse } from "../check.ts";
import type { Neighbours } from "../events.ts";
import type { Columns } from "./columns.ts";
import { eventsOf, halfWidths, lawsOf, type Noise, type NoiseLaw, type Part } from "./noise.ts";
import { type ErrorBound, planOf, Query } from "./query.ts";
import { type PrivateTable, type View, viewOf } from "./table.ts";
import { checkWhere, filters, type Where } from "./where.ts";

/** What every query of this kind takes. */
export interface QueryOptions<C extends Columns> {
  readonly noise: Noise;
  /** Rows that count; all unless said. */
  readonly where?: Where<C>;
  /** With what probability the intervals of an answer hold, all of them together; 0.95 unless said. */
  readonly level?: number;
}

/** Names of these. */
export const QUERY = { noise: true, where: true, level: true } as const;

/** What every query is asked with. @throws TacitError PRIVACY_PARAMETER for no table, options that it does not have, conditions that are none */
export function checkQuery(where: string, table: unknown, options: unknown, names: readonly string[]): void {
  viewOf(table as PrivateTable);
  checkOptions(where, options, names, {
    object: "noise: { epsilon: 0.1 }, { rho: 0.01 } or { epsilon: 0.5, delta: 1e-6 }",
    names: { epsilon: "noise: { epsilon }", rho: "noise: { rho }" },
  });
  checkWhere((options as { readonly where?: unknown }).where);
}

/** Two ends between which the truth lies. */
export type Interval = readonly [number, number];

/** Noisy integers of one part, and the q with which all lie within ± q of the truth. */
export interface Noisy {
  readonly values: readonly bigint[];
  readonly within: number;
  readonly law: NoiseLaw;
}

export interface IntegerPlan<A> {
  readonly title: string;
  readonly reads: readonly string[];
  readonly parts: readonly Part[];
  readonly notes?: readonly string[];
  /** How far the answer may be off; of each part's integers unless said. */
  errors?(laws: readonly NoiseLaw[]): readonly ErrorBound[];
  /** The exact integers of each part. */
  statistic(view: View): readonly (readonly bigint[])[];
  /** The answer from the noisy integers: free of cost, as nothing else of the data is looked at. */
  finish(noisy: readonly Noisy[]): A;
}

export function checkLevel(where: string, level: unknown): number {
  if (level === undefined) return 0.95;
  if (typeof level === "number" && level > 0 && level < 1) return level;
  return refuse(where, "a level between 0 and 1, both excluded", typeof level);
}

/** The two halves of a query. */
export interface Halves {
  /** The exact integers of each part. */
  readonly statistic: IntegerPlan<unknown>["statistic"];
  /** The same with noise. */
  perturb(values: readonly (readonly bigint[])[]): Noisy[];
}

const HALVES = new WeakMap<object, Halves>();

/** For tests of sensitivities and of laws; the package does not export it. */
export const halvesOf = (query: object): Halves => HALVES.get(planOf(query as Query))!;

/** @throws TacitError PRIVACY_PARAMETER for noise or a level that cannot be */
export function integerQuery<N extends Neighbours, A>(
  table: PrivateTable<N>,
  options: { readonly noise: Noise; readonly level?: number },
  plan: IntegerPlan<A>,
): Query<N, A> {
  const { parts } = plan;
  const level = checkLevel(plan.title, options.level);
  const laws = lawsOf(plan.title, options.noise, parts, table.neighbours);
  const within = halfWidths(parts, laws, level);
  let draws: readonly (() => number)[] = [];
  const perturb = (values: readonly (readonly bigint[])[]): Noisy[] =>
    values.map((part, i) => {
      const noise = draws[i]!;
      return { values: part.map((v) => v + BigInt(noise())), within: within[i]!, law: laws[i]! };
    });
  const full = {
    title: plan.title,
    reads: plan.reads,
    parts,
    notes: [...(plan.notes ?? []), ...parts.map((p, i) => `${p.name}: noise ${laws[i]!.kind} of scale ${laws[i]!.scale} steps`)],
    events: eventsOf(parts, laws, table.neighbours),
    level,
    errors: plan.errors?.(laws) ?? parts.map((p, i) => ({ name: p.name, halfWidth: within[i]! * p.step })),
    ready: (): void => {
      draws = laws.map((law) => law.sampler());
    },
    draw: (view: View): A => plan.finish(perturb(plan.statistic(view))),
  };
  HALVES.set(full, { statistic: plan.statistic, perturb });
  return new Query(table, full);
}

/** Rows of one unit that count in a query: from `least` to `most`. */
export function rowsOfUnit(table: PrivateTable, where: object | undefined): { readonly least: number; readonly most: number } {
  return { least: filters(where) ? 0 : 1, most: table.unit.rows };
}

/** The same in words: "0 to 3 rows", "1 row". */
export const rowsText = ({ least, most }: { readonly least: number; readonly most: number }): string =>
  least === most ? quantity(most, "row") : `${least} to ${quantity(most, "row")}`;

/** How many rows count is public: replace-one, one row each, none left out. */
export const publicRows = (table: PrivateTable, where: object | undefined): boolean =>
  table.neighbours === "replace-one" && table.unit.rows === 1 && !filters(where);

/**
 * How much one unit changes a sum of integers of low..high over its rows: what it adds lies in an interval [least, most] of whole numbers;
 * add-remove takes it to or from 0, replace-one from one end to the other.
 */
export function sumChange(
  neighbours: Neighbours,
  rows: { readonly least: number; readonly most: number },
  [low, high]: readonly [number, number],
): number {
  const most = Math.max(high * rows.most, high * rows.least);
  const least = Math.min(low * rows.most, low * rows.least);
  return neighbours === "add-remove" ? Math.max(Math.abs(most), Math.abs(least), 1) : Math.max(most - least, 1);
}

/** One integer that changes by at most `sensitivity`. */
export function onePart(name: string, sensitivity: number, step: number, share: number, why: string): Part {
  if (!Number.isSafeInteger(sensitivity)) refuse(name, "a sensitivity below 2^53 grid steps", "more", "use a coarser grid");
  return { name, size: 1, changes: [{ sensitivity, count: 1 }], l1: sensitivity, share, step, why };
}

/** The noisy integer and its interval, in units. */
export function scaled({ values, within }: Noisy, step: number, at = 0): { readonly value: number; readonly interval: Interval } {
  const v = values[at]!;
  return { value: Number(v) * step, interval: [Number(v - BigInt(within)) * step, Number(v + BigInt(within)) * step] };
}
