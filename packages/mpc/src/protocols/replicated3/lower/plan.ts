/** @file What is known about a Program before it runs: who knows each value, how often it is read, and which ops work together. */
import type { Binding } from "@tacit/core/device";
import { type Node, OPS, type Program, sizeOf, type TypedArray } from "@tacit/core/program";
import { type Size, sizesOf } from "./size.ts";
import type { Rows, SortGroup } from "./sort.ts";

/** fixed: follows from the Program alone. public: known to all parties in a run. secret: shares. */
export type Knowledge = "fixed" | "public" | "secret";

export interface Plan {
  readonly program: Program;
  readonly knowledge: readonly Knowledge[];
  /** How many nodes and outputs read a value (an argument twice counts twice); 0: not needed. */
  readonly uses: readonly number[];
  /** Whether the Program returns a value. */
  readonly returned: readonly boolean[];
  /** Whether all elements of a public value are equal, whatever the inputs. */
  readonly uniform: readonly boolean[];
  /** Values of fixed ids. */
  readonly fixed: ReadonlyMap<number, TypedArray>;
  /** How large each value is taken to be where a factor waits beside it. */
  readonly sizes: readonly Size[];
  /** Values that roots read with `ROOT_BITS` fraction bits (a variance, before and behind its eps): what is made of sums and waiting factors. */
  readonly fine: ReadonlySet<number>;
  /** ReLU nodes (value ids) that run after the pool that reads them. */
  readonly afterPool: ReadonlySet<number>;
  /** For logits (value id) of softmax ops along the last axis of [N, C]: the first node that computes their maximum, and how many use it. */
  readonly softmax: ReadonlyMap<number, { readonly node: number; readonly users: number }>;
  /** For argsort nodes, and gathers of what they sort (value ids): the sort that they share, and the rows they want of it. */
  readonly sorts: ReadonlyMap<number, { readonly group: SortGroup; readonly rows: Rows }>;
}

/** Ops whose result repeats one element when their arguments do. */
const KEEPS_UNIFORM = new Set(["expand", "reshape", "permute", "slice", "flip", "cast"]);
const ELEMENTWISE = new Set(
  (
    "neg abs exp log sqrt rsqrt reciprocal sin cos tanh sigmoid erf floor ceil round sign relu add sub mul div pow maximum minimum " +
    "eq ne lt le gt ge where reluGrad gelu bitNot"
  ).split(" "),
);
export const SOFTMAX_OPS: ReadonlySet<string> = new Set([
  "softmax",
  "logSoftmax",
  "softmaxCrossEntropy",
  "softmaxCrossEntropyGrad",
]);

function needed(program: Program): boolean[] {
  const need = new Array<boolean>(program.inputs.length + program.nodes.length).fill(false);
  for (const id of program.outputs) need[id] = true;
  for (let i = program.nodes.length - 1; i >= 0; i--) {
    if (need[program.inputs.length + i]) for (const a of program.nodes[i]!.args) need[a] = true;
  }
  return need;
}

/** Ops that give something else in each run. */
const DRAWN: ReadonlySet<string> = new Set(["randomBits", "partyNoise"]);
/** What a fixed value needs to be worth computing before a run: a bound on its size. */
const FIXED_LIMIT = 4096;

function know(
  program: Program,
  bindings: readonly Binding[],
): { knowledge: Knowledge[]; uniform: boolean[]; fixed: Map<number, TypedArray> } {
  const knowledge: Knowledge[] = program.inputs.map((_, i) => (bindings[i]?.kind === "public" ? "public" : "secret"));
  const uniform = program.inputs.map((a) => sizeOf(a.shape) === 1);
  const fixed = new Map<number, TypedArray>();
  program.nodes.forEach((n, i) => {
    const id = program.inputs.length + i;
    const args = n.args.map((a) => knowledge[a]!);
    const small = sizeOf(n.aval.shape) <= FIXED_LIMIT;
    const isFixed = args.every((k) => k === "fixed") && small && !DRAWN.has(n.op);
    knowledge.push(args.includes("secret") ? "secret" : isFixed ? "fixed" : "public");
    const alike = n.args.every((a) => uniform[a]);
    uniform.push(sizeOf(n.aval.shape) === 1 || (alike && (KEEPS_UNIFORM.has(n.op) || ELEMENTWISE.has(n.op))));
    if (isFixed) {
      const values = n.args.map((a) => fixed.get(a)!);
      const avals = n.args.map((a) => program.aval(a));
      fixed.set(id, OPS.get(n.op)!.reference(values, avals, n.attrs, n.aval));
    }
  });
  return { knowledge, uniform, fixed };
}

interface Reader {
  readonly node: Node;
  readonly id: number;
}

function readersOf(program: Program, need: readonly boolean[]): Reader[][] {
  const readers: Reader[][] = need.map(() => []);
  program.nodes.forEach((node, i) => {
    const id = program.inputs.length + i;
    if (need[id]) for (const a of node.args) readers[a]!.push({ node, id });
  });
  return readers;
}

/**
 * max over windows of relu(x) = relu(max over windows of x), and the gradient of the one through the other is that of the pool times
 * [maximum > 0]: four times fewer comparisons. Needs that nothing else reads relu(x), and that the pool's gradient goes into relu's.
 */
function reluAfterPool(program: Program, id: number, readers: readonly Reader[][], returned: readonly boolean[]): boolean {
  if (returned[id] || id < program.inputs.length || program.nodes[id - program.inputs.length]!.op !== "relu") return false;
  const pools = readers[id]!.filter((r) => r.node.op === "maxPool2d");
  const pool = pools[0];
  if (pools.length !== 1 || !pool) return false;
  return readers[id]!.every(({ node, id: reader }) => {
    if (node.op === "maxPool2d") return true;
    if (node.op === "maxPool2dGrad") {
      const into = readers[reader]!;
      const onlyRelu = into.length === 1 && into[0]!.node.op === "reluGrad" && into[0]!.node.args[1] === id;
      return !returned[reader] && onlyRelu && node.args[0] !== id && node.args[1] === id && node.args[2] === pool.id;
    }
    if (node.op !== "reluGrad" || node.args[1] !== id || node.args[0]! < program.inputs.length) return false;
    const from = program.nodes[node.args[0]! - program.inputs.length]!;
    return from.op === "maxPool2dGrad" && from.args[1] === id && from.args[2] === pool.id;
  });
}

function softmaxUsers(program: Program, readers: readonly Reader[][], knowledge: readonly Knowledge[]): Plan["softmax"] {
  const found = new Map<number, { node: number; users: number }>();
  readers.forEach((list, id) => {
    if (knowledge[id] !== "secret" || program.aval(id).shape.length !== 2) return;
    const users = list.filter(({ node }) => SOFTMAX_OPS.has(node.op) && node.args[0] === id && (node.attrs[0] ?? 1) === 1);
    const nodes = [...new Set(users.map((u) => u.id - program.inputs.length))];
    if (nodes.length > 0) found.set(id, { node: Math.min(...nodes), users: nodes.length });
  });
  return found;
}

/** Linear ops that keep more fraction bits if their reader wants them. */
const KEEPS_FINE = new Set(["add", "sub", "mul", "div", "reshape", "neg"]);

/** From every root's argument down through linear ops, to the sums that they are made of. */
function fineValues(program: Program, knowledge: readonly Knowledge[], returned: readonly boolean[]): ReadonlySet<number> {
  const fine = new Set<number>();
  const visit = (id: number): void => {
    const node = program.nodes[id - program.inputs.length];
    if (!node || knowledge[id] !== "secret" || returned[id] || !KEEPS_FINE.has(node.op)) return;
    const scales = node.op === "mul" || node.op === "div";
    if (scales && node.args.every((a) => knowledge[a] === "secret")) return;
    fine.add(id);
    for (const a of node.args) visit(a);
  };
  for (const node of program.nodes) if (node.op === "sqrt" || node.op === "rsqrt") visit(node.args[0]!);
  return fine;
}

/** The rows of a slice that leaves all axes but one whole; undefined: another slice. */
function slicedRows(node: Node, shape: readonly number[], axis: number): Rows | undefined {
  const rank = shape.length;
  const whole = shape.every((size, d) => d === axis || (node.attrs[d] === 0 && node.aval.shape[d] === size));
  return whole ? { first: node.attrs[axis]!, count: node.aval.shape[axis]!, step: node.attrs[2 * rank + axis]! } : undefined;
}

/** Gathers of x by argsort(x), or by a slice of it, are rows of the sorted x. */
function sortUsers(
  program: Program,
  readers: readonly Reader[][],
  knowledge: readonly Knowledge[],
  uses: readonly number[],
): Plan["sorts"] {
  const found = new Map<number, { group: SortGroup; rows: Rows }>();
  program.nodes.forEach((node, i) => {
    const id = program.inputs.length + i;
    if (node.op !== "argsort" || knowledge[id] !== "secret" || uses[id] === 0) return;
    const [x, axis] = [node.args[0]!, node.attrs[0]!];
    const all = { first: 0, count: node.aval.shape[axis]!, step: 1 };
    const users = new Map<number, Rows>([[id, all]]);
    const takeGathers = (index: number, rows: Rows): void => {
      for (const r of readers[index]!) {
        const { op, args, attrs } = r.node;
        if (op === "gather" && args[0] === x && args[1] === index && attrs[0] === axis) users.set(r.id, rows);
      }
    };
    takeGathers(id, all);
    for (const r of readers[id]!) {
      const rows = r.node.op === "slice" ? slicedRows(r.node, node.aval.shape, axis) : undefined;
      if (rows) takeGathers(r.id, rows);
    }
    const group = { x, axis, descending: node.attrs[1] === 1, node: i, users: users.size };
    for (const [user, rows] of users) found.set(user, { group, rows });
  });
  return found;
}

export function makePlan(program: Program, bindings: readonly Binding[]): Plan {
  const need = needed(program);
  const { knowledge, uniform, fixed } = know(program, bindings);
  const readers = readersOf(program, need);
  const returned = need.map(() => false);
  const uses = readers.map((list) => list.length);
  for (const id of program.outputs) {
    uses[id]!++;
    returned[id] = true;
  }
  const afterPool = new Set<number>();
  readers.forEach((_, id) => {
    if (knowledge[id] === "secret" && reluAfterPool(program, id, readers, returned)) afterPool.add(id);
  });
  const softmax = softmaxUsers(program, readers, knowledge);
  const sorts = sortUsers(program, readers, knowledge, uses);
  const sizes = sizesOf(program, { secret: (id) => knowledge[id] === "secret", uniform, fixed });
  const fine = fineValues(program, knowledge, returned);
  return { program, knowledge, uses, returned, uniform, fixed, sizes, fine, afterPool, softmax, sorts };
}
