/**
 * @file What of a Program depends on whose rows: a static analysis, on which a party relies when a grant demands noise. Of each value it says
 * one of `clean`, `rows`, `sum`, `mixed` (`domain.ts`).
 *
 * Sound if each rule is: by induction over the nodes. An op without a rule is mixed as soon as it reads anything that is not clean, so that a
 * new op can make a Program be refused, and never be passed by mistake. Each rule carries its argument, for all attributes that the op
 * table lets pass; `test/release/rows/` runs every rule against values.
 */
import { fractionOf, type Node, type Program, sizeOf } from "@tacit/core/program";
import type { Dependence, Rows, Rule } from "./domain.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { INDEXING } from "./indexing.ts";
import { MOVEMENT } from "./movement.ts";
import { PRODUCTS } from "./products.ts";
import { WITHIN } from "./within.ts";

/** One use of noise: numbers in units of the value. */
export interface NoiseUse {
  readonly node: number;
  readonly sensitivity: number;
  readonly deviation: number;
  readonly dimension: number;
  readonly float: boolean;
}

export interface RowAnalysis {
  /** Of each output. */
  readonly outputs: readonly Dependence["kind"][];
  /** Of each output that is not clean: how protected rows get there. */
  readonly reasons: readonly (string | undefined)[];
  /** Every use of noise on a sum, whether an output reads it or not. */
  readonly noises: readonly NoiseUse[];
}

/** By op. clippedSum and partyNoise, which leave the rows, are no rules. */
export const RULES: ReadonlyMap<string, Rule> = new Map([ELEMENTWISE, MOVEMENT, WITHIN, PRODUCTS, INDEXING].flat());

const CLEAN: Dependence = { kind: "clean" };

/** A node, and what its arguments are. */
interface Reading {
  readonly program: Program;
  readonly node: Node;
  readonly args: readonly Dependence[];
  readonly distinct: (id: number) => boolean;
}

/** The rows among the arguments, where the others are clean and all are of one selection. */
function rowsOf(args: readonly Dependence[]): readonly Rows[] | undefined {
  const rows = args.filter((a) => a.kind === "rows");
  const [first] = rows;
  const same = rows.every((r) => r.count === first!.count && r.chosen === first!.chosen);
  return first && same && args.every((a) => a.kind === "clean" || a.kind === "rows") ? rows : undefined;
}

/** By the node's rule. One single row needs none: whatever reads it alone, depends on it alone. */
function byRule({ program, node, args, distinct }: Reading): Rows | undefined {
  const rule = RULES.get(node.op);
  const rows = rowsOf(args);
  if (rule === undefined || rows === undefined || sizeOf(node.aval.shape) === 0) return undefined;
  const { count, chosen } = rows[0]!;
  if (count === 1) return { kind: "rows", stride: sizeOf(node.aval.shape), count, chosen };
  return rule({
    node,
    shapes: node.args.map((a) => program.aval(a).shape),
    args: args.map((a) => (a.kind === "rows" ? a : undefined)),
    count,
    chosen,
    distinct: (i) => distinct(node.args[i]!),
  });
}

/**
 * The bound of clippedSum is on each slice along axis 0: each must be a row, and each row one slice. Slice i has the places i w .. (i + 1) w - 1
 * for w = size / shape[0]; with stride w and as many rows as slices that is row i.
 */
function isRowByRow(x: Rows, shape: readonly number[]): boolean {
  return shape[0] === x.count && x.stride * x.count === sizeOf(shape);
}

function dependenceOf(r: Reading, i: number): Dependence {
  const { program, node, args } = r;
  const [x] = args;
  if (args.every((a) => a.kind === "clean")) return CLEAN;
  const mixed = args.find((a) => a.kind === "mixed");
  if (mixed !== undefined) return mixed;
  if (node.op === "reshape" && x!.kind === "sum") return x!;
  if (node.op === "clippedSum" && x!.kind === "rows" && isRowByRow(x!, program.aval(node.args[0]!).shape))
    return { kind: "sum", bound: fractionOf("clippedSum", node.attrs) };
  return byRule(r) ?? { kind: "mixed", why: `${node.op} (node ${i}) may mix rows` };
}

/** How rows get to an output. */
function reasonOf(d: Dependence): string | undefined {
  if (d.kind === "mixed") return d.why;
  if (d.kind === "rows") return "no clippedSum is on the way";
  return d.kind === "sum" ? "no partyNoise is on the way" : undefined;
}

/** Inputs whose axis 0 counts protected persons. */
function rowsOfInput(shape: readonly number[]): Dependence {
  const [count] = shape;
  if (count === undefined || sizeOf(shape) === 0) return { kind: "mixed", why: "an input has no rows" };
  return { kind: "rows", stride: sizeOf(shape) / count, count, chosen: -1 };
}

/** `rows`: inputs whose axis 0 counts protected persons. `distinct`: inputs that are public and all different. Other inputs are clean. */
export function analyseRows(program: Program, rows: readonly number[], distinct: (input: number) => boolean): RowAnalysis {
  const found = program.inputs.map((a, i): Dependence => (rows.includes(i) ? rowsOfInput(a.shape) : CLEAN));
  const noises: NoiseUse[] = [];
  const isDistinct = (id: number): boolean => id < program.inputs.length && distinct(id);
  program.nodes.forEach((node, i) => {
    const args = node.args.map((a) => found[a]!);
    const [x] = args;
    if (node.op === "partyNoise" && x?.kind === "sum") {
      const { shape, dtype } = node.aval;
      const deviation = fractionOf("partyNoise", node.attrs);
      noises.push({ node: i, sensitivity: x.bound, deviation, dimension: Math.max(1, sizeOf(shape)), float: dtype === "f32" });
      found.push(CLEAN);
    } else found.push(dependenceOf({ program, node, args, distinct: isDistinct }, i));
  });
  const outputs = program.outputs.map((id) => found[id]!);
  return { outputs: outputs.map((d) => d.kind), reasons: outputs.map(reasonOf), noises };
}
