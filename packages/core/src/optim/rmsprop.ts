/** @file RMSprop (Hinton's lecture 6e, 2012; centered: Graves 2013, section 4), in PyTorch's form. */
import { add, div, mul, sqrt, sub } from "../ops/emit.ts";
import type { Cycled } from "./base.ts";
import type { ClipOptions } from "./clip.ts";
import { checkNonNegative, checkOption, type Grouped } from "./groups.ts";
import { type Motion, SCALE } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface RmspropGroup {
  /** 1e-2 unless said. */
  lr: number;
  /** How much the running means keep, in [0, 1); 0.99 unless said. */
  alpha: number;
  /** 1e-8 unless said. */
  eps: number;
  /** 0 unless said. */
  weightDecay: number;
  /** 0 unless said. */
  momentum: number;
  /** Divide by the standard deviation of the gradient instead of its root mean square. */
  centered: boolean;
  /** Go up instead of down. */
  maximize: boolean;
}

export type RmspropOptions = Partial<RmspropGroup> & ClipOptions;

function check(o: RmspropGroup): void {
  checkNonNegative(o, ["eps", "weightDecay", "momentum"]);
  checkOption("alpha", o.alpha, o.alpha >= 0 && o.alpha <= 1);
}

/**
 * With g the gradient: v ← αv + (1-α)g²; centered also a ← αa + (1-α)g, else a = 0; d = g / (√(v - a²) + eps); with momentum
 * b ← momentum·b + d, d = b; p ← p - lr·d.
 */
export class RMSprop extends Optimizer<RmspropGroup> {
  constructor(params: Grouped<RmspropGroup>, options: RmspropOptions = {}) {
    const { lr = 1e-2, alpha = 0.99, eps = 1e-8, weightDecay = 0 } = options;
    const { momentum = 0, centered = false, maximize = false } = options;
    super("rmsprop", params, options, { lr, alpha, eps, weightDecay, momentum, centered, maximize }, check);
  }

  override get cycled(): Cycled {
    return "momentum";
  }

  protected move(m: Motion<RmspropGroup>): void {
    const { lr, alpha, eps, weightDecay, momentum, centered, maximize } = m.options;
    const [forget, fresh] = [m.lit(alpha), m.lit(1 - alpha)];
    const g = m.scaledDescent(maximize, weightDecay);
    let v = m.mean("square", mul(g, g), forget, fresh);
    if (centered) {
      const mean = m.mean("mean", g, forget, fresh);
      v = sub(v, mul(mean, mean));
    }
    let d = div(g, add(sqrt(v), m.lit(SCALE * eps)));
    if (momentum !== 0) {
      const keep = m.coefficient("momentum", "momentum", momentum);
      d = m.keep("momentum", add(mul(m.state("momentum"), keep), d));
    }
    m.moveBy(mul(d, m.input("lr", lr)));
  }
}

/** RMSprop over a module, parameters or groups of them. */
export const rmsprop = (params: Grouped<RmspropGroup>, options: RmspropOptions = {}): RMSprop => new RMSprop(params, options);
