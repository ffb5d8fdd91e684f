/**
 * @file Quantiles from a tree of noisy counts over the bounds: all of them, and the distribution function, at the price of one tree.
 *
 * The bounds are cut into 4^L leaves, and each level of the tree counts the rows below its nodes. A row counts once on each level, so one unit changes
 * each level as it changes a histogram. How many rows lie left of a leaf's end is the sum of at most 3 nodes of each level (the earlier
 * siblings of the nodes above it), and of the leaf's own.
 *
 * Interval: noise of the counts left of each leaf's end is a sum of at most m = 3 L + 1 independent draws, so by Chernoff's bound it passes t with
 * probability at most 2 inf_s e^(m log E e^(sX) - s t); t is taken such that this, times the number of leaves, is 1 - level. Then with
 * probability `level` all those counts are within t, and a quantile lies where the noisy counts with t taken off or added leave room.
 */
import { refuse } from "../check.ts";
import type { Neighbours } from "../events.ts";
import { type CellBounds, cellPart, countCells } from "./cells.ts";
import type { Columns, NumberColumn } from "./columns.ts";
import { checkLevel, type Interval, integerQuery, type QueryOptions } from "./integers.ts";
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
  /** About the least clamped and rounded value v such that at least `at` of all rows are at most v. For no rows it says nothing. */
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

/** Noisy counts of rows up to and with each leaf. */
function upTo(nodes: readonly bigint[], levels: number): Float64Array {
  // before[i]: rows left of node i of the level; a child adds its earlier siblings.
  let [before, at] = [new Float64Array(1), 0];
  let with_ = before;
  for (let l = 0; l < levels; l++) {
    const next = new Float64Array(before.length * FAN);
    with_ = new Float64Array(next.length);
    for (let i = 0; i < next.length; i++) {
      next[i] = i % FAN === 0 ? before[i / FAN]! : with_[i - 1]!;
      with_[i] = next[i]! + Number(nodes[at + i]!);
    }
    [before, at] = [next, at + next.length];
  }
  return with_;
}

/** The first leaf whose count reaches `want`, or the last leaf. */
function firstReaching(counts: Float64Array, want: number): number {
  const at = counts.findIndex((c) => c >= want);
  return at < 0 ? counts.length - 1 : at;
}

/** The last leaf below which (it included) the count is surely under `want`; -1 for none. */
function lastUnder(counts: Float64Array, want: number): number {
  for (let i = counts.length - 1; i >= 0; i--) if (counts[i]! < want) return i;
  return -1;
}

/** @throws TacitError PRIVACY_COLUMN, PRIVACY_PARAMETER */
export function quantiles<N extends Neighbours, C extends Columns>(
  table: PrivateTable<N, C>,
  name: NamesOf<C, "number">,
  options: QuantilesOptions<C>,
): Query<N, readonly Quantile[]> {
  const column = columnOf("quantiles", table.columns, name, ["number"]);
  const { at } = options;
  if (!Array.isArray(at) || at.length === 0 || !at.every((q) => typeof q === "number" && q > 0 && q <= 1))
    refuse("quantiles", "shares above 0 and up to 1", "others", "at: [0.25, 0.5, 0.75]");
  const tree = treeOf(column, options.leaves ?? 1024);
  const { rows } = table.unit;
  const part = treePart(table, tree);
  const chance = (1 - checkLevel("quantiles", options.level)) / tree.leaves;
  const within = (law: NoiseLaw): number => sumWithin(law, (FAN - 1) * tree.levels + 1, chance);
  const bounds: CellBounds = { rows, cells: rows, perCell: rows };
  const tests = rowTest(table.columns, options.where);
  return integerQuery(table, options, {
    title: `quantiles of ${name}`,
    reads: [name, ...Object.keys(options.where ?? {})],
    parts: [part],
    notes: [`a tree of ${tree.levels} levels, ${tree.leaves} leaves`],
    errors: ([law]) => [{ name: "rows up to any leaf", halfWidth: within(law!) }],
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
      const counts = upTo(noisy!.values, tree.levels);
      const t = within(noisy!.law);
      return at.map((q) => quantileAt(q, counts, t, tree, column.grid));
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
    why: `${rows} rows, each in one node of each of ${tree.levels} levels`,
  };
}

function quantileAt(q: number, counts: Float64Array, t: number, tree: Tree, grid: number): Quantile {
  const total = counts.at(-1)!;
  const [from, to] = tree.ends(firstReaching(counts, q * total));
  // Surely under: count + t < q (total - t). Surely reached: count - t ≥ q (total + t).
  const under = lastUnder(counts, q * (total - t) - t);
  const reached = firstReaching(counts, q * (total + t) + t);
  const [lo] = tree.ends(Math.min(under + 1, tree.leaves - 1));
  const [, hi] = tree.ends(reached);
  return { at: q, value: ((from + to) / 2) * grid, interval: [lo * grid, hi * grid] };
}
