/** @file Optimizer: what all optimizers but LBFGS share. A step is one Program: gradients, clipping, updates in place, the loss. */
import { read, step as runStep, type TensorUpdate } from "../engine/engine.ts";
import { expected, kindOf, TacitError } from "../errors.ts";
import type { Expr } from "../expr.ts";
import { takeWaitingBuffers } from "../nn/parameter.ts";
import { constant } from "../ops/emit.ts";
import { sizeOf } from "../program/aval.ts";
import { gradientsOf, noGrad } from "../tensor/backward.ts";
import { Tensor } from "../tensor/tensor.ts";
import { OptimizerBase } from "./base.ts";
import { type ClipOptions, checkClip, clippedByNorm, clippedByValue } from "./clip.ts";
import { checkNames, type Grouped, type GroupOptions, type Member } from "./groups.ts";
import { Health, takeLoss, warnUnused } from "./health.ts";
import { Motion, type MotionHost } from "./motion.ts";

interface Moving<O> extends Member<O> {
  readonly grad: Expr;
}

/** How far a clipped or accumulated gradient may lie from the one that it was made of. */
const MAX_CHAIN = 64;

/** Subclasses say how one parameter moves; lr, step count and what follows from them are Program inputs, so that ids stay stable. */
export abstract class Optimizer<O extends GroupOptions = GroupOptions> extends OptimizerBase<O> {
  /** Clipping of every step unless the step says otherwise. */
  clip: ClipOptions;
  private readonly literals = new Map<string, Expr>();
  private readonly consumed = new WeakMap<Tensor, Expr>();
  private readonly health = new Health();
  /** Options that a schedule changes. */
  private readonly varying = new Set<string>();

  /** `clip`: all options as the caller gave them. @throws ARGUMENT_INVALID for one that the optimizer does not have */
  constructor(kind: string, params: Grouped<O>, clip: ClipOptions, defaults: O, check: (options: O) => void) {
    checkNames(kind, clip, [...Object.keys(defaults), "clipNorm", "clipValue"]);
    super(kind, params, defaults, check);
    checkClip("clipNorm", clip.clipNorm);
    checkClip("clipValue", clip.clipValue);
    const { clipNorm, clipValue } = clip;
    this.clip = { ...(clipNorm !== undefined && { clipNorm }), ...(clipValue !== undefined && { clipValue }) };
  }

  /**
   * `step(loss)`: moves by the gradients of this loss alone, and neither reads nor writes `.grad`; `also` are further results to
   * compute with it (logits, say). `step(loss, { clipNorm: 1 })` clips them first. `step()`: moves by the gradients that `backward()`
   * left; `zeroGrad()` is then yours to call.
   * @throws LOSS_NOT_FINITE when the loss is NaN or infinite (where it can be read): the update has happened by then, GRAD_NOT_CLEARED when `zeroGrad` was forgotten,
   *   AUTOGRAD_NO_GRAPH when no parameter has a gradient
   */
  step(loss?: Tensor, ...also: readonly Tensor[]): Promise<void>;
  step(loss: Tensor | undefined, clip: ClipOptions): Promise<void>;
  async step(loss?: Tensor, ...rest: readonly (Tensor | ClipOptions)[]): Promise<void> {
    if (loss !== undefined && !(loss instanceof Tensor))
      expected(
        "ARGUMENT_INVALID",
        "step",
        "the loss, a tensor",
        kindOf(loss),
        "item() and data() leave the graph: give step what the loss returned",
      );
    const also = rest.filter((x) => x instanceof Tensor);
    const clip: ClipOptions = { ...this.clip, ...rest.find((x) => !(x instanceof Tensor)) };
    checkClip("step: clipNorm", clip.clipNorm);
    checkClip("step: clipValue", clip.clipValue);
    const watched = loss?.expr ?? takeLoss();
    const site = watched?.site ?? null;
    const moving = loss === undefined ? this.collected() : this.gradientsOf(loss);
    const first = moving[0];
    if (first === undefined) {
      expected("AUTOGRAD_NO_GRAPH", "step", "a gradient at some parameter", "none", "call loss.backward() first, or step(loss)");
    }
    const updates = noGrad(() => this.updatesOf(moving, clip));
    const results = loss === undefined ? also : [loss, ...also];
    await runStep([...results, ...takeWaitingBuffers(first.tensor.device)], updates);
    this.steps++;
    this.countMissed(moving);
    if (loss === undefined) for (const { tensor, grad } of moving) this.consumed.set(tensor, grad);
    const value = watched === null ? null : await lossValue(watched);
    if (value !== null) this.health.see(value, this.steps, site);
  }

  private countMissed(moving: readonly Moving<O>[]): void {
    if (moving.length === this.members.length) return;
    const moved = new Set(moving.map((m) => m.name));
    for (const { name } of this.members) if (!moved.has(name)) this.missed.set(name, (this.missed.get(name) ?? 0) + 1);
    const learning = this.members.filter((m) => m.tensor.requiresGrad).map((m) => m.name);
    warnUnused(this.steps, learning, this.missed);
  }

  /** Gradients of a loss at the parameters that it reads and that are not frozen. */
  private gradientsOf(loss: Tensor): Moving<O>[] {
    const free = this.members.filter((p) => p.tensor.requiresGrad);
    const exprs = free.map((p) => p.tensor.expr);
    const out: Moving<O>[] = [];
    gradientsOf(loss.expr, undefined, exprs, {}).forEach((g, i) => {
      if (g !== null) out.push({ ...free[i]!, grad: g });
    });
    return out;
  }

  /** What `backward()` left. */
  private collected(): Moving<O>[] {
    const moving = this.members.flatMap((p) => (p.tensor.grad === null ? [] : [{ ...p, grad: p.tensor.grad.expr }]));
    const old = moving.filter(({ tensor, grad }) => madeOf(grad, this.consumed.get(tensor)));
    if (old.length === 0) return moving;
    // They mix gradients at two points. Nobody's values: the next step must not try to compute them.
    for (const { grad } of old) grad.used = true;
    throw new TacitError("GRAD_NOT_CLEARED", `step: expected fresh gradients, got that of an earlier step at ${old[0]!.name}`, {
      hint: "call opt.zeroGrad() after each step, or use step(loss), which needs none",
    });
  }

  private updatesOf(moving: readonly Moving<O>[], clip: ClipOptions): TensorUpdate[] {
    const scalars = new Map<string, Expr>();
    const scalar: MotionHost["scalar"] = (role, value, like) => {
      const key = role + like.dtype;
      let made = scalars.get(key);
      if (made === undefined) scalars.set(key, (made = Tensor.from([value], [], { dtype: like.dtype, public: true }).expr));
      return made;
    };
    const updates: TensorUpdate[] = [];
    const literal = (value: number, like: Expr): Expr => this.literal(value, like);
    const grads = clipped(moving, clip, scalar);
    moving.forEach(({ name, tensor, group, index }, i) => {
      const slot = (kind: string, initial: number): Tensor => this.slot(kind, name, tensor, initial);
      const missed = this.missed.get(name) ?? 0;
      const place = { group: index, t: this.steps - missed + 1, missed };
      const host: MotionHost = { scalar, literal, slot, varying: this.varying, updates };
      this.move(new Motion<O>(tensor, grads[i]!, group, place, host));
    });
    return updates;
  }

  /** Says how one parameter and its state move. Runs without recording gradients. */
  protected abstract move(motion: Motion<O>): void;

  /** A number that is part of the Program: one node for all parameters, made once. */
  private literal(value: number, like: Expr): Expr {
    const key = like.dtype + value;
    let e = this.literals.get(key);
    if (e === undefined) this.literals.set(key, (e = constant(like.dtype, value)));
    return e;
  }

  /** For schedules: option `name` will change from step to step, and so becomes an input of the Program. */
  vary(name: string): void {
    this.varying.add(name);
  }
}

/** Whether a gradient is `used`, or was made of it by adding another or by clipping: both keep it as their first argument. */
function madeOf(grad: Expr, used: Expr | undefined): boolean {
  if (used === undefined) return false;
  let e: Expr | undefined = grad;
  for (let i = 0; i < MAX_CHAIN && e !== undefined; i++) {
    if (e === used) return true;
    e = e.args[0];
  }
  return false;
}

function clipped<O>(moving: readonly Moving<O>[], clip: ClipOptions, scalar: MotionHost["scalar"]): readonly Expr[] {
  let grads: readonly Expr[] = moving.map((m) => m.grad);
  const { clipValue, clipNorm } = clip;
  if (clipValue !== undefined) grads = grads.map((g) => clippedByValue(g, scalar("clip value", clipValue, g)));
  if (clipNorm === undefined) return grads;
  return clippedByNorm(grads, (like) => scalar("clip norm", clipNorm, like)).grads;
}

/** The value of a scalar loss; null where it cannot be read, or was not computed: its handle was dropped after `backward()`. */
async function lossValue(loss: Expr): Promise<number | null> {
  if (loss.leaf === null || !loss.leaf.device.readable || sizeOf(loss.shape) !== 1) return null;
  return Number((await read(loss))[0]);
}
