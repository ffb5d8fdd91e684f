/** @file Distributions over a finite set: Bernoulli, categorical, multinomial. Given by probabilities or by logits. */
import { expected } from "../errors.ts";
import { broadcastShapes, type Shape, showShape } from "../program/aval.ts";
import type { DType } from "../program/dtype.ts";
import type { Random } from "../random.ts";
import { arange, full } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Distribution, gumbelNoise, type Param, param, supported, uniformNoise } from "./distribution.ts";

/** Exactly one of the two. */
export interface ChoiceOptions<P = Tensor> {
  readonly probs?: P;
  readonly logits?: P;
}

/** Distance kept from 0 and 1, so that logarithms stay finite: PyTorch's. */
const EPSILON: Readonly<Partial<Record<DType, number>>> = { f32: 2 ** -23, f64: 2 ** -52 };
const inside = (p: Tensor): Tensor => {
  const eps = EPSILON[p.dtype]!;
  return p.clamp(eps, 1 - eps);
};

function exactlyOne(where: string, { probs, logits }: ChoiceOptions<Param>): void {
  if ((probs === undefined) === (logits === undefined))
    expected("ARGUMENT_INVALID", where, "either probs or logits", probs === undefined ? "neither" : "both");
}

/** 1 with probability `probs`, else 0; samples are floats. */
export class Bernoulli extends Distribution {
  readonly probs: Tensor;
  readonly logits: Tensor;
  constructor(options: ChoiceOptions<Param>) {
    super();
    exactlyOne("bernoulli", options);
    if (options.probs !== undefined) {
      this.probs = param("bernoulli", options.probs, "probability");
      this.logits = inside(this.probs).logit();
    } else {
      this.logits = param("bernoulli", options.logits!, "real");
      this.probs = this.logits.sigmoid();
    }
  }
  get batchShape(): Shape {
    return this.probs.shape;
  }
  sample(random: Random, shape: Shape = []): Tensor {
    return uniformNoise(random, [...shape, ...this.batchShape], this.probs.dtype)
      .lt(this.probs)
      .to(this.probs.dtype);
  }
  /** log(1 + e^logits) without overflow. */
  private get normalizer(): Tensor {
    return this.logits.logaddexp(0);
  }
  logProb(value: Tensor): Tensor {
    return supported(value.mul(this.logits).sub(this.normalizer), value.eq(0).logicalOr(value.eq(1)));
  }
  override entropy(): Tensor {
    return this.normalizer.sub(this.probs.mul(this.logits));
  }
  get mean(): Tensor {
    return this.probs;
  }
  get variance(): Tensor {
    return this.probs.mul(this.probs.neg().add(1));
  }
  protected override divergence(q: Bernoulli): Tensor {
    return this.probs.mul(this.logits.sub(q.logits)).sub(this.normalizer).add(q.normalizer);
  }
}

/** Log probabilities along the last dimension, normalized. */
function normalized(where: string, options: ChoiceOptions): Tensor {
  exactlyOne(where, options);
  const given = param(where, (options.probs ?? options.logits)!, "real");
  if (given.ndim < 1 || given.shape.at(-1) === 0) expected("SHAPE_MISMATCH", where, "at least one class", showShape(given.shape));
  if (options.logits !== undefined) return given.logSoftmax(-1);
  return inside(given.div(given.sum(-1, { keepdim: true }))).log();
}

/** One of C classes (an i32 index), with probabilities along the last dimension. */
export class Categorical extends Distribution {
  /** Normalized: log probabilities. */
  readonly logits: Tensor;
  constructor(options: ChoiceOptions) {
    super();
    this.logits = normalized("categorical", options);
  }
  get probs(): Tensor {
    return this.logits.exp();
  }
  get batchShape(): Shape {
    return this.logits.shape.slice(0, -1);
  }
  /** The class with the largest of logit + Gumbel noise has the class's probability (Gumbel 1954; "the Gumbel-max trick"). */
  sample(random: Random, shape: Shape = []): Tensor {
    return gumbelNoise(random, [...shape, ...this.logits.shape], this.logits.dtype)
      .add(this.logits)
      .argmax(-1);
  }
  logProb(value: Tensor): Tensor {
    const index = value.int();
    const shape = broadcastShapes("categorical.logProb", index.shape, this.batchShape);
    const logits = this.logits.expand([...shape, this.logits.shape.at(-1)!]);
    return logits.gather(-1, index.expand(shape).unsqueeze(-1)).squeeze(-1);
  }
  override entropy(): Tensor {
    return this.probs.mul(this.logits).sum(-1).neg();
  }
  /** NaN: classes are no numbers. */
  get mean(): Tensor {
    return full(this.batchShape, Number.NaN, { dtype: this.logits.dtype });
  }
  /** NaN: classes are no numbers. */
  get variance(): Tensor {
    return this.mean;
  }
  protected override divergence(q: Categorical): Tensor {
    return this.probs.mul(this.logits.sub(q.logits)).sum(-1);
  }
}

/** How often each of C classes comes in `totalCount` independent draws; samples are floats. */
export class Multinomial extends Distribution {
  readonly totalCount: number;
  readonly logits: Tensor;
  constructor(totalCount: number, options: ChoiceOptions) {
    super();
    if (!Number.isInteger(totalCount) || totalCount < 0)
      expected("ARGUMENT_INVALID", "multinomial", "a number of draws", `${totalCount}`);
    this.totalCount = totalCount;
    this.logits = normalized("multinomial", options);
  }
  get probs(): Tensor {
    return this.logits.exp();
  }
  get batchShape(): Shape {
    return this.logits.shape.slice(0, -1);
  }
  override get eventShape(): Shape {
    return this.logits.shape.slice(-1);
  }
  sample(random: Random, shape: Shape = []): Tensor {
    const classes = this.logits.shape.at(-1)!;
    const draws = new Categorical({ logits: this.logits }).sample(random, [this.totalCount, ...shape]);
    return draws.oneHot(classes, this.logits.dtype).sum(0);
  }
  logProb(value: Tensor): Tensor {
    const counts = value.ge(0).logicalAnd(value.eq(value.floor())).all(-1).logicalAnd(value.sum(-1).eq(this.totalCount));
    const k = value.maximum(0);
    const ways = k.sum(-1).add(1).lgamma().sub(k.add(1).lgamma().sum(-1));
    return supported(ways.add(k.mul(this.logits).sum(-1)), counts);
  }
  /** -log n! - n Σ p log p + Σ over classes of the mean of log k!, where k is binomial. */
  override entropy(): Tensor {
    const n = this.totalCount;
    const k = arange(0, n + 1, 1, { dtype: this.logits.dtype }).reshape([n + 1, ...this.logits.shape.map(() => 1)]);
    const factorials = k.add(1).lgamma();
    const top = factorials.narrow(0, n, 1);
    const ways = top.sub(factorials).sub(factorials.flip(0));
    const others = inside(this.probs).neg().log1p();
    const binomial = ways.add(k.mul(this.logits)).add(k.neg().add(n).mul(others)).exp();
    const repeats = binomial.mul(factorials).sum([0, -1]);
    return repeats.sub(this.probs.mul(this.logits).sum(-1).mul(n)).sub(top.reshape([]));
  }
  get mean(): Tensor {
    return this.probs.mul(this.totalCount);
  }
  get variance(): Tensor {
    return this.mean.mul(this.probs.neg().add(1));
  }
}
