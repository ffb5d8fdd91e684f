/**
 * @file Order of steps: updates in place run as soon as nobody will read the old value, and after every step that may refuse its data,
 * so that a run that fails has changed nothing; small scalar work first.
 */
import type { Step } from "./steps.ts";
import { topological } from "./units.ts";

/** Value `value` is to replace input `input`. */
export interface InPlaceUpdate {
  readonly value: number;
  readonly input: number;
}

interface Edges {
  readonly next: Set<number>[];
  readonly waits: Int32Array;
}

/** Reads, writes and roots: `root` maps a value to the value whose buffer holds it. */
export interface Order {
  readonly steps: Step[];
  /** The updates that may write straight into their input's buffer; the others need a copy at the end. */
  readonly direct: InPlaceUpdate[];
}

export function schedule(
  steps: readonly Step[],
  updates: readonly InPlaceUpdate[],
  root: (v: number) => number,
  bytes: (v: number) => number,
): Order {
  const edges = dataEdges(steps, root);
  const writer = new Map<number, number>();
  for (let i = 0; i < steps.length; i++) for (const v of steps[i]!.writes) writer.set(root(v), i);
  const direct: InPlaceUpdate[] = [];
  const early = new Uint8Array(steps.length);
  const refusing = steps.flatMap((s, i) => (mayRefuse(s) ? [i] : []));
  for (const u of updates) {
    const w = writer.get(u.value);
    if (w === undefined || direct.some((d) => d.value === u.value) || !mayWrite(steps, w, u, root)) continue;
    const readers = steps.flatMap((s, i) => (i !== w && s.reads.some((v) => root(v) === u.input) ? [i] : []));
    if (!waitFor(edges, w, mayRefuse(steps[w]!) ? [...readers, ...refusing, w] : [...readers, ...refusing])) continue;
    direct.push(u);
    early[w] = 1;
  }
  for (let i = 0; i < steps.length; i++) if (isSmall(steps[i]!, bytes)) early[i] = 1;
  const order = topological(
    steps.map((_, i) => i),
    (i) => edges.waits[i]!,
    (i) => edges.next[i]!,
    (i) => (early[i] ? i - steps.length : i),
  );
  return { steps: order.map((i) => steps[i]!), direct };
}

// Scalars (learning rates, bias corrections) are a few bytes: computed early they let updates run as soon as gradients exist.
const SMALL = 64;
const isSmall = (s: Step, bytes: (v: number) => number): boolean => [...s.reads, ...s.writes].every((v) => bytes(v) <= SMALL);

function dataEdges(steps: readonly Step[], root: (v: number) => number): Edges {
  const writer = new Map<number, number>();
  const edges: Edges = { next: steps.map(() => new Set<number>()), waits: new Int32Array(steps.length) };
  for (let i = 0; i < steps.length; i++) {
    for (const v of steps[i]!.reads) {
      const w = writer.get(root(v));
      if (w !== undefined) link(edges, w, i);
    }
    for (const v of steps[i]!.writes) writer.set(root(v), i);
  }
  return edges;
}

function link(edges: Edges, from: number, to: number): void {
  if (from === to || edges.next[from]!.has(to)) return;
  edges.next[from]!.add(to);
  edges.waits[to]!++;
}

/** The writing step does not read the old value at all, or element by element just before it writes. */
function mayWrite(steps: readonly Step[], w: number, u: InPlaceUpdate, root: (v: number) => number): boolean {
  const step = steps[w]!;
  if (step.kind !== "kernel") return false;
  if (!step.reads.some((v) => root(v) === u.input)) return true;
  const k = step.writes.findIndex((v) => root(v) === u.value);
  return (step.inPlace?.[k] ?? []).some((v) => root(v) === u.input);
}

/** Steps that may throw on the data that they find: bad labels and indices, and what the host computes. */
const mayRefuse = (s: Step): boolean => s.kind === "host" || s.guard !== undefined;

/** Makes step `w` wait for `others`; false (and no change) where one of them is `w` itself or needs what `w` makes. */
function waitFor(edges: Edges, w: number, others: readonly number[]): boolean {
  const after = reachable(edges, w);
  if (others.some((i) => i === w || after.has(i))) return false;
  for (const i of others) link(edges, i, w);
  return true;
}

function reachable(edges: Edges, from: number): Set<number> {
  const seen = new Set<number>();
  const stack = [from];
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    for (const j of edges.next[i]!) {
      if (seen.has(j)) continue;
      seen.add(j);
      stack.push(j);
    }
  }
  return seen;
}
