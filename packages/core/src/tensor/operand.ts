/** @file Operands of elementwise methods: numbers become literals, dtypes are promoted as PyTorch promotes them. */
import { expected, kindOf } from "../errors.ts";
import { Expr } from "../expr.ts";
import { cast, constant } from "../ops/emit.ts";
import { DTYPE, type DType, promote } from "../program/dtype.ts";
import type { TensorBase } from "./base.ts";

/** A tensor, or a literal that takes the dtype of the other operand. */
export type Operand = TensorBase | number | bigint | boolean;

/** PyTorch's categories: a scalar tensor does not change the dtype of one with dimensions within a category. */
const category = (d: DType): number => (DTYPE[d].float ? 2 : DTYPE[d].integer ? 1 : 0);

/** The dtype in which `a` meets `b`. */
export function commonDType(where: string, a: Expr, b: Expr): DType {
  if (a.dtype === b.dtype) return a.dtype;
  const scalarA = a.shape.length === 0;
  if (scalarA !== (b.shape.length === 0)) {
    const [scalar, full] = scalarA ? [a, b] : [b, a];
    if (category(scalar.dtype) <= category(full.dtype)) return full.dtype;
  }
  const common = promote(a.dtype, b.dtype);
  if (common === undefined)
    expected("DTYPE_MISMATCH", where, "dtypes that promote", `${a.dtype} and ${b.dtype}`, "cast one with to(dtype)");
  return common;
}

/** The dtype of a literal beside a tensor of dtype `d`: that of the tensor, unless the literal does not fit its category. */
function literalDType(d: DType, value: number | bigint | boolean): DType {
  if (DTYPE[d].float || typeof value === "boolean") return d;
  if (typeof value === "number" && !Number.isInteger(value)) return "f32";
  return d === "bool" ? "i32" : d;
}

/** Plain JavaScript gets here with an array, a promise or nothing. */
function notOperand(where: string, other: unknown): never {
  const hint = other instanceof Promise ? "await it" : "tensor(values) makes one of an array";
  return expected("ARGUMENT_INVALID", where, "a tensor or a number", kindOf(other), hint);
}

/** Both operands as Exprs of one dtype. */
export function pair(where: string, a: Expr, other: Operand): [Expr, Expr] {
  if (typeof other !== "object") {
    if (other === undefined || typeof other === "string") notOperand(where, other);
    const dtype = literalDType(a.dtype, other);
    return [cast(a, dtype), constant(dtype, other)];
  }
  const b = (other as TensorBase | null)?.expr;
  if (!(b instanceof Expr)) notOperand(where, other);
  if (a.dtype === b.dtype) return [a, b];
  const dtype = commonDType(where, a, b);
  return [cast(a, dtype), cast(b, dtype)];
}

/** Integers and bool as f32, as PyTorch's float functions take them. */
export const floating = (x: Expr): Expr => (DTYPE[x.dtype].float ? x : cast(x, "f32"));
