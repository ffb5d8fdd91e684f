/** @file The Program of one chunk: per-example gradients by vmap, clipped, put on the grid and summed. One shape, so one plan. */
import { type Aval, Expr, evaluate, ops, type Program, trace, vmap } from "@tacit/core/program";
import { contribution, MOST_SQUARE } from "./contribution.ts";
import type { ExampleProgram } from "./example-program.ts";
import type { Group } from "./grid.ts";

/**
 * Inputs: parameters, columns [P, ...], captured, mask f32 [P], units per gradient f32 [1]. Outputs: for each parameter the sum of q over rows, integers in f32;
 * then f32 [1]: rows whose norm is at most C less those whose norm is more, for adaptive clipping.
 */
export interface ChunkProgram {
  readonly program: Program;
  readonly size: number;
}

export interface ChunkOptions {
  /** P. */
  readonly size: number;
  readonly columns: number;
  readonly parameters: readonly Aval[];
  readonly groups: readonly Group[];
  /** K. */
  readonly units: number;
}

const full = (x: number): Expr => ops.constant("f32", x);
export function chunkProgram(example: ExampleProgram, options: ChunkOptions): ChunkProgram {
  const { size, columns, parameters } = options;
  const { program, captured } = example;
  const axes = program.inputs.map((_, i) => (i >= parameters.length && i < parameters.length + columns ? 0 : null));
  const batched = vmap(program, axes, size);
  const inputs = batched.inputs.map((a) => Expr.placeholder(a));
  const mask = Expr.placeholder({ shape: [size], dtype: "f32" });
  const inverse = Expr.placeholder({ shape: [1], dtype: "f32" });
  const sums = clippedSums(evaluate(batched, inputs), mask, inverse, options);
  if (inputs.length !== parameters.length + columns + captured.length) throw new RangeError("chunk: another number of inputs");
  return { program: trace(sums, [...inputs, mask, inverse]).program, size };
}

/** Steps 2 and 3 of `grid.ts`. */
function clippedSums(grads: readonly Expr[], mask: Expr, inverse: Expr, { groups, units }: ChunkOptions): Expr[] {
  const parts = grads.map(contribution);
  const sums = new Array<Expr>(grads.length);
  let below: Expr | null = null;
  for (const { members, target } of groups) {
    const square = members.map((i) => parts[i]!.square).reduce((a, b) => ops.add(a, b));
    const norm = ops.sqrt(square);
    const scale = ops.minimum(ops.div(full(target), norm), inverse);
    // NaN compares as false.
    const finite = ops.cast(ops.le(square, full(MOST_SQUARE)), "f32");
    const keep = ops.gt(ops.mul(mask, finite), full(0));
    for (const i of members) sums[i] = parts[i]!.sum(scale, keep);
    const under = ops.cast(ops.le(ops.mul(norm, inverse), full(units)), "f32");
    below = below === null ? under : ops.mul(below, under);
  }
  const sign = ops.sub(ops.mul(below!, full(2)), full(1));
  sums.push(ops.reshape(ops.sum(ops.mul(sign, mask), [0]), [1]));
  return sums;
}
