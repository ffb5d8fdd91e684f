/** @file Averages of a model's weights along training: exponential moving average, and the equal one of SWA (Izmailov et al. 2018). */
import { step as runStep } from "../engine/engine.ts";
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import type { Module, StateDict } from "../nn/module.ts";
import { add, mul, sub } from "../ops/emit.ts";
import { sameShape, showAval } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";
import { noGrad } from "../tensor/backward.ts";
import { Tensor } from "../tensor/tensor.ts";

export interface AverageOptions {
  /** Average float buffers too (running means of batch norm); false unless said: evaluation then uses the model's own. */
  readonly buffers?: boolean;
}

export interface EmaOptions extends AverageOptions {
  /** How much of the average stays in an update, in [0, 1); 0.999 unless said. */
  readonly decay?: number;
  /** In the first updates less stays: min(decay, (1 + n)/(10 + n)) in update n, counted from 1. */
  readonly warmup?: boolean;
}

/** The scalars are JSON; tensors by the names of the model. */
export interface AverageState {
  readonly kind: string;
  readonly updates: number;
  readonly tensors: StateDict;
}

/** Values along a model's parameters. The first update copies them, as PyTorch's AveragedModel. */
export class AveragedModel {
  readonly kind: string;
  private readonly tensors: readonly (readonly [string, Tensor])[];
  private readonly averages = new Map<string, Tensor>();
  private readonly share: (updates: number) => number;
  private updates = 0;
  /** What the parameters held before the averages were swapped in. */
  private held: Map<Tensor, Expr> | null = null;

  constructor(kind: string, model: Module, share: (updates: number) => number, options: AverageOptions) {
    const buffers = options.buffers ? model.namedBuffers().filter(([, b]) => DTYPE[b.dtype].float) : [];
    this.kind = kind;
    this.tensors = [...model.namedParameters(), ...buffers];
    this.share = share;
    for (const [name, t] of this.tensors) this.averages.set(name, t.detach().clone());
  }

  /** Call after each step. One Program of its own; the share of the new values is an input. @throws ARGUMENT_INVALID between swapIn and swapOut */
  async update(): Promise<void> {
    if (this.held !== null) this.refuse("update");
    const share = this.updates === 0 ? 1 : this.share(this.updates);
    const scalars = new Map<string, Expr>();
    const updates = noGrad(() =>
      this.tensors.map(([name, t]) => {
        const average = this.averages.get(name)!;
        let by = scalars.get(t.dtype);
        if (by === undefined)
          scalars.set(t.dtype, (by = Tensor.from([share], [], { dtype: t.dtype as "f32" | "f64", public: true }).expr));
        return { tensor: average, next: add(average.expr, mul(sub(t.detach().expr, average.expr), by)) };
      }),
    );
    await runStep([], updates);
    this.updates++;
  }

  /** From now on the model computes with the averages, until `swapOut()`. Do not train in between. @throws ARGUMENT_INVALID */
  swapIn(): void {
    if (this.held !== null) this.refuse("swapIn");
    this.held = new Map(this.tensors.map(([, t]) => [t, t.expr]));
    for (const [name, t] of this.tensors) t.copy_(this.averages.get(name)!);
  }

  /** The model's own values again. */
  swapOut(): void {
    for (const [t, expr] of this.held ?? []) t.expr = expr;
    this.held = null;
  }

  /** Runs `fn` with the averages in the model: `await ema.evaluate(() => nn.accuracy(model, test))`. */
  async evaluate<T>(fn: () => T | Promise<T>): Promise<T> {
    this.swapIn();
    try {
      return await fn();
    } finally {
      this.swapOut();
    }
  }

  private refuse(where: string): never {
    return expected("ARGUMENT_INVALID", where, "the model's own weights in the model", "the averages", "call swapOut() first");
  }

  /** The averages, by the names of the model: what `model.loadStateDict(…, { strict: false })` takes. */
  stateDict(): AverageState {
    return { kind: this.kind, updates: this.updates, tensors: new Map(this.averages) };
  }

  /** @throws STATE_MISMATCH when the state belongs to another kind of average or another model */
  loadStateDict(state: AverageState): void {
    if (state.kind !== this.kind) expected("STATE_MISMATCH", "average", `the state of ${this.kind}`, state.kind);
    if (!Number.isSafeInteger(state.updates) || state.updates < 0)
      expected("STATE_MISMATCH", "average", "a count of updates", "something else");
    for (const [name, t] of this.averages) {
      const value = state.tensors.get(name);
      const fits = value !== undefined && sameShape(value.shape, t.shape) && value.dtype === t.dtype;
      if (!fits || state.tensors.size !== this.averages.size)
        expected("STATE_MISMATCH", "average", `${name} ${showAval(t)} and no other`, value ? showAval(value) : "none");
    }
    for (const [name, t] of this.averages) t.copy_(state.tensors.get(name)!.clone());
    this.updates = state.updates;
  }
}

/** Exponential moving average: each update takes 1 - decay of the way to the model's weights. */
export function ema(model: Module, options: EmaOptions = {}): AveragedModel {
  const { decay = 0.999, warmup = false } = options;
  if (!(decay >= 0 && decay < 1)) expected("ARGUMENT_INVALID", "ema", "a decay in [0, 1)", `${decay}`);
  const share = (n: number): number => 1 - (warmup ? Math.min(decay, (1 + n) / (10 + n)) : decay);
  return new AveragedModel("ema", model, share, options);
}

/** Stochastic weight averaging: the mean of the weights at every update. */
export const swa = (model: Module, options: AverageOptions = {}): AveragedModel =>
  new AveragedModel("swa", model, (n) => 1 / (n + 1), options);
