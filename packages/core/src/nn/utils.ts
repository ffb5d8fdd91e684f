/** @file nn.utils: parameters as one vector and back, weights held by a norm of their own. */
import { expected } from "../errors.ts";
import { showAval } from "../program/aval.ts";
import { noGrad } from "../tensor/backward.ts";
import { toArray } from "../tensor/data.ts";
import { cat } from "../tensor/functions.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RemovableHandle } from "../transform/hooks.ts";
import { normalize } from "./functional/distance.ts";
import { defaultRandom } from "./generator.ts";
import type { InitOptions } from "./init.ts";
import { ConvTranspose1d, ConvTranspose2d } from "./layers/conv-transpose.ts";
import type { Module } from "./module.ts";
import { Buffer, Parameter, place } from "./parameter.ts";

/** All elements one after the other; gradients flow. @throws ARGUMENT_INVALID without parameters */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  const list = [...parameters];
  if (list.length === 0) expected("ARGUMENT_INVALID", "parametersToVector", "at least one parameter", "none");
  return cat(list.map((p) => p.reshape(-1)));
}

/** Gives the parameters the values of a vector, as `parametersToVector` lists them. @throws SHAPE_MISMATCH */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  const list = [...parameters];
  const size = list.reduce((n, p) => n + p.numel, 0);
  if (vector.ndim !== 1 || vector.numel !== size) expected("SHAPE_MISMATCH", "vectorToParameters", `[${size}]`, showAval(vector));
  const parts = vector.detach().split(list.map((p) => p.numel));
  for (const [i, p] of list.entries()) p.copy_(parts[i]!.reshape(p.shape));
}

/** The parameter of a module that is to be computed from others. @throws ARGUMENT_INVALID */
function weightOf(where: string, module: Module, name: string): Parameter {
  const weight: unknown = Reflect.get(module, name);
  if (!(weight instanceof Parameter)) expected("ARGUMENT_INVALID", where, "the name of a parameter", JSON.stringify(name));
  return weight;
}

/** Puts `make()` in the place of a parameter, anew before each forward. */
function computed(module: Module, name: string, parts: Readonly<Record<string, Tensor>>, make: () => Tensor): RemovableHandle {
  const original: unknown = Reflect.get(module, name);
  Reflect.deleteProperty(module, name);
  for (const [part, t] of Object.entries(parts)) Reflect.set(module, part, t);
  const renew = (): void => void Reflect.set(module, name, make());
  renew();
  const hook = module.registerForwardPreHook(renew);
  return {
    remove(): void {
      hook.remove();
      const last = noGrad(make);
      for (const part of Object.keys(parts)) Reflect.deleteProperty(module, part);
      Reflect.set(module, name, original instanceof Parameter ? original.copy_(last) : last);
    },
  };
}

export interface WeightNormOptions {
  /** "weight" unless said. */
  readonly name?: string;
  /** The dimension that keeps a length for each of its places: 0 unless said; null: one length for all. */
  readonly dim?: number | null;
}

/**
 * weight = g · v / ‖v‖ (Salimans and Kingma 2016): g and v are learned in its place, as `weightG` and `weightV`. An optimizer is made
 * afterwards. `remove()` makes it a plain parameter again. @throws ARGUMENT_INVALID
 */
export function weightNorm(module: Module, options: WeightNormOptions = {}): RemovableHandle {
  const { name = "weight", dim = 0 } = options;
  const weight = weightOf("weightNorm", module, name);
  const others = weight.shape.map((_, i) => i).filter((i) => i !== dim);
  if (dim !== null && others.length !== weight.ndim - 1) {
    expected("ARGUMENT_INVALID", "weightNorm", `dim in 0..${weight.ndim - 1}, or null`, `${dim}`);
  }
  const length = (v: Tensor): Tensor => (dim === null ? v.norm() : v.norm(2, others, { keepdim: true }));
  const g = new Parameter(noGrad(() => length(weight)));
  const v = new Parameter(weight.detach().clone());
  return computed(module, name, { [`${name}G`]: g, [`${name}V`]: v }, () => v.mul(g.div(length(v))));
}

export interface SpectralNormOptions extends InitOptions {
  /** "weight" unless said. */
  readonly name?: string;
  /** Steps of power iteration for each forward in training: 1 unless said. */
  readonly powerIterations?: number;
  /** 1e-12 unless said. */
  readonly eps?: number;
  /** The dimension of the outputs: 1 for transposed convolutions, else 0, unless said. */
  readonly dim?: number;
}

/**
 * weight = W / σ(W), σ the largest singular value by power iteration (Miyato et al. 2018): `weightOrig` is learned in its place, the buffers
 * `weightU` and `weightV` hold the singular vectors. `remove()` makes the last weight a plain parameter. @throws ARGUMENT_INVALID
 */
export function spectralNorm(module: Module, options: SpectralNormOptions = {}): RemovableHandle {
  const { name = "weight", powerIterations = 1, eps = 1e-12, random = defaultRandom() } = options;
  const weight = weightOf("spectralNorm", module, name);
  const transposed = module instanceof ConvTranspose1d || module instanceof ConvTranspose2d;
  const dim = options.dim ?? (transposed ? 1 : 0);
  if (weight.ndim < 2 || !Number.isInteger(dim) || dim < 0 || dim >= weight.ndim) {
    expected(
      "ARGUMENT_INVALID",
      "spectralNorm",
      "a weight of 2 dimensions or more and one of them",
      `dim ${dim} of ${showAval(weight)}`,
    );
  }
  if (!Number.isInteger(powerIterations) || powerIterations < 1) {
    expected("ARGUMENT_INVALID", "spectralNorm", "powerIterations of at least 1", `${powerIterations}`);
  }
  const order = [dim, ...weight.shape.map((_, i) => i).filter((i) => i !== dim)];
  const matrix = (w: Tensor): Tensor => w.permute(order).reshape(w.shape[dim]!, -1);
  const unit = (x: Tensor): Tensor => normalize(x, { dim: 0, eps });
  const drawn = (n: number): Buffer => {
    const values = random.normal(n);
    const size = Math.sqrt(values.reduce((a, x) => a + x * x, 0));
    const scaled = toArray(
      Array.from(values, (x) => x / size),
      weight.dtype,
    );
    return new Buffer(place(scaled, [n], weight.dtype, { device: weight.device }));
  };
  const original = new Parameter(weight.detach().clone());
  const [rows, columns] = [weight.shape[dim]!, weight.numel / weight.shape[dim]!];
  const [u, v] = [drawn(rows), drawn(columns)];
  let first = true; // what is put in place at once makes no step of the iteration
  return computed(module, name, { [`${name}Orig`]: original, [`${name}U`]: u, [`${name}V`]: v }, () => {
    const w = matrix(original);
    if (module.training && !first) {
      noGrad(() => {
        let [left, right]: [Tensor, Tensor] = [u, v];
        for (let i = 0; i < powerIterations; i++) {
          right = unit(w.detach().mT.matmul(left));
          left = unit(w.detach().matmul(right));
        }
        u.update(left);
        v.update(right);
      });
    }
    first = false;
    const sigma = u.detach().dot(w.matmul(v.detach()));
    return original.div(sigma);
  });
}
