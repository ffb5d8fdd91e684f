/** @file Normal, log-normal and truncated normal distributions. */
import type { Shape } from "../program/aval.ts";
import type { Random } from "../random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { normalNoise, type Param, param, Reparameterized, supported, together, uniformNoise } from "./distribution.ts";

const LOG_ROOT_2PI = 0.5 * Math.log(2 * Math.PI);

abstract class LocationScale extends Reparameterized {
  readonly loc: Tensor;
  readonly scale: Tensor;

  constructor(where: string, loc: Param, scale: Param) {
    super();
    [this.loc, this.scale] = together(where, param(where, loc, "real"), param(where, scale, "positive")) as [Tensor, Tensor];
  }
  get batchShape(): Shape {
    return this.loc.shape;
  }
}

/** exp(-(x - loc)²/(2 scale²)) / (scale √(2π)). */
export class Normal extends LocationScale {
  constructor(loc: Param = 0, scale: Param = 1) {
    super("normal", loc, scale);
  }
  rsample(random: Random, shape: Shape = []): Tensor {
    return this.loc.add(normalNoise(random, [...shape, ...this.batchShape], this.loc.dtype).mul(this.scale));
  }
  logProb(value: Tensor): Tensor {
    const z = value.sub(this.loc).div(this.scale);
    return z.square().mul(-0.5).sub(this.scale.log()).sub(LOG_ROOT_2PI);
  }
  override entropy(): Tensor {
    return this.scale.log().add(0.5 + LOG_ROOT_2PI);
  }
  get mean(): Tensor {
    return this.loc;
  }
  get variance(): Tensor {
    return this.scale.square();
  }
  protected override divergence(q: Normal): Tensor {
    const ratio = this.scale.div(q.scale).square();
    const gap = this.loc.sub(q.loc).div(q.scale).square();
    return ratio.add(gap).sub(1).sub(ratio.log()).mul(0.5);
  }
}

/** exp of a normal number. */
export class LogNormal extends LocationScale {
  private readonly base: Normal;
  constructor(loc: Param = 0, scale: Param = 1) {
    super("logNormal", loc, scale);
    this.base = new Normal(this.loc, this.scale);
  }
  rsample(random: Random, shape: Shape = []): Tensor {
    return this.base.rsample(random, shape).exp();
  }
  logProb(value: Tensor): Tensor {
    const inside = value.gt(0);
    const log = value.where(inside, 1).log();
    return supported(this.base.logProb(log).sub(log), inside);
  }
  override entropy(): Tensor {
    return this.base.entropy().add(this.loc);
  }
  get mean(): Tensor {
    return this.loc.add(this.scale.square().mul(0.5)).exp();
  }
  get variance(): Tensor {
    const s = this.scale.square();
    return s.expm1().mul(this.loc.mul(2).add(s).exp());
  }
  protected override divergence(q: LogNormal): Tensor {
    return Normal.divergence(this.base, q.base);
  }
}

/** A normal number on the condition that it lies in [low, high]; by inversion, so for bounds within about 4 scales of loc in f32. */
export class TruncatedNormal extends Reparameterized {
  private readonly base: Normal;
  readonly low: Tensor;
  readonly high: Tensor;
  /** Standardized bounds, their cumulative probabilities, and the mass between. */
  private readonly a: Tensor;
  private readonly b: Tensor;
  private readonly below: Tensor;
  private readonly mass: Tensor;

  constructor(loc: Param = 0, scale: Param = 1, low: Param = -2, high: Param = 2) {
    super();
    const where = "truncatedNormal";
    const all = [
      param(where, loc, "real"),
      param(where, scale, "positive"),
      param(where, low, "real"),
      param(where, high, "real"),
    ];
    const [m, s, l, h] = together(where, ...all) as [Tensor, Tensor, Tensor, Tensor];
    this.base = new Normal(m, s);
    [this.low, this.high] = [l, h];
    [this.a, this.b] = [l.sub(m).div(s), h.sub(m).div(s)];
    this.below = cumulative(this.a);
    this.mass = cumulative(this.b).sub(this.below);
  }
  get batchShape(): Shape {
    return this.low.shape;
  }
  rsample(random: Random, shape: Shape = []): Tensor {
    const u = uniformNoise(random, [...shape, ...this.batchShape], this.low.dtype)
      .mul(this.mass)
      .add(this.below);
    const x = u.mul(2).sub(1).erfinv().mul(Math.SQRT2).mul(this.base.scale).add(this.base.loc);
    return x.maximum(this.low).minimum(this.high);
  }
  logProb(value: Tensor): Tensor {
    return supported(this.base.logProb(value).sub(this.mass.log()), value.ge(this.low).logicalAnd(value.le(this.high)));
  }
  /** (a φ(a) - b φ(b)) / mass, and (φ(a) - φ(b)) / mass. */
  private edges(): readonly [Tensor, Tensor] {
    const [p, q] = [density(this.a), density(this.b)];
    const times = (x: Tensor, y: Tensor): Tensor => x.where(x.isfinite(), 0).mul(y);
    return [times(this.a, p).sub(times(this.b, q)).div(this.mass), p.sub(q).div(this.mass)];
  }
  override entropy(): Tensor {
    return this.base.entropy().add(this.mass.log()).add(this.edges()[0].mul(0.5));
  }
  get mean(): Tensor {
    return this.base.loc.add(this.base.scale.mul(this.edges()[1]));
  }
  get variance(): Tensor {
    const [curve, slope] = this.edges();
    return this.base.scale.square().mul(curve.add(1).sub(slope.square()));
  }
}

const cumulative = (z: Tensor): Tensor => z.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
const density = (z: Tensor): Tensor => z.square().mul(-0.5).sub(LOG_ROOT_2PI).exp();
