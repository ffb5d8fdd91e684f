/** @file Adamax (Kingma and Ba 2015, section 7.1: Adam with the infinity norm), in PyTorch's form. */
import { abs, add, div, maximum, mul } from "../ops/emit.ts";
import type { Cycled } from "./base.ts";
import type { ClipOptions } from "./clip.ts";
import { checkBetas, checkNonNegative, type Grouped } from "./groups.ts";
import type { Motion } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface AdamaxGroup {
  /** 2e-3 unless said. */
  lr: number;
  /** [0.9, 0.999] unless said. */
  betas: readonly [number, number];
  /** 1e-8 unless said. */
  eps: number;
  /** 0 unless said. */
  weightDecay: number;
  /** Go up instead of down. */
  maximize: boolean;
}

export type AdamaxOptions = Partial<AdamaxGroup> & ClipOptions;

function check(o: AdamaxGroup): void {
  checkBetas(o.betas);
  checkNonNegative(o, ["eps", "weightDecay"]);
}

/** With g the gradient: m ← β₁m + (1-β₁)g, u ← max(β₂u, |g| + eps), p ← p - lr/(1-β₁ᵗ) · m/u. */
export class Adamax extends Optimizer<AdamaxGroup> {
  constructor(params: Grouped<AdamaxGroup>, options: AdamaxOptions = {}) {
    const { lr = 2e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0, maximize = false } = options;
    super("adamax", params, options, { lr, betas, eps, weightDecay, maximize }, check);
  }

  override get cycled(): Cycled {
    return "betas";
  }

  protected move(motion: Motion<AdamaxGroup>): void {
    const { lr, betas, eps, weightDecay, maximize } = motion.options;
    const [b1, b2] = betas;
    const beta = (role: string, value: number) => motion.coefficient("betas", role, value);
    const g = motion.descent(maximize, weightDecay);
    const m = motion.mean("mean", g, beta("beta1", b1), beta("1 - beta1", 1 - b1));
    const norm = maximum(mul(motion.state("norm"), beta("beta2", b2)), add(abs(g), motion.lit(eps)));
    const u = motion.keep("norm", norm);
    motion.moveBy(mul(div(m, u), motion.counted("rate", lr / (1 - b1 ** motion.t))));
  }
}

/** Adamax over a module, parameters or groups of them. */
export const adamax = (params: Grouped<AdamaxGroup>, options: AdamaxOptions = {}): Adamax => new Adamax(params, options);
