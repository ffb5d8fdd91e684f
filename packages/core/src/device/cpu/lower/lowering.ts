/** @file Lowering: what lowering rows write to. Collects steps; makes values, views and literals; copies a view when someone needs it dense. */
import { constantValue } from "../../../ops/constant/value.ts";
import { type Aval, sizeOf } from "../../../program/aval.ts";
import { DTYPE, type TypedArray } from "../../../program/dtype.ts";
import { avalOf, bytesOf, type Graph, nodeOf, valueCount } from "../graph.ts";
import type { HostStep, KernelStep, Step } from "../steps.ts";
import { contiguous, isSplat, type View, whole } from "../view.ts";
import { copyViewStep, fillStep } from "./copy.ts";

/** Value `value` starts `bytes` into the buffer of `root`. */
export interface Alias {
  readonly root: number;
  readonly bytes: number;
}

export class Lowering {
  readonly graph: Graph;
  readonly steps: Step[] = [];
  /** Data that no input changes: written once, when the plan is loaded. */
  readonly literals: Map<number, TypedArray> = new Map();
  private readonly extra: Aval[] = [];
  private readonly views = new Map<number, View>();
  private readonly densified = new Map<number, number>();
  private readonly aliases = new Map<number, Alias>();
  private readonly filled = new Set<number>();

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** Number of values, those made while lowering included. */
  get count(): number {
    return valueCount(this.graph) + this.extra.length;
  }

  aval(v: number): Aval {
    const own = valueCount(this.graph);
    return v < own ? avalOf(this.graph, v) : this.extra[v - own]!;
  }

  size(v: number): number {
    return sizeOf(this.aval(v).shape);
  }

  /** A new value that is no value of the graph: an index table, a copy. */
  aux(aval: Aval): number {
    return valueCount(this.graph) + this.extra.push(aval) - 1;
  }

  kernel(step: Omit<KernelStep, "kind">): void {
    this.steps.push({ kind: "kernel", ...step });
  }

  host(step: Omit<HostStep, "kind">): void {
    this.steps.push({ kind: "host", ...step });
  }

  setView(v: number, view: View): void {
    this.views.set(v, view);
  }

  setLiteral(v: number, data: TypedArray): void {
    this.literals.set(v, data);
  }

  /** How `v` is seen: itself, or strides over a base. The base is dense or a constant. */
  view(v: number): View {
    return this.views.get(v) ?? whole(v, this.aval(v).shape);
  }

  /** The number behind a `constant` node, also behind an expanded one. */
  constant(v: number): number | undefined {
    const view = this.view(v);
    const node = isSplat(view) ? nodeOf(this.graph, view.base) : undefined;
    return node?.op === "constant" && view.base < valueCount(this.graph) ? Number(constantValue(node.attrs)) : undefined;
  }

  /** A value whose buffer holds `v` in row-major order; copies where `v` is a true view. */
  dense(v: number): number {
    const found = this.densified.get(v);
    if (found !== undefined) return found;
    const made = this.makeDense(v);
    this.densified.set(v, made);
    return made;
  }

  /** The dense base of a view, for kernels that take strides. */
  base(view: View): number {
    return this.dense(view.base);
  }

  /** The buffer that holds `v` (a value that `dense` returned, or one written by a step). */
  root(v: number): Alias {
    return this.aliases.get(v) ?? { root: v, bytes: 0 };
  }

  private makeDense(v: number): number {
    const view = this.view(v);
    const { dtype, shape } = this.aval(v);
    if (this.constant(v) !== undefined) return this.inMemory(v, view.base);
    if (view.base === v || sizeOf(shape) === 0) return view.base === v ? v : this.aux({ shape, dtype });
    const base = this.dense(view.base);
    if (contiguous(view)) {
      if (view.offset === 0 && sizeOf(shape) === this.size(view.base)) return base;
      const at = this.root(base);
      const alias = this.aux({ shape, dtype });
      this.aliases.set(alias, { root: at.root, bytes: at.bytes + view.offset * DTYPE[dtype].bytes });
      return alias;
    }
    const copy = this.aux({ shape, dtype });
    this.steps.push(copyViewStep({ ...view, base }, copy, dtype));
    return copy;
  }

  /** A constant in memory: written once with the plan where it is small or 64 bits wide, filled before its readers where it is big. */
  private inMemory(v: number, base: number): number {
    const aval = this.aval(v);
    const own = v === base;
    if (own && (this.filled.has(v) || this.literals.has(v))) return v;
    const out = own ? v : this.aux(aval);
    const value = constantValue(nodeOf(this.graph, base)!.attrs);
    if (!DTYPE[aval.dtype].big && bytesOf(aval) > LITERAL_BYTES) {
      this.filled.add(out);
      fillStep(this, out, Number(value));
      return out;
    }
    const data = DTYPE[aval.dtype].make(sizeOf(aval.shape));
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(value));
    else data.fill(Number(value));
    this.setLiteral(out, data);
    return out;
  }
}

// Smaller constants lie beside the plan's table: an instruction that fills them costs more than their memory.
const LITERAL_BYTES = 4096;
