/** @file DP-SGD on shares: per-example gradients by vmap, clipped, summed, with noise of all parties, and the optimizer's step, as one Program. */
import { noGrad, Tensor } from "@tacit/core";
import { checkOptions, expected, TacitError } from "@tacit/core/errors";
import { type Aval, type Expr, evaluate, ops, type Program, sizeOf, vmap } from "@tacit/core/program";
import { type AccountantName, epsilonOf, type PrivacyEvent } from "@tacit/privacy";
import {
  checkLayers,
  type ExampleProgram,
  exampleProgram,
  type Learner,
  Learners,
  type Learning,
  type Row,
} from "@tacit/privacy/example-program";
import { rowsBehind } from "./columns.ts";
import { eventOf } from "./event.ts";
import {
  checkBudget,
  type Fractions,
  fractionsOf,
  noiseOf,
  RELEASE,
  type ReleaseDevice,
  type ReleaseOptions,
  releaseDevice,
} from "./mechanism.ts";

/** `model`: in the session; its parameters that learn must be the optimizer's. */
export interface PrivateStepsOptions<T extends readonly Tensor[]> extends ReleaseOptions, Learner {
  /** The loss of one row: gets each column as a batch of one. */
  readonly loss: (...row: Row<[...T]>) => Tensor;
}

const STEPS: Readonly<Record<keyof PrivateStepsOptions<readonly Tensor[]>, true>> = {
  ...RELEASE,
  model: true,
  optimizer: true,
  optimizerState: true,
  loss: true,
};

/** What steps so far came to; public. JSON. Weights and the optimizer's state are saved by `mpc.saveTraining`. */
export interface PrivateStepsState {
  readonly steps: number;
  /** Of one step, as an accountant reads it: noise, sensitivity and dimension in least units of the session. */
  readonly event: PrivacyEvent;
}

/**
 * Steps of DP-SGD in a session. Each is one Program: what owners approve has clip norm and noise in it. There is no amplification by sampling: who
 * drives the session knows the row numbers of a batch, and so do the parties, so that the sample is no secret and each step is accounted on all
 * rows. Nothing but the weights comes out: a step has no loss to disclose.
 */
export class PrivateSteps<T extends readonly Tensor[]> {
  readonly #o: PrivateStepsOptions<T>;
  readonly #learners: Learners;
  readonly #learning: Learning;
  readonly #fractions: Fractions;
  readonly #device: ReleaseDevice;
  readonly #dimension: number;
  /** Programs for all rows at once, by the id of that of one row, and their number. */
  readonly #batched = new Map<string, Program>();
  #steps = 0;

  constructor(options: PrivateStepsOptions<T>) {
    checkOptions("PRIVACY_PARAMETER", "privateSteps", options, Object.keys(STEPS));
    // Copies: the caller may go on writing to its own, and these say what a step costs.
    const { mechanism } = options;
    this.#o = Object.freeze({ ...options, ...(mechanism !== undefined && { mechanism: Object.freeze({ ...mechanism }) }) });
    checkLayers("privateSteps", options.model);
    this.#learners = new Learners("privateSteps", options);
    this.#learning = this.#learners.learning;
    this.#device = releaseDevice("privateSteps", this.#learning[0]![1].device);
    this.#fractions = fractionsOf("privateSteps", options, this.#device.fractionBits);
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
    return [this.#event(Math.min(participations, this.#steps))];
  }

  #event(count: number): PrivacyEvent {
    return eventOf(noiseOf(this.#fractions, this.#dimension), this.#o.neighbours, this.#device.fractionBits, count);
  }

  /** ε at `delta` of `events(participations)`. */
  epsilon(delta: number, participations?: number, accountant: AccountantName = "zcdp"): number {
    return epsilonOf(this.events(participations), { delta, accountant });
  }

  /** For a checkpoint: `saveTraining` with `extra: { privacy: steps.state() }`. */
  state(): PrivateStepsState {
    return { steps: this.#steps, event: this.#event(1) };
  }

  /**
   * Takes up the account of a training, whose steps count on. Steps that ran after the state was saved and were lost with their results are not in
   * it: they let nothing out. Where their weights were disclosed meanwhile, save a state after that.
   * @throws TacitError STATE_MISMATCH for another noise, clip norm, relation or number of parameters
   */
  loadState(state: PrivateStepsState): void {
    const same = JSON.stringify(state.event) === JSON.stringify(this.#event(1));
    if (!same || !Number.isSafeInteger(state.steps) || state.steps < 0) {
      const message = "loadState: expected the state of private steps with this noise, clip norm and model, got another";
      throw new TacitError("STATE_MISMATCH", message, { hint: "give noiseMultiplier, clipNorm and neighbours as they were" });
    }
    this.#steps = state.steps;
  }

  /**
   * One step on rows: columns [n, ...] in the session, row i of all columns one person's. Moves by (Σ clipped gradients + noise) / n.
   * Columns may be lazy, if they keep rows apart (`columns.ts`).
   * @throws TacitError SHAPE_MISMATCH; PRIVACY_PARAMETER when other parameters learn, or are the optimizer's, than at the start; PRIVACY_* of the
   *   loss; PRIVACY_MIXED; PRIVACY_BUDGET beyond `mechanism`; DEVICE_UNSUPPORTED, POLICY_REFUSED by the session
   */
  async step(...columns: T): Promise<void> {
    const rows = columns[0]?.shape[0] ?? 0;
    if (rows === 0 || columns.some((c) => c.shape[0] !== rows))
      expected("SHAPE_MISMATCH", "privateSteps", "columns [n, ...] of one n above 0", "others");
    const { mechanism, neighbours } = this.#o;
    this.#learners.check("privateSteps");
    checkBudget("privateSteps", this.#o, [this.#event(this.#steps + 1)]);
    const example = this.#example(columns);
    const exprs = columns.map((c) => c.detach().expr);
    const sum = noGrad(() => this.#sum(example, exprs, rows));
    const persons = rowsBehind("privateSteps", this.#device, sum, exprs);
    if (mechanism !== undefined) this.#device.demand?.({ ...mechanism, neighbours, rows: persons });
    const gradients = noGrad(() => this.#parts(sum, rows));
    this.#steps++;
    await this.#learners.move(gradients);
  }

  /** Each parameter's part of the sum, over n: its gradient. */
  #parts(sum: Expr, rows: number): Tensor[] {
    let at = 0;
    return this.#learning.map(([, p]) => {
      const n = sizeOf(p.shape);
      const part = ops.reshape(ops.slice(sum, [at], [at + n]), p.shape);
      at += n;
      return new Tensor(ops.mul(part, ops.lit(part, 1 / rows)));
    });
  }

  /** Σ of clipped gradients and noise, of all parameters one behind the other: [dimension]. */
  #sum({ program, captured }: ExampleProgram, columns: readonly Expr[], rows: number): Expr {
    const given = [...this.#learning.map(([, p]) => p.expr), ...columns, ...captured];
    const batched = this.#forAll(program, columns.length, rows);
    const grads = evaluate(batched, given).map((g) => ops.reshape(g, [rows, sizeOf(g.shape.slice(1))]));
    return ops.partyNoise(ops.clippedSum(ops.cat(grads, 1), this.#fractions.bound), this.#fractions.deviation);
  }

  /** Of one row. Traced anew in each step: frozen parts, modes and public values count as they are now. */
  #example(columns: readonly Tensor[]): ExampleProgram {
    const row = columns.map((c): Aval => ({ shape: c.shape.slice(1), dtype: c.dtype }));
    const { model, loss } = this.#o;
    return exampleProgram<[...T]>({ where: "privateSteps", model, learning: this.#learning, loss, row });
  }

  #forAll(example: Program, columns: number, rows: number): Program {
    const key = `${rows} ${example.id}`;
    let found = this.#batched.get(key);
    if (found === undefined) {
      const first = this.#learning.length;
      const axes = example.inputs.map((_, i) => (i >= first && i < first + columns ? 0 : null));
      this.#batched.set(key, (found = vmap(example, axes, rows)));
    }
    return found;
  }
}

/** @throws TacitError PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS, DEVICE_UNSUPPORTED */
export const privateSteps = <T extends readonly Tensor[]>(options: PrivateStepsOptions<T>): PrivateSteps<T> =>
  new PrivateSteps(options);
