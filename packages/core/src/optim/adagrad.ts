/** @file Adagrad (Duchi, Hazan and Singer 2011), in PyTorch's form. */
import { add, div, mul, sqrt } from "../ops/emit.ts";
import type { ClipOptions } from "./clip.ts";
import { checkNonNegative, type Grouped } from "./groups.ts";
import type { Motion } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface AdagradGroup {
  /** 1e-2 unless said. */
  lr: number;
  /** The rate of step t is lr / (1 + (t - 1)·lrDecay); 0 unless said. */
  lrDecay: number;
  /** 0 unless said. */
  weightDecay: number;
  /** What the sums of squares begin with; 0 unless said. */
  initialAccumulatorValue: number;
  /** 1e-10 unless said. */
  eps: number;
  /** Go up instead of down. */
  maximize: boolean;
}

export type AdagradOptions = Partial<AdagradGroup> & ClipOptions;

/** With g the gradient: s ← s + g², p ← p - lr/(1 + (t-1)·lrDecay) · g / (√s + eps). */
export class Adagrad extends Optimizer<AdagradGroup> {
  constructor(params: Grouped<AdagradGroup>, options: AdagradOptions = {}) {
    const { lr = 1e-2, lrDecay = 0, weightDecay = 0, initialAccumulatorValue = 0, eps = 1e-10, maximize = false } = options;
    const defaults = { lr, lrDecay, weightDecay, initialAccumulatorValue, eps, maximize };
    super("adagrad", params, options, defaults, (o) =>
      checkNonNegative(o, ["lrDecay", "weightDecay", "initialAccumulatorValue", "eps"]),
    );
  }

  protected move(m: Motion<AdagradGroup>): void {
    const { lr, lrDecay, weightDecay, initialAccumulatorValue: initial, eps, maximize } = m.options;
    const g = m.descent(maximize, weightDecay);
    const sum = m.keep("sum", add(m.state("sum", initial), mul(g, g)), initial);
    const rate = m.counted("rate", lr / (1 + (m.t - 1) * lrDecay));
    m.moveBy(mul(div(g, add(sqrt(sum), m.lit(eps))), rate));
  }
}

/** Adagrad over a module, parameters or groups of them. */
export const adagrad = (params: Grouped<AdagradGroup>, options: AdagradOptions = {}): Adagrad => new Adagrad(params, options);
