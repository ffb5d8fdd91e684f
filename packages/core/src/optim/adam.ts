/** @file Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), with PyTorch's defaults and PyTorch's numbers. */
import type { TensorUpdate } from "../engine/engine.ts";
import type { Expr } from "../expr.ts";
import { add, div, mul, sqrt, sub } from "../ops/emit.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Parameters, ScalarInput } from "./optimizer.ts";
import { checkOption, Optimizer } from "./optimizer.ts";

export interface AdamOptions {
  /** 1e-3 unless said. */
  readonly lr?: number;
  /** [0.9, 0.999] unless said. */
  readonly betas?: readonly [number, number];
  /** 1e-8 unless said. */
  readonly eps?: number;
  /** 0 unless said (AdamW: 0.01). */
  readonly weightDecay?: number;
}

/**
 * Gradients are taken times 128, and eps with them. Adam's steps do not depend on the scale of the gradients; a power of two changes
 * no digit of a float; and the running mean of squares, which sums (1-β₂)g² with (1-β₂) = 2^-10, keeps 14 bits more where numbers
 * have a fixed point (2^-16 on shares).
 */
const SCALE = 128;

/**
 * With g the gradient: m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², p ← p - lr/(1-β₁ᵗ) · m / (√v/√(1-β₂ᵗ) + eps). Weight decay is added to g, or, decoupled
 * (AdamW), taken off p first. The step t enters through two scalar inputs.
 */
export class Adam extends Optimizer {
  readonly kind: string;
  private readonly options: AdamOptions;
  private readonly decoupled: boolean;

  constructor(params: Parameters, options: AdamOptions = {}, decoupled = false) {
    super(params, options.lr ?? 1e-3);
    const { betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options;
    for (const b of betas) checkOption("beta", b, b >= 0 && b < 1);
    checkOption("eps", eps, eps >= 0);
    checkOption("weightDecay", weightDecay, weightDecay >= 0);
    this.kind = decoupled ? "adamw" : "adam";
    this.options = options;
    this.decoupled = decoupled;
  }

  protected move(name: string, p: Tensor, grad: Expr, scalar: ScalarInput, updates: TensorUpdate[]): void {
    const { betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = this.options;
    const [b1, b2] = betas;
    // A parameter that joins late counts its own steps; those that joined together share their two inputs.
    const missed = this.missedBy(name);
    const t = this.steps - missed + 1;
    const late = missed === 0 ? "" : ` ${missed} late`;
    const old = p.expr;
    const lit = (value: number): Expr => this.literal(value, old);
    const decays = weightDecay !== 0;
    const g = mul(decays && !this.decoupled ? add(grad, mul(old, lit(weightDecay))) : grad, lit(SCALE));
    const from = decays && this.decoupled ? mul(old, scalar("decay", 1 - this.lr * weightDecay, old)) : old;
    const m = this.slot("mean", name, p);
    const v = this.slot("square", name, p);
    const nextM = add(mul(m.expr, lit(b1)), mul(g, lit(1 - b1)));
    const nextV = add(mul(v.expr, lit(b2)), mul(mul(g, g), lit(1 - b2)));
    const rate = scalar(`rate${late}`, this.lr / (1 - b1 ** t), old);
    const denominator = add(mul(sqrt(nextV), scalar(`square${late}`, 1 / Math.sqrt(1 - b2 ** t), old)), lit(SCALE * eps));
    updates.push({ tensor: m, next: nextM }, { tensor: v, next: nextV });
    updates.push({ tensor: p, next: sub(from, mul(div(nextM, denominator), rate)) });
  }
}

/** Adam over a module or parameters. */
export const adam = (params: Parameters, options: AdamOptions = {}): Adam => new Adam(params, options);
/** Adam with decoupled weight decay, 0.01 unless said. */
export const adamw = (params: Parameters, options: AdamOptions = {}): Adam =>
  new Adam(params, { weightDecay: 0.01, ...options }, true);
