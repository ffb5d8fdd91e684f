/** @file Counts by cell: how many cells one unit may be in and how often in each, kept so, and what that makes of the sensitivity. */
import { quantity } from "@tacit/core/errors";
import { refuse, whole } from "../check.ts";
import { changesOf, type Part } from "./noise.ts";
import type { PrivateTable, View } from "./table.ts";
import type { RowTest } from "./where.ts";

/** What one unit may add to counts by cell. */
export interface CellBounds {
  /** Rows of the unit in all. */
  readonly rows: number;
  /** Cells that it counts in. */
  readonly cells: number;
  /** Times that it counts in one cell. */
  readonly perCell: number;
}

export interface CellOptions {
  /** In how many cells one unit counts; as many as it has rows unless said. The first ones of its rows are taken. */
  readonly cellsPerUnit?: number;
  /** How often one unit counts in a cell; once unless said. */
  readonly rowsPerCell?: number;
}

/** Names of these. */
export const CELLS = { cellsPerUnit: true, rowsPerCell: true } as const;

/** @throws TacitError PRIVACY_PARAMETER */
export function cellBounds(where: string, table: PrivateTable, size: number, options: CellOptions): CellBounds {
  const { rows } = table.unit;
  const cells = whole(where, "cells for each unit", options.cellsPerUnit ?? Math.min(rows, size));
  const perCell = whole(where, "rows for each cell", options.rowsPerCell ?? 1);
  if (cells > rows || perCell > rows) refuse(where, `at most ${rows}, the rows of each unit`, "more");
  return { rows, cells: Math.min(cells, size), perCell };
}

/**
 * Sorted by size, the i-th largest count of one unit is at most min(perCell, rows / i), as i of them are together at most `rows`. Under replace-one
 * a cell changes by at most the larger of two such counts: the lists of both, merged, bound the changes.
 */
export function cellPart(name: string, table: PrivateTable, size: number, bounds: CellBounds, levels = 1): Part {
  const { rows, cells, perCell } = bounds;
  const one = Array.from({ length: cells }, (_, i) => Math.min(perCell, Math.floor(rows / (i + 1)))).filter((s) => s > 0);
  const replaced = table.neighbours === "replace-one";
  const list = replaced ? [...one, ...one].sort((a, b) => b - a).slice(0, size) : one;
  const sum = Math.min(rows, perCell * cells);
  const l1 = replaced ? Math.min(2 * sum, perCell * size) : sum;
  const all = Array.from({ length: levels }, () => list).flat();
  const why = `in ${cells} of ${quantity(size, "cell")}, ${quantity(perCell, "time")} each, ${rows} in all${replaced ? ", out of some and into others" : ""}`;
  return { name, size: size * levels, changes: changesOf(all), l1: l1 * levels, share: 1, step: 1, why };
}

/** Counts of the rows that pass, by cell; `cellOf` gives -1 for none. A unit's rows count in their order until its bounds are reached. */
export function countCells(
  view: View,
  size: number,
  bounds: CellBounds,
  passes: RowTest,
  cellOf: (row: number) => number,
): Float64Array {
  const counts = new Float64Array(size);
  const mine = new Map<number, number>();
  for (let u = 0; u + 1 < view.starts.length; u++) {
    mine.clear();
    for (let row = view.starts[u]!; row < view.starts[u + 1]!; row++) {
      const cell = cellOf(row);
      if (cell < 0 || !passes(row)) continue;
      const before = mine.get(cell) ?? 0;
      if (before >= bounds.perCell || (before === 0 && mine.size >= bounds.cells)) continue;
      mine.set(cell, before + 1);
      counts[cell]!++;
    }
  }
  return counts;
}
