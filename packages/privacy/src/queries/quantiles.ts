/**
 * @file Quantiles from a tree of noisy counts over the bounds: all of them, and the distribution function, at the price of one tree.
 *
 * The bounds are cut into 4^L leaves, and each level of the tree counts the rows below its nodes. A row counts once on each level, so one unit changes
 * each level as it changes a histogram. How many rows lie left of a leaf is a sum of at most 3 nodes of each level, the earlier siblings of the nodes
 * above it and of itself; how many lie right of it, of the later ones: of 3 siblings on each level in all.
 *
 * The quantile q is the least v with F(v) ≥ q n, so the first leaf with D = (1 - q) F - q (n - F) ≥ 0, F the rows up to it and n - F those after it.
 *
 * Interval: the noise of D is a sum of independent draws times 1 - q or -q, whose squares sum to at most m = 3 L max(q, 1 - q)² + (1 - q)². K(s) =
 * log E e^(sX) has K(w s) ≤ w² K(s) for |w| ≤ 1 (for discrete Laplace K is a sum of cosh(k s) - 1 with weights above 0), so by Chernoff's bound it passes
 * t with probability at most 2 inf_s e^(m K(s) - s t). t is taken such that this, times the number of leaves and of quantiles, is 1 - level: then
 * with probability `level` all D are within t, and each quantile lies where D with t taken off or added leaves room.
 */
import { quantity } from "@tacit/core/errors";
import { namesOf, refuse } from "../check.ts";
import type { Neighbours } from "../events.ts";
import { type CellBounds, cellPart, countCells } from "./cells.ts";
import type { Columns, NumberColumn } from "./columns.ts";
import { checkLevel, checkQuery, type Interval, integerQuery, QUERY, type QueryOptions } from "./integers.ts";
import { changesOf, type NoiseLaw } from "./noise.ts";
import type { Query } from "./query.ts";
import type { PrivateTable } from "./table.ts";
import { columnOf, type NamesOf, rowTest } from "./where.ts";

export interface QuantilesOptions<C extends Columns> extends QueryOptions<C> {
  /** Shares of the rows, above 0 and up to 1: [0.25, 0.5, 0.75]. */
  readonly at: readonly number[];
  /** At least so many leaves, rounded up to a power of 4; 1024 unless said. */
  readonly leaves?: number;
}

export interface Quantile {
  readonly at: number;
  /** Middle of a leaf. */
  readonly value: number;
  /** About the least clamped and rounded value v such that at least `at` of all rows are at most v; the lower bound for no rows. */
  readonly interval: Interval;
}

const FAN = 4;
const MOST_LEAVES = 4 ** 9;

/** The t that a sum of at most m draws passes, up or down, with probability at most `chance`. */
export function sumWithin(law: NoiseLaw, m: number, chance: number): number {
  const passes = (s: number): number => (m * law.logMoment(s) + Math.log(2 / chance)) / s;
  // Convex over log s: thirds.
  let [lo, hi] = [Math.log(1e-6 / law.scale), Math.log(law.kind === "discrete-laplace" ? 1 / law.scale : 64 / law.scale)];
  for (let i = 0; i < 200; i++) {
    const [a, b] = [lo + (hi - lo) / 3, hi - (hi - lo) / 3];
    if (passes(Math.exp(a)) < passes(Math.exp(b))) hi = b;
    else lo = a;
  }
  return Math.ceil(passes(Math.exp((lo + hi) / 2)) * (1 + 1e-9));
}

interface Tree {
  readonly levels: number;
  readonly leaves: number;
  /** The leaf of a code. */
  leafOf(code: number): number;
  /** The codes of a leaf, first and last. */
  ends(leaf: number): Interval;
}

function treeOf({ lower, upper }: NumberColumn, least: number): Tree {
  if (!Number.isSafeInteger(least) || least < 2 || least > MOST_LEAVES)
    refuse("quantiles", `2 to ${MOST_LEAVES} leaves`, "another number");
  const codes = upper - lower + 1;
  const levels = Math.max(1, Math.ceil(Math.log(Math.min(least, codes)) / Math.log(FAN) - 1e-9));
  const leaves = FAN ** levels;
  // Each leaf has `width` codes, the last ones none where the codes do not fill them.
  const width = Math.ceil(codes / leaves);
  return {
    levels,
    leaves,
    leafOf: (code) => Math.floor((code - lower) / width),
    ends: (leaf) => [Math.min(upper, lower + leaf * width), Math.min(upper, lower + (leaf + 1) * width - 1)],
  };
}

/** Counts of all nodes, level after level from the top one below the root. */
function nodesOf(leaves: Float64Array, levels: number): bigint[] {
  const all: Float64Array[] = [leaves];
  for (let l = 1; l < levels; l++) {
    const below = all[0]!;
    all.unshift(
      Float64Array.from({ length: below.length / FAN }, (_, i) => below.slice(i * FAN, (i + 1) * FAN).reduce((a, b) => a + b, 0)),
    );
  }
  return all.flatMap((level) => Array.from(level, BigInt));
}

/** Noisy counts of rows up to each leaf, it included, and after it. */
interface Sides {
  readonly upTo: Float64Array;
  readonly after: Float64Array;
}

function sidesOf(nodes: readonly bigint[], levels: number): Sides {
  let [left, right, own] = [new Float64Array(1), new Float64Array(1), new Float64Array(0)];
  let at = 0;
  for (let l = 0; l < levels; l++) {
    const size = left.length * FAN;
    const [before, after] = [new Float64Array(size), new Float64Array(size)];
    own = Float64Array.from({ length: size }, (_, i) => Number(nodes[at + i]!));
    for (let parent = 0; parent < left.length; parent++) {
      let [sum, rest] = [left[parent]!, right[parent]!];
      for (let k = 0; k < FAN; k++) {
        before[parent * FAN + k] = sum;
        sum += own[parent * FAN + k]!;
        after[parent * FAN + FAN - 1 - k] = rest;
        rest += own[parent * FAN + FAN - 1 - k]!;
      }
    }
    [left, right, at] = [before, after, at + size];
  }
  return { upTo: left.map((x, i) => x + own[i]!), after: right };
}

const OPTIONS = namesOf<QuantilesOptions<Columns>>({ ...QUERY, at: true, leaves: true });

/** @throws TacitError PRIVACY_COLUMN, PRIVACY_PARAMETER */
export function quantiles<N extends Neighbours, C extends Columns>(
  table: PrivateTable<N, C>,
  name: NamesOf<C, "number">,
  options: QuantilesOptions<C>,
): Query<N, readonly Quantile[]> {
  checkQuery("quantiles", table, options, OPTIONS);
  const column = columnOf("quantiles", table.columns, name, ["number"]);
  const { at } = options;
  if (!Array.isArray(at) || at.length === 0 || !at.every((q) => typeof q === "number" && q > 0 && q <= 1))
    refuse("quantiles", "shares above 0 and up to 1", "others", "at: [0.25, 0.5, 0.75]");
  const tree = treeOf(column, options.leaves ?? 1024);
  const { rows } = table.unit;
  const part = treePart(table, tree);
  const chance = (1 - checkLevel("quantiles", options.level)) / (tree.leaves * at.length);
  const within = (law: NoiseLaw, q: number): number =>
    sumWithin(law, (FAN - 1) * tree.levels * Math.max(q, 1 - q) ** 2 + (1 - q) ** 2, chance);
  const bounds: CellBounds = { rows, cells: rows, perCell: rows };
  const tests = rowTest(table.columns, options.where);
  return integerQuery(table, options, {
    title: `quantiles of ${name}`,
    reads: [name, ...Object.keys(options.where ?? {})],
    parts: [part],
    notes: [`a tree of ${quantity(tree.levels, "level")}, ${tree.leaves} leaves`],
    errors: ([law]) => at.map((q) => ({ name: `rank of quantile ${q}, in rows`, halfWidth: within(law!, q) })),
    statistic: (view) => {
      const codes = view.codes.get(name)!;
      return [
        nodesOf(
          countCells(view, tree.leaves, bounds, tests(view), (row) => tree.leafOf(codes[row]!)),
          tree.levels,
        ),
      ];
    },
    finish: ([noisy]) => {
      const sides = sidesOf(noisy!.values, tree.levels);
      return at.map((q) => quantileAt(q, sides, within(noisy!.law, q), tree, column.grid));
    },
  });
}

/** Levels with few nodes change in fewer of them under replace-one. */
function treePart(table: PrivateTable, tree: Tree): ReturnType<typeof cellPart> {
  const { rows } = table.unit;
  const parts = Array.from({ length: tree.levels }, (_, l) => {
    const size = FAN ** (l + 1);
    return cellPart("counts", table, size, { rows, cells: Math.min(rows, size), perCell: rows });
  });
  const list = parts.flatMap((p) => p.changes.flatMap((c) => new Array<number>(c.count).fill(c.sensitivity)));
  return {
    ...parts.at(-1)!,
    name: "nodes of the tree",
    size: parts.reduce((n, p) => n + p.size, 0),
    changes: changesOf(list),
    l1: parts.reduce((n, p) => n + p.l1, 0),
    why: `${quantity(rows, "row")}, each in one node of each of ${quantity(tree.levels, "level")}`,
  };
}

function quantileAt(q: number, { upTo, after }: Sides, t: number, tree: Tree, grid: number): Quantile {
  // D of the file comment: rises through 0 at the quantile.
  const balance = upTo.map((f, i) => (1 - q) * f - q * after[i]!);
  const first = (want: number): number => {
    const at = balance.findIndex((d) => d >= want);
    return at < 0 ? tree.leaves - 1 : at;
  };
  const [from, to] = tree.ends(first(0));
  // Surely below the quantile: D + t < 0. Surely at or above it: D - t ≥ 0.
  const under = balance.findLastIndex((d) => d < -t);
  const [lo] = tree.ends(Math.min(under + 1, tree.leaves - 1));
  const [, hi] = tree.ends(first(t));
  return { at: q, value: ((from + to) / 2) * grid, interval: [lo * grid, hi * grid] };
}
