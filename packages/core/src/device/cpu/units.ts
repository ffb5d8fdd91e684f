/** @file Units: which nodes of a graph are lowered together. Patterns claim nodes first, elementwise chains next, the rest stand alone. */
import type { Update } from "../device.ts";
import { avalOf, type Graph, type GraphNode, nodeOf, usersOf, valueCount } from "./graph.ts";
import type { Lowering } from "./lower/lowering.ts";

/** Nodes that become steps together. */
export interface Unit {
  readonly members: number[];
  lower(to: Lowering): void;
}

/** A graph on which patterns claim nodes. */
export class Matcher {
  readonly graph: Graph;
  readonly users: readonly (readonly number[])[];
  readonly count: number;
  /** Results that replace an input, and which. */
  readonly updates: ReadonlyMap<number, number>;
  private readonly outputs: ReadonlySet<number>;
  private readonly units: (Unit | undefined)[];

  constructor(graph: Graph, updates: readonly Update[]) {
    this.graph = graph;
    this.updates = new Map(updates.map((u) => [graph.outputs[u.output]!, u.input]));
    this.users = usersOf(graph);
    this.count = valueCount(graph);
    this.outputs = new Set(graph.outputs);
    this.units = new Array<Unit | undefined>(this.count).fill(undefined);
  }

  node(v: number): GraphNode | undefined {
    return nodeOf(this.graph, v);
  }

  is(v: number, op: string): boolean {
    return this.node(v)?.op === op;
  }

  /** Dimensions of v. */
  shape(v: number): readonly number[] {
    return avalOf(this.graph, v).shape;
  }

  isOutput(v: number): boolean {
    return this.outputs.has(v);
  }

  free(v: number): boolean {
    return v >= this.graph.inputs.length && this.units[v] === undefined;
  }

  /** Nobody but `by` reads v, and v is no output. */
  onlyFor(v: number, ...by: number[]): boolean {
    return !this.isOutput(v) && this.users[v]!.every((u) => by.includes(u));
  }

  /** The only reader of v, when v is no output. */
  onlyUser(v: number): number | undefined {
    return this.users[v]!.length === 1 && !this.isOutput(v) ? this.users[v]![0] : undefined;
  }

  claim(unit: Unit): void {
    for (const v of unit.members) this.units[v] = unit;
  }

  unit(v: number): Unit | undefined {
    return this.units[v];
  }
}

/** The units so that each follows those whose values it reads; among the ready ones the earliest in the Program goes first. */
export function orderUnits(m: Matcher): Unit[] {
  const first = m.graph.inputs.length;
  const at = new Map<Unit, number>();
  const waits = new Map<Unit, Set<Unit>>();
  const next = new Map<Unit, Set<Unit>>();
  for (let v = first; v < m.count; v++) {
    const unit = m.unit(v)!;
    if (!waits.has(unit)) {
      waits.set(unit, new Set());
      next.set(unit, new Set());
    }
    at.set(unit, Math.max(at.get(unit) ?? 0, v));
  }
  for (let v = first; v < m.count; v++) {
    const unit = m.unit(v)!;
    for (const a of m.node(v)!.args) {
      const from = a < first ? undefined : m.unit(a)!;
      if (from === undefined || from === unit) continue;
      waits.get(unit)!.add(from);
      next.get(from)!.add(unit);
    }
  }
  return topological(
    [...waits.keys()],
    (u) => waits.get(u)!.size,
    (u) => next.get(u)!,
    (u) => at.get(u)!,
  );
}

/** Kahn's algorithm with a binary heap on `priority`, smallest first. Throws where the order has a cycle. */
export function topological<T>(
  items: readonly T[],
  waiting: (item: T) => number,
  next: (item: T) => Iterable<T>,
  priority: (item: T) => number,
): T[] {
  const left = new Map(items.map((x) => [x, waiting(x)]));
  const heap = new Heap<T>(priority);
  for (const x of items) if (left.get(x) === 0) heap.push(x);
  const out: T[] = [];
  for (let x = heap.pop(); x !== undefined; x = heap.pop()) {
    out.push(x);
    for (const y of next(x)) {
      const n = left.get(y)! - 1;
      left.set(y, n);
      if (n === 0) heap.push(y);
    }
  }
  if (out.length !== items.length) throw new Error(`plan: expected an order of ${items.length} steps, got a cycle`);
  return out;
}

class Heap<T> {
  private readonly items: T[] = [];
  private readonly keys: number[] = [];
  private readonly priority: (item: T) => number;

  constructor(priority: (item: T) => number) {
    this.priority = priority;
  }

  push(item: T): void {
    let i = this.items.push(item) - 1;
    this.keys.push(this.priority(item));
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (this.keys[up]! <= this.keys[i]!) return;
      this.swap(i, up);
      i = up;
    }
  }

  pop(): T | undefined {
    if (this.items.length < 2) {
      this.keys.pop();
      return this.items.pop();
    }
    this.swap(0, this.items.length - 1);
    const top = this.items.pop();
    this.keys.pop();
    this.sink();
    return top;
  }

  private sink(): void {
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < this.items.length && this.keys[child]! < this.keys[least]!) least = child;
      }
      if (least === i) return;
      this.swap(i, least);
      i = least;
    }
  }

  private swap(i: number, j: number): void {
    [this.items[i], this.items[j]] = [this.items[j]!, this.items[i]!];
    [this.keys[i], this.keys[j]] = [this.keys[j]!, this.keys[i]!];
  }
}
