/** @file RAdam (Liu et al. 2020: Adam whose adaptive rate waits until its variance is bounded), in PyTorch's form. */
import { add, div, mul, sqrt } from "../ops/emit.ts";
import type { Cycled } from "./base.ts";
import type { ClipOptions } from "./clip.ts";
import { checkBetas, checkNonNegative, type Grouped } from "./groups.ts";
import type { Motion } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface RAdamGroup {
  /** 1e-3 unless said. */
  lr: number;
  /** [0.9, 0.999] unless said. */
  betas: readonly [number, number];
  /** 1e-8 unless said. */
  eps: number;
  /** 0 unless said. */
  weightDecay: number;
}

export type RAdamOptions = Partial<RAdamGroup> & ClipOptions;

function check(o: RAdamGroup): void {
  checkBetas(o.betas);
  checkNonNegative(o, ["eps", "weightDecay"]);
}

/** The rectification of step t, times √(1-β₂ᵗ); 0 as long as the length of the average (section 3.3) is at most 5. */
function rectification(b2: number, t: number): number {
  const most = 2 / (1 - b2) - 1;
  const length = most - (2 * t * b2 ** t) / (1 - b2 ** t);
  if (length <= 5) return 0;
  const ratio = ((length - 4) * (length - 2) * most) / ((most - 4) * (most - 2) * length);
  return Math.sqrt(ratio * (1 - b2 ** t));
}

/**
 * With g the gradient, m and v as Adam's: p ← p - m·(a/(√v + eps) + b); b = lr/(1-β₁ᵗ), a = 0 in the first steps, then a the rectified rate, b = 0.
 * Both are inputs, so that one Program serves both phases.
 */
export class RAdam extends Optimizer<RAdamGroup> {
  constructor(params: Grouped<RAdamGroup>, options: RAdamOptions = {}) {
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options;
    super("radam", params, options, { lr, betas, eps, weightDecay }, check);
  }

  override get cycled(): Cycled {
    return "betas";
  }

  protected move(motion: Motion<RAdamGroup>): void {
    const { lr, betas, eps, weightDecay } = motion.options;
    const [b1, b2] = betas;
    const { t } = motion;
    const beta = (role: string, value: number) => motion.coefficient("betas", role, value);
    const g = motion.descent(false, weightDecay);
    const m = motion.mean("mean", g, beta("beta1", b1), beta("1 - beta1", 1 - b1));
    const v = motion.mean("square", mul(g, g), beta("beta2", b2), beta("1 - beta2", 1 - b2));
    const rate = lr / (1 - b1 ** t);
    const rectified = rectification(b2, t);
    const adaptive = motion.counted("adaptive rate", rate * rectified);
    const plain = motion.counted("plain rate", rectified === 0 ? rate : 0);
    motion.moveBy(mul(m, add(div(adaptive, add(sqrt(v), motion.lit(eps))), plain)));
  }
}

/** RAdam over a module, parameters or groups of them. */
export const radam = (params: Grouped<RAdamGroup>, options: RAdamOptions = {}): RAdam => new RAdam(params, options);
