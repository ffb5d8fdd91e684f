/** @file DP-SGD on shares: per-example gradients by vmap, clipped, summed, with noise of all parties, and the optimizer's step, as one Program. */
import { noGrad, Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import type { Module } from "@tacit/core/nn";
import type { Optimizer } from "@tacit/core/optim";
import { type Aval, type Expr, evaluate, ops, type Program, sizeOf, vmap } from "@tacit/core/program";
import { type AccountantName, epsilonOf, type PrivacyEvent } from "@tacit/privacy";
import { type ExampleProgram, exampleProgram, type Learning, learningOf, type Row } from "@tacit/privacy/example-program";
import { eventOf } from "./event.ts";
import { type Fractions, fractionBitsOf, fractionsOf, noiseOf, type ReleaseOptions } from "./mechanism.ts";

export interface PrivateStepsOptions<T extends readonly Tensor[]> extends ReleaseOptions {
  /** In the session. Its parameters that learn must be the optimizer's. */
  readonly model: Module;
  readonly optimizer: Optimizer;
  /** The loss of one row: gets each column as a batch of one. */
  readonly loss: (...row: Row<[...T]>) => Tensor;
}

/** The Program of one row's gradients, for all rows at once. */
interface Batched {
  readonly example: ExampleProgram;
  readonly program: Program;
}

/**
 * Steps of DP-SGD in a session. Each is one Program: what owners approve has clip norm and noise in it. There is no amplification by sampling: who
 * drives the session knows the row numbers of a batch, and so do the parties, so that the sample is no secret and each step is accounted on all
 * rows. Nothing but the weights comes out: a step has no loss to disclose.
 */
export class PrivateSteps<T extends readonly Tensor[]> {
  readonly #o: PrivateStepsOptions<T>;
  readonly #learning: Learning;
  readonly #fractions: Fractions;
  readonly #fractionBits: number;
  readonly #dimension: number;
  readonly #batched = new Map<string, Batched>();
  #steps = 0;

  constructor(options: PrivateStepsOptions<T>) {
    this.#o = options;
    this.#fractions = fractionsOf("privateSteps", options);
    this.#learning = learningOf("privateSteps", options.model, options.optimizer);
    this.#fractionBits = fractionBitsOf("privateSteps", this.#learning[0]![1].device);
    this.#dimension = this.#learning.reduce((n, [, p]) => n + sizeOf(p.shape), 0);
  }

  /** Steps begun: one that failed on the way may have been released. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * What they cost for a person with a row in every step. Where the driver gives each person's row to at most k of the steps, whatever the
   * data are (passes over fixed batches: one step a pass), `participations` is k.
   */
  events(participations: number = this.#steps): readonly PrivacyEvent[] {
    const count = Math.min(participations, this.#steps);
    return [eventOf(noiseOf(this.#fractions, this.#dimension), this.#o.neighbours, this.#fractionBits, count)];
  }

  /** ε at `delta` of `events(participations)`. */
  epsilon(delta: number, participations?: number, accountant: AccountantName = "zcdp"): number {
    return epsilonOf(this.events(participations), { delta, accountant });
  }

  /**
   * One step on rows: columns [n, ...] in the session, row i of all columns one person's. Moves by (Σ clipped gradients + noise) / n.
   * @throws TacitError SHAPE_MISMATCH; PRIVACY_* of the loss; DEVICE_UNSUPPORTED, POLICY_REFUSED by the session
   */
  async step(...columns: T): Promise<void> {
    const rows = columns[0]?.shape[0] ?? 0;
    if (rows === 0 || columns.some((c) => c.shape[0] !== rows))
      expected("SHAPE_MISMATCH", "privateSteps", "columns [n, ...] of one n above 0", "others");
    const batched = this.#program(columns, rows);
    noGrad(() => this.#place(this.#sum(batched, columns, rows), rows));
    const { optimizer } = this.#o;
    this.#steps++;
    try {
      await optimizer.step();
    } finally {
      optimizer.zeroGrad();
    }
  }

  /** Each parameter's part of the sum, over n, as its gradient. */
  #place(sum: Expr, rows: number): void {
    let at = 0;
    for (const [, p] of this.#learning) {
      const n = sizeOf(p.shape);
      const part = ops.reshape(ops.slice(sum, [at], [at + n]), p.shape);
      p.grad = new Tensor(ops.mul(part, ops.lit(part, 1 / rows)));
      at += n;
    }
  }

  /** Σ of clipped gradients and noise, of all parameters one behind the other: [dimension]. */
  #sum({ example, program }: Batched, columns: readonly Tensor[], rows: number): Expr {
    const given = [...this.#learning.map(([, p]) => p.expr), ...columns.map((c) => c.detach().expr), ...example.captured];
    const grads = evaluate(program, given).map((g) => ops.reshape(g, [rows, sizeOf(g.shape.slice(1))]));
    return ops.partyNoise(ops.clippedSum(ops.cat(grads, 1), this.#fractions.bound), this.#fractions.deviation);
  }

  #program(columns: readonly Tensor[], rows: number): Batched {
    const row = columns.map((c): Aval => ({ shape: c.shape.slice(1), dtype: c.dtype }));
    const key = JSON.stringify([rows, row]);
    let found = this.#batched.get(key);
    if (found === undefined) {
      const { model, loss } = this.#o;
      const example = exampleProgram<[...T]>({ where: "privateSteps", model, learning: this.#learning, loss, row });
      const first = this.#learning.length;
      const axes = example.program.inputs.map((_, i) => (i >= first && i < first + row.length ? 0 : null));
      this.#batched.set(key, (found = { example, program: vmap(example.program, axes, rows) }));
    }
    return found;
  }
}

/** @throws TacitError PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS, DEVICE_UNSUPPORTED */
export const privateSteps = <T extends readonly Tensor[]>(options: PrivateStepsOptions<T>): PrivateSteps<T> =>
  new PrivateSteps(options);
