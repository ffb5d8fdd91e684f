/** @file NAdam (Dozat 2016: Adam with Nesterov's momentum), in PyTorch's form. */
import { add, div, mul, sqrt } from "../ops/emit.ts";
import type { ClipOptions } from "./clip.ts";
import { checkBetas, checkNonNegative, type Grouped } from "./groups.ts";
import { type Motion, SCALE } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface NAdamGroup {
  /** 2e-3 unless said. */
  lr: number;
  /** [0.9, 0.999] unless said. */
  betas: readonly [number, number];
  /** 1e-8 unless said. */
  eps: number;
  /** 0 unless said. */
  weightDecay: number;
  /** How fast β₁ warms up; 4e-3 unless said. */
  momentumDecay: number;
}

export type NAdamOptions = Partial<NAdamGroup> & ClipOptions;

function check(o: NAdamGroup): void {
  checkBetas(o.betas);
  checkNonNegative(o, ["eps", "weightDecay", "momentumDecay"]);
}

/** μₜ = β₁(1 - 0.96^(t·momentumDecay)/2). */
const mu = (o: NAdamGroup, t: number): number => o.betas[0] * (1 - 0.5 * 0.96 ** (t * o.momentumDecay));

/**
 * With g the gradient, m and v as Adam's: p ← p - lr·((1-μₜ)/(1-Πμ) · g + μₜ₊₁/(1-Πμ·μₜ₊₁) · m) / (√v/√(1-β₂ᵗ) + eps), Πμ = μ₁⋯μₜ. The product is one of
 * all steps, so β₁ must stay: `oneCycle` with momentum refuses NAdam.
 */
export class NAdam extends Optimizer<NAdamGroup> {
  /** μ₁⋯μₜ by β₁, decay and t, as far as steps have gone. */
  private readonly products = new Map<string, number[]>();

  constructor(params: Grouped<NAdamGroup>, options: NAdamOptions = {}) {
    const { lr = 2e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0, momentumDecay = 4e-3 } = options;
    super("nadam", params, options, { lr, betas, eps, weightDecay, momentumDecay }, check);
  }

  private product(o: NAdamGroup, t: number): number {
    const key = `${o.betas[0]} ${o.momentumDecay}`;
    let list = this.products.get(key);
    if (list === undefined) this.products.set(key, (list = [1]));
    for (let i = list.length; i <= t; i++) list.push(list[i - 1]! * mu(o, i));
    return list[t]!;
  }

  protected move(motion: Motion<NAdamGroup>): void {
    const { lr, betas, eps, weightDecay } = motion.options;
    const { options, t } = motion;
    const [b1, b2] = betas;
    const g = motion.scaledDescent(false, weightDecay);
    const m = motion.mean("mean", g, motion.lit(b1), motion.lit(1 - b1));
    const v = motion.mean("square", mul(g, g), motion.lit(b2), motion.lit(1 - b2));
    const [now, next, product] = [mu(options, t), mu(options, t + 1), this.product(options, t)];
    const fresh = motion.counted("fresh rate", (lr * (1 - now)) / (1 - product));
    const rate = motion.counted("rate", (lr * next) / (1 - product * next));
    const denominator = add(mul(sqrt(v), motion.counted("square", 1 / Math.sqrt(1 - b2 ** t))), motion.lit(SCALE * eps));
    motion.moveBy(div(add(mul(g, fresh), mul(m, rate)), denominator));
  }
}

/** NAdam over a module, parameters or groups of them. */
export const nadam = (params: Grouped<NAdamGroup>, options: NAdamOptions = {}): NAdam => new NAdam(params, options);
