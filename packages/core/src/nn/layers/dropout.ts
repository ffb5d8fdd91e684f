/** @file Dropout: zeros elements or whole channels at random while training (Srivastava et al. 2014), or moves them to SELU's limit. */
import { expected } from "../../errors.ts";
import { type Shape, showShape } from "../../program/aval.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { InitOptions } from "../init.ts";
import { RandomLayer } from "./random-layer.ts";

abstract class Dropping extends RandomLayer {
  /** Probability that an element is dropped. */
  readonly p: number;
  /** As messages name it. */
  protected abstract readonly where: string;

  constructor(p: number, options: InitOptions) {
    super(options);
    if (!(p >= 0 && p <= 1)) expected("ARGUMENT_INVALID", "dropout", "a probability", `${p}`);
    this.p = p;
  }

  /** Elements that share one draw get a size of 1. @throws SHAPE_MISMATCH */
  protected abstract maskShape(x: Tensor): Shape;

  /** Which elements stay, as 0 and 1. */
  protected kept(x: Tensor): Tensor {
    return this.bits(this.where, this.maskShape(x))
      .ge(Math.round(this.p * 2 ** 32))
      .cast(x.dtype);
  }

  /** While training: x · mask / (1 - p), with a fresh mask per call. */
  forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    if (this.p === 1) return x.mul(0);
    return x.mul(this.kept(x).mul(1 / (1 - this.p)));
  }

  override extraRepr(): string {
    return `${this.p}`;
  }
}

const each = (x: Tensor): Shape => x.shape;

/** One draw per channel: [N, C, ...] of `rank`, or [C, ...]. */
function perChannel(where: string, x: Tensor, ranks: readonly number[]): Shape {
  if (!ranks.includes(x.ndim)) expected("SHAPE_MISMATCH", where, `${ranks.join(" or ")} dimensions`, showShape(x.shape));
  const lead = x.ndim === ranks[0] ? 2 : 1;
  return x.shape.map((d, i) => (i < lead ? d : 1));
}

/** Drops single elements. */
export class Dropout extends Dropping {
  protected readonly where: string = "dropout";

  protected maskShape(x: Tensor): Shape {
    return each(x);
  }
}

/** Drops whole channels of [N, C, L] or [C, L] (Tompson et al. 2015). */
export class Dropout1d extends Dropping {
  protected readonly where: string = "dropout1d";

  protected maskShape(x: Tensor): Shape {
    return perChannel(this.where, x, [3, 2]);
  }
}

/** Drops whole channels of [N, C, H, W]. */
export class Dropout2d extends Dropping {
  protected readonly where: string = "dropout2d";

  protected maskShape(x: Tensor): Shape {
    return perChannel(this.where, x, [4]);
  }
}

/** The limit of SELU at -∞, negated: scale · alpha of Klambauer et al. (2017). */
const SELU_FLOOR = 1.7580993408473766;

/**
 * Moves dropped elements to SELU's lower limit and scales all, so that mean 0 and variance 1 stay (Klambauer et al. 2017, section 3).
 */
export class AlphaDropout extends Dropping {
  protected readonly where: string = "alphaDropout";

  protected maskShape(x: Tensor): Shape {
    return each(x);
  }

  override forward(x: Tensor): Tensor {
    const { p } = this;
    if (!this.training || p === 0) return x;
    if (p === 1) return x.mul(0);
    const scale = 1 / Math.sqrt((SELU_FLOOR ** 2 * p + 1) * (1 - p));
    const shift = SELU_FLOOR * scale;
    const kept = this.kept(x);
    return x.mul(kept.mul(scale)).add(kept.sub(1 - p).mul(shift));
  }
}

/** As `AlphaDropout`, for whole channels of [N, C, ...]. */
export class FeatureAlphaDropout extends AlphaDropout {
  protected override readonly where: string = "featureAlphaDropout";

  protected override maskShape(x: Tensor): Shape {
    return perChannel(this.where, x, [Math.max(x.ndim, 2)]);
  }
}

/** Elements are 0 with probability p while training, the others times 1/(1 - p) (Srivastava et al. 2014). @throws ARGUMENT_INVALID for p outside [0, 1] */
export const dropout = (p = 0.5, options: InitOptions = {}): Dropout => new Dropout(p, options);
/** Whole channels of [N, C, L] or [C, L]. @throws ARGUMENT_INVALID for p outside [0, 1] */
export const dropout1d = (p = 0.5, options: InitOptions = {}): Dropout1d => new Dropout1d(p, options);
/** Whole channels of [N, C, H, W] or [C, H, W]. @throws ARGUMENT_INVALID for p outside [0, 1] */
export const dropout2d = (p = 0.5, options: InitOptions = {}): Dropout2d => new Dropout2d(p, options);
/** Dropout for SELU networks. @throws ARGUMENT_INVALID for p outside [0, 1] */
export const alphaDropout = (p = 0.5, options: InitOptions = {}): AlphaDropout => new AlphaDropout(p, options);
/** As `alphaDropout`, for whole channels. @throws ARGUMENT_INVALID for p outside [0, 1] */
export const featureAlphaDropout = (p = 0.5, options: InitOptions = {}): FeatureAlphaDropout =>
  new FeatureAlphaDropout(p, options);
