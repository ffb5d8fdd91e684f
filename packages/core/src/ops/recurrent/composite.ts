/** @file Rules of a composite by its decomposition: gradient, batching and plain computation, for ops that have no shorter ones. */
import { Expr } from "../../expr.ts";
import type { Aval } from "../../program/aval.ts";
import type { TypedArray } from "../../program/dtype.ts";
import { backward } from "../../transform/backward.ts";
import { evaluate, trace } from "../../transform/trace.ts";
import { vmap } from "../../transform/vmap.ts";
import type { BatchRule, GradContext, Reference } from "../row.ts";
import { OPS } from "../table.ts";

export type Decomposition = (args: readonly Expr[], attrs: readonly number[]) => Expr;

/** Differentiates the decomposition. It is built on placeholders: a rule must not walk the graph that is being differentiated. */
export const gradOf =
  (decompose: Decomposition) =>
  ({ args, attrs, grad, needs }: GradContext): readonly (Expr | null)[] => {
    const slots = args.map((a) => Expr.placeholder(a));
    const seed = Expr.placeholder(grad);
    const wanted = slots.filter((_, i) => needs(i));
    const found = backward(decompose(slots, attrs), seed, wanted);
    const some = found.filter((g) => g !== null);
    const values = evaluate(trace(some, [...slots, seed]).program, [...args, grad]);
    const of = new Map(wanted.map((x, i) => [x, found[i] === null ? null : values[some.indexOf(found[i]!)]!]));
    return slots.map((x) => of.get(x) ?? null);
  };

/** Batches every op of the decomposition. */
export const batchOf =
  (decompose: Decomposition): BatchRule =>
  (args, batched, attrs, size) => {
    const slots = args.map((a, i) => Expr.placeholder({ dtype: a.dtype, shape: batched[i] ? a.shape.slice(1) : a.shape }));
    const { program } = trace([decompose(slots, attrs)], slots);
    const axes = batched.map((b) => (b ? 0 : null));
    return evaluate(vmap(program, axes, size), args)[0]!;
  };

/** Computes the decomposition op by op. */
export const referenceOf =
  (decompose: Decomposition): Reference =>
  (args: readonly TypedArray[], avals: readonly Aval[], attrs: readonly number[]) => {
    const slots = avals.map((a) => Expr.placeholder(a));
    const { program } = trace([decompose(slots, attrs)], slots);
    const values: TypedArray[] = [...args];
    for (const node of program.nodes) {
      const row = OPS.get(node.op)!;
      values.push(
        row.reference(
          node.args.map((a) => values[a]!),
          node.args.map((a) => program.aval(a)),
          node.attrs,
          node.aval,
        ),
      );
    }
    return values[program.outputs[0]!]!;
  };
