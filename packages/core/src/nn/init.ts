/** @file Initial values, as `torch.nn.init`: each sets a tensor in place from a reproducible generator. */
import { expected } from "../errors.ts";
import type { Shape } from "../program/aval.ts";
import { showShape, sizeOf } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";
import type { Random } from "../random.ts";
import { Tensor } from "../tensor/tensor.ts";
import { defaultRandom } from "./generator.ts";
import { assign } from "./parameter.ts";

export interface InitOptions {
  /** The default generator of `nn` unless given. */
  readonly random?: Random;
}

/** Numbers of inputs and outputs of one unit: a weight [out, in, ...kernel]. Throws SHAPE_MISMATCH below rank 2. */
export function fanInOut(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) expected("SHAPE_MISMATCH", "init", "a weight of rank 2 or more", showShape(shape));
  const field = sizeOf(shape.slice(2));
  return { fanIn: shape[1]! * field, fanOut: shape[0]! * field };
}

export type Nonlinearity = "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "conv2d";

/** The factor that keeps the variance of activations behind a nonlinearity; `a` is leakyRelu's slope. */
export function gain(nonlinearity: Nonlinearity, a = 0.01): number {
  const gains: Readonly<Record<Nonlinearity, number>> = {
    linear: 1,
    conv2d: 1,
    sigmoid: 1,
    tanh: 5 / 3,
    relu: Math.SQRT2,
    leakyRelu: Math.sqrt(2 / (1 + a * a)),
  };
  return gains[nonlinearity];
}

function set<T extends Tensor>(target: T, draw: () => number): T {
  if (!DTYPE[target.dtype].float) expected("DTYPE_UNSUPPORTED", "init", "a float tensor", target.dtype);
  const values = DTYPE[target.dtype].make(target.numel);
  for (let i = 0; i < values.length; i++) values[i] = draw();
  const { device } = target;
  assign(target, Tensor.adopt(values, target.shape, target.dtype, target.expr.leaf?.host === null ? { device } : {}));
  return target;
}

/** Uniform in [low, high). */
export function uniform_<T extends Tensor>(target: T, low = 0, high = 1, options: InitOptions = {}): T {
  const random = options.random ?? defaultRandom();
  return set(target, () => low + (high - low) * random.next());
}

/** Normal with this mean and standard deviation. */
export function normal_<T extends Tensor>(target: T, mean = 0, std = 1, options: InitOptions = {}): T {
  const random = options.random ?? defaultRandom();
  return set(target, () => mean + std * random.gaussian());
}

export const constant_ = <T extends Tensor>(target: T, value: number): T => set(target, () => value);
export const zeros_ = <T extends Tensor>(target: T): T => constant_(target, 0);
export const ones_ = <T extends Tensor>(target: T): T => constant_(target, 1);

/** Glorot and Bengio (2010): uniform in ±gain·√(6/(fanIn+fanOut)). */
export function xavierUniform_<T extends Tensor>(target: T, options: InitOptions & { readonly gain?: number } = {}): T {
  const { fanIn, fanOut } = fanInOut(target.shape);
  const bound = (options.gain ?? 1) * Math.sqrt(6 / (fanIn + fanOut));
  return uniform_(target, -bound, bound, options);
}

/** Glorot and Bengio (2010): normal with standard deviation gain·√(2/(fanIn+fanOut)). */
export function xavierNormal_<T extends Tensor>(target: T, options: InitOptions & { readonly gain?: number } = {}): T {
  const { fanIn, fanOut } = fanInOut(target.shape);
  return normal_(target, 0, (options.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut)), options);
}

export interface KaimingOptions extends InitOptions {
  /** Slope of leakyRelu; 0 unless said. */
  readonly a?: number;
  readonly mode?: "fanIn" | "fanOut";
  /** leakyRelu unless said, as in PyTorch. */
  readonly nonlinearity?: Nonlinearity;
}

function kaimingStd(shape: Shape, options: KaimingOptions): number {
  const { fanIn, fanOut } = fanInOut(shape);
  const fan = options.mode === "fanOut" ? fanOut : fanIn;
  return fan === 0 ? 0 : gain(options.nonlinearity ?? "leakyRelu", options.a ?? 0) / Math.sqrt(fan);
}

/** He et al. (2015): uniform in ±gain·√(3/fan). */
export function kaimingUniform_<T extends Tensor>(target: T, options: KaimingOptions = {}): T {
  const bound = Math.sqrt(3) * kaimingStd(target.shape, options);
  return uniform_(target, -bound, bound, options);
}

/** He et al. (2015): normal with standard deviation gain/√fan. */
export function kaimingNormal_<T extends Tensor>(target: T, options: KaimingOptions = {}): T {
  return normal_(target, 0, kaimingStd(target.shape, options), options);
}
