/** @file Gradient clipping, as `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_`: lazy, part of the Program that makes the step. */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import { abs, add, amax, cast, constant, div, lit, maximum, minimum, mul, neg, pow, sqrt, sum } from "../ops/emit.ts";
import { noGrad } from "../tensor/backward.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Parameters } from "./groups.ts";

/** Clipping in every `step`, of the optimizer's options. Both: values first, then the norm. */
export interface ClipOptions {
  /** Gradients are scaled down so that the norm of all of them together is at most this. */
  readonly clipNorm?: number;
  /** Every element of a gradient is cut to [-clipValue, clipValue]. */
  readonly clipValue?: number;
}

/** Throws ARGUMENT_INVALID unless the bound is a number of at least 0. */
export function checkClip(where: string, bound: number | undefined): void {
  if (bound !== undefined && !(typeof bound === "number" && bound >= 0))
    expected("ARGUMENT_INVALID", where, "a bound of at least 0", `${bound}`);
}

const everyAxis = (x: Expr): number[] => x.shape.map((_, i) => i);
const fold = (list: readonly Expr[], op: (a: Expr, b: Expr) => Expr): Expr => list.reduce((a, b) => op(a, b));

/** The p-norm of all values in all gradients; a scalar of the first one's dtype. */
export function normOf(grads: readonly Expr[], normType: number): Expr {
  const { dtype } = grads[0]!;
  const parts = grads.filter((g) => !g.shape.includes(0));
  if (parts.length === 0) return constant(dtype, 0);
  if (normType === Number.POSITIVE_INFINITY) {
    return fold(
      parts.map((g) => cast(amax(abs(g), everyAxis(g)), dtype)),
      maximum,
    );
  }
  const power = (g: Expr): Expr => (normType === 2 ? mul(g, g) : normType === 1 ? abs(g) : pow(abs(g), lit(g, normType)));
  const total = fold(
    parts.map((g) => cast(sum(power(g), everyAxis(g)), dtype)),
    add,
  );
  if (normType === 1) return total;
  return normType === 2 ? sqrt(total) : pow(total, constant(dtype, 1 / normType));
}

/** min(1, max / (norm + 1e-6)), PyTorch's factor. */
const factorFor = (norm: Expr, max: Expr): Expr => minimum(div(max, add(norm, lit(norm, 1e-6))), lit(norm, 1));

/** Gradients scaled to a norm of at most `max`, a public scalar. */
export function clippedByNorm(grads: readonly Expr[], max: (like: Expr) => Expr): { grads: Expr[]; norm: Expr } {
  const norm = normOf(grads, 2);
  const factor = factorFor(norm, max(norm));
  return { norm, grads: grads.map((g) => mul(g, cast(factor, g.dtype))) };
}

/** Values cut to [-max, max]; `max` is a public scalar. */
export const clippedByValue = (g: Expr, max: Expr): Expr => minimum(maximum(g, neg(max)), max);

const scalar = (value: number, like: Expr): Expr => Tensor.from([value], [], { dtype: like.dtype, public: true }).expr;

function withGrad(params: Parameters | Tensor): Tensor[] {
  const list =
    params instanceof Tensor ? [params] : "namedParameters" in params ? params.namedParameters().map(([, t]) => t) : [...params];
  return list.filter((t) => t.grad !== null);
}

/**
 * Between `backward()` and `step()`: scales the gradients of `params` (a module, parameters or one of them) in place so that their
 * norm together is at most `maxNorm`; returns the norm before, a lazy scalar. `normType` 2 unless said, Infinity for the largest value.
 * @throws ARGUMENT_INVALID
 */
export function clipGradNorm_(
  params: Parameters | Tensor,
  maxNorm: number,
  options: { readonly normType?: number } = {},
): Tensor {
  checkClip("clipGradNorm_", maxNorm);
  const { normType = 2 } = options;
  if (!(normType > 0)) expected("ARGUMENT_INVALID", "clipGradNorm_", "a normType above 0", `${normType}`);
  const owners = withGrad(params);
  if (owners.length === 0) return Tensor.from([0], [], { public: true });
  return noGrad(() => {
    const norm = normOf(
      owners.map((t) => t.grad!.expr),
      normType,
    );
    const factor = factorFor(norm, scalar(maxNorm, norm));
    for (const t of owners) t.grad = new Tensor(mul(t.grad!.expr, cast(factor, t.dtype)));
    return new Tensor(norm);
  });
}

/** Between `backward()` and `step()`: cuts every value of the gradients to [-clipValue, clipValue]. @throws ARGUMENT_INVALID */
export function clipGradValue_(params: Parameters | Tensor, clipValue: number): void {
  checkClip("clipGradValue_", clipValue);
  noGrad(() => {
    for (const t of withGrad(params)) t.grad = new Tensor(clippedByValue(t.grad!.expr, scalar(clipValue, t.grad!.expr)));
  });
}
