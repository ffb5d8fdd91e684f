/** @file Motion: how one parameter moves in one step, as an optimizer's rule sees it. */
import type { TensorUpdate } from "../engine/engine.ts";
import type { Expr } from "../expr.ts";
import { add, mul, sub } from "../ops/emit.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Rules that divide by a root of squares do not depend on the scale of the gradients: they take them times 128, and eps with them. A power of
 * two changes no digit of a float; and squares, which may sum (1-β₂)g² with (1-β₂) = 2^-10, keep 14 bits more where numbers have a
 * fixed point (2^-16 on shares).
 */
export const SCALE = 128;

/** What a motion needs of its optimizer. */
export interface MotionHost {
  /**
   * A host number that is an input of the Program, public on every device, in the dtype of the tensors that it meets. One input per
   * role and dtype, also where two roles happen to have equal values: Program ids must not depend on values.
   */
  readonly scalar: (role: string, value: number, like: Expr) => Expr;
  /** A number that is part of the Program. */
  readonly literal: (value: number, like: Expr) => Expr;
  /** The state tensor of a slot. */
  readonly slot: (kind: string, initial: number) => Tensor;
  /** Options that a schedule changes: they enter as inputs. */
  readonly varying: ReadonlySet<string>;
  readonly updates: TensorUpdate[];
}

/** Works on Exprs: some dozen nodes per parameter and step need no handles. Nothing records gradients. */
export class Motion<O> {
  /** The parameter before the step. */
  readonly old: Expr;
  /** Its gradient. */
  readonly grad: Expr;
  /** Options of its group. */
  readonly options: Readonly<O>;
  /** Number of this step for this parameter, from 1: steps in which it had no gradient do not count. */
  readonly t: number;
  /** In how many of the optimizer's steps it had none. Those that joined together share their inputs. */
  private readonly late: string;
  private readonly group: string;
  private readonly tensor: Tensor;
  private readonly host: MotionHost;

  constructor(
    tensor: Tensor,
    grad: Expr,
    options: Readonly<O>,
    place: { readonly group: number; readonly t: number; readonly missed: number },
    host: MotionHost,
  ) {
    this.tensor = tensor;
    this.old = tensor.expr;
    this.grad = grad;
    this.options = options;
    this.t = place.t;
    this.late = place.missed === 0 ? "" : ` ${place.missed} late`;
    this.group = place.group === 0 ? "" : ` of group ${place.group}`;
    this.host = host;
  }

  /** A number that is the same for all parameters of the group: the learning rate. */
  input(role: string, value: number): Expr {
    return this.host.scalar(role + this.group, value, this.old);
  }

  /** A number that depends on the parameter's own step count. */
  counted(role: string, value: number): Expr {
    return this.input(role + this.late, value);
  }

  /** A number that stays: part of the Program. */
  lit(value: number): Expr {
    return this.host.literal(value, this.old);
  }

  /** What follows from option `name`: part of the Program, or an input where a schedule changes that option. */
  coefficient(name: keyof O & string, role: string, value: number): Expr {
    return this.host.varying.has(name) ? this.input(role, value) : this.lit(value);
  }

  /** The gradient to go down by: negated to maximize, with the L2 penalty's part added. */
  descent(maximize: boolean, weightDecay: number): Expr {
    const g = maximize ? mul(this.grad, this.lit(-1)) : this.grad;
    return weightDecay === 0 ? g : add(g, mul(this.old, this.lit(weightDecay)));
  }

  /** The same times SCALE. */
  scaledDescent(maximize: boolean, weightDecay: number): Expr {
    return mul(this.descent(maximize, weightDecay), this.lit(SCALE));
  }

  /** A state of the parameter; `initial` everywhere before the first step. */
  state(kind: string, initial = 0): Expr {
    return this.host.slot(kind, initial).expr;
  }

  /** Replaces a state after the step; returns `next`. */
  keep(kind: string, next: Expr, initial = 0): Expr {
    this.host.updates.push({ tensor: this.host.slot(kind, initial), next });
    return next;
  }

  /** The state as a running mean of `x`: s ← forget·s + (1 - forget)·x. */
  mean(kind: string, x: Expr, forget: Expr, fresh: Expr): Expr {
    return this.keep(kind, add(mul(this.state(kind), forget), mul(x, fresh)));
  }

  /** p ← next. */
  moveTo(next: Expr): void {
    this.host.updates.push({ tensor: this.tensor, next });
  }

  /** p ← p - by. */
  moveBy(by: Expr, from: Expr = this.old): void {
    this.moveTo(sub(from, by));
  }
}
