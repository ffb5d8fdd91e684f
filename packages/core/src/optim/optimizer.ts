/** @file Optimizer: what SGD and Adam share. A step is one Program: gradients, updates in place, the loss. */
import { step as runStep, type TensorUpdate } from "../engine/engine.ts";
import { expected, TacitError } from "../errors.ts";
import type { Expr } from "../expr.ts";
import type { Module, StateDict } from "../nn/module.ts";
import { takeWaitingBuffers } from "../nn/parameter.ts";
import { constant } from "../ops/emit.ts";
import { sameShape, showAval } from "../program/aval.ts";
import { gradientsOf, noGrad } from "../tensor/backward.ts";
import { zerosLike } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";

/** A module, or parameters; tensors with `requiresGrad` do as well. */
export type Parameters = Module | Iterable<Tensor>;

/** The scalars of an optimizer's state; JSON. Its tensors stand in `tensors`. */
export interface OptimizerState {
  readonly kind: string;
  readonly lr: number;
  /** Steps done. */
  readonly steps: number;
  /** Of parameters that had no gradient in some steps: in how many. */
  readonly missed?: Readonly<Record<string, number>>;
  /** "momentum.fc.weight" and the like. */
  readonly tensors: StateDict;
}

interface Named {
  readonly name: string;
  readonly tensor: Tensor;
}

const isModule = (x: Parameters): x is Module => "namedParameters" in x;

function namesOf(params: Parameters): Named[] {
  if (isModule(params)) return params.namedParameters().map(([name, tensor]) => ({ name, tensor }));
  return [...params].map((tensor, i) => ({ name: String(i), tensor }));
}

interface Moving extends Named {
  readonly grad: Expr;
}

/**
 * A host number that is an input of the Program, public on every device, in the dtype of the tensors that it meets. One input per
 * role and dtype, also where two roles happen to have equal values: Program ids must not depend on values.
 */
export type ScalarInput = (role: string, value: number, like: Expr) => Expr;

/** Subclasses say how one parameter moves; lr, step count and what follows from them are Program inputs, so that ids stay stable. */
export abstract class Optimizer {
  /** Learning rate. Set it freely between steps, or let a scheduler. */
  lr: number;
  /** Name in saved states. */
  abstract readonly kind: string;
  /** Steps done. */
  protected steps = 0;
  private readonly params: readonly Named[];
  /** State tensors by slot and parameter name: `momentum.fc.weight`. */
  private readonly slots = new Map<string, Tensor>();
  /** Steps in which a parameter had no gradient, by name: as in PyTorch, they do not count for it. */
  private readonly missed = new Map<string, number>();
  private readonly literals = new Map<string, Expr>();
  private readonly consumed = new WeakMap<Tensor, Expr>();

  constructor(params: Parameters, lr: number) {
    this.params = namesOf(params);
    this.lr = lr;
    checkOption("lr", lr, lr >= 0);
    if (this.params.length === 0) expected("ARGUMENT_INVALID", "optimizer", "at least one parameter", "none");
    for (const { name, tensor } of this.params) {
      if (!tensor.requiresGrad) expected("ARGUMENT_INVALID", `optimizer ${name}`, "a tensor with requiresGrad", showAval(tensor));
    }
  }

  /**
   * `step(loss)`: moves by the gradients of this loss alone, and neither reads nor writes `.grad`; `also` are further results to
   * compute with it (logits, say). `step()`: moves by the gradients that `backward()` left; `zeroGrad()` is then yours to call.
   * @throws LOSS_NOT_FINITE when the loss is NaN or infinite (where it can be read): the update has happened by then, GRAD_NOT_CLEARED when `zeroGrad` was forgotten,
   *   AUTOGRAD_NO_GRAPH when no parameter has a gradient
   */
  async step(loss?: Tensor, ...also: readonly Tensor[]): Promise<void> {
    const moving = loss === undefined ? this.collected() : this.gradientsOf(loss);
    const first = moving[0];
    if (first === undefined) {
      expected("AUTOGRAD_NO_GRAPH", "step", "a gradient at some parameter", "none", "call loss.backward() first, or step(loss)");
    }
    const updates = noGrad(() => this.updatesOf(moving));
    const results = loss === undefined ? also : [loss, ...also];
    await runStep([...results, ...takeWaitingBuffers(first.tensor.device)], updates);
    this.steps++;
    this.countMissed(moving);
    if (loss !== undefined) return checkFinite(loss, this.steps);
    for (const { tensor, grad } of moving) this.consumed.set(tensor, grad);
  }

  private countMissed(moving: readonly Moving[]): void {
    if (moving.length === this.params.length) return;
    const moved = new Set(moving.map((m) => m.name));
    for (const { name } of this.params) if (!moved.has(name)) this.missed.set(name, (this.missed.get(name) ?? 0) + 1);
  }

  /** In how many of the steps done the parameter had no gradient. */
  protected missedBy(name: string): number {
    return this.missed.get(name) ?? 0;
  }

  /** Gradients of a loss at the parameters that it reads. */
  private gradientsOf(loss: Tensor): Moving[] {
    const exprs = this.params.map((p) => p.tensor.expr);
    const out: Moving[] = [];
    gradientsOf(loss.expr, undefined, exprs, {}).forEach((g, i) => {
      if (g !== null) out.push({ ...this.params[i]!, grad: g });
    });
    return out;
  }

  /** What `backward()` left. */
  private collected(): Moving[] {
    const moving = this.params.flatMap((p) => (p.tensor.grad === null ? [] : [{ ...p, grad: p.tensor.grad.expr }]));
    const old = moving.filter(({ tensor, grad }) => {
      const used = this.consumed.get(tensor);
      return used !== undefined && (grad === used || grad.args.includes(used));
    });
    if (old.length === 0) return moving;
    // They mix gradients at two points. Nobody's values: the next step must not try to compute them.
    for (const { grad } of old) grad.used = true;
    throw new TacitError("GRAD_NOT_CLEARED", `step: expected fresh gradients, got that of an earlier step at ${old[0]!.name}`, {
      hint: "call opt.zeroGrad() after each step, or use step(loss), which needs none",
    });
  }

  /** Forgets the gradients. */
  zeroGrad(): void {
    for (const { tensor } of this.params) tensor.grad = null;
  }

  private updatesOf(moving: readonly Moving[]): TensorUpdate[] {
    const scalars = new Map<string, Expr>();
    const scalar: ScalarInput = (role, value, like) => {
      const key = role + like.dtype;
      let made = scalars.get(key);
      if (made === undefined) scalars.set(key, (made = Tensor.from([value], [], { dtype: like.dtype, public: true }).expr));
      return made;
    };
    const updates: TensorUpdate[] = [];
    for (const { name, tensor, grad } of moving) this.move(name, tensor, grad, scalar, updates);
    return updates;
  }

  /**
   * Appends the updates of one parameter and of its state. Runs without recording gradients, and on Exprs: some dozen nodes per
   * parameter and step need no handles.
   */
  protected abstract move(name: string, parameter: Tensor, grad: Expr, scalar: ScalarInput, updates: TensorUpdate[]): void;

  /** A number that is part of the Program: one node for all parameters, made once. */
  protected literal(value: number, like: Expr): Expr {
    const key = like.dtype + value;
    let e = this.literals.get(key);
    if (e === undefined) this.literals.set(key, (e = constant(like.dtype, value)));
    return e;
  }

  /** A state tensor of a parameter; zeros at first, public then. */
  protected slot(kind: string, name: string, parameter: Tensor): Tensor {
    const key = `${kind}.${name}`;
    let t = this.slots.get(key);
    if (t === undefined) this.slots.set(key, (t = zerosLike(parameter)));
    return t;
  }

  /** Everything that decides the next steps, but for the parameters. Tensors see later updates. */
  stateDict(): OptimizerState {
    const missed = this.missed.size > 0 ? { missed: Object.fromEntries(this.missed) } : {};
    return { kind: this.kind, lr: this.lr, steps: this.steps, ...missed, tensors: new Map(this.slots) };
  }

  /** Takes up a saved state. @throws STATE_MISMATCH when it belongs to another optimizer or other parameters */
  loadStateDict(state: OptimizerState): void {
    if (state.kind !== this.kind) expected("STATE_MISMATCH", "optimizer", `the state of ${this.kind}`, state.kind);
    checkOption("lr", state.lr, state.lr >= 0);
    checkOption("steps", state.steps, Number.isSafeInteger(state.steps) && state.steps >= 0);
    const missed = Object.entries(state.missed ?? {});
    for (const [name, n] of missed) checkOption(`count for ${name}`, n, Number.isSafeInteger(n) && n >= 0 && n <= state.steps);
    const faults: string[] = [];
    for (const [key, t] of state.tensors) {
      const owner = this.params.find((p) => key.endsWith(`.${p.name}`) && !key.slice(0, -p.name.length - 1).includes("."));
      if (owner === undefined) faults.push(`${key} belongs to no parameter`);
      else if (!sameShape(owner.tensor.shape, t.shape) || owner.tensor.dtype !== t.dtype) {
        faults.push(`${key} is ${showAval(t)}, not ${showAval(owner.tensor)}`);
      }
    }
    if (faults.length > 0)
      expected("STATE_MISMATCH", "optimizer", "the state of these parameters", faults.slice(0, 20).join("; "));
    this.slots.clear();
    for (const [key, t] of state.tensors) {
      this.slots.set(key, zerosLike(t).copy_(t)); // a value of its own: the other optimizer may go on
    }
    this.lr = state.lr;
    this.steps = state.steps;
    this.missed.clear();
    for (const [name, n] of missed) this.missed.set(name, n);
  }
}

/** Throws ARGUMENT_INVALID unless `good`. */
export function checkOption(name: string, value: number, good: boolean): void {
  if (!good || !Number.isFinite(value)) expected("ARGUMENT_INVALID", "optimizer", `a valid ${name}`, `${value}`);
}

async function checkFinite(loss: Tensor, step: number): Promise<void> {
  if (!loss.device.readable || loss.numel !== 1) return;
  const value = await loss.item();
  if (Number.isFinite(value)) return;
  throw new TacitError("LOSS_NOT_FINITE", `step ${step}: expected a finite loss, got ${value}`, {
    hint: "lower the learning rate, look for NaN in the data, and go on from the last checkpoint: the parameters are spoilt",
  });
}
