/** @file Initial values, as `torch.nn.init`: each sets a tensor in place from a reproducible generator. */
import { expected } from "../errors.ts";
import type { Shape } from "../program/aval.ts";
import { showShape, sizeOf } from "../program/aval.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { defaultRandom } from "./generator.ts";
import { type InitOptions, set } from "./init/set.ts";

export * from "./init/matrices.ts";
export type { InitOptions } from "./init/set.ts";

/** Numbers of inputs and outputs of one unit: a weight [out, in, ...kernel]. Throws SHAPE_MISMATCH below rank 2. */
export function fanInOut(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) expected("SHAPE_MISMATCH", "init", "a weight of rank 2 or more", showShape(shape));
  const field = sizeOf(shape.slice(2));
  return { fanIn: shape[1]! * field, fanOut: shape[0]! * field };
}

export type Nonlinearity = "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu" | "conv1d" | "conv2d";

const GAINS: Readonly<Record<Nonlinearity, (a: number) => number>> = {
  linear: () => 1,
  conv1d: () => 1,
  conv2d: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  leakyRelu: (a) => Math.sqrt(2 / (1 + a * a)),
  selu: () => 3 / 4,
};

/** The factor that keeps the variance of activations behind a nonlinearity; `a` is leakyRelu's slope. */
export const gain = (nonlinearity: Nonlinearity, a = 0.01): number => GAINS[nonlinearity](a);

/** `gain` by PyTorch's names, too: "leaky_relu", "conv_transpose2d". @throws ARGUMENT_INVALID for another name */
export function calculateGain(nonlinearity: string, param = 0.01): number {
  const name = nonlinearity
    .replaceAll(/_([a-z])/g, (_, c: string) => c.toUpperCase())
    .replace(/^conv(Transpose)?[123]d$/, "conv2d");
  if (!Object.hasOwn(GAINS, name)) {
    expected("ARGUMENT_INVALID", "calculateGain", `one of ${Object.keys(GAINS).join(", ")}`, JSON.stringify(nonlinearity));
  }
  return gain(name as Nonlinearity, param);
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

/** Every element `value`. @throws DTYPE_UNSUPPORTED unless it is a float tensor */
export const constant_ = <T extends Tensor>(target: T, value: number): T => set(target, () => value);
/** Every element 0. @throws as `constant_` */
export const zeros_ = <T extends Tensor>(target: T): T => constant_(target, 0);
/** Every element 1. @throws as `constant_` */
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
