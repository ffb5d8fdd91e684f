/** @file Host steps: ops without a kernel (64-bit integers, sorting, empty arrays) run their reference between kernels. */
import { OPS } from "../../../ops/table.ts";
import type { GraphNode } from "../graph.ts";
import { retyped } from "../storage.ts";
import type { Lowering } from "./lowering.ts";

export function lowerHost(to: Lowering, v: number, node: GraphNode): void {
  const row = OPS.get(node.op)!;
  const avals = node.args.map((a) => to.aval(a));
  to.host({
    label: `host ${node.op}`,
    reads: node.args.map((a) => to.dense(a)),
    writes: [v],
    // A cast between i32 and u32 is a view: the buffer that is read may bear the other type.
    run: (args) =>
      row.reference(
        args.map((x, i) => retyped(avals[i]!.dtype, x)),
        avals,
        node.attrs,
        node.aval,
      ),
  });
}
