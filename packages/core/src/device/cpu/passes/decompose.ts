/** @file Composites without a kernel become the ops of their decomposition. */
import { Expr } from "../../../expr.ts";
import { OPS } from "../../../ops/table.ts";
import { avalOf, type Graph, type GraphNode } from "../graph.ts";
import { GraphBuilder } from "./builder.ts";

/** The graph in which every composite that `native` declines is decomposed, again and again, then simplified. */
export function decompose(graph: Graph, native: (node: GraphNode, graph: Graph) => boolean): Graph {
  const builder = new GraphBuilder(graph.inputs);
  const to = Array.from(graph.inputs, (_, i) => i);
  for (const [i, node] of graph.nodes.entries()) {
    builder.origin = i;
    to.push(place(builder, node, to, graph, native));
  }
  return builder.finish(graph.outputs.map((v) => to[v]!));
}

type Native = (node: GraphNode, graph: Graph) => boolean;

function place(builder: GraphBuilder, node: GraphNode, to: readonly number[], graph: Graph, native: Native): number {
  const split = OPS.get(node.op)?.decompose;
  if (split === undefined || native(node, graph)) return builder.add({ ...node, args: node.args.map((a) => to[a]!) });
  const args = node.args.map((a) => Expr.placeholder(avalOf(graph, a)));
  const known = new Map<Expr, number>(args.map((e, i) => [e, to[node.args[i]!]!]));
  return placeExpr(builder, split(args, node.attrs), known, native);
}

/** Depth-first without recursion over the expression; a nested composite is decomposed in its turn. */
function placeExpr(builder: GraphBuilder, root: Expr, known: Map<Expr, number>, native: Native): number {
  const stack: Expr[] = [root];
  while (stack.length > 0) {
    const e = stack.at(-1)!;
    const missing = known.has(e) ? [] : e.args.filter((a) => !known.has(a));
    if (missing.length > 0) {
      stack.push(...missing);
      continue;
    }
    stack.pop();
    if (known.has(e)) continue;
    const inner: Graph = { inputs: e.args.map((a) => ({ shape: a.shape, dtype: a.dtype })), nodes: [], outputs: [] };
    const node: GraphNode = {
      op: e.op!.name,
      attrs: e.attrs,
      args: e.args.map((_, i) => i),
      aval: { shape: e.shape, dtype: e.dtype },
    };
    const args = e.args.map((a) => known.get(a)!);
    known.set(e, place(builder, node, args, inner, native));
  }
  return known.get(root)!;
}
