/** @file Rprop (Riedmiller and Braun 1993; the variant without weight backtracking), in PyTorch's form: for whole-batch gradients. */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import { gt, lt, maximum, minimum, mul, sign, where } from "../ops/emit.ts";
import type { ClipOptions } from "./clip.ts";
import type { Grouped } from "./groups.ts";
import type { Motion } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface RpropGroup {
  /** The step size at first; 1e-2 unless said. */
  lr: number;
  /** Factors of the step size where the gradient's sign changed and where it stayed; [0.5, 1.2] unless said. */
  etas: readonly [number, number];
  /** Smallest and largest step size; [1e-6, 50] unless said. */
  stepSizes: readonly [number, number];
  /** Go up instead of down. */
  maximize: boolean;
}

export type RpropOptions = Partial<RpropGroup> & ClipOptions;

function check(o: RpropGroup): void {
  const [down, up] = o.etas;
  if (!(down > 0 && down < 1 && up > 1)) expected("ARGUMENT_INVALID", "rprop", "etas with 0 < eta- < 1 < eta+", `${down}, ${up}`);
  const [least, most] = o.stepSizes;
  if (!(least > 0 && most >= least)) expected("ARGUMENT_INVALID", "rprop", "stepSizes above 0, ascending", `${least}, ${most}`);
}

/** Each element has a step size of its own, which grows while the sign of its gradient g stays: p ← p - sign(g)·size. */
export class Rprop extends Optimizer<RpropGroup> {
  constructor(params: Grouped<RpropGroup>, options: RpropOptions = {}) {
    const { lr = 1e-2, etas = [0.5, 1.2], stepSizes = [1e-6, 50], maximize = false } = options;
    super("rprop", params, options, { lr, etas, stepSizes, maximize }, check);
  }

  protected move(m: Motion<RpropGroup>): void {
    const { lr, etas, stepSizes, maximize } = m.options;
    const g = m.descent(maximize, 0);
    const agreement = mul(g, m.state("gradient"));
    const zero = m.lit(0);
    const turned: Expr = lt(agreement, zero);
    const factor = where(turned, m.lit(etas[0]), where(gt(agreement, zero), m.lit(etas[1]), m.lit(1)));
    const size = minimum(maximum(mul(m.state("size", lr), factor), m.lit(stepSizes[0])), m.lit(stepSizes[1]));
    m.keep("size", size, lr);
    // Where the sign changed this step is left out, and the next one counts as a first.
    const used = m.keep("gradient", where(turned, zero, g));
    m.moveBy(mul(sign(used), size));
  }
}

/** Rprop over a module, parameters or groups of them. */
export const rprop = (params: Grouped<RpropGroup>, options: RpropOptions = {}): Rprop => new Rprop(params, options);
