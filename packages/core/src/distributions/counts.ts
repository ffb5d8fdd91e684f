/** @file Distributions of counts: Poisson and geometric. */
import type { Shape } from "../program/aval.ts";
import type { Random } from "../random.ts";
import { arange } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Bernoulli } from "./choice.ts";
import { Distribution, exponentialNoise, type Param, param, supported, uniformNoise } from "./distribution.ts";
import { firstAccepted } from "./rejection.ts";

const isCount = (x: Tensor): Tensor => x.ge(0).logicalAnd(x.eq(x.floor()));

/** Below this rate inversion over TERMS terms; a Poisson number of rate 10 lies beyond them once in 10^17. */
const LARGE = 10;
const TERMS = 50;
/** Candidates of the transformed rejection, of which one is accepted with probability 0.8 at least: none of 16 once in 10^11. */
const CANDIDATES = 16;

/** How many of the cumulative probabilities lie below a uniform number. */
function inverted(rate: Tensor, random: Random, shape: Shape): Tensor {
  const k = arange(0, TERMS, 1, { dtype: rate.dtype }).reshape([TERMS, ...shape.map(() => 1)]);
  const cumulative = k.mul(rate.log()).sub(rate).sub(k.add(1).lgamma()).exp().cumsum(0);
  return cumulative
    .lt(uniformNoise(random, shape, rate.dtype))
    .sum(0)
    .to(rate.dtype);
}

/** Algorithm PTRS of Hörmann ("The transformed rejection method for generating Poisson random variables", 1993), for rates from 10. */
function transformed(rate: Tensor, random: Random, shape: Shape): Tensor {
  const full = [CANDIDATES, ...shape];
  const u = uniformNoise(random, full, rate.dtype).sub(0.5);
  const v = exponentialNoise(random, full, rate.dtype).neg();
  const b = rate.sqrt().mul(2.53).add(0.931);
  const a = b.mul(0.02483).sub(0.059);
  const us = u.abs().neg().add(0.5).maximum(1e-7);
  const k = a.mul(2).div(us).add(b).mul(u).add(rate).add(0.43).floor();
  const quick = us.ge(0.07).logicalAnd(v.le(b.sub(2).reciprocal().mul(-3.6224).add(0.9277).log()));
  const inverse = b.sub(3.4).reciprocal().mul(1.1328).add(1.1239);
  const count = k.maximum(0);
  const left = v.add(inverse.log()).sub(a.div(us.square()).add(b).log());
  const right = count.mul(rate.log()).sub(rate).sub(count.add(1).lgamma());
  const outside = k.lt(0).logicalOr(us.lt(0.013).logicalAnd(v.gt(us.log())));
  return firstAccepted(count, quick.logicalOr(left.le(right).logicalAnd(outside.logicalNot())));
}

/** rate^k exp(-rate) / k!. Samples are floats. */
export class Poisson extends Distribution {
  readonly rate: Tensor;
  constructor(rate: Param) {
    super();
    this.rate = param("poisson", rate, "positive");
  }
  get batchShape(): Shape {
    return this.rate.shape;
  }
  sample(random: Random, shape: Shape = []): Tensor {
    const full = [...shape, ...this.batchShape];
    const small = this.rate.lt(LARGE);
    const low = inverted(this.rate.minimum(LARGE), random, full);
    return low.where(small, transformed(this.rate.maximum(LARGE), random, full)).detach();
  }
  logProb(value: Tensor): Tensor {
    const inside = isCount(value);
    const k = value.where(inside, 0);
    return supported(k.xlogy(this.rate).sub(this.rate).sub(k.add(1).lgamma()), inside);
  }
  get mean(): Tensor {
    return this.rate;
  }
  get variance(): Tensor {
    return this.rate;
  }
  protected override divergence(q: Poisson): Tensor {
    return this.rate.mul(this.rate.div(q.rate).log()).sub(this.rate).add(q.rate);
  }
}

/** Failures before the first success: (1 - p)^k p, k from 0. */
export class Geometric extends Distribution {
  private readonly trial: Bernoulli;
  constructor(probs: Param) {
    super();
    this.trial = new Bernoulli({ probs });
  }
  get probs(): Tensor {
    return this.trial.probs;
  }
  get batchShape(): Shape {
    return this.probs.shape;
  }
  sample(random: Random, shape: Shape = []): Tensor {
    const e = exponentialNoise(random, [...shape, ...this.batchShape], this.probs.dtype);
    return e.div(this.probs.neg().log1p().neg()).floor().detach();
  }
  logProb(value: Tensor): Tensor {
    const inside = isCount(value);
    const k = value.where(inside, 0);
    return supported(k.mul(this.probs.neg().log1p()).add(this.probs.log()), inside);
  }
  override entropy(): Tensor {
    return this.trial.entropy().div(this.probs);
  }
  get mean(): Tensor {
    return this.probs.reciprocal().sub(1);
  }
  get variance(): Tensor {
    return this.mean.div(this.probs);
  }
  protected override divergence(q: Geometric): Tensor {
    return this.entropy().neg().sub(q.probs.neg().log1p().div(this.probs)).sub(q.trial.logits);
  }
}
