/** @file OpRow: what the op table knows about an op, independently of any device. */
import type { Expr } from "../expr.ts";
import type { Aval } from "../program/aval.ts";
import type { TypedArray } from "../program/dtype.ts";

/** What a gradient rule sees. */
export interface GradContext {
  readonly args: readonly Expr[];
  readonly attrs: readonly number[];
  /** The op's own result. */
  readonly out: Expr;
  /** Gradient of the objective with respect to `out`; same shape and dtype. */
  readonly grad: Expr;
  /** Whether argument i needs a gradient; a rule may skip the others. */
  needs(i: number): boolean;
}

/**
 * Batching rule: some arguments carry a new leading axis of size `size` (batched[i]); returns the op applied to every slice,
 * with the new axis leading. At least one argument is batched.
 */
export type BatchRule = (args: readonly Expr[], batched: readonly boolean[], attrs: readonly number[], size: number) => Expr;

/** The plain computation of an op on typed arrays (row-major). Floats are f64 on the reference backend: arrays may be Float64Array. */
export type Reference = (args: readonly TypedArray[], avals: readonly Aval[], attrs: readonly number[], out: Aval) => TypedArray;

/** One row of the op table. */
export interface OpRow {
  readonly name: string;
  /** Number of arguments; null: any number from 1. */
  readonly arity: number | null;
  /** Names of the attributes for printing; one ending in `...` takes the rest. */
  readonly attrs: readonly string[];
  /** The op may refuse its data when it runs (an index outside, a zero divisor): it remembers the user's line that made it. */
  readonly refuses?: true;
  /** Shape and dtype of the result. Throws TacitError; must reject every bad attribute, for a Program may come from a stranger. */
  infer(args: readonly Aval[], attrs: readonly number[]): Aval;
  /** Gradients for the arguments, null where there is none. Absent: the op is not differentiable (its result is constant to autograd). */
  readonly grad?: (context: GradContext) => readonly (Expr | null)[];
  /** Absent: `vmap` uses the decomposition, or throws. */
  readonly vmap?: BatchRule;
  readonly reference: Reference;
  /** For composites: the same in terms of other ops; a device without a kernel of its own runs this. */
  readonly decompose?: (args: readonly Expr[], attrs: readonly number[]) => Expr;
}
