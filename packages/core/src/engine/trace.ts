/** @file Trace: a depth-first walk that writes the graph behind some outputs as integers. Equal keys mean equal Programs. */
import { lineOf } from "../debug/site.ts";
import { TacitError } from "../errors.ts";
import { type Expr, type Leaf, nextVisit } from "../expr.ts";
import { showAval } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";

/** The last trace. The arrays are reused by the next one: read them before anything else runs. */
export interface Trace {
  /** Ops in topological order; `id` of each is its index here. */
  readonly nodes: Expr[];
  /** The distinct leaves in order of first use; `id` of each is its index here. */
  readonly leaves: Leaf[];
  /** The Expr through which each leaf was first seen. */
  readonly leafExprs: Expr[];
}

const last: Trace = { nodes: [], leaves: [], leafExprs: [] };
const stack: Expr[] = [];
let cursor = new Int32Array(256);
/** The number of the last trace. */
let visit = 0;

/**
 * Walks everything unrealized behind `roots`, without recursion (graphs may be 10^5 deep).
 * @throws TENSOR_STALE when a node reads a leaf that was replaced after the node was made (not with `check` false)
 */
export function trace(roots: readonly Expr[], check = true): Trace {
  forgetTrace();
  visit = nextVisit();
  for (const root of roots) walk(root, check);
  return last;
}

/** Lets the garbage collector have what the last trace saw. */
export function forgetTrace(): void {
  last.nodes.length = 0;
  last.leaves.length = 0;
  last.leafExprs.length = 0;
  stack.length = 0;
}

/** Adds a leaf that no node reads but an update replaces. */
export function addLeaf(e: Expr): void {
  e.mark = visit;
  const leaf = e.leaf!;
  if (leaf.mark !== visit) {
    leaf.mark = visit;
    leaf.id = last.leaves.length;
    last.leaves.push(leaf);
    last.leafExprs.push(e);
  }
  e.id = -1 - leaf.id;
}

/** What `trace` last returned. */
export const lastTrace = (): Trace => last;

/** Whether the last trace saw this leaf. */
export const traced = (leaf: Leaf): boolean => leaf.mark === visit;

function walk(root: Expr, check: boolean): void {
  if (root.mark === visit) return;
  if (root.leaf !== null) {
    addLeaf(root);
    return;
  }
  const now = visit;
  root.mark = now;
  stack[0] = root;
  cursor[0] = 0;
  let top = 0;
  while (top >= 0) {
    const x = stack[top]!;
    const { args } = x;
    let i = cursor[top]!;
    let down: Expr | null = null;
    while (i < args.length) {
      const a = args[i++]!;
      const { leaf } = a;
      if (leaf === null) {
        if (a.mark === now) continue;
        down = a;
        break;
      }
      if (leaf.version > x.born && check) stale(x, a);
      if (a.mark !== now) addLeaf(a);
    }
    if (down === null) {
      if (x.op === null)
        throw new TacitError("TENSOR_NO_VALUE", `realize: expected a tensor with a value, got a placeholder ${showAval(x)}`);
      x.id = last.nodes.length;
      last.nodes.push(x);
      top--;
      continue;
    }
    cursor[top++] = i;
    if (top === cursor.length) cursor = grown(cursor);
    down.mark = now;
    stack[top] = down;
    cursor[top] = 0;
  }
}

/** A lazy value reads a parameter that a step has replaced since. */
export function stale(x: Expr, a: Expr): never {
  throw new TacitError(
    "TENSOR_STALE",
    `${x.op?.name ?? "tensor"}: expected a current value, got one built before an optimizer step replaced ${showAval(a)}, which it reads`,
    {
      at: lineOf(x.site),
      hint: "compute it in the step, await opt.step(loss, logits), or await it before; for gradients, call opt.zeroGrad() after each step",
    },
  );
}

function grown(a: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const b = new Int32Array(a.length * 2);
  b.set(a);
  return b;
}

/* ---- the key ---- */

let words = new Int32Array(4096);
let length = 0;

/** A key in the making; the words are reused by the next one. */
export interface Key {
  readonly words: Int32Array;
  readonly length: number;
}

function reserve(n: number): void {
  while (length + n > words.length) words = grown(words);
}

/** Starts the key of the last trace with its nodes and outputs. Attributes are 32-bit integers: the op table checks that. */
export function startKey(outputs: readonly Expr[]): void {
  length = 0;
  let k = 0;
  for (const x of last.nodes) {
    const { args, attrs } = x;
    if (k + args.length + attrs.length + 3 > words.length) {
      length = k;
      reserve(args.length + attrs.length + 3);
    }
    words[k++] = x.code;
    words[k++] = attrs.length;
    for (let i = 0; i < attrs.length; i++) words[k++] = attrs[i]!;
    words[k++] = args.length;
    for (let i = 0; i < args.length; i++) words[k++] = args[i]!.id;
  }
  length = k;
  reserve(outputs.length + 2);
  words[length++] = -1;
  words[length++] = outputs.length;
  for (const e of outputs) words[length++] = e.id;
}

/** Adds to the key what an input is and how it is bound. */
export function keyInput(e: Expr, binding: number): void {
  const { shape } = e;
  reserve(shape.length + 3);
  words[length++] = DTYPE[e.dtype].code;
  words[length++] = binding;
  words[length++] = shape.length;
  for (let i = 0; i < shape.length; i++) words[length++] = shape[i]!;
}

/** Adds one word. */
export function keyWord(word: number): void {
  reserve(1);
  words[length++] = word;
}

/** The finished key. */
export const endKey = (): Key => ({ words, length });
