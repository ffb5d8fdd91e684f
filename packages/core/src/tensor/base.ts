/** @file TensorBase: what every family of Tensor methods stands on: the handle, its Expr, and how results are made. */
import type { Device } from "../device/device.ts";
import type { Expr } from "../expr.ts";
import type { Shape } from "../program/aval.ts";
import type { DType } from "../program/dtype.ts";
import { suspectBroadcast } from "./broadcast.ts";
import { type Operand, pair } from "./operand.ts";
import type { Tensor } from "./tensor.ts";

/** A handle on an Expr. The families below add the methods; `Tensor` is the class that people use. */
export abstract class TensorBase {
  /** The value's node in the lazy graph. */
  expr: Expr;

  constructor(expr: Expr) {
    this.expr = expr;
  }

  get shape(): Shape {
    return this.expr.shape;
  }

  get dtype(): DType {
    return this.expr.dtype;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.expr.shape.length;
  }

  /** Number of elements. */
  get numel(): number {
    let n = 1;
    for (const d of this.expr.shape) n *= d;
    return n;
  }

  /** Where the value lives, or will be computed. */
  abstract get device(): Device;

  /** A Tensor on the result of an op. */
  protected abstract derive(expr: Expr): Tensor;

  /** A binary op after PyTorch's type promotion. */
  protected binary(op: (a: Expr, b: Expr) => Expr, where: string, other: Operand): Tensor {
    const [a, b] = pair(where, this.expr, other);
    if (a.shape.length !== b.shape.length) suspectBroadcast(where, a, b);
    return this.derive(op(a, b));
  }
}
