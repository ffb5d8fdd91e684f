/** @file Gradients of the elementwise ops, in terms of other ops. Arguments that were broadcast get their sums. */
import type { Expr } from "../../expr.ts";
import {
  abs as absolute,
  bitAnd,
  cast as convert,
  cos as cosine,
  eq,
  erf as erfOf,
  exp as expOf,
  floor,
  reluGrad as gate,
  ge,
  gt,
  sub as less,
  lit,
  log as logOf,
  lt,
  neg as minus,
  div as over,
  add as plus,
  pow as power,
  where as select,
  sign,
  sin as sine,
  sumTo,
  tanh as tanhOf,
  mul as times,
  zeros,
} from "../emit.ts";
import type { GradContext, OpRow } from "../row.ts";
import { GELU_TANH_CUBIC, SQRT_2_OVER_PI, SQRT_HALF } from "./scalar.ts";

type Grad = NonNullable<OpRow["grad"]>;

const square = (x: Expr): Expr => times(x, x);

/** A unary rule: the gradient is g times a factor, made from the argument and the result. */
const factor =
  (f: (x: Expr, out: Expr) => Expr): Grad =>
  ({ args, out, grad }) => [times(grad, f(args[0]!, out))];

/** A binary rule: each side made only where needed, then summed back to its argument's shape. */
function sides({ args, needs }: GradContext, a: () => Expr, b: () => Expr): (Expr | null)[] {
  return [needs(0) ? sumTo(a(), args[0]!.shape) : null, needs(1) ? sumTo(b(), args[1]!.shape) : null];
}

export const neg: Grad = ({ grad }) => [minus(grad)];
export const abs: Grad = factor((x) => sign(x));
export const exp: Grad = factor((_, y) => y);
export const log: Grad = ({ args, grad }) => [over(grad, args[0]!)];
export const sqrt: Grad = ({ out, grad }) => [over(grad, plus(out, out))];
export const rsqrt: Grad = factor((x, y) => times(lit(x, -0.5), times(y, square(y))));
export const reciprocal: Grad = factor((_, y) => minus(square(y)));
export const sin: Grad = factor((x) => cosine(x));
export const cos: Grad = factor((x) => minus(sine(x)));
export const tanh: Grad = factor((x, y) => less(lit(x, 1), square(y)));
export const sigmoid: Grad = factor((x, y) => times(y, less(lit(x, 1), y)));
export const erf: Grad = factor((x) => times(lit(x, 2 / Math.sqrt(Math.PI)), expOf(minus(square(x)))));
/** floor, ceil, round, sign: zero almost everywhere, and PyTorch gives zeros, not nothing. */
export const flat: Grad = ({ args }) => [zeros(args[0]!)];
export const relu: Grad = ({ out, grad }) => [gate(grad, out)];

/** Linear in g; the step in y has no gradient. */
export const reluGrad: Grad = (c) => [c.needs(0) ? sumTo(gate(c.grad, c.args[1]!), c.args[0]!.shape) : null, null];

/** d/dx x·Φ(x) = Φ(x) + x·φ(x); for the tanh form with u = √(2/π)(x + c·x³): ½(1 + t) + ½x(1 - t²)u'. */
export const gelu: Grad = ({ args, attrs, grad }) => {
  const x = args[0]!;
  const half = lit(x, 0.5);
  const one = lit(x, 1);
  if (attrs[0] === 0) {
    const cumulative = times(half, plus(one, erfOf(times(x, lit(x, SQRT_HALF)))));
    const density = times(lit(x, 1 / Math.sqrt(2 * Math.PI)), expOf(times(lit(x, -0.5), square(x))));
    return [times(grad, plus(cumulative, times(x, density)))];
  }
  const scale = lit(x, SQRT_2_OVER_PI);
  const t = tanhOf(times(times(scale, x), plus(one, times(lit(x, GELU_TANH_CUBIC), square(x)))));
  const slope = times(scale, plus(one, times(lit(x, 3 * GELU_TANH_CUBIC), square(x))));
  const bend = times(times(times(half, x), less(one, square(t))), slope);
  return [times(grad, plus(times(half, plus(one, t)), bend))];
};

export const add: Grad = (c) =>
  sides(
    c,
    () => c.grad,
    () => c.grad,
  );
export const sub: Grad = (c) =>
  sides(
    c,
    () => c.grad,
    () => minus(c.grad),
  );
export const mul: Grad = (c) =>
  sides(
    c,
    () => times(c.grad, c.args[1]!),
    () => times(c.grad, c.args[0]!),
  );
export const div: Grad = (c) =>
  sides(
    c,
    () => over(c.grad, c.args[1]!),
    () => minus(times(c.grad, over(c.out, c.args[1]!))),
  );

/** a - b·trunc(a/b) */
export const rem: Grad = (c) =>
  sides(
    c,
    () => c.grad,
    () => {
      const q = over(c.args[0]!, c.args[1]!);
      return minus(times(c.grad, times(sign(q), floor(absolute(q)))));
    },
  );

/** The base is replaced by 1 at the corners where b·a^(b-1) or log a would be 0·∞; the product there is 0 all the same. */
export const pow: Grad = (c) => {
  const [a, b] = c.args as [Expr, Expr];
  const zeroA = eq(a, lit(a, 0));
  return sides(
    c,
    () => {
      const base = select(bitAnd(zeroA, eq(b, lit(b, 0))), lit(a, 1), a);
      return times(c.grad, times(b, power(base, less(b, lit(b, 1)))));
    },
    () => times(c.grad, times(c.out, logOf(select(bitAnd(zeroA, ge(b, lit(b, 0))), lit(a, 1), a)))),
  );
};

/** Ties share the gradient in halves, as PyTorch. */
function extremum(c: GradContext, wins: (a: Expr, b: Expr) => Expr): (Expr | null)[] {
  const [a, b] = c.args as [Expr, Expr];
  const zero = lit(c.grad, 0);
  const half = times(c.grad, lit(c.grad, 0.5));
  const side = (p: Expr, q: Expr): Expr => select(eq(p, q), half, select(wins(p, q), c.grad, zero));
  return sides(
    c,
    () => side(a, b),
    () => side(b, a),
  );
}
export const maximum: Grad = (c) => extremum(c, gt);
export const minimum: Grad = (c) => extremum(c, lt);

export const where: Grad = (c) => {
  const zero = lit(c.grad, 0);
  const [condition, a, b] = c.args as [Expr, Expr, Expr];
  return [
    null,
    c.needs(1) ? sumTo(select(condition, c.grad, zero), a.shape) : null,
    c.needs(2) ? sumTo(select(condition, zero, c.grad), b.shape) : null,
  ];
};

/** Between float types only; a gradient never reaches an integer. */
export const cast: Grad = ({ args, grad }) => [convert(grad, args[0]!.dtype)];
