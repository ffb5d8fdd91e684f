/** @file The list of lowering rows, one family per file. */
import { type Aval, sizeOf } from "../../../program/aval.ts";
import { avalOf, type Graph, type GraphNode, nodeOf } from "../graph.ts";
import { ATTENTION } from "./attention.ts";
import { CONV } from "./conv.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { lowerHost } from "./host.ts";
import { INDEXING } from "./indexing.ts";
import { LITERALS } from "./literals.ts";
import { LOSS } from "./loss.ts";
import type { Lowering } from "./lowering.ts";
import { MATMUL } from "./matmul.ts";
import { MOVEMENT } from "./movement.ts";
import { NORM } from "./norm.ts";
import { POOL } from "./pool.ts";
import { RECURRENT } from "./recurrent.ts";
import { REDUCE } from "./reduce.ts";
import type { LowerRow } from "./row.ts";

const ROWS: ReadonlyMap<string, LowerRow> = new Map(
  Object.entries({
    ...LITERALS,
    ...ELEMENTWISE,
    ...MATMUL,
    ...CONV,
    ...POOL,
    ...REDUCE,
    ...MOVEMENT,
    ...INDEXING,
    ...LOSS,
    ...RECURRENT,
    ...NORM,
    ...ATTENTION,
  }),
);

/** Rows that only look at their argument in another way: they take any dtype and emptiness. */
const VIEWS: ReadonlySet<string> = new Set(["reshape", "permute", "expand", "slice", "flip", "constant"]);

function usable(node: GraphNode, args: readonly Aval[]): LowerRow | undefined {
  const row = ROWS.get(node.op);
  if (row === undefined || VIEWS.has(node.op)) return row;
  if (sizeOf(node.aval.shape) === 0 || args.some((a) => sizeOf(a.shape) === 0))
    return node.op === "cat" && sizeOf(node.aval.shape) > 0 ? row : undefined;
  return row.can === undefined || row.can(node, args) ? row : undefined;
}

/** Whether the node has a kernel of its own, as the decomposition pass asks. */
export function hasKernel(node: GraphNode, graph: Graph): boolean {
  return (
    usable(
      node,
      node.args.map((a) => avalOf(graph, a)),
    ) !== undefined
  );
}

/** Lowers one node by its row, or by its reference on the host. */
export function lowerNode(to: Lowering, v: number): void {
  const node = nodeOf(to.graph, v)!;
  const row = usable(
    node,
    node.args.map((a) => to.aval(a)),
  );
  if (row === undefined) lowerHost(to, v, node);
  else row.lower(to, v, node);
}
