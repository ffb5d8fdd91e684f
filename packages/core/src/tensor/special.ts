/** @file Special functions and elementwise helpers: logarithms, trigonometry, gamma functions, rounding, finiteness, comparison of tensors. */
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { sameShape } from "../program/aval.ts";
import { DTYPE, type DType } from "../program/dtype.ts";
import type { TensorBase } from "./base.ts";
import { ElementwiseTensor } from "./elementwise.ts";
import { commonDType, floating, type Operand, pair } from "./operand.ts";
import type { Tensor } from "./tensor.ts";

export interface NanToNumOptions {
  /** Instead of NaN; 0 by default. */
  readonly nan?: number;
  /** Instead of ∞; the largest finite number by default. */
  readonly posinf?: number;
  readonly neginf?: number;
}
export interface CloseOptions {
  /** Default: 1e-5. */
  readonly rtol?: number;
  /** Default: 1e-8. */
  readonly atol?: number;
  /** Whether NaN equals NaN; default: false. */
  readonly equalNan?: boolean;
}

const LARGEST: Readonly<Partial<Record<DType, number>>> = { f32: 2 ** 128 - 2 ** 104, f64: Number.MAX_VALUE };
const isFloat = (x: Expr): boolean => DTYPE[x.dtype].float;
const truncated = (x: Expr): Expr => op.where(op.lt(x, op.lit(x, 0)), op.ceil(x), op.floor(x));
const flags = (x: Expr, value: boolean): Expr => op.expand(op.constant("bool", value), x.shape);

/** Both operands of a function of floats: integers become f32. */
function floats(where: string, a: Expr, other: Operand): [Expr, Expr] {
  return pair(
    where,
    floating(a),
    typeof other === "object" && !isFloat(other.expr) ? ({ ...other, expr: floating(other.expr) } as TensorBase) : other,
  );
}

/**
 * floor(a / b) of integers, which have no division of their own: three rounds of an f32 quotient of what is left (24 bits each, so that
 * 63 are exact), then one step towards a remainder of the divisor's sign.
 */
function integerQuotient(a: Expr, b: Expr): Expr {
  const f = (x: Expr): Expr => op.cast(x, "f32");
  let [q, rest] = [op.lit(a, 0), a];
  for (let k = 0; k < 3; k++) {
    q = op.add(q, op.cast(op.floor(op.div(f(rest), f(b))), a.dtype));
    rest = op.sub(a, op.mul(q, b));
  }
  const [zero, one] = [op.lit(a, 0), op.lit(a, 1)];
  const below = op.bitAnd(op.ne(rest, zero), op.ne(op.lt(rest, zero), op.lt(b, zero)));
  const above = op.bitAnd(op.bitNot(below), op.ge(op.abs(rest), op.abs(b)));
  return op.where(below, op.sub(q, one), op.where(above, op.add(q, one), q));
}

/** floor(a / b) of floats from the exact remainder: a quotient that is rounded first may reach the next integer. */
function floatQuotient(a: Expr, b: Expr): Expr {
  const zero = op.lit(a, 0);
  const rest = op.rem(a, b);
  const whole = op.div(op.sub(a, rest), b);
  const below = op.bitAnd(op.ne(rest, zero), op.ne(op.lt(rest, zero), op.lt(b, zero)));
  // The division of a multiple of b is off by less than half.
  const quotient = op.round(op.where(below, op.sub(whole, op.lit(a, 1)), whole));
  return op.where(op.eq(b, zero), op.div(a, b), quotient);
}

/** Special functions; broadcasting, dtypes and errors as in `ElementwiseTensor`. */
export abstract class SpecialTensor extends ElementwiseTensor {
  /** log(1 + x), exact to a few ulp also where x is tiny. */
  log1p(): Tensor {
    return this.derive(op.log1p(floating(this.expr)));
  }
  /** exp(x) - 1, exact to a few ulp also where x is tiny. */
  expm1(): Tensor {
    return this.derive(op.expm1(floating(this.expr)));
  }
  /** Logarithm to base 2; on the cpu device a product, within 2 ulp also at powers of two. */
  log2(): Tensor {
    return this.derive(op.log2(floating(this.expr)));
  }
  /** Logarithm to base 10. */
  log10(): Tensor {
    return this.derive(op.log10(floating(this.expr)));
  }
  /** 2^x. */
  exp2(): Tensor {
    const x = floating(this.expr);
    return this.derive(op.pow(op.lit(x, 2), x));
  }
  tan(): Tensor {
    return this.derive(op.tan(floating(this.expr)));
  }
  /** In [-π/2, π/2]; NaN outside of [-1, 1]. */
  asin(): Tensor {
    return this.derive(op.asin(floating(this.expr)));
  }
  /** In [0, π]; NaN outside of [-1, 1]. */
  acos(): Tensor {
    return this.derive(op.acos(floating(this.expr)));
  }
  /** In (-π/2, π/2). */
  atan(): Tensor {
    return this.derive(op.atan(floating(this.expr)));
  }
  /** The angle of the point (other, this), in (-π, π]. */
  atan2(other: Operand): Tensor {
    const [y, x] = floats("atan2", this.expr, other);
    return this.derive(op.atan2(y, x));
  }
  sinh(): Tensor {
    return this.derive(op.sinh(floating(this.expr)));
  }
  cosh(): Tensor {
    return this.derive(op.cosh(floating(this.expr)));
  }
  asinh(): Tensor {
    return this.derive(op.asinh(floating(this.expr)));
  }
  /** For x >= 1; NaN below. */
  acosh(): Tensor {
    return this.derive(op.acosh(floating(this.expr)));
  }
  /** For |x| < 1; ±∞ at ±1, NaN beyond. */
  atanh(): Tensor {
    return this.derive(op.atanh(floating(this.expr)));
  }
  /** Inverse of erf: ±∞ at ±1, NaN beyond. */
  erfinv(): Tensor {
    return this.derive(op.erfinv(floating(this.expr)));
  }
  /** 1 - erf(x), to a few ulp also where that is tiny. */
  erfc(): Tensor {
    return this.derive(op.erfc(floating(this.expr)));
  }
  /** log Γ(x) for x > 0; NaN for negative x. */
  lgamma(): Tensor {
    return this.derive(op.lgamma(floating(this.expr)));
  }
  /** Derivative of `lgamma`, for x > 0. */
  digamma(): Tensor {
    return this.polygamma(0);
  }
  /** The n-th derivative of `digamma`, n = 0 to 10, for x > 0. */
  polygamma(n: number): Tensor {
    return this.derive(op.polygamma(floating(this.expr), n));
  }
  /** log(x / (1 - x)). */
  logit(): Tensor {
    const x = floating(this.expr);
    return this.derive(op.sub(op.log(x), op.log1p(op.neg(x))));
  }
  /** this · log(other), 0 where this is 0 (then with the gradient log(other) all the same, where that is a number). */
  xlogy(other: Operand): Tensor {
    const [x, y] = floats("xlogy", this.expr, other);
    const finite = op.bitAnd(op.gt(y, op.lit(y, 0)), op.lt(y, op.lit(y, Number.POSITIVE_INFINITY)));
    const zero = op.bitAnd(op.bitAnd(op.eq(x, op.lit(x, 0)), op.eq(y, y)), op.bitNot(finite));
    return this.derive(op.where(zero, op.lit(x, 0), op.mul(x, op.log(op.where(zero, op.lit(y, 1), y)))));
  }
  /** log(exp(this) + exp(other)) without overflow. */
  logaddexp(other: Operand): Tensor {
    const [a, b] = floats("logaddexp", this.expr, other);
    // By choice of the larger, not by its distance |a - b|, whose slope at a = b is 0: second derivatives there would be 0, not 1/4.
    const above = op.bitOr(op.ge(a, b), op.ne(a, a));
    const [large, small] = [op.where(above, a, b), op.where(above, b, a)];
    // The difference of equal infinities is NaN.
    const same = op.bitAnd(op.eq(a, b), op.eq(op.abs(a), op.lit(a, Number.POSITIVE_INFINITY)));
    const gap = op.where(same, op.lit(a, 0), op.sub(small, large));
    return this.derive(op.add(large, op.log1p(op.exp(gap))));
  }

  /** Towards zero. */
  trunc(): Tensor {
    return this.derive(isFloat(this.expr) ? truncated(this.expr) : this.expr);
  }
  /** What `trunc` cuts off, with the sign of x. */
  frac(): Tensor {
    const x = floating(this.expr);
    return this.derive(op.sub(x, truncated(x)));
  }
  /** floor(this / other), as Python's `//`: 1 // 0.1 is 9, for 0.1 is a little more than a tenth. */
  floorDivide(other: Operand): Tensor {
    const [a, b] = pair("floorDivide", this.expr, other);
    return this.derive((isFloat(a) ? floatQuotient : integerQuotient)(a, b));
  }
  /** bool: neither infinite nor NaN. */
  isfinite(): Tensor {
    const x = this.expr;
    return this.derive(isFloat(x) ? op.lt(op.abs(x), op.lit(x, Number.POSITIVE_INFINITY)) : flags(x, true));
  }
  /** bool. */
  isinf(): Tensor {
    const x = this.expr;
    return this.derive(isFloat(x) ? op.eq(op.abs(x), op.lit(x, Number.POSITIVE_INFINITY)) : flags(x, false));
  }
  /** Finite numbers instead of NaN and infinities. */
  nanToNum(options: NanToNumOptions = {}): Tensor {
    const x = this.expr;
    if (!isFloat(x)) return this.derive(x);
    const most = LARGEST[x.dtype]!;
    const { nan = 0, posinf = most, neginf = -most } = options;
    const at = (value: number): Expr => op.lit(x, value);
    const finite = op.where(op.eq(x, at(Number.NEGATIVE_INFINITY)), at(neginf), op.where(op.ne(x, x), at(nan), x));
    return this.derive(op.where(op.eq(x, at(Number.POSITIVE_INFINITY)), at(posinf), finite));
  }
  /** √(this² + other²) without overflow on the way. */
  hypot(other: Operand): Tensor {
    const [a, b] = floats("hypot", this.expr, other);
    const larger = this.derive(op.maximum(op.abs(a), op.abs(b))).detach();
    const bad = larger.eq(0).logicalOr(larger.isinf());
    const scale = larger.maskedFill(bad, 1).expr;
    const square = (x: Expr): Expr => op.mul(op.div(x, scale), op.div(x, scale));
    return this.derive(op.mul(op.sqrt(op.add(square(a), square(b))), scale));
  }
  /** this + weight · (end - this). */
  lerp(end: Operand, weight: Operand): Tensor {
    const [a, b] = pair("lerp", this.expr, end);
    const gap = this.derive(op.sub(b, a));
    // From the nearer end, so that both ends are exact.
    if (typeof weight === "number" && weight >= 0.5) return this.derive(b).sub(gap.mul(1 - weight));
    return this.derive(a).add(gap.mul(weight));
  }
  /** this + value · a · b. */
  addcmul(a: Tensor, b: Operand, options: { readonly value?: number } = {}): Tensor {
    return this.derive(this.expr).add(scaled(a.mul(b), options.value));
  }
  /** this + value · a / b. */
  addcdiv(a: Tensor, b: Operand, options: { readonly value?: number } = {}): Tensor {
    return this.derive(this.expr).add(scaled(a.div(b), options.value));
  }

  /** Whether |this - other| <= atol + rtol·|other|, elementwise; equal infinities are close. */
  isclose(other: Tensor, options: CloseOptions = {}): Tensor {
    const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
    const dtype = commonDType("isclose", this.expr, other.expr);
    const [a, b] = [this.derive(op.cast(this.expr, dtype)), this.derive(op.cast(other.expr, dtype))];
    if (!DTYPE[dtype].float) return a.eq(b);
    const near = a.sub(b).abs().le(b.abs().mul(rtol).add(atol)).logicalAnd(b.isfinite());
    const close = near.logicalOr(a.eq(b));
    return equalNan ? close.logicalOr(a.isnan().logicalAnd(b.isnan())) : close;
  }
  /** Whether all elements are close; computes. @throws DEVICE_SECRET where the values are secret */
  async allclose(other: Tensor, options: CloseOptions = {}): Promise<boolean> {
    return (await this.isclose(other, options).all().item()) === 1;
  }
  /** Whether shapes and all elements are equal; computes. @throws DEVICE_SECRET where the values are secret */
  async equal(other: Tensor): Promise<boolean> {
    return sameShape(this.shape, other.shape) && (await this.eq(other).all().item()) === 1;
  }
}

const scaled = (x: Tensor, value: number | undefined): Tensor => (value === undefined ? x : x.mul(value));
