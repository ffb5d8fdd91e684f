/** @file Checks that a Program means something: known ops, arity, order, attributes, re-inferred shapes, limits. */
import { expected, TacitError } from "../errors.ts";
import { ATTR_MAX, ATTR_MIN } from "../ops/check.ts";
import { OPS } from "../ops/table.ts";
import { type Aval, sameShape, showAval, sizeOf } from "./aval.ts";
import { isDType } from "./dtype.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import type { Node, Program } from "./program.ts";

const refuse = (where: string, want: string, got: string): never => expected("PROGRAM_INVALID", `program: ${where}`, want, got);

/** @throws TacitError PROGRAM_INVALID naming the node. */
export function validate(p: Program, limits?: Partial<Limits>): void {
  const bound = { ...DEFAULT_LIMITS, ...limits };
  checkCounts(p, bound);
  let total = 0;
  const values: Aval[] = [];
  const define = (where: string, a: Aval): void => {
    total += checkAval(where, a, bound);
    if (total > bound.totalElements) refuse(where, `at most ${bound.totalElements} elements in all`, `${total}`);
    values.push(a);
  };
  for (const [i, a] of p.inputs.entries()) define(`input ${i}`, a);
  p.nodes.forEach((n, i) => {
    const where = `node ${p.inputs.length + i} (${n.op.slice(0, 32)})`;
    checkNode(where, n, values, bound);
    define(where, n.aval);
  });
  for (const [i, id] of p.outputs.entries()) checkId(`output ${i}`, id, values.length);
}

function checkCounts(p: Program, bound: Limits): void {
  const counts = { inputs: p.inputs.length, nodes: p.nodes.length, outputs: p.outputs.length };
  for (const what of ["inputs", "nodes", "outputs"] as const) {
    if (counts[what] > bound[what]) refuse(what, `at most ${bound[what]}`, `${counts[what]}`);
  }
  if (p.outputs.length === 0) refuse("outputs", "at least one", "none");
}

/**
 * Returns the number of elements, an empty axis counted as one: [2^31-1, 2^31-1, 0] has no element, but whoever loops over its rows
 * would not come to an end.
 */
function checkAval(where: string, a: Aval, bound: Limits): number {
  if (!isDType(a.dtype)) refuse(where, "a dtype", "something else");
  if (a.shape.length > bound.rank) refuse(where, `rank at most ${bound.rank}`, `${a.shape.length}`);
  for (const d of a.shape) if (!Number.isInteger(d) || d < 0 || d > ATTR_MAX) refuse(where, "sizes in 0..2^31-1", `${d}`);
  const size = sizeOf(a.shape.map((d) => Math.max(d, 1)));
  if (size > bound.elements) refuse(where, `at most ${bound.elements} elements`, showAval(a));
  return size;
}

function checkId(where: string, id: number, count: number): void {
  if (!Number.isInteger(id) || id < 0 || id >= count) refuse(where, "the id of an earlier value", `${id}`);
}

function checkNode(where: string, n: Node, values: readonly Aval[], bound: Limits): void {
  const row = OPS.get(n.op);
  if (row === undefined) throw new TacitError("PROGRAM_INVALID", `program: ${where}: expected a known op, got another`);
  const arity = row.arity;
  if (arity === null ? n.args.length < 1 : n.args.length !== arity)
    refuse(where, `${arity ?? "at least 1"} arguments`, `${n.args.length}`);
  if (n.args.length > bound.args) refuse(where, `at most ${bound.args} arguments`, `${n.args.length}`);
  if (n.attrs.length > bound.attrs + 3 * bound.rank) refuse(where, "fewer attributes", `${n.attrs.length}`);
  for (const a of n.attrs) {
    if (!Number.isInteger(a) || a < ATTR_MIN || a > ATTR_MAX || Object.is(a, -0))
      refuse(where, "32-bit integer attributes", `${a}`);
  }
  for (const a of n.args) checkId(where, a, values.length);
  const inferred = inferAt(where, row, n, values);
  if (inferred.dtype !== n.aval.dtype || !sameShape(inferred.shape, n.aval.shape)) {
    refuse(where, `the inferred type ${showAval(inferred)}`, showAval(n.aval));
  }
}

function inferAt(
  where: string,
  row: { infer(a: readonly Aval[], b: readonly number[]): Aval },
  n: Node,
  values: readonly Aval[],
): Aval {
  try {
    return row.infer(
      n.args.map((a) => values[a]!),
      n.attrs,
    );
  } catch (cause) {
    if (!(cause instanceof TacitError)) throw cause;
    throw new TacitError("PROGRAM_INVALID", `program: ${where}: ${cause.message}`, { cause });
  }
}
