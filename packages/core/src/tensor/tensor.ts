/** @file Tensor: shape, dtype, device, gradient, and the ways to a value. Ops are lazy; awaiting a value computes it. */
import type { Device, Disclosure } from "../device/device.ts";
import { defaultDevice } from "../engine/default-device.ts";
import { read, realizeExprs, reveal, send } from "../engine/engine.ts";
import { deviceOf } from "../engine/placement.ts";
import { track } from "../engine/sinks.ts";
import { expected, TacitError } from "../errors.ts";
import { Expr, emit, type GradOwner } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { type Shape, sameShape, showAval } from "../program/aval.ts";
import { DTYPE, DTYPES, type DType, isDType, type TypedArray } from "../program/dtype.ts";
import { showAsText } from "../show.ts";
import { type RemovableHandle, registerGradHook } from "../transform/hooks.ts";
import { type BackwardOptions, backward, noGrad } from "./backward.ts";
import { ComposedTensor } from "./composed.ts";
import { checkSize, dtypeOfArray, isTypedArray, type Nested, type Scalar, toArray, toNested } from "./data.ts";

export interface TensorOptions {
  /** Default: that of the typed array; f32 for numbers, bool for booleans, i64 for bigints. */
  readonly dtype?: DType;
  /** Default: `defaultDevice()`; such a tensor follows the others of an op to their device where that can be read. */
  readonly device?: Device;
  readonly requiresGrad?: boolean;
  /** The values are no secret: they may go to any device in the clear, as learning rates and seeds do. */
  readonly public?: boolean;
}

/** An n-dimensional array that lives on a device. Immutable but for optimizers' updates and the methods that end in `_`. */
export class Tensor extends ComposedTensor implements GradOwner {
  static {
    showAsText(Tensor.prototype);
    // `a * 2` and `a > b` would be NaN and false without a word.
    const primitive = function (this: Tensor, wanted: string): string {
      if (wanted !== "number") return this.toString();
      const hint = "write a.mul(b), a.gt(b); await a.item() is the number of a tensor with one element";
      return expected("ARGUMENT_INVALID", "JavaScript arithmetic", "numbers", String(this), hint);
    };
    Object.defineProperty(Tensor.prototype, Symbol.toPrimitive, { value: primitive });
  }

  private gradient: Tensor | null = null;

  constructor(expr: Expr) {
    super(expr);
    if (expr.leaf === null) track(this);
  }

  /**
   * A tensor of these values (copied), row-major.
   * @throws SHAPE_MISMATCH when the number of values does not fit; VALUE_INVALID when one does not fit the dtype
   */
  static from(data: TypedArray | readonly Scalar[], shape?: Shape, options: TensorOptions = {}): Tensor {
    const first = data[0];
    const natural = isTypedArray(data)
      ? dtypeOfArray(data)
      : typeof first === "bigint"
        ? "i64"
        : typeof first === "boolean"
          ? "bool"
          : "f32";
    const dtype = options.dtype ?? natural;
    const sizes = shape === undefined ? [data.length] : [...shape];
    checkSize("tensor", sizes, data.length);
    return Tensor.adopt(toArray(data, dtype), sizes, dtype, options);
  }

  /** A tensor that takes over `values` without a copy: the caller must not write to them again. */
  static adopt(values: TypedArray, shape: Shape, dtype: DType, options: TensorOptions = {}): Tensor {
    const device = options.device ?? defaultDevice();
    if (device.supports?.(dtype) === false) {
      expected(
        "DTYPE_UNSUPPORTED",
        "tensor",
        `a dtype of device ${device.name}`,
        dtype,
        "give another dtype in the options, or a device that has it",
      );
    }
    const aval = { shape, dtype };
    const open = options.public ?? false;
    const expr =
      options.device && !open ? Expr.leaf(aval, device, device.put(values, aval)) : Expr.host(aval, device, values, open);
    const made = new Tensor(expr);
    return options.requiresGrad ? made.requiresGrad_() : made;
  }

  protected derive(expr: Expr): Tensor {
    return new Tensor(expr);
  }

  get device(): Device {
    return deviceOf(this.expr);
  }

  /** Whether a gradient flows through this tensor; set it on parameters and other leaves, as `requiresGrad_`. */
  get requiresGrad(): boolean {
    return this.expr.requiresGrad;
  }
  set requiresGrad(requires: boolean) {
    this.requiresGrad_(requires);
  }

  /** The gradient that `backward()` left here; lazy. */
  get grad(): Tensor | null {
    return this.gradient;
  }
  set grad(value: Tensor | null) {
    if (value !== null && !sameShape(value.shape, this.shape)) {
      expected("SHAPE_MISMATCH", "grad", showAval(this), showAval(value));
    }
    this.gradient = value;
  }

  /** Makes `backward()` leave a gradient here (or not, with false). Only for floats. */
  requiresGrad_(requires = true): this {
    if (requires && !DTYPE[this.dtype].float) expected("DTYPE_UNSUPPORTED", "requiresGrad_", "a float dtype", this.dtype);
    if (!requires && this.expr.op !== null && this.expr.requiresGrad && this.expr.owner === null) {
      throw new TacitError("AUTOGRAD_NOT_LEAF", "requiresGrad_(false): expected a leaf, got the result of an op", {
        hint: "use detach()",
      });
    }
    this.expr.requiresGrad = requires;
    this.expr.owner = requires ? this : null;
    return this;
  }

  /** Makes `backward()` leave a gradient at this result of an op, too. */
  retainGrad(): this {
    if (!this.expr.requiresGrad) expected("AUTOGRAD_NO_GRAPH", "retainGrad", "a tensor that requires a gradient", showAval(this));
    this.expr.owner = this;
    return this;
  }

  /**
   * Calls `hook` with the gradient that arrives here whenever one is computed, by `backward()` or by a step. What it returns, a tensor of
   * the same shape and dtype, goes on in its place: it becomes part of the Program, so it must not depend on values. Hooks of a
   * parameter stay when it gets a new value. @throws AUTOGRAD_NO_GRAPH, SHAPE_MISMATCH
   */
  registerHook(hook: (gradient: Tensor) => Tensor | undefined): RemovableHandle {
    const { expr } = this;
    if (!expr.requiresGrad) expected("AUTOGRAD_NO_GRAPH", "registerHook", "a tensor that requires a gradient", showAval(this));
    return registerGradHook(expr.owner === this && expr.op === null ? this : expr, (gradient) => {
      const next = hook(new Tensor(gradient))?.expr ?? gradient;
      if (!sameShape(next.shape, gradient.shape) || next.dtype !== gradient.dtype) {
        expected("SHAPE_MISMATCH", "registerHook", `a gradient ${showAval(gradient)}`, showAval(next));
      }
      return next;
    });
  }

  accumulateGrad(gradient: Expr): void {
    this.gradient = new Tensor(this.gradient === null ? gradient : op.add(this.gradient.expr, gradient));
  }

  /**
   * Adds the gradients of this scalar (or of Σ this·gradient) to `.grad` of every tensor with `requiresGrad` that it reads. Lazy.
   * @throws AUTOGRAD_NO_GRAPH when nothing requires a gradient; SHAPE_MISMATCH when `gradient` is missing or does not fit
   */
  backward(gradient?: Tensor, options: BackwardOptions = {}): void {
    backward(this.expr, gradient?.expr, options);
  }

  /** The same value, constant to autograd. Of a leaf: sees later updates, as in PyTorch. */
  detach(): Tensor {
    const e = this.expr;
    if (!e.requiresGrad && !e.cut) return new Tensor(e);
    if (e.leaf !== null) return new Tensor(new Expr(null, [], [], e, e.leaf));
    const copy = new Expr(e.op, e.args, e.attrs, e, null);
    copy.code = e.code;
    copy.born = e.born;
    copy.site = e.site;
    return new Tensor(copy);
  }

  /** A copy that later updates of this one do not touch. */
  clone(): Tensor {
    return new Tensor(emit("reshape", [this.expr], this.shape));
  }

  /**
   * `to(dtype)` casts, lazily. `to(device)` computes the value and brings it there: into shares where the device keeps secrets.
   * @throws DEVICE_SECRET when the value is secret where it is
   */
  to(dtype: DType): Tensor;
  to(device: Device): Promise<Tensor>;
  to(target: DType | Device): Tensor | Promise<Tensor> {
    if (isDType(target)) return this.cast(target);
    if (typeof target === "string")
      expected("DTYPE_UNSUPPORTED", "to", `a dtype (${DTYPES.join(", ")}) or a device`, JSON.stringify(target));
    return send(this.expr, target).then((expr) => new Tensor(expr));
  }

  /** Makes this handle (a parameter, say) stand for the value of `other`, of the same shape and dtype. Keeps `requiresGrad`. */
  copy_(other: Tensor): this {
    if (!sameShape(this.shape, other.shape) || this.dtype !== other.dtype)
      expected("SHAPE_MISMATCH", "copy_", showAval(this), showAval(other));
    const requires = this.expr.owner !== null;
    const e = other.expr;
    this.expr = e.leaf === null ? noGrad(() => emit("reshape", [e], e.shape)) : new Expr(null, [], [], e, e.leaf.fork());
    return requires ? this.requiresGrad_() : this;
  }

  /** Computes the value now, if it is not there yet. */
  async realize(): Promise<this> {
    await realizeExprs([this.expr]);
    return this;
  }

  /**
   * The values, row-major, in a fresh array: Float32Array for f32, BigInt64Array for i64, Uint8Array (0 or 1) for bool, ...
   * `data<Float32Array>()` says which to the type checker, which cannot know.
   * @throws DEVICE_SECRET where they are secret
   */
  async data<T extends TypedArray = TypedArray>(): Promise<T> {
    const { device } = this;
    if (!device.readable) {
      expected("DEVICE_SECRET", "data", "a device that can be read", String(this), "disclose it with reveal({ to, why })");
    }
    await realizeExprs([this.expr]);
    return (await read(this.expr)) as T;
  }

  /**
   * The value of a tensor with one element; bool as 0 or 1.
   * @throws SHAPE_MISMATCH when there are more; VALUE_INVALID for an i64 or u64 beyond 2^53 (use data())
   */
  async item(): Promise<number> {
    if (this.numel !== 1) expected("SHAPE_MISMATCH", "item", "a tensor with one element", showAval(this));
    const value = (await this.data())[0]!;
    if (typeof value === "bigint" && !Number.isSafeInteger(Number(value))) {
      expected("VALUE_INVALID", "item", "an integer below 2^53", `a larger ${this.dtype}`, "read it with data()");
    }
    return Number(value);
  }

  /** The values as nested arrays: numbers, bigints for i64 and u64, booleans for bool. `tolist<number[][]>()` says which to the type checker. */
  async tolist<T extends Nested<Scalar> = Nested<Scalar>>(): Promise<T> {
    return toNested(await this.data(), this.shape, this.dtype) as T;
  }

  /** Discloses a secret to someone, for a stated reason, if the policy of its device lets it. @throws DEVICE_SECRET */
  async reveal(options: Disclosure): Promise<TypedArray> {
    await realizeExprs([this.expr]);
    return reveal(this.expr, options);
  }

  /** Never shows values. */
  override toString(): string {
    return `Tensor<${showAval(this)} ${this.device.name}>`;
  }
}

/** Computes all of them in one run. */
export async function realize(...tensors: readonly Tensor[]): Promise<void> {
  await realizeExprs(tensors.map((t) => t.expr));
}
