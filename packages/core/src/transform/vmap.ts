/** @file vmap: the Program that applies a Program to every slice of some of its inputs. */
import { TacitError } from "../errors.ts";
import { Expr, emit } from "../expr.ts";
import { expand, permute, reshape, zeros } from "../ops/emit.ts";
import { OPS } from "../ops/table.ts";
import type { Node, Program } from "../program/program.ts";
import { trace } from "./trace.ts";

interface Value {
  readonly expr: Expr;
  /** Has the new axis, leading. */
  readonly batched: boolean;
}

/**
 * The Program whose inputs carry one more axis of size `size` at `inAxes[i]` (null: the input is shared by all slices), and whose
 * outputs carry it as axis 0. @throws VMAP_UNSUPPORTED where an op cannot be batched (randomBits with a key for each slice)
 */
export function vmap(program: Program, inAxes: readonly (number | null)[], size: number): Program {
  const values: Value[] = [];
  const inputs = batchedInputs(program, inAxes, size);
  inputs.forEach((x, i) => {
    const axis = inAxes[i]!;
    values.push(axis === null ? { expr: x, batched: false } : { expr: toFront(x, axis), batched: true });
  });
  for (const node of program.nodes) values.push(batchNode(node, values, size));
  const outputs = program.outputs.map((id) => {
    const { expr, batched } = values[id]!;
    return batched ? expr : expand(reshape(expr, [1, ...expr.shape]), [size, ...expr.shape]);
  });
  return trace(outputs, inputs).program;
}

function batchedInputs(program: Program, inAxes: readonly (number | null)[], size: number): Expr[] {
  if (inAxes.length !== program.inputs.length) {
    throw new TacitError("ARITY_MISMATCH", `vmap: expected ${program.inputs.length} axes, got ${inAxes.length}`);
  }
  if (!Number.isInteger(size) || size < 0) throw new TacitError("SHAPE_MISMATCH", `vmap: expected a batch size, got ${size}`);
  return program.inputs.map((aval, i) => {
    const axis = inAxes[i]!;
    if (axis === null) return Expr.placeholder(aval);
    if (!Number.isInteger(axis) || axis < 0 || axis > aval.shape.length) {
      throw new TacitError("ATTR_INVALID", `vmap: expected an axis in 0..${aval.shape.length} for input ${i}, got ${axis}`);
    }
    return Expr.placeholder({ dtype: aval.dtype, shape: [...aval.shape.slice(0, axis), size, ...aval.shape.slice(axis)] });
  });
}

function toFront(x: Expr, axis: number): Expr {
  const rest = x.shape.map((_, i) => i).filter((i) => i !== axis);
  return permute(x, [axis, ...rest]);
}

function batchNode(node: Node, values: readonly Value[], size: number): Value {
  const args = node.args.map((a) => values[a]!);
  const exprs = args.map((v) => v.expr);
  const batched = args.map((v) => v.batched);
  if (!batched.includes(true)) return { expr: emit(node.op, exprs, node.attrs), batched: false };
  // No slices: nothing to compute, and rules may divide by the size.
  if (size === 0) return { expr: zeros({ shape: [0, ...node.aval.shape], dtype: node.aval.dtype }), batched: true };
  const rule = OPS.get(node.op)?.vmap;
  if (rule === undefined) throw new TacitError("VMAP_UNSUPPORTED", `vmap: expected ops with a batching rule, got ${node.op}`);
  return { expr: rule(exprs, batched, node.attrs, size), batched: true };
}
