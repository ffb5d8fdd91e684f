/** @file Elementwise methods: arithmetic, functions, activations, comparisons, `where`, bits, casts. Shapes broadcast as in NumPy. */
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { DTYPE, type DType } from "../program/dtype.ts";
import { TensorBase } from "./base.ts";
import { floating, type Operand, pair } from "./operand.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Elementwise methods. Two operands broadcast and are promoted (bool < u8 < i32 < i64 < f32 < f64); a literal takes the tensor's dtype
 * where it fits. Functions of real numbers take integers as f32. @throws SHAPE_MISMATCH when shapes do not broadcast, DTYPE_MISMATCH when
 * dtypes do not promote, DTYPE_UNSUPPORTED
 */
export abstract class ElementwiseTensor extends TensorBase {
  private unary(f: (x: Expr) => Expr): Tensor {
    return this.derive(f(floating(this.expr)));
  }
  /** Integers are whole numbers already. */
  private rounded(f: (x: Expr) => Expr): Tensor {
    return DTYPE[this.dtype].integer ? this.derive(this.expr) : this.unary(f);
  }

  add(other: Operand): Tensor {
    return this.binary(op.add, "add", other);
  }
  sub(other: Operand): Tensor {
    return this.binary(op.sub, "sub", other);
  }
  mul(other: Operand): Tensor {
    return this.binary(op.mul, "mul", other);
  }
  /** True division: integers give f32. */
  div(other: Operand): Tensor {
    const [a, b] = pair("div", this.expr, other);
    return this.derive(op.div(floating(a), floating(b)));
  }
  /** C's remainder: the sign of the dividend. */
  fmod(other: Operand): Tensor {
    return this.binary(op.rem, "fmod", other);
  }
  /** Python's remainder: the sign of the divisor. */
  remainder(other: Operand): Tensor {
    const [a, b] = pair("remainder", this.expr, other);
    const r = op.rem(a, b);
    const zero = op.lit(r, 0);
    const wrong = op.bitAnd(op.ne(r, zero), op.ne(op.lt(r, zero), op.lt(b, zero)));
    return this.derive(op.where(wrong, op.add(r, b), r));
  }
  /** Power. The literal exponents 1, 2, 0.5 and -1 become products, square roots and reciprocals. */
  pow(exponent: Operand): Tensor {
    const x = this.expr;
    if (exponent === 1) return this.derive(op.mul(x, op.lit(x, 1)));
    if (exponent === 2) return this.derive(op.mul(x, x));
    if (exponent === 0.5) return this.sqrt();
    if (exponent === -1) return this.reciprocal();
    return this.binary(op.pow, "pow", exponent);
  }
  /** The larger one; NaN where one is. Ties share the gradient in halves. */
  maximum(other: Operand): Tensor {
    return this.binary(op.maximum, "maximum", other);
  }
  /** The smaller one; NaN where one is. */
  minimum(other: Operand): Tensor {
    return this.binary(op.minimum, "minimum", other);
  }
  neg(): Tensor {
    return this.derive(op.neg(this.expr));
  }
  abs(): Tensor {
    return this.derive(op.abs(this.expr));
  }
  /** -1, 0 or 1; NaN gives 0. */
  sign(): Tensor {
    return this.derive(op.sign(this.expr));
  }
  /** x². */
  square(): Tensor {
    return this.derive(op.mul(this.expr, this.expr));
  }
  exp(): Tensor {
    return this.unary(op.exp);
  }
  /** Natural logarithm: -∞ at 0, NaN below. */
  log(): Tensor {
    return this.unary(op.log);
  }
  /** NaN below 0. */
  sqrt(): Tensor {
    return this.unary(op.sqrt);
  }
  /** 1/√x: ∞ at 0, NaN below. */
  rsqrt(): Tensor {
    return this.unary(op.rsqrt);
  }
  /** 1/x. */
  reciprocal(): Tensor {
    return this.unary(op.reciprocal);
  }
  sin(): Tensor {
    return this.unary(op.sin);
  }
  cos(): Tensor {
    return this.unary(op.cos);
  }
  tanh(): Tensor {
    return this.unary(op.tanh);
  }
  /** 1/(1 + e^-x). */
  sigmoid(): Tensor {
    return this.unary(op.sigmoid);
  }
  erf(): Tensor {
    return this.unary(op.erf);
  }
  /** The integer below; integers stay. */
  floor(): Tensor {
    return this.rounded(op.floor);
  }
  /** The integer above; integers stay. */
  ceil(): Tensor {
    return this.rounded(op.ceil);
  }
  /** To the nearest integer, halves to even; integers stay. */
  round(): Tensor {
    return this.rounded(op.round);
  }

  /** max(0, x); gradient 0 at 0. */
  relu(): Tensor {
    return this.derive(op.relu(this.expr));
  }
  /** x Φ(x), or with `approximate: "tanh"` PyTorch's approximation. */
  gelu(options: { readonly approximate?: "none" | "tanh" } = {}): Tensor {
    return this.derive(op.gelu(this.expr, options.approximate === "tanh"));
  }
  /** x above 0, negativeSlope·x elsewhere. */
  leakyRelu(negativeSlope = 0.01): Tensor {
    return this.where(this.gt(0), this.mul(negativeSlope));
  }
  /** x·sigmoid(x). */
  silu(): Tensor {
    return this.mul(this.sigmoid());
  }
  /** log(1 + e^x) without overflow. By choices, not by relu and abs, whose gradients at 0 would add up to 0 instead of 1/2. */
  softplus(): Tensor {
    const positive = this.gt(0);
    const decay = this.neg().where(positive, this).exp();
    return this.where(positive, 0).add(this.derive(op.log1p(decay.expr)));
  }
  /** log(sigmoid(x)) without overflow. */
  logSigmoid(): Tensor {
    return this.neg().softplus().neg();
  }
  /** Limits values to [min, max]; the gradient passes at the limits, as in PyTorch. NaN stays. */
  clamp(min?: Operand, max?: Operand): Tensor {
    let y = this.derive(this.expr);
    if (min !== undefined) y = y.maskedFill(y.lt(min), min);
    if (max !== undefined) y = y.maskedFill(y.gt(max), max);
    return y;
  }

  /** Comparisons give bool; with NaN all but `ne` are false. */
  eq(other: Operand): Tensor {
    return this.binary(op.eq, "eq", other);
  }
  ne(other: Operand): Tensor {
    return this.binary(op.ne, "ne", other);
  }
  lt(other: Operand): Tensor {
    return this.binary(op.lt, "lt", other);
  }
  le(other: Operand): Tensor {
    return this.binary(op.le, "le", other);
  }
  gt(other: Operand): Tensor {
    return this.binary(op.gt, "gt", other);
  }
  ge(other: Operand): Tensor {
    return this.binary(op.ge, "ge", other);
  }
  /** bool. */
  isnan(): Tensor {
    return this.derive(op.ne(this.expr, this.expr));
  }
  /** Whether it is 0: bool, as are the three below, of any dtype. */
  logicalNot(): Tensor {
    return this.derive(op.bitNot(op.cast(this.expr, "bool")));
  }
  logicalAnd(other: TensorBase): Tensor {
    return this.derive(op.bitAnd(op.cast(this.expr, "bool"), op.cast(other.expr, "bool")));
  }
  logicalOr(other: TensorBase): Tensor {
    return this.derive(op.bitOr(op.cast(this.expr, "bool"), op.cast(other.expr, "bool")));
  }
  logicalXor(other: TensorBase): Tensor {
    return this.derive(op.bitXor(op.cast(this.expr, "bool"), op.cast(other.expr, "bool")));
  }
  /** This where `condition` (bool) holds, else `other`. */
  where(condition: TensorBase, other: Operand): Tensor {
    const [a, b] = pair("where", this.expr, other);
    return this.derive(op.where(condition.expr, a, b));
  }
  /** `other` where `mask` holds, else this. */
  maskedFill(mask: TensorBase, value: Operand): Tensor {
    const [a, b] = pair("maskedFill", this.expr, value);
    return this.derive(op.where(mask.expr, b, a));
  }

  /** Integers and bool; shifts by the width or more give 0, or the sign to the right. */
  bitwiseAnd(other: Operand): Tensor {
    return this.binary(op.bitAnd, "bitwiseAnd", other);
  }
  bitwiseOr(other: Operand): Tensor {
    return this.binary(op.bitOr, "bitwiseOr", other);
  }
  bitwiseXor(other: Operand): Tensor {
    return this.binary(op.bitXor, "bitwiseXor", other);
  }
  bitwiseNot(): Tensor {
    return this.derive(op.bitNot(this.expr));
  }
  bitwiseLeftShift(other: Operand): Tensor {
    return this.binary(op.shiftLeft, "bitwiseLeftShift", other);
  }
  bitwiseRightShift(other: Operand): Tensor {
    return this.binary(op.shiftRight, "bitwiseRightShift", other);
  }

  /** The values in another dtype; floats to integers truncate. */
  cast(dtype: DType): Tensor {
    return this.derive(op.cast(this.expr, dtype));
  }
  /** f32. */
  float(): Tensor {
    return this.cast("f32");
  }
  /** f64. */
  double(): Tensor {
    return this.cast("f64");
  }
  /** i32. */
  int(): Tensor {
    return this.cast("i32");
  }
  /** i64. */
  long(): Tensor {
    return this.cast("i64");
  }
  /** u8. */
  byte(): Tensor {
    return this.cast("u8");
  }
  /** Whether it is not 0. */
  bool(): Tensor {
    return this.cast("bool");
  }
  /** Whether the dtype is a floating-point one. */
  get isFloatingPoint(): boolean {
    return DTYPE[this.expr.dtype].float;
  }
}
