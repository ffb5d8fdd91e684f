/** @file trace and evaluate: from Exprs to a Program and back. Plain and general; the engine has its own fast tracer. */
import { TacitError } from "../errors.ts";
import { type Expr, emit } from "../expr.ts";
import { type Aval, sameShape, showAval } from "../program/aval.ts";
import { type Node, Program } from "../program/program.ts";

export interface Traced {
  readonly program: Program;
  /** The Exprs that the Program's inputs stand for, in order. */
  readonly leaves: readonly Expr[];
}

const avalOf = (x: Aval): Aval => ({ shape: x.shape, dtype: x.dtype });

/**
 * The Program that computes `outputs`. Inputs are first `inputs` in their order (used or not; an input may be any Expr and cuts the
 * graph there), then the other leaves in order of first use. What no output needs is left out.
 */
export function trace(outputs: readonly Expr[], inputs: readonly Expr[] = []): Traced {
  const leaves: Expr[] = [...new Set(inputs)];
  if (leaves.length !== inputs.length) {
    throw new TacitError("PROGRAM_INVALID", "trace: expected distinct inputs, got the same one twice");
  }
  const order = visit(outputs, leaves);
  const ids = new Map<Expr, number>();
  leaves.forEach((x, i) => {
    ids.set(x, i);
  });
  order.forEach((x, i) => {
    ids.set(x, leaves.length + i);
  });
  const nodes = order.map(
    (x): Node => ({ op: x.op!.name, attrs: x.attrs, args: x.args.map((a) => ids.get(a)!), aval: avalOf(x) }),
  );
  return {
    program: new Program(
      leaves.map(avalOf),
      nodes,
      outputs.map((x) => ids.get(x)!),
    ),
    leaves,
  };
}

/** Ops behind the outputs, arguments first; adds leaves that it meets. */
function visit(outputs: readonly Expr[], leaves: Expr[]): Expr[] {
  const seen = new Set<Expr>(leaves);
  const order: Expr[] = [];
  const stack: Expr[] = [];
  const cursor: number[] = [];
  const enter = (x: Expr): void => {
    if (seen.has(x)) return;
    seen.add(x);
    if (x.leaf !== null || x.op === null) leaves.push(x);
    else {
      stack.push(x);
      cursor.push(0);
    }
  };
  for (const root of outputs) {
    enter(root);
    while (stack.length > 0) {
      const x = stack.at(-1)!;
      const i = cursor[cursor.length - 1]!++;
      if (i < x.args.length) enter(x.args[i]!);
      else {
        order.push(x);
        stack.pop();
        cursor.pop();
      }
    }
  }
  return order;
}

/**
 * What `outputs` read without depending on `slots`, as near to the outputs as can be: a function's captured values. Given to `trace` as
 * inputs they stay the nodes that they are, so that a gradient taken outside still finds them.
 */
export function captured(outputs: readonly Expr[], slots: readonly Expr[]): Expr[] {
  const depends = new Map<Expr, boolean>(slots.map((s) => [s, true]));
  const stack = [...outputs];
  while (stack.length > 0) {
    const x = stack.at(-1)!;
    const args = x.leaf === null && x.op !== null && !depends.has(x) ? x.args : [];
    const unknown = args.filter((a) => !depends.has(a));
    if (unknown.length > 0) {
      stack.push(...unknown);
      continue;
    }
    stack.pop();
    if (!depends.has(x))
      depends.set(
        x,
        args.some((a) => depends.get(a)!),
      );
  }
  const found = new Set<Expr>(outputs.filter((x) => !depends.get(x)));
  for (const [x, does] of depends) {
    if (does && x.leaf === null) for (const a of x.args) if (!depends.get(a)) found.add(a);
  }
  return [...found];
}

/** Throws unless the Exprs have the types of the Program's inputs. */
export function checkInputs(where: string, program: Program, inputs: readonly Aval[]): void {
  if (inputs.length !== program.inputs.length) {
    throw new TacitError("ARITY_MISMATCH", `${where}: expected ${program.inputs.length} inputs, got ${inputs.length}`);
  }
  program.inputs.forEach((want, i) => {
    const got = inputs[i]!;
    if (got.dtype !== want.dtype || !sameShape(got.shape, want.shape)) {
      throw new TacitError("SHAPE_MISMATCH", `${where}: expected ${showAval(want)} as input ${i}, got ${showAval(got)}`);
    }
  });
}

/** Replays a Program on Exprs. */
export function evaluate(program: Program, inputs: readonly Expr[]): readonly Expr[] {
  checkInputs("evaluate", program, inputs);
  const values: Expr[] = [...inputs];
  for (const n of program.nodes) {
    values.push(
      emit(
        n.op,
        n.args.map((a) => values[a]!),
        n.attrs,
      ),
    );
  }
  return program.outputs.map((id) => values[id]!);
}
