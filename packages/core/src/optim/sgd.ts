/** @file SGD with momentum, dampening, weight decay and Nesterov's momentum, in PyTorch's form (`torch.optim.SGD`). */
import type { TensorUpdate } from "../engine/engine.ts";
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import { add, mul, sub } from "../ops/emit.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Parameters, ScalarInput } from "./optimizer.ts";
import { checkOption, Optimizer } from "./optimizer.ts";

export interface SgdOptions {
  readonly lr: number;
  /** 0 unless said. */
  readonly momentum?: number;
  /** 0 unless said. */
  readonly dampening?: number;
  /** L2 penalty; 0 unless said. */
  readonly weightDecay?: number;
  readonly nesterov?: boolean;
}

/**
 * d = grad + weightDecay·p; with momentum: b ← momentum·b + (1 - dampening)·d (b ← d in the first step), d = b, or with Nesterov
 * d + momentum·b; p ← p - lr·d.
 */
export class SGD extends Optimizer {
  readonly kind = "sgd";
  private readonly options: SgdOptions;

  constructor(params: Parameters, options: SgdOptions) {
    super(params, options.lr);
    const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
    checkOption("momentum", momentum, momentum >= 0);
    checkOption("weightDecay", weightDecay, weightDecay >= 0);
    checkOption("dampening", dampening, true);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      expected(
        "ARGUMENT_INVALID",
        "sgd",
        "nesterov with momentum and without dampening",
        `momentum ${momentum}, dampening ${dampening}`,
      );
    }
    this.options = options;
  }

  protected move(name: string, p: Tensor, grad: Expr, scalar: ScalarInput, updates: TensorUpdate[]): void {
    const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = this.options;
    const old = p.expr;
    let d = weightDecay === 0 ? grad : add(grad, mul(old, this.literal(weightDecay, old)));
    if (momentum !== 0) {
      const state = this.slot("momentum", name, p);
      const keep = this.literal(momentum, old);
      // The state is zero at first, so that only dampening makes the first step differ: its factor is an input.
      const first = this.steps === this.missedBy(name);
      const fresh = dampening === 0 ? d : mul(d, scalar(first ? "first" : "fresh", first ? 1 : 1 - dampening, old));
      const next = add(mul(state.expr, keep), fresh);
      updates.push({ tensor: state, next });
      d = nesterov ? add(d, mul(next, keep)) : next;
    }
    updates.push({ tensor: p, next: sub(old, mul(d, scalar("lr", this.lr, old))) });
  }
}

/** Stochastic gradient descent over a module or parameters. */
export const sgd = (params: Parameters, options: SgdOptions): SGD => new SGD(params, options);
