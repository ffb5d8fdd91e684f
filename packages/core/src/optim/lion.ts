/** @file Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms", program 1). */
import { add, mul, sign } from "../ops/emit.ts";
import type { Cycled } from "./base.ts";
import type { ClipOptions } from "./clip.ts";
import { checkBetas, checkNonNegative, type Grouped } from "./groups.ts";
import type { Motion } from "./motion.ts";
import { Optimizer } from "./optimizer.ts";

export interface LionGroup {
  /** 1e-4 unless said. */
  lr: number;
  /** [0.9, 0.99] unless said. */
  betas: readonly [number, number];
  /** Decoupled, as AdamW's; 0 unless said. */
  weightDecay: number;
  /** Go up instead of down. */
  maximize: boolean;
}

export type LionOptions = Partial<LionGroup> & ClipOptions;

function check(o: LionGroup): void {
  checkBetas(o.betas);
  checkNonNegative(o, ["weightDecay"]);
}

/** With g the gradient: p ← p·(1 - lr·weightDecay) - lr·sign(β₁m + (1-β₁)g), then m ← β₂m + (1-β₂)g. */
export class Lion extends Optimizer<LionGroup> {
  constructor(params: Grouped<LionGroup>, options: LionOptions = {}) {
    const { lr = 1e-4, betas = [0.9, 0.99], weightDecay = 0, maximize = false } = options;
    super("lion", params, options, { lr, betas, weightDecay, maximize }, check);
  }

  override get cycled(): Cycled {
    return "betas";
  }

  protected move(motion: Motion<LionGroup>): void {
    const { lr, betas, weightDecay, maximize } = motion.options;
    const [b1, b2] = betas;
    const beta = (role: string, value: number) => motion.coefficient("betas", role, value);
    const g = motion.descent(maximize, 0);
    const m = motion.state("mean");
    const way = sign(add(mul(m, beta("beta1", b1)), mul(g, beta("1 - beta1", 1 - b1))));
    motion.mean("mean", g, beta("beta2", b2), beta("1 - beta2", 1 - b2));
    const from = weightDecay === 0 ? motion.old : mul(motion.old, motion.input("decay", 1 - lr * weightDecay));
    motion.moveBy(mul(way, motion.input("lr", lr)), from);
  }
}

/** Lion over a module, parameters or groups of them. */
export const lion = (params: Grouped<LionGroup>, options: LionOptions = {}): Lion => new Lion(params, options);
