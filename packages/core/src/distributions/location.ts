/** @file Uniform, Laplace and Cauchy distributions. */
import { expected } from "../errors.ts";
import type { Shape } from "../program/aval.ts";
import type { Random } from "../random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { constantLike, noise, type Param, param, Reparameterized, supported, together, uniformNoise } from "./distribution.ts";

/** Constant on [low, high). */
export class Uniform extends Reparameterized {
  readonly low: Tensor;
  readonly high: Tensor;
  constructor(low: Param = 0, high: Param = 1) {
    super();
    if (typeof low === "number" && typeof high === "number" && low >= high)
      expected("ARGUMENT_INVALID", "uniform", "low < high", `${low} and ${high}`);
    [this.low, this.high] = together("uniform", param("uniform", low, "real"), param("uniform", high, "real")) as [
      Tensor,
      Tensor,
    ];
  }
  get batchShape(): Shape {
    return this.low.shape;
  }
  rsample(random: Random, shape: Shape = []): Tensor {
    return uniformNoise(random, [...shape, ...this.batchShape], this.low.dtype)
      .mul(this.high.sub(this.low))
      .add(this.low);
  }
  logProb(value: Tensor): Tensor {
    const inside = value.ge(this.low).logicalAnd(value.lt(this.high));
    return supported(this.high.sub(this.low).log().neg().add(value.mul(0)), inside);
  }
  override entropy(): Tensor {
    return this.high.sub(this.low).log();
  }
  get mean(): Tensor {
    return this.low.add(this.high).mul(0.5);
  }
  get variance(): Tensor {
    return this.high.sub(this.low).square().div(12);
  }
  protected override divergence(q: Uniform): Tensor {
    const outside = q.low.gt(this.low).logicalOr(q.high.lt(this.high));
    return q.high.sub(q.low).div(this.high.sub(this.low)).log().maskedFill(outside, Number.POSITIVE_INFINITY);
  }
}

/** exp(-|x - loc| / scale) / (2 scale). */
export class Laplace extends Reparameterized {
  readonly loc: Tensor;
  readonly scale: Tensor;
  constructor(loc: Param = 0, scale: Param = 1) {
    super();
    [this.loc, this.scale] = together("laplace", param("laplace", loc, "real"), param("laplace", scale, "positive")) as [
      Tensor,
      Tensor,
    ];
  }
  get batchShape(): Shape {
    return this.loc.shape;
  }
  rsample(random: Random, shape: Shape = []): Tensor {
    const standard = (r: Random): number => (r.bits() & 1 ? 1 : -1) * -Math.log1p(-r.next());
    return noise(random, [...shape, ...this.batchShape], this.loc.dtype, standard)
      .mul(this.scale)
      .add(this.loc);
  }
  logProb(value: Tensor): Tensor {
    return value.sub(this.loc).abs().div(this.scale).neg().sub(this.scale.mul(2).log());
  }
  override entropy(): Tensor {
    return this.scale.mul(2).log().add(1);
  }
  get mean(): Tensor {
    return this.loc;
  }
  get variance(): Tensor {
    return this.scale.square().mul(2);
  }
  protected override divergence(q: Laplace): Tensor {
    const ratio = this.scale.div(q.scale);
    const gap = this.loc.sub(q.loc).abs();
    return gap
      .div(q.scale)
      .add(ratio.mul(gap.div(this.scale).neg().exp()))
      .sub(ratio.log())
      .sub(1);
  }
}

/** 1 / (π scale (1 + ((x - loc)/scale)²)); it has neither mean nor variance. */
export class Cauchy extends Reparameterized {
  readonly loc: Tensor;
  readonly scale: Tensor;
  constructor(loc: Param = 0, scale: Param = 1) {
    super();
    [this.loc, this.scale] = together("cauchy", param("cauchy", loc, "real"), param("cauchy", scale, "positive")) as [
      Tensor,
      Tensor,
    ];
  }
  get batchShape(): Shape {
    return this.loc.shape;
  }
  rsample(random: Random, shape: Shape = []): Tensor {
    const standard = (r: Random): number => Math.tan(Math.PI * (r.next() - 0.5));
    return noise(random, [...shape, ...this.batchShape], this.loc.dtype, standard)
      .mul(this.scale)
      .add(this.loc);
  }
  logProb(value: Tensor): Tensor {
    return value.sub(this.loc).div(this.scale).square().log1p().neg().sub(this.scale.log()).sub(Math.log(Math.PI));
  }
  override entropy(): Tensor {
    return this.scale.log().add(Math.log(4 * Math.PI));
  }
  /** NaN. */
  get mean(): Tensor {
    return constantLike(this.loc, Number.NaN);
  }
  /** ∞, as PyTorch says. */
  get variance(): Tensor {
    return constantLike(this.loc, Number.POSITIVE_INFINITY);
  }
}
