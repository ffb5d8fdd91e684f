/** @file Averaged SGD (Polyak and Juditsky 1992), in PyTorch's form. */
import { add, mul, sub } from "../ops/emit.ts";
import type { ClipOptions } from "./clip.ts";
import { checkNonNegative, type Grouped } from "./groups.ts";
import type { Motion } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface AsgdGroup {
  /** 1e-2 unless said. */
  lr: number;
  /** Decay of the rate; 1e-4 unless said. */
  lambd: number;
  /** Power of the rate's decay; 0.75 unless said. */
  alpha: number;
  /** The step at which averaging begins; 1e6 unless said. */
  t0: number;
  /** 0 unless said. */
  weightDecay: number;
  /** Go up instead of down. */
  maximize: boolean;
}

export type AsgdOptions = Partial<AsgdGroup> & ClipOptions;

/**
 * η = lr/(1 + lambd·lr·(t-1))^alpha, p ← p·(1 - lambd·η) - η·g; the average (state "average") a ← a + (p - a)/max(1, t-1-t0). lr is the rate of
 * this step (PyTorch computes η one step ahead, from the rate before).
 */
export class ASGD extends Optimizer<AsgdGroup> {
  constructor(params: Grouped<AsgdGroup>, options: AsgdOptions = {}) {
    const { lr = 1e-2, lambd = 1e-4, alpha = 0.75, t0 = 1e6, weightDecay = 0, maximize = false } = options;
    super("asgd", params, options, { lr, lambd, alpha, t0, weightDecay, maximize }, (o) =>
      checkNonNegative(o, ["lambd", "alpha", "t0", "weightDecay"]),
    );
  }

  protected move(m: Motion<AsgdGroup>): void {
    const { lr, lambd, alpha, t0, weightDecay, maximize } = m.options;
    const eta = lr / (1 + lambd * lr * (m.t - 1)) ** alpha;
    const shrunk = mul(m.old, m.counted("shrink", 1 - lambd * eta));
    const next = sub(shrunk, mul(m.descent(maximize, weightDecay), m.counted("eta", eta)));
    const share = m.counted("share", 1 / Math.max(1, m.t - 1 - t0));
    const average = m.state("average");
    m.keep("average", add(average, mul(sub(next, average), share)));
    m.moveTo(next);
  }
}

/** Averaged SGD over a module, parameters or groups of them. */
export const asgd = (params: Grouped<AsgdGroup>, options: AsgdOptions = {}): ASGD => new ASGD(params, options);
