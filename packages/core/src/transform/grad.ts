/** @file Program to Program: gradients and vector-Jacobian products. */
import { TacitError } from "../errors.ts";
import { Expr } from "../expr.ts";
import { zeros } from "../ops/emit.ts";
import { showAval, sizeOf } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";
import type { Program } from "../program/program.ts";
import { backward } from "./backward.ts";
import { evaluate, trace } from "./trace.ts";

export interface GradOptions {
  /** Positions of the inputs to differentiate with respect to; all of float dtype. */
  readonly wrt: readonly number[];
  /** Position of the output to differentiate; 0 by default. */
  readonly output?: number;
}

interface Replay {
  readonly inputs: readonly Expr[];
  readonly root: Expr;
  readonly outputs: readonly Expr[];
}

function replay(where: string, program: Program, { wrt, output = 0 }: GradOptions): Replay {
  for (const i of wrt) {
    const aval = program.inputs[i];
    if (aval === undefined)
      throw new TacitError("INDEX_INVALID", `${where}: expected an input in 0..${program.inputs.length - 1}, got ${i}`);
    if (!DTYPE[aval.dtype].float)
      throw new TacitError("DTYPE_UNSUPPORTED", `${where}: expected a float input, got ${showAval(aval)}`);
  }
  const inputs = program.inputs.map((a) => Expr.placeholder(a));
  const outputs = evaluate(program, inputs);
  const root = outputs[output];
  if (root === undefined)
    throw new TacitError("INDEX_INVALID", `${where}: expected an output in 0..${outputs.length - 1}, got ${output}`);
  if (!DTYPE[root.dtype].float)
    throw new TacitError("DTYPE_UNSUPPORTED", `${where}: expected a float output, got ${showAval(root)}`);
  return { inputs, root, outputs };
}

function gradients({ inputs, root }: Replay, wrt: readonly number[], seed?: Expr): Expr[] {
  const targets = wrt.map((i) => inputs[i]!);
  return backward(root, seed, targets).map((g, k) => g ?? zeros(targets[k]!));
}

function checkScalar(where: string, root: Expr): void {
  if (sizeOf(root.shape) !== 1) {
    throw new TacitError("SHAPE_MISMATCH", `${where}: expected an output of one element, got ${showAval(root)}`, {
      hint: "use vjp for an output of any shape",
    });
  }
}

/** The Program of the gradients of one output of one element: same inputs, one output for each of `wrt`, zeros where nothing depends. */
export function grad(program: Program, options: GradOptions): Program {
  const r = replay("grad", program, options);
  checkScalar("grad", r.root);
  return trace(gradients(r, options.wrt), r.inputs).program;
}

/** As `grad`, with all outputs of the Program before the gradients. */
export function valueAndGrad(program: Program, options: GradOptions): Program {
  const r = replay("valueAndGrad", program, options);
  checkScalar("valueAndGrad", r.root);
  return trace([...r.outputs, ...gradients(r, options.wrt)], r.inputs).program;
}

/** Vector-Jacobian product: one more, last input has the type of the output and weighs its elements. */
export function vjp(program: Program, options: GradOptions): Program {
  const r = replay("vjp", program, options);
  const seed = Expr.placeholder(r.root);
  return trace(gradients(r, options.wrt, seed), [...r.inputs, seed]).program;
}
