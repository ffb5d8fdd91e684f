/** @file Transformations of functions of tensors: `grad`, `valueAndGrad`, `vmap`; and `gradients` of a value. They compose. */
import { expected } from "../errors.ts";
import { Expr, emit, gradMode } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { showAval } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";
import { captured, evaluate, trace } from "../transform/trace.ts";
import { vmap as vmapProgram } from "../transform/vmap.ts";
import { axisOf } from "./axes.ts";
import { type BackwardOptions, collects, enableGrad, gradientsOf } from "./backward.ts";
import { Tensor } from "./tensor.ts";

export type TensorFunction = (...args: Tensor[]) => Tensor;

/**
 * d(loss)/d(each of `wrt`), lazily and without touching `.grad`; null where the loss does not depend on it. As `torch.autograd.grad`.
 * @throws AUTOGRAD_NO_GRAPH when nothing behind the loss requires a gradient; TENSOR_STALE when a step replaced what it reads
 */
export function gradients(
  loss: Tensor,
  wrt: readonly Tensor[],
  options: BackwardOptions & { readonly gradient?: Tensor } = {},
): (Tensor | null)[] {
  const exprs = wrt.map((t) => t.expr);
  return gradientsOf(loss.expr, options.gradient?.expr, exprs, options).map((g) => (g === null ? null : new Tensor(g)));
}

/** A node of its own that stands for `x` and records gradients. */
export function recorded(where: string, x: Tensor): Tensor {
  if (!DTYPE[x.dtype].float) expected("DTYPE_UNSUPPORTED", where, "a float argument to differentiate by", showAval(x));
  const e = emit("reshape", [x.expr], x.shape);
  e.requiresGrad = true;
  return new Tensor(e);
}

/** Without the flags of the recording, unless some parameter or an outer `grad` still needs them. */
export function cleaned(x: Tensor, args: readonly Tensor[]): Tensor {
  if (!x.requiresGrad || args.some((a) => a.requiresGrad) || collects(x.expr)) return x;
  return x.detach();
}

/** Value and gradients of `fn`, by the arguments at `argnums`. */
function differentiate(
  where: string,
  fn: TensorFunction,
  argnums: readonly number[],
  args: readonly Tensor[],
): [Tensor, Tensor[]] {
  const createGraph = gradMode.enabled;
  const at = argnums.map((i) => axisOf(where, i, args.length));
  return enableGrad(() => {
    const inputs = args.map((a, i) => (at.includes(i) ? recorded(where, a) : a));
    const value = fn(...inputs);
    const wrt = at.map((i) => inputs[i]!.expr);
    const grads = value.requiresGrad ? gradientsOf(value.expr, undefined, wrt, { createGraph }) : wrt.map(() => null);
    const tensors = grads.map((g, i) => cleaned(new Tensor(g ?? op.zeros(wrt[i]!)), args));
    return [cleaned(value, args), tensors];
  });
}

/** A function that returns the gradient of `fn` (of one element) by the argument at `argnums`, or a list for a list. As `torch.func.grad`. */
export function grad(fn: TensorFunction, argnums?: number): (...args: Tensor[]) => Tensor;
export function grad(fn: TensorFunction, argnums: readonly number[]): (...args: Tensor[]) => Tensor[];
export function grad(fn: TensorFunction, argnums: number | readonly number[] = 0): (...args: Tensor[]) => Tensor | Tensor[] {
  const list = typeof argnums === "number" ? [argnums] : argnums;
  return (...args) => {
    const [, grads] = differentiate("grad", fn, list, args);
    return typeof argnums === "number" ? grads[0]! : grads;
  };
}

/** As `grad`, but returns `[value, gradients]`; the gradients are a list also for a single argument. */
export function valueAndGrad(
  fn: TensorFunction,
  argnums: number | readonly number[] = 0,
): (...args: Tensor[]) => [Tensor, Tensor[]] {
  const list = typeof argnums === "number" ? [argnums] : argnums;
  return (...args) => differentiate("valueAndGrad", fn, list, args);
}

export interface VmapOptions {
  /** The dimension of each argument to map over; null: the argument is shared. Default: 0 for all. */
  readonly inDims?: number | readonly (number | null)[];
  /** Where the results carry the mapped dimension, one for all or one for each; 0 by default. */
  readonly outDim?: number | readonly number[];
}

/**
 * `fn` applied to every slice of its arguments along a dimension, as one batched computation. As `torch.func.vmap`. Tensors that `fn`
 * captures are shared. Inside, `detach()` and `noGrad` hold for gradients taken inside `fn`, not for those taken outside of the vmap.
 * @throws VMAP_UNSUPPORTED when an op has no batching rule; SHAPE_MISMATCH when the mapped sizes differ
 */
export function vmap<R extends Tensor | readonly Tensor[]>(
  fn: (...args: Tensor[]) => R,
  options: VmapOptions = {},
): (...args: Tensor[]) => R {
  return (...args) => {
    const axes = inAxes(options.inDims ?? 0, args);
    const size = mappedSize(axes, args);
    const slots = args.map((a, i) => Expr.placeholder({ dtype: a.dtype, shape: a.shape.filter((_, d) => d !== axes[i]) }));
    const result = fn(...slots.map((e) => new Tensor(e)));
    const list: readonly Tensor[] = Array.isArray(result) ? result : [result];
    const results = list.map((t) => t.expr);
    const shared = captured(results, slots);
    const { program } = trace(results, [...slots, ...shared]);
    const batched = vmapProgram(program, [...axes, ...shared.map(() => null)], size);
    const places = outAxes(options.outDim ?? 0, list.length);
    const outputs = evaluate(batched, [...args.map((a) => a.expr), ...shared]).map((e, k) => {
      const to = axisOf("vmap", places[k]!, e.shape.length);
      const order = e.shape.map((_, i) => i).slice(1);
      order.splice(to, 0, 0);
      return new Tensor(op.permute(e, order));
    });
    return (Array.isArray(result) ? outputs : outputs[0]!) as R;
  };
}

function inAxes(inDims: number | readonly (number | null)[], args: readonly Tensor[]): (number | null)[] {
  const list = typeof inDims === "number" ? args.map(() => inDims) : inDims;
  if (list.length !== args.length) expected("ARGUMENT_INVALID", "vmap", `inDims for ${args.length} arguments`, `${list.length}`);
  return list.map((d, i) => (d === null ? null : axisOf("vmap", d, args[i]!.ndim)));
}

function outAxes(outDim: number | readonly number[], count: number): readonly number[] {
  if (typeof outDim === "number") return new Array<number>(count).fill(outDim);
  if (outDim.length !== count) expected("ARGUMENT_INVALID", "vmap", `outDim for ${count} results`, `${outDim.length}`);
  return outDim;
}

function mappedSize(axes: readonly (number | null)[], args: readonly Tensor[]): number {
  const sizes = axes.flatMap((axis, i) => (axis === null ? [] : [args[i]!.shape[axis]!]));
  const size = sizes[0];
  if (size === undefined) expected("ARGUMENT_INVALID", "vmap", "at least one mapped argument", "none");
  if (sizes.some((s) => s !== size)) expected("SHAPE_MISMATCH", "vmap", "mapped dimensions of one size", sizes.join(" and "));
  return size;
}
