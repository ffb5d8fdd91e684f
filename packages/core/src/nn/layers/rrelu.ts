/** @file RReLU: a leaky ReLU whose slope is drawn for each element while training (Xu et al. 2015). */
import { expected } from "../../errors.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { InitOptions } from "../init.ts";
import { RandomLayer } from "./random-layer.ts";

/** Leaky ReLU with a random slope (Xu et al. 2015). */
export class RReLU extends RandomLayer {
  readonly lower: number;
  readonly upper: number;

  constructor(lower: number = 1 / 8, upper: number = 1 / 3, options: InitOptions = {}) {
    super(options);
    if (!(lower <= upper && Number.isFinite(upper - lower))) {
      expected("ARGUMENT_INVALID", "rrelu", "lower of at most upper", `${lower} and ${upper}`);
    }
    this.lower = lower;
    this.upper = upper;
  }

  /** x above 0, slope·x elsewhere: the slope uniform in [lower, upper) while training, their mean afterwards. */
  forward(x: Tensor): Tensor {
    const { lower, upper } = this;
    if (!this.training) return x.leakyRelu((lower + upper) / 2);
    // 24 bits: an f32 holds them exactly, so that none rounds up to 1.
    const unit = this.bits("rrelu", x.shape).bitwiseRightShift(8).cast(x.dtype);
    return x.where(x.gt(0), x.mul(unit.mul((upper - lower) / 2 ** 24).add(lower)));
  }

  override extraRepr(): string {
    return `${this.lower}, ${this.upper}`;
  }
}

/** Slopes in [1/8, 1/3) unless said. @throws ARGUMENT_INVALID unless lower <= upper */
export const rrelu = (lower: number = 1 / 8, upper: number = 1 / 3, options: InitOptions = {}): RReLU =>
  new RReLU(lower, upper, options);
