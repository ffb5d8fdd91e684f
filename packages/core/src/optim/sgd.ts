/** @file SGD with momentum, dampening, weight decay and Nesterov's momentum, in PyTorch's form (`torch.optim.SGD`). */
import { expected } from "../errors.ts";
import { add, mul } from "../ops/emit.ts";
import type { Cycled } from "./base.ts";
import type { ClipOptions } from "./clip.ts";
import { checkNonNegative, checkOption, type Grouped } from "./groups.ts";
import type { Motion } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface SgdGroup {
  lr: number;
  /** 0 unless said. */
  momentum: number;
  /** 0 unless said. */
  dampening: number;
  /** L2 penalty; 0 unless said. */
  weightDecay: number;
  nesterov: boolean;
  /** Go up instead of down. */
  maximize: boolean;
}

export type SgdOptions = Pick<SgdGroup, "lr"> & Partial<SgdGroup> & ClipOptions;

function check(o: SgdGroup): void {
  checkNonNegative(o, ["momentum", "weightDecay"]);
  checkOption("dampening", o.dampening, true);
  if (o.nesterov && (o.momentum === 0 || o.dampening !== 0)) {
    const got = `momentum ${o.momentum}, dampening ${o.dampening}`;
    expected("ARGUMENT_INVALID", "sgd", "nesterov with momentum and without dampening", got);
  }
}

/**
 * d = grad + weightDecay·p; with momentum: b ← momentum·b + (1 - dampening)·d (b ← d in the first step), d = b, or with Nesterov
 * d + momentum·b; p ← p - lr·d.
 */
export class SGD extends Optimizer<SgdGroup> {
  constructor(params: Grouped<SgdGroup>, options: SgdOptions) {
    if (options === undefined)
      expected("ARGUMENT_INVALID", "sgd", "a learning rate", "none", "write optim.sgd(model, { lr: 0.1 })");
    const { lr, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false, maximize = false } = options;
    super("sgd", params, options, { lr, momentum, dampening, weightDecay, nesterov, maximize }, check);
  }

  override get cycled(): Cycled {
    return "momentum";
  }

  protected move(m: Motion<SgdGroup>): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = m.options;
    let d = m.descent(maximize, weightDecay);
    if (momentum !== 0) {
      const keep = m.coefficient("momentum", "momentum", momentum);
      // The state is zero at first, so that only dampening makes the first step differ: its factor is an input.
      const first = m.t === 1;
      const fresh = dampening === 0 ? d : mul(d, m.input(first ? "first" : "fresh", first ? 1 : 1 - dampening));
      const next = m.keep("momentum", add(mul(m.state("momentum"), keep), fresh));
      d = nesterov ? add(d, mul(next, keep)) : next;
    }
    m.moveBy(mul(d, m.input("lr", lr)));
  }
}

/** Stochastic gradient descent over a module, parameters or groups of them. */
export const sgd = (params: Grouped<SgdGroup>, options: SgdOptions): SGD => new SGD(params, options);
