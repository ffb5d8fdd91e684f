/** @file Derivatives of functions with results of any shape: vjp, jvp, jacrev, hessian, hvp. Made of backward passes and vmap. */
import { expected } from "../errors.ts";
import { gradMode } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { sameShape, showAval, sizeOf } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";
import { axisOf } from "./axes.ts";
import { enableGrad, gradientsOf } from "./backward.ts";
import { Tensor } from "./tensor.ts";
import { cleaned, grad, recorded, type TensorFunction, vmap } from "./transforms.ts";

/** The value of `fn` and its pullback: the gradients of Σ value · weight by the arguments at `argnums`. */
function pullback(
  where: string,
  fn: TensorFunction,
  argnums: readonly number[],
  args: readonly Tensor[],
): readonly [Tensor, (weight: Tensor) => Tensor[]] {
  const createGraph = gradMode.enabled;
  return enableGrad(() => {
    const inputs = args.map((a, i) => (argnums.includes(i) ? recorded(where, a) : a));
    const value = fn(...inputs);
    if (!DTYPE[value.dtype].float) expected("DTYPE_UNSUPPORTED", where, "a float result", showAval(value));
    const wrt = argnums.map((i) => inputs[i]!.expr);
    const pull = (weight: Tensor): Tensor[] => {
      checkLike(where, weight, value);
      const grads = value.requiresGrad ? gradientsOf(value.expr, weight.expr, wrt, { createGraph }) : wrt.map(() => null);
      return grads.map((g, i) => cleaned(new Tensor(g ?? op.zeros(wrt[i]!)), [...args, weight]));
    };
    return [value, pull];
  });
}

function checkLike(where: string, x: Tensor, like: Tensor): void {
  if (!sameShape(x.shape, like.shape) || x.dtype !== like.dtype) expected("SHAPE_MISMATCH", where, showAval(like), showAval(x));
}

/**
 * The value of `fn` and a function that maps a weight of its shape to the gradients of Σ value · weight by every argument. As
 * `torch.func.vjp`. @throws DTYPE_UNSUPPORTED unless arguments and result are floats
 */
export function vjp(fn: TensorFunction, ...args: readonly Tensor[]): [value: Tensor, pull: (weight: Tensor) => Tensor[]] {
  const [value, pull] = pullback(
    "vjp",
    fn,
    args.map((_, i) => i),
    args,
  );
  return [cleaned(value, args), pull];
}

/** The value of `fn` at x and its derivative in a direction, by the gradient of a pullback, which is linear. As `torch.func.jvp`. */
export function jvp(fn: (x: Tensor) => Tensor, x: Tensor, direction: Tensor): [value: Tensor, slope: Tensor] {
  checkLike("jvp", direction, x);
  return enableGrad(() => {
    const input = recorded("jvp", x);
    const value = fn(input);
    const weight = recorded("jvp", new Tensor(op.zeros(value.expr)));
    const slope = (): Tensor | null => {
      if (!value.requiresGrad) return null;
      const [pulled] = gradientsOf(value.expr, weight.expr, [input.expr], { createGraph: true });
      if (!pulled?.requiresGrad) return null;
      const [pushed] = gradientsOf(pulled, direction.expr, [weight.expr], { createGraph: true });
      return pushed ? new Tensor(pushed) : null;
    };
    const args = [x, direction];
    return [cleaned(value, args), cleaned(slope() ?? new Tensor(op.zeros(value.expr)), args)];
  });
}

/**
 * A function that returns the Jacobian of `fn` by the argument at `argnum`: [...shape of the result, ...shape of the argument]. One
 * backward pass, mapped over the elements of the result. As `torch.func.jacrev`.
 */
export function jacrev(fn: TensorFunction, argnum = 0): TensorFunction {
  return (...args) => {
    const at = axisOf("jacrev", argnum, args.length);
    const [value, pull] = pullback("jacrev", fn, [at], args);
    const n = sizeOf(value.shape);
    const unit = op.eq(op.iota("i32", 0, [n, n]), op.iota("i32", 1, [n, n]));
    const basis = new Tensor(op.reshape(op.cast(unit, value.dtype), [n, ...value.shape]));
    const rows = vmap((weight) => pull(weight)[0]!)(basis);
    return rows.reshape([...value.shape, ...args[at]!.shape]);
  };
}

/** A function that returns the second derivatives of `fn` (of one element) by the argument at `argnum`: [...shape, ...shape]. */
export function hessian(fn: TensorFunction, argnum = 0): TensorFunction {
  return jacrev(grad(fn, argnum), argnum);
}

/** Hessian of `fn` (of one element) at x times v, without the Hessian: the pullback of the gradient, for the Hessian is symmetric. */
export function hvp(fn: (x: Tensor) => Tensor, x: Tensor, v: Tensor): Tensor {
  return pullback("hvp", grad(fn), [0], [x])[1](v)[0]!;
}
