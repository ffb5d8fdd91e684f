/** @file Parameter and Buffer: the tensors that a Module owns. Parameters learn by gradients, buffers are set by `forward`. */
import type { Device } from "../device/device.ts";
import { realizeExprs } from "../engine/engine.ts";
import { track } from "../engine/sinks.ts";
import { expected } from "../errors.ts";
import { Expr } from "../expr.ts";
import { sameShape, showAval } from "../program/aval.ts";
import type { DType, TypedArray } from "../program/dtype.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Where and in which dtype a layer keeps its parameters: the default device and f32 unless said. */
export interface PlaceOptions {
  readonly device?: Device;
  readonly dtype?: "f32" | "f64";
}

/** An Expr of its own on the value of `data`: the same storage for a leaf, as in PyTorch. */
function ownExpr(data: Tensor): Expr {
  const e = data.detach().expr;
  return e.leaf === null ? data.detach().clone().expr : new Expr(null, [], [], e, e.leaf);
}

/** A tensor that a module learns: `requiresGrad` is on, and `parameters()` finds it. */
export class Parameter extends Tensor {
  constructor(data: Tensor) {
    super(ownExpr(data));
    this.requiresGrad_();
  }
}

/** A parameter with the value of `data`. Throws DTYPE_UNSUPPORTED unless it is a float. */
export const parameter = (data: Tensor): Parameter => new Parameter(data);

/** Buffers whose new value is not computed yet: an optimizer's step computes them with the loss. */
const waiting = new Set<Buffer>();
/** A longer chain of new values, each from the last, is computed on the way: it holds the batches that it came from. */
const MAX_CHAIN = 8;

/** A tensor that belongs to the state of a module but is not learned: running means, counters. */
export class Buffer extends Tensor {
  private chain = 0;

  constructor(data: Tensor) {
    super(ownExpr(data));
  }

  /**
   * From now on the buffer stands for `next`, as an assignment in place would. Lazy: computed by the next optimizer step, or when read.
   * @throws SHAPE_MISMATCH
   */
  update(next: Tensor): void {
    if (!sameShape(next.shape, this.shape) || next.dtype !== this.dtype) {
      expected("SHAPE_MISMATCH", "buffer", showAval(this), showAval(next));
    }
    this.chain = this.expr.leaf === null ? this.chain + 1 : 1;
    this.expr = next.detach().expr;
    if (this.expr.leaf !== null) return;
    track(this);
    waiting.add(this);
    if (this.chain > MAX_CHAIN) realizeExprs([this.expr])?.catch(() => undefined);
  }
}

/** A buffer with the value of `data`. */
export const buffer = (data: Tensor): Buffer => new Buffer(data);

/** The buffers that wait for a value on this device; they no longer wait. For optimizers: compute them with the loss. */
export function takeWaitingBuffers(device: Device): Buffer[] {
  const out: Buffer[] = [];
  for (const b of waiting) {
    if (b.expr.leaf === null && b.device !== device) continue;
    waiting.delete(b);
    if (b.expr.leaf === null) out.push(b);
  }
  return out;
}

/** Gives a parameter or buffer a new value of its shape and dtype, on any device. Keeps `requiresGrad`. */
export function assign(target: Tensor, value: Tensor): void {
  if (!sameShape(target.shape, value.shape) || target.dtype !== value.dtype) {
    expected("SHAPE_MISMATCH", "assign", showAval(target), showAval(value));
  }
  const requires = target.expr.owner !== null;
  target.expr = ownExpr(value);
  if (requires) target.requiresGrad_();
}

/** A tensor of these values, placed as the options say. */
export function place(values: TypedArray, shape: readonly number[], dtype: DType, options: PlaceOptions): Tensor {
  return Tensor.adopt(values, shape, dtype, options.device === undefined ? {} : { device: options.device });
}
