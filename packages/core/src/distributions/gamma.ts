/** @file Exponential, gamma, beta and Dirichlet distributions. */
import { expected } from "../errors.ts";
import { type Shape, showShape } from "../program/aval.ts";
import type { Random } from "../random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  Distribution,
  exponentialNoise,
  normalNoise,
  type Param,
  param,
  Reparameterized,
  supported,
  together,
  uniformNoise,
} from "./distribution.ts";
import { firstAccepted } from "./rejection.ts";

/** rate · exp(-rate x) for x >= 0. */
export class Exponential extends Reparameterized {
  readonly rate: Tensor;
  constructor(rate: Param = 1) {
    super();
    this.rate = param("exponential", rate, "positive");
  }
  get batchShape(): Shape {
    return this.rate.shape;
  }
  rsample(random: Random, shape: Shape = []): Tensor {
    return exponentialNoise(random, [...shape, ...this.batchShape], this.rate.dtype).div(this.rate);
  }
  logProb(value: Tensor): Tensor {
    return supported(this.rate.log().sub(this.rate.mul(value)), value.ge(0));
  }
  override entropy(): Tensor {
    return this.rate.log().neg().add(1);
  }
  get mean(): Tensor {
    return this.rate.reciprocal();
  }
  get variance(): Tensor {
    return this.rate.square().reciprocal();
  }
  protected override divergence(q: Exponential): Tensor {
    const ratio = q.rate.div(this.rate);
    return ratio.sub(ratio.log()).sub(1);
  }
}

/** Candidates of Marsaglia and Tsang: one is accepted with probability 0.95 at least, so that 8 fail once in 10^10. */
const CANDIDATES = 8;

/**
 * Standard gamma numbers (Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 2000). Below a
 * concentration of 1 one more is added, and the result multiplied by a uniform number to the power 1/concentration.
 */
function standardGamma(concentration: Tensor, random: Random, shape: Shape): Tensor {
  const { dtype } = concentration;
  const small = concentration.lt(1);
  const d = concentration
    .add(1)
    .where(small, concentration)
    .sub(1 / 3);
  const x = normalNoise(random, [CANDIDATES, ...shape], dtype);
  const root = x.div(d.mul(9).sqrt()).add(1);
  const v = root.pow(3);
  const good = root.gt(0);
  const cube = v.where(good, 1);
  const limit = x.square().mul(0.5).add(d).sub(d.mul(cube)).add(d.mul(cube.log()));
  const below = exponentialNoise(random, [CANDIDATES, ...shape], dtype).neg();
  const y = firstAccepted(cube, good.logicalAnd(below.lt(limit))).mul(d);
  const boost = uniformNoise(random, shape, dtype).pow(concentration.reciprocal());
  return y.mul(boost.where(small, 1));
}

/** rate^a x^(a-1) exp(-rate x) / Γ(a) for x > 0, a the concentration. */
export class Gamma extends Distribution {
  readonly concentration: Tensor;
  readonly rate: Tensor;
  constructor(concentration: Param, rate: Param = 1) {
    super();
    const all = [param("gamma", concentration, "positive"), param("gamma", rate, "positive")];
    [this.concentration, this.rate] = together("gamma", ...all) as [Tensor, Tensor];
  }
  get batchShape(): Shape {
    return this.rate.shape;
  }
  sample(random: Random, shape: Shape = []): Tensor {
    return standardGamma(this.concentration, random, [...shape, ...this.batchShape])
      .div(this.rate)
      .detach();
  }
  logProb(value: Tensor): Tensor {
    const [a, r] = [this.concentration, this.rate];
    const inside = value.ge(0);
    const x = value.where(inside, 1);
    return supported(a.mul(r.log()).add(a.sub(1).xlogy(x)).sub(r.mul(x)).sub(a.lgamma()), inside);
  }
  override entropy(): Tensor {
    const a = this.concentration;
    return a.sub(this.rate.log()).add(a.lgamma()).add(a.neg().add(1).mul(a.digamma()));
  }
  get mean(): Tensor {
    return this.concentration.div(this.rate);
  }
  get variance(): Tensor {
    return this.concentration.div(this.rate.square());
  }
  protected override divergence(q: Gamma): Tensor {
    const [a, b] = [this.concentration, q.concentration];
    const shapes = b.lgamma().sub(a.lgamma()).add(a.sub(b).mul(a.digamma()));
    return b.mul(this.rate.div(q.rate).log()).add(shapes).add(q.rate.sub(this.rate).mul(this.mean));
  }
}

const logBeta = (a: Tensor, b: Tensor): Tensor => a.lgamma().add(b.lgamma()).sub(a.add(b).lgamma());

/** x^(a-1) (1-x)^(b-1) / B(a, b) on [0, 1]. */
export class Beta extends Distribution {
  /** a. */
  readonly concentration1: Tensor;
  /** b. */
  readonly concentration0: Tensor;
  constructor(concentration1: Param, concentration0: Param) {
    super();
    const all = [param("beta", concentration1, "positive"), param("beta", concentration0, "positive")];
    [this.concentration1, this.concentration0] = together("beta", ...all) as [Tensor, Tensor];
  }
  get batchShape(): Shape {
    return this.concentration1.shape;
  }
  sample(random: Random, shape: Shape = []): Tensor {
    const full = [...shape, ...this.batchShape];
    const [x, y] = [standardGamma(this.concentration1, random, full), standardGamma(this.concentration0, random, full)];
    return x.div(x.add(y)).detach();
  }
  logProb(value: Tensor): Tensor {
    const [a, b] = [this.concentration1, this.concentration0];
    const inside = value.ge(0).logicalAnd(value.le(1));
    const x = value.where(inside, 0.5);
    const upper = x.neg().add(1);
    return supported(a.sub(1).xlogy(x).add(b.sub(1).xlogy(upper)).sub(logBeta(a, b)), inside);
  }
  override entropy(): Tensor {
    const [a, b] = [this.concentration1, this.concentration0];
    const parts = a.sub(1).mul(a.digamma()).add(b.sub(1).mul(b.digamma()));
    const sum = a.add(b);
    return logBeta(a, b).sub(parts).add(sum.sub(2).mul(sum.digamma()));
  }
  get mean(): Tensor {
    return this.concentration1.div(this.concentration1.add(this.concentration0));
  }
  get variance(): Tensor {
    const sum = this.concentration1.add(this.concentration0);
    return this.concentration1.mul(this.concentration0).div(sum.square().mul(sum.add(1)));
  }
  protected override divergence(q: Beta): Tensor {
    const [a, b, c, d] = [this.concentration1, this.concentration0, q.concentration1, q.concentration0];
    const own = a.sub(c).mul(a.digamma()).add(b.sub(d).mul(b.digamma()));
    const sum = c.sub(a).add(d).sub(b).mul(a.add(b).digamma());
    return logBeta(c, d).sub(logBeta(a, b)).add(own).add(sum);
  }
}

/** Probability vectors: Π x_k^(a_k - 1) / B(a), the concentrations a along the last dimension. */
export class Dirichlet extends Distribution {
  readonly concentration: Tensor;
  constructor(concentration: Tensor) {
    super();
    this.concentration = param("dirichlet", concentration, "positive");
    if (this.concentration.ndim < 1)
      expected("SHAPE_MISMATCH", "dirichlet", "at least 1 dimension", showShape(this.concentration.shape));
  }
  get batchShape(): Shape {
    return this.concentration.shape.slice(0, -1);
  }
  override get eventShape(): Shape {
    return this.concentration.shape.slice(-1);
  }
  private get total(): Tensor {
    return this.concentration.sum(-1);
  }
  sample(random: Random, shape: Shape = []): Tensor {
    const x = standardGamma(this.concentration, random, [...shape, ...this.concentration.shape]);
    return x.div(x.sum(-1, { keepdim: true })).detach();
  }
  logProb(value: Tensor): Tensor {
    const a = this.concentration;
    return a.sub(1).xlogy(value).sum(-1).add(this.total.lgamma()).sub(a.lgamma().sum(-1));
  }
  override entropy(): Tensor {
    const [a, sum] = [this.concentration, this.total];
    const normalizer = a.lgamma().sum(-1).sub(sum.lgamma());
    const spread = sum.sub(a.shape.at(-1)!).mul(sum.digamma());
    return normalizer.add(spread).sub(a.sub(1).mul(a.digamma()).sum(-1));
  }
  get mean(): Tensor {
    return this.concentration.div(this.concentration.sum(-1, { keepdim: true }));
  }
  get variance(): Tensor {
    const [a, sum] = [this.concentration, this.concentration.sum(-1, { keepdim: true })];
    return a.mul(sum.sub(a)).div(sum.square().mul(sum.add(1)));
  }
  protected override divergence(q: Dirichlet): Tensor {
    const [a, b] = [this.concentration, q.concentration];
    const inner = a
      .sub(b)
      .mul(a.digamma().sub(a.sum(-1, { keepdim: true }).digamma()))
      .sum(-1);
    const own = this.total.lgamma().sub(a.lgamma().sum(-1));
    return own.sub(q.total.lgamma()).add(b.lgamma().sum(-1)).add(inner);
  }
}
