/** @file Distribution: parameters that broadcast, samples from a seeded generator, log densities, entropy, moments. As torch.distributions. */
import { expected } from "../errors.ts";
import { broadcastShapes, type Shape, sizeOf } from "../program/aval.ts";
import { DTYPE, type DType } from "../program/dtype.ts";
import type { Random } from "../random.ts";
import { full, tensor } from "../tensor/creation.ts";
import { checkGenerator, checkShape } from "../tensor/data.ts";
import { Tensor } from "../tensor/tensor.ts";

/** A parameter: a tensor of floats, or a number that is known to everyone. */
export type Param = Tensor | number;

/** What the numbers of a parameter must be: checked for numbers; tensors may be secret, and are taken as they are. */
export type Domain = "real" | "positive" | "probability";
const DOMAIN: Readonly<Record<Domain, (x: number) => boolean>> = {
  real: (x) => !Number.isNaN(x),
  positive: (x) => x > 0 && x < Number.POSITIVE_INFINITY,
  probability: (x) => x >= 0 && x <= 1,
};

/** Numbers become tensors, tensors must be floats. @throws ARGUMENT_INVALID, DTYPE_UNSUPPORTED */
export function param(where: string, value: Param, domain: Domain): Tensor {
  if (value instanceof Tensor) {
    if (!DTYPE[value.dtype].float) expected("DTYPE_UNSUPPORTED", where, "float parameters", value.dtype);
    return value;
  }
  if (typeof value !== "number" || !DOMAIN[domain](value))
    expected("ARGUMENT_INVALID", where, `a ${domain} number or a tensor`, typeof value === "number" ? `${value}` : typeof value);
  return tensor(value, { public: true });
}

/** Parameters brought to one shape. */
export function together(where: string, ...params: readonly Tensor[]): Tensor[] {
  const shape = params.reduce<Shape>((s, p) => broadcastShapes(where, s, p.shape), []);
  return params.map((p) => p.expand(shape));
}

/** A tensor of numbers made by `f` from the generator, which advances. */
export function noise(random: Random, shape: Shape, dtype: DType, f: (random: Random) => number): Tensor {
  checkShape("sample", shape);
  checkGenerator("sample", random);
  const values = DTYPE[dtype].make(sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = f(random);
  return Tensor.adopt(values, [...shape], dtype);
}
export const uniformNoise = (random: Random, shape: Shape, dtype: DType): Tensor => noise(random, shape, dtype, (r) => r.next());
export const normalNoise = (random: Random, shape: Shape, dtype: DType): Tensor =>
  noise(random, shape, dtype, (r) => r.gaussian());
/** Standard exponential; 1 - u is in (0, 1], so that no logarithm is infinite. */
export const exponentialNoise = (random: Random, shape: Shape, dtype: DType): Tensor =>
  noise(random, shape, dtype, (r) => -Math.log1p(-r.next()));
/** Standard Gumbel, -log of an exponential that is not 0. */
export const gumbelNoise = (random: Random, shape: Shape, dtype: DType): Tensor =>
  noise(random, shape, dtype, (r) => -Math.log(-Math.log1p(-r.next()) + Number.MIN_VALUE));

/** The elements of `x` where `condition` holds, else -∞: log densities outside of the support. */
export const supported = (x: Tensor, condition: Tensor): Tensor => x.where(condition, Number.NEGATIVE_INFINITY);
export const constantLike = (x: Tensor, value: number): Tensor => full(x.shape, value, { dtype: x.dtype });

/** A probability distribution, or a batch of them. */
export abstract class Distribution {
  /** Shape of the parameters: one distribution for each element. */
  abstract readonly batchShape: Shape;
  /** Shape of one sample of one distribution. */
  get eventShape(): Shape {
    return [];
  }
  /** Name in messages. */
  protected get name(): string {
    return this.constructor.name.replace(/^./, (c) => c.toLowerCase());
  }
  /** Independent samples [...shape, ...batchShape, ...eventShape], without gradient. The generator advances; same seed, same samples. */
  abstract sample(random: Random, shape?: Shape): Tensor;
  /** Log of the density or probability at `value`, which broadcasts with the batch; -∞ outside of the support. */
  abstract logProb(value: Tensor): Tensor;
  abstract get mean(): Tensor;
  abstract get variance(): Tensor;
  get stddev(): Tensor {
    return this.variance.sqrt();
  }
  /** In nats. @throws ARGUMENT_INVALID where it has no closed form */
  entropy(): Tensor {
    return expected("ARGUMENT_INVALID", `${this.name}.entropy`, "a distribution whose entropy has a closed form", this.name);
  }
  /** ∫ p log(p/q) for a distribution of the same family. */
  protected divergence?(other: Distribution): Tensor;

  /** Kullback-Leibler divergence, see `klDivergence`. */
  static divergence(p: Distribution, q: Distribution): Tensor {
    if (p.constructor !== q.constructor || p.divergence === undefined)
      expected(
        "ARGUMENT_INVALID",
        "klDivergence",
        "two distributions of one family with a closed form",
        `${p.name} and ${q.name}`,
      );
    return p.divergence(q);
  }
}

/** One whose samples are a differentiable function of the parameters and of noise. */
export abstract class Reparameterized extends Distribution {
  /** As `sample`, with gradients to the parameters. */
  abstract rsample(random: Random, shape?: Shape): Tensor;
  sample(random: Random, shape: Shape = []): Tensor {
    return this.rsample(random, shape).detach();
  }
}

/** Kullback-Leibler divergence of q from p, in nats. Both of one family. @throws ARGUMENT_INVALID */
export const klDivergence = (p: Distribution, q: Distribution): Tensor => Distribution.divergence(p, q);
