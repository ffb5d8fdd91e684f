/** @file Counts by public key: of a category, of yes and no, or of intervals of a number between public edges. */
import { namesOf, refuse } from "../check.ts";
import type { Neighbours } from "../events.ts";
import { CELLS, type CellOptions, cellBounds, cellPart, countCells } from "./cells.ts";
import type { BooleanColumn, CategoryColumn, Columns, NumberColumn } from "./columns.ts";
import { checkQuery, type Interval, integerQuery, QUERY, type QueryOptions, scaled } from "./integers.ts";
import type { Query } from "./query.ts";
import type { PrivateTable } from "./table.ts";
import { columnOf, type NamesOf, rowTest } from "./where.ts";

export interface HistogramOptions<C extends Columns> extends QueryOptions<C>, CellOptions {
  /** Of a category: the keys that are asked for; all unless said. */
  readonly keys?: readonly string[];
  /** Of a number: rising edges e0 < e1 < ...; cell i has e_i ≤ value < e_(i+1), the last one its upper edge too. */
  readonly edges?: readonly number[];
}

export interface Cell {
  /** The key, "true" or "false", or "[e0, e1)". */
  readonly key: string;
  /** Unbiased: it may be below 0. */
  readonly value: number;
  /** All cells' intervals hold together. */
  readonly interval: Interval;
}

/** Names of cells, and the cell of a code, -1 for none. */
export interface Cells {
  readonly keys: readonly string[];
  cellOf(code: number): number;
}

function cellsOfKeys(column: CategoryColumn, keys: readonly string[] | undefined): Cells {
  const wanted = keys ?? column.keys;
  const at = wanted.map((k) => column.keys.indexOf(k));
  if (at.length === 0 || at.includes(-1) || new Set(at).size !== at.length)
    refuse("histogram", "public keys of the column, each once", "others");
  const cell = new Map(at.map((code, i) => [code, i]));
  return { keys: wanted, cellOf: (code) => cell.get(code) ?? -1 };
}

function cellsOfEdges({ grid }: NumberColumn, edges: readonly number[] | undefined): Cells {
  if (edges === undefined || edges.length < 2 || !edges.every((e, i) => Number.isFinite(e) && (i === 0 || e > edges[i - 1]!)))
    return refuse("histogram", "two or more rising edges for a column of numbers", "others", "edges: [0, 18, 65, 120]");
  // The least code at or above an edge.
  const from = edges.map((e) => Math.ceil(e / grid));
  const last = Math.floor(edges.at(-1)! / grid);
  const cells = edges.length - 1;
  return {
    keys: Array.from({ length: cells }, (_, i) => `[${edges[i]}, ${edges[i + 1]}${i === cells - 1 ? "]" : ")"}`),
    cellOf: (code) => {
      if (code < from[0]! || code > last) return -1;
      let [lo, hi] = [0, cells];
      while (hi - lo > 1) {
        const mid = (lo + hi) >> 1;
        if (code >= from[mid]!) lo = mid;
        else hi = mid;
      }
      return lo;
    },
  };
}

/** @throws TacitError PRIVACY_PARAMETER */
export function cellsOf(
  column: NumberColumn | BooleanColumn | CategoryColumn,
  options: Pick<HistogramOptions<Columns>, "keys" | "edges">,
): Cells {
  const { edges, keys } = options;
  if (edges !== undefined && column.kind !== "number")
    refuse("histogram", `no edges for a column of kind ${column.kind}`, "some");
  if (keys !== undefined && column.kind !== "category")
    refuse("histogram", `no keys for a column of kind ${column.kind}`, "some");
  if (column.kind === "number") return cellsOfEdges(column, edges);
  if (column.kind === "boolean") return { keys: ["false", "true"], cellOf: (code) => code };
  return cellsOfKeys(column, keys);
}

const OPTIONS = namesOf<HistogramOptions<Columns>>({ ...QUERY, ...CELLS, keys: true, edges: true });

/**
 * A histogram. One unit counts in `cellsPerUnit` cells and `rowsPerCell` times in each; see `cellPart` for what that makes of its sensitivity.
 * @throws TacitError PRIVACY_COLUMN for a column whose keys are not public; PRIVACY_PARAMETER
 */
export function histogram<N extends Neighbours, C extends Columns>(
  table: PrivateTable<N, C>,
  name: NamesOf<C, "number" | "boolean" | "category">,
  options: HistogramOptions<C>,
): Query<N, readonly Cell[]> {
  checkQuery("histogram", table, options, OPTIONS);
  const column = columnOf("histogram", table.columns, name, ["number", "boolean", "category"]);
  const { keys, cellOf } = cellsOf(column, options);
  const bounds = cellBounds("histogram", table, keys.length, options);
  const tests = rowTest(table.columns, options.where);
  return integerQuery(table, options, {
    title: `histogram of ${name}`,
    reads: [name, ...Object.keys(options.where ?? {})],
    parts: [cellPart("counts", table, keys.length, bounds)],
    statistic: (view) => {
      const codes = view.codes.get(name)!;
      return [
        Array.from(
          countCells(view, keys.length, bounds, tests(view), (row) => cellOf(codes[row]!)),
          BigInt,
        ),
      ];
    },
    finish: ([noisy]) => keys.map((key, i) => ({ key, ...scaled(noisy!, 1, i) })),
  });
}
