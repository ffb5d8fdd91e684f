/** @file Sums over rows without the trainer around them, and the same by a loop over single rows. */
import { gradients, type Tensor } from "@tacit/core";
import type { Batch, Dataset } from "@tacit/core/data";
import type { Module } from "@tacit/core/nn";
import { clipTarget, type Group, gridUnits, unitsPer } from "../../src/training/grid.ts";
import { RowSums } from "../../src/training/sums.ts";

export interface Task<T extends Batch> {
  readonly model: Module;
  readonly data: Dataset<T>;
  readonly loss: (...row: T) => Tensor;
}

/** Flat clipping in chunks of `size`. `target`: another T, for mutants. */
export async function rowSums<T extends Batch>(
  { model, data, loss }: Task<T>,
  size: number,
  target?: number,
): Promise<RowSums<T>> {
  const learning = model.namedParameters();
  const first = await data.read(Int32Array.of(0));
  const units = gridUnits(size);
  const shapes = learning.map(([, p]) => p.shape);
  const group: Group = { members: shapes.map((_, i) => i), share: 1, target: target ?? clipTarget(shapes, units, 1) };
  const row = first.map((t) => ({ shape: t.shape.slice(1), dtype: t.dtype }));
  return new RowSums({ where: "test", model, learning, loss: loss as never, row }, data, {
    size,
    columns: row.length,
    parameters: learning.map(([, p]) => ({ shape: p.shape, dtype: p.dtype })),
    groups: [group],
    units,
  });
}

/** Gradients of one row, parameter by parameter, as doubles: a batch of one through the ordinary backward pass. */
export async function gradientOf<T extends Batch>({ model, data, loss }: Task<T>, row: number): Promise<number[]> {
  const found = gradients(loss(...(await data.read(Int32Array.of(row)))), model.parameters());
  const values = await Promise.all(found.map((g) => g!.data()));
  return values.flatMap((v) => Array.from(v, Number));
}

/** What rows add by the plain formula: q = g K / C where ‖g‖ is small, else the direction of g at length T. Not rounded. */
export async function expectedSum<T extends Batch>(
  task: Task<T>,
  rows: readonly number[],
  size: number,
  c: number,
): Promise<number[]> {
  const units = gridUnits(size);
  const target = clipTarget(
    task.model.parameters().map((p) => p.shape),
    units,
    1,
  );
  const each = await Promise.all(rows.map((r) => gradientOf(task, r)));
  const total = each[0]!.map(() => 0);
  for (const g of each) {
    const norm = Math.sqrt(g.reduce((s, x) => s + x * x, 0));
    const scale = Math.min(unitsPer(units, c), target / norm);
    g.forEach((x, j) => {
      total[j]! += x * scale;
    });
  }
  return total;
}

/** ‖q‖² exactly. */
export const squareOf = (sums: readonly Float64Array[]): bigint =>
  sums.flatMap((s) => [...s]).reduce((t, x) => t + BigInt(x) ** 2n, 0n);
