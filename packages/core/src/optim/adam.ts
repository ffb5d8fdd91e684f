/** @file Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), with PyTorch's defaults and PyTorch's numbers. */
import { add, div, maximum, mul, sqrt } from "../ops/emit.ts";
import type { Cycled } from "./base.ts";
import type { ClipOptions } from "./clip.ts";
import { checkBetas, checkNonNegative, type Grouped } from "./groups.ts";
import { type Motion, SCALE } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface AdamGroup {
  /** 1e-3 unless said. */
  lr: number;
  /** [0.9, 0.999] unless said. */
  betas: readonly [number, number];
  /** 1e-8 unless said. */
  eps: number;
  /** 0 unless said (AdamW: 0.01). */
  weightDecay: number;
  /** Divide by the largest mean of squares so far (Reddi, Kale and Kumar 2018). */
  amsgrad: boolean;
  /** Go up instead of down. */
  maximize: boolean;
}

export type AdamOptions = Partial<AdamGroup> & ClipOptions;

function check(o: AdamGroup): void {
  checkBetas(o.betas);
  checkNonNegative(o, ["eps", "weightDecay"]);
}

/**
 * With g the gradient: m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², p ← p - lr/(1-β₁ᵗ) · m / (√v/√(1-β₂ᵗ) + eps). Weight decay is added to g, or, decoupled
 * (AdamW), taken off p first. The step t enters through two scalar inputs.
 */
export class Adam extends Optimizer<AdamGroup> {
  private readonly decoupled: boolean;

  constructor(params: Grouped<AdamGroup>, options: AdamOptions = {}, decoupled = false) {
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, amsgrad = false, maximize = false } = options;
    const { weightDecay = decoupled ? 0.01 : 0 } = options;
    super(decoupled ? "adamw" : "adam", params, options, { lr, betas, eps, weightDecay, amsgrad, maximize }, check);
    this.decoupled = decoupled;
  }

  override get cycled(): Cycled {
    return "betas";
  }

  protected move(motion: Motion<AdamGroup>): void {
    const { lr, betas, eps, weightDecay, amsgrad, maximize } = motion.options;
    const [b1, b2] = betas;
    const { old, t } = motion;
    const g = motion.scaledDescent(maximize, this.decoupled ? 0 : weightDecay);
    const decays = this.decoupled && weightDecay !== 0;
    const from = decays ? mul(old, motion.input("decay", 1 - lr * weightDecay)) : old;
    const beta = (role: string, value: number) => motion.coefficient("betas", role, value);
    const m = motion.mean("mean", g, beta("beta1", b1), beta("1 - beta1", 1 - b1));
    let v = motion.mean("square", mul(g, g), beta("beta2", b2), beta("1 - beta2", 1 - b2));
    if (amsgrad) v = motion.keep("largest", maximum(motion.state("largest"), v));
    const rate = motion.counted("rate", lr / (1 - b1 ** t));
    const denominator = add(mul(sqrt(v), motion.counted("square", 1 / Math.sqrt(1 - b2 ** t))), motion.lit(SCALE * eps));
    motion.moveBy(mul(div(m, denominator), rate), from);
  }
}

/** Adam over a module, parameters or groups of them. */
export const adam = (params: Grouped<AdamGroup>, options: AdamOptions = {}): Adam => new Adam(params, options);
/** Adam with decoupled weight decay, 0.01 unless said. */
export const adamw = (params: Grouped<AdamGroup>, options: AdamOptions = {}): Adam => new Adam(params, options, true);
