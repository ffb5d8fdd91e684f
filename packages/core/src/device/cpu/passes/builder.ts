/** @file GraphBuilder: adds nodes to a new graph; equal nodes become one, scalar constants fold, needless movement disappears. */
import { constantAttrs, constantValue } from "../../../ops/constant/value.ts";
import type { OpRow } from "../../../ops/row.ts";
import { OPS } from "../../../ops/table.ts";
import { type Aval, sameShape } from "../../../program/aval.ts";
import { DTYPE, type TypedArray } from "../../../program/dtype.ts";
import type { Graph, GraphNode } from "../graph.ts";

/** Collects nodes; `add` may answer with a value that exists already. */
export class GraphBuilder {
  readonly inputs: readonly Aval[];
  readonly nodes: GraphNode[] = [];
  /** The node of the Program that is being added. */
  origin = -1;
  private readonly seen = new Map<string, number>();

  constructor(inputs: readonly Aval[]) {
    this.inputs = inputs;
  }

  node(v: number): GraphNode | undefined {
    return v < this.inputs.length ? undefined : this.nodes[v - this.inputs.length];
  }

  aval(v: number): Aval {
    return this.node(v)?.aval ?? this.inputs[v]!;
  }

  /** Adds a node and returns its value, or an equal value. */
  add(node: GraphNode): number {
    const same = this.trivial(node);
    if (same !== undefined) return same;
    const folded = this.fold(node) ?? node;
    const key = `${folded.op}|${folded.attrs.join()}|${folded.args.join()}|${folded.aval.dtype}`;
    const found = this.seen.get(key);
    if (found !== undefined) return found;
    const v = this.inputs.length + this.nodes.push({ ...folded, origin: this.origin }) - 1;
    this.seen.set(key, v);
    return v;
  }

  /** The graph of what `outputs` need. */
  finish(outputs: readonly number[]): Graph {
    const first = this.inputs.length;
    const used = new Uint8Array(this.nodes.length);
    for (const v of outputs) if (v >= first) used[v - first] = 1;
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      if (used[i]) for (const a of this.nodes[i]!.args) if (a >= first) used[a - first] = 1;
    }
    const to = new Int32Array(first + this.nodes.length);
    for (let v = 0; v < first; v++) to[v] = v;
    const nodes: GraphNode[] = [];
    for (let i = 0; i < this.nodes.length; i++) {
      if (!used[i]) continue;
      const n = this.nodes[i]!;
      to[first + i] = first + nodes.length;
      nodes.push({ ...n, args: n.args.map((a) => to[a]!) });
    }
    return { inputs: this.inputs, nodes, outputs: outputs.map((v) => to[v]!) };
  }

  /** An argument that the node only repeats: a movement or cast to the same form, a product with one. */
  private trivial(node: GraphNode): number | undefined {
    const v = node.args[0];
    if (v === undefined) return undefined;
    const from = this.aval(v);
    const same = from.dtype === node.aval.dtype && sameShape(from.shape, node.aval.shape);
    if (!same) return undefined;
    if (node.op === "reshape" || node.op === "expand" || node.op === "cast") return v;
    if (node.op === "permute" && node.attrs.every((a, i) => a === i)) return v;
    if ((node.op === "mul" || node.op === "div") && this.scalar(node.args[1]!) === 1) return v;
    return undefined;
  }

  private scalar(v: number): number | undefined {
    const n = this.node(v);
    return n?.op === "constant" ? Number(constantValue(n.attrs)) : undefined;
  }

  /** A node of constants alone with a scalar result becomes a constant; `pow` by 2 becomes a product. */
  private fold(node: GraphNode): GraphNode | undefined {
    if (node.op === "pow" && DTYPE[node.aval.dtype].float && this.scalar(node.args[1]!) === 2) {
      const base = node.args[0]!;
      if (sameShape(this.aval(base).shape, node.aval.shape)) return { op: "mul", attrs: [], args: [base, base], aval: node.aval };
    }
    if (node.args.length === 0 || node.aval.shape.length > 0 || DTYPE[node.aval.dtype].big) return undefined;
    const values: TypedArray[] = [];
    for (const a of node.args) {
      const n = this.node(a);
      if (n?.op !== "constant" || DTYPE[n.aval.dtype].big) return undefined;
      const array = DTYPE[n.aval.dtype].make(1);
      array[0] = Number(constantValue(n.attrs));
      values.push(array);
    }
    const row: OpRow = OPS.get(node.op)!;
    const avals = node.args.map((a) => this.aval(a));
    const out = Number(row.reference(values, avals, node.attrs, node.aval)[0]);
    return { op: "constant", attrs: constantAttrs(node.aval.dtype, out), args: [], aval: node.aval };
  }
}
