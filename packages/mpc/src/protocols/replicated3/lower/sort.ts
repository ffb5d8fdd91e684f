/** @file Sorting on shares. argsort(x) and every gather of x by it (sort, topk, kthvalue) share one network. */
import { sizeOf } from "@tacit/core/program";
import { type Sorted, sortRows } from "../functions/sort.ts";
import { free, type Shares, stridedRead } from "../primitives/index.ts";
import { fractionBitsOf, type Handler, type NodeRun } from "./run.ts";

/** x [outer, n, inner] as [n, outer inner]. */
function toRows(n: NodeRun, x: Shares, shape: readonly number[], axis: number): Shares {
  const [outer, count, inner] = [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))];
  return stridedRead(n.ctx, x, [count, outer, inner], [inner, count * inner, 1]);
}

/** The way back, of the first `count` rows from `first` on with `step`. */
function fromRows(n: NodeRun, x: Shares, shape: readonly number[], axis: number, rows: Rows): Shares {
  const [outer, inner] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
  const columns = outer * inner;
  const strides = [inner, rows.step * columns, 1];
  return stridedRead(n.ctx, x, [outer, rows.count, inner], strides, rows.count * columns === 0 ? 0 : rows.first * columns);
}

/** Which of the sorted rows a node wants. */
export interface Rows {
  readonly first: number;
  readonly count: number;
  readonly step: number;
}

/** The element sorted (value id), how, and by which nodes together. */
export interface SortGroup {
  readonly x: number;
  readonly axis: number;
  readonly descending: boolean;
  /** The node (of the Program) that argsort is. */
  readonly node: number;
  readonly users: number;
}

/** Runs `use` with the sorted rows that the group's nodes share; the last one frees them. */
export async function withSorted<T>(n: NodeRun, group: SortGroup, use: (sorted: Sorted) => T): Promise<T> {
  const { program } = n.run.plan;
  const key = `sort ${group.node}`;
  const { shape } = program.aval(group.x);
  const sorted = await n.run.shared(key, group.users, async () => {
    const held = await n.run.plain(group.x);
    const rows = toRows(n, held.shares, shape, group.axis);
    held.release();
    const id = n.run.stepOf(program.inputs.length + group.node, 0);
    const made = await sortRows(n.ctx, id, rows, shape[group.axis]!, { descending: group.descending, places: true });
    free(n.ctx, rows);
    return made;
  });
  const result = use(sorted);
  if (n.run.doneWith(key)) for (const x of [sorted.values, sorted.places]) if (x) free(n.ctx, x);
  return result;
}

const argsort: Handler = (n) => {
  const group = n.run.plan.sorts.get(n.id)!.group;
  const rows = { first: 0, count: n.aval.shape[group.axis]!, step: 1 };
  return withSorted(n, group, ({ places }) => n.result(fromRows(n, places!, n.aval.shape, group.axis, rows), 0));
};

/** gather(x, argsort(x)) or of a slice of it: the sorted rows themselves. */
export function gatherSorted(n: NodeRun, group: SortGroup, rows: Rows): Promise<ReturnType<NodeRun["result"]>> {
  const scale = fractionBitsOf(n.aval, n.f);
  return withSorted(n, group, ({ values }) => n.result(fromRows(n, values, n.aval.shape, group.axis, rows), scale));
}

const sort: Handler = (n) =>
  n.plain(0, async (x) => {
    const [axis, descending] = n.attrs as [number, number];
    const { shape } = n.aval;
    const rows = toRows(n, x, shape, axis);
    const { values } = await sortRows(n.ctx, n.step(0), rows, shape[axis]!, { descending: descending === 1, places: false });
    const out = fromRows(n, values, shape, axis, { first: 0, count: shape[axis]!, step: 1 });
    free(n.ctx, rows);
    free(n.ctx, values);
    return n.result(out, fractionBitsOf(n.aval, n.f));
  });

export const SORT: ReadonlyMap<string, Handler> = new Map(Object.entries({ sort, argsort }));
