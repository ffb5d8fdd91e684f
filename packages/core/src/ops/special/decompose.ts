/** @file The special functions in terms of the elementary ones, for devices without kernels of their own. */
import type { Expr } from "../../expr.ts";
import {
  abs,
  add,
  atan,
  bitAnd,
  bitOr,
  cos,
  div,
  eq,
  exp,
  expm1,
  gt,
  lit,
  log,
  log1p,
  lt,
  minimum,
  mul,
  neg,
  reciprocal,
  sign,
  sin,
  sqrt,
  sub,
  where,
} from "../emit.ts";
import { BERNOULLI, factorial, polygammaTerm, SHIFT } from "./scalar.ts";

type Composite = (args: readonly Expr[], attrs: readonly number[]) => Expr;
type Unary = (x: Expr) => Expr;
const of =
  (f: Unary): Composite =>
  ([x]) =>
    f(x!);

/** From here on x² would overflow in f32, and log(x) + log 2 is the answer to all digits. */
const HUGE = 1e9;
const doubled: Unary = (x) => add(log(x), lit(x, Math.LN2));

export const log1pDecompose: Composite = of((x) => log(add(x, lit(x, 1))));
export const expm1Decompose: Composite = of((x) => sub(exp(x), lit(x, 1)));
export const log2Decompose: Composite = of((x) => mul(log(x), lit(x, Math.LOG2E)));
export const log10Decompose: Composite = of((x) => mul(log(x), lit(x, Math.LOG10E)));
export const tanDecompose: Composite = of((x) => div(sin(x), cos(x)));
/** 1 - x² as a product of differences that are exact near 1. */
export const asinDecompose: Composite = of((x) => atan(div(x, sqrt(mul(sub(lit(x, 1), x), add(lit(x, 1), x))))));
/** 2 atan √((1-x)/(1+x)): keeps its digits near 1, where π/2 - asin would lose them. */
export const acosDecompose: Composite = of((x) => mul(lit(x, 2), atan(sqrt(div(sub(lit(x, 1), x), add(lit(x, 1), x))))));
export const sinhDecompose: Composite = of((x) => mul(lit(x, 0.5), sub(expm1(x), expm1(neg(x)))));
export const coshDecompose: Composite = of((x) => mul(lit(x, 0.5), add(exp(x), exp(neg(x)))));

/** sign(x) log1p(a + a²/(1 + √(1 + a²))): nothing cancels. */
export const asinhDecompose: Composite = of((x) => {
  const [a, one, huge] = [abs(x), lit(x, 1), lit(x, HUGE)];
  const b = minimum(a, huge);
  const near = log1p(add(b, mul(b, div(b, add(one, sqrt(add(one, mul(b, b))))))));
  return mul(sign(x), where(gt(a, huge), doubled(a), near));
});

/** log1p(t + √t·√(t + 2)), t = x - 1: below 1 a root is NaN, while a product of two negative numbers would have one. */
export const acoshDecompose: Composite = of((x) => {
  const huge = lit(x, HUGE);
  const t = sub(minimum(x, huge), lit(x, 1));
  return where(gt(x, huge), doubled(x), log1p(add(t, mul(sqrt(t), sqrt(add(t, lit(x, 2)))))));
});

export const atanhDecompose: Composite = of((x) => mul(lit(x, 0.5), sub(log1p(x), log1p(neg(x)))));

/** Chebyshev coefficients of log(erfc(a)·e^(a²)/t) in 2t - 1, t = 2/(2 + a): computed with 40 digits. */
const ERFC: readonly number[] = [
  -0.6513268598908547, 0.6419697923564902, 0.019476473204185836, -0.009561514786808632, -0.0009465953444820369,
  0.00036683949785276145, 4.252332480690777e-5, -2.0278578112534242e-5, -1.6242900046470254e-6, 1.3036558355805232e-6,
  1.5626441722066142e-8, -8.523809591492654e-8, 6.5290544390988515e-9, 5.059343495551469e-9, -9.91364156493033e-10,
  -2.273651222931836e-10, 9.646791102015527e-11, 2.3940380830391146e-12, -6.886027526497553e-12, 8.944879273090725e-13,
  3.130921399342958e-13, -1.1270822361367252e-13, 3.810905255189232e-16, 7.106097613609237e-15, -1.5230282014571043e-15,
  -9.457494571291233e-17,
];
/** erfc is 0 from here on, in f64 too. */
const NO_MORE = 28;

/** Clenshaw's sum of c_k T_k(u). */
function chebyshev(u: Expr, c: readonly number[]): Expr {
  const twice = add(u, u);
  let [b, after] = [lit(u, c.at(-1)!), lit(u, 0)];
  for (let k = c.length - 2; k >= 1; k--) [b, after] = [add(sub(mul(twice, b), after), lit(u, c[k]!)), b];
  return add(sub(mul(u, b), after), lit(u, c[0]!));
}

/**
 * t e^(-a² + P(2t - 1)) for a = |x|, its complement to 2 below 0. a² would lose digits that the exponential sees: of a = h + l the half
 * h of the digits (Veltkamp's splitting) has an exact square.
 */
export const erfcDecompose: Composite = of((x) => {
  const a = minimum(abs(x), lit(x, NO_MORE));
  const t = reciprocal(add(lit(x, 1), mul(a, lit(x, 0.5))));
  const p = chebyshev(sub(add(t, t), lit(x, 1)), ERFC);
  const spread = mul(a, lit(x, x.dtype === "f64" ? 2 ** 27 + 1 : 2 ** 12 + 1));
  const h = sub(spread, sub(spread, a));
  const rest = sub(p, mul(sub(a, h), add(a, h)));
  const y = mul(t, mul(exp(neg(mul(h, h))), exp(rest)));
  return where(lt(x, lit(x, 0)), sub(lit(x, 2), y), y);
});

/** Below zero, or the negative zero, whose reciprocal is -∞. */
const negative: Unary = (x) => bitOr(lt(x, lit(x, 0)), lt(reciprocal(x), lit(x, 0)));

/** The angle of (x, y) from the quotient of their magnitudes, turned into the quadrant; equal magnitudes also of zeros and infinities. */
export const atan2Decompose: Composite = ([y, x]) => {
  const [a, b] = [abs(y!), abs(x!)];
  const zero = lit(a, 0);
  const ratio = where(eq(a, b), where(bitAnd(eq(a, zero), eq(b, zero)), zero, lit(a, 1)), div(a, b));
  const first = atan(ratio);
  const upper = where(negative(x!), sub(lit(a, Math.PI), first), first);
  return where(negative(y!), neg(upper), upper);
};

/** The argument moved up by SHIFT where it is below, and whether it was. */
function shifted(x: Expr): { readonly small: Expr; readonly z: Expr; readonly low: Expr } {
  const shift = lit(x, SHIFT);
  const small = lt(x, shift);
  return { small, z: where(small, add(x, shift), x), low: where(small, x, lit(x, 1)) };
}

/** Σ c_k w^k by Horner's rule, w = 1/z². */
function series(z: Expr, coefficients: readonly number[]): Expr {
  const w = reciprocal(mul(z, z));
  return coefficients.reduceRight<Expr | null>((sum, c) => (sum === null ? lit(z, c) : add(mul(sum, w), lit(z, c))), null)!;
}

/** NaN for x < 0 (the functions are defined here for x > 0), +∞ times `sign` at 0. */
function onPositive(x: Expr, y: Expr, atZero: number): Expr {
  return where(gt(x, lit(x, 0)), y, where(eq(x, lit(x, 0)), lit(x, atZero), lit(x, Number.NaN)));
}

/** Chebyshev coefficients of log Γ(u + 2)/((u + 1)·u) on [-1, 1]: computed with 40 digits. */
const LGAMMA: readonly number[] = [
  0.44148902545501423, -0.11119580321752523, 0.01951044826068884, -0.003922461463025264, 0.0008478989895953857,
  -0.00019153855341365593, 4.454470184975607e-5, -1.05728743735943e-5, 2.5474336873408417e-6, -6.208535880776316e-7,
  1.5268677399071546e-7, -3.782637660291326e-8, 9.428100823624284e-9, -2.361999702184645e-9, 5.943541905817546e-10,
  -1.501312977072867e-10, 3.8050196458110534e-11, -9.672485299656325e-12, 2.465348198355661e-12, -6.298868140791711e-13,
  1.6128460030283787e-13, -4.137949206814042e-14, 1.0635701227757898e-14, -2.7382420786652826e-15, 7.060670507214892e-16,
  -1.8232177141662118e-16,
];

/** log Γ(x) below 3, with its digits beside its zeros at 1 and 2: log Γ(e + 1) for e = x - 1, or for e = x, less log x, below 1. */
function lgammaNear(x: Expr): Expr {
  const one = lit(x, 1);
  const below = lt(x, one);
  const e = where(below, x, sub(minimum(x, lit(x, 3)), one));
  const u = sub(e, one);
  return sub(mul(mul(e, u), chebyshev(u, LGAMMA)), log(where(below, x, one)));
}

export const lgammaDecompose: Composite = of((x) => {
  const { small, z, low } = shifted(x);
  let product = low;
  for (let k = 1; k < SHIFT; k++) product = mul(product, add(low, lit(x, k)));
  const below = where(small, log(product), lit(x, 0));
  const tail = series(
    z,
    BERNOULLI.map((b, i) => b / (2 * (i + 1) * (2 * i + 1))),
  );
  const main = sub(mul(sub(z, lit(x, 0.5)), log(z)), z);
  const y = sub(add(add(main, lit(x, 0.5 * Math.log(2 * Math.PI))), div(tail, z)), below);
  const large = where(eq(x, lit(x, Number.POSITIVE_INFINITY)), x, y); // ∞ - ∞ of an infinite argument
  return onPositive(x, where(lt(x, lit(x, 3)), lgammaNear(x), large), Number.POSITIVE_INFINITY);
});

function integerPower(x: Expr, n: number): Expr {
  let y = x;
  for (let k = 1; k < n; k++) y = mul(y, x);
  return y;
}

export const polygammaDecompose: Composite = ([x], [n]) => {
  const order = n!;
  const flip = order % 2 === 0 ? -1 : 1;
  const { small, z, low } = shifted(x!);
  const inverse = reciprocal(z);
  let below = lit(low, 0);
  for (let k = 0; k < SHIFT; k++) below = add(below, integerPower(reciprocal(add(low, lit(low, k))), order + 1));
  const scaled = where(small, mul(below, lit(low, factorial(order))), lit(low, 0));
  const lead = order === 0 ? neg(log(z)) : mul(lit(z, factorial(order - 1)), integerPower(inverse, order));
  const half = mul(lit(z, factorial(order) / 2), integerPower(inverse, order + 1));
  const tail = mul(
    series(
      z,
      BERNOULLI.map((_, i) => polygammaTerm(order, i + 1)),
    ),
    integerPower(inverse, order + 2),
  );
  const sum = add(add(lead, half), add(tail, scaled));
  return onPositive(x!, flip < 0 ? neg(sum) : sum, flip * Number.POSITIVE_INFINITY);
};
