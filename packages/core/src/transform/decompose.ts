/** @file decompose: a Program in which some composites are written out as the ops that they are made of. */
import { Expr, emit } from "../expr.ts";
import { OPS } from "../ops/table.ts";
import type { Program } from "../program/program.ts";
import { trace } from "./trace.ts";

/** Whether an op can be written out. */
export const isComposite = (op: string): boolean => OPS.get(op)?.decompose !== undefined;

/** The Program with every node of these ops replaced by its decomposition, once; same inputs, same outputs. Other ops stay. */
export function decompose(program: Program, ops: ReadonlySet<string>): Program {
  const inputs = program.inputs.map((a) => Expr.placeholder(a));
  const values: Expr[] = [...inputs];
  for (const node of program.nodes) {
    const args = node.args.map((a) => values[a]!);
    const split = ops.has(node.op) ? OPS.get(node.op)?.decompose : undefined;
    values.push(split === undefined ? emit(node.op, args, node.attrs) : split(args, node.attrs));
  }
  return trace(
    program.outputs.map((id) => values[id]!),
    inputs,
  ).program;
}
