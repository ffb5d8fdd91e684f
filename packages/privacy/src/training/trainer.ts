/** @file PrivateTrainer: steps of DP-SGD or DP-FTRL, and what they have cost so far. */
import { Tensor } from "@tacit/core";
import type { Batch } from "@tacit/core/data";
import { TacitError } from "@tacit/core/errors";
import { refuse } from "../check.ts";
import type { Neighbours, PrivacyEvent } from "../events.ts";
import { eventsOf, neighboursOf, type Plan, type Scheme, spent } from "./account.ts";
import type { Adaptive } from "./adaptive.ts";
import { checkNorm, unitsPer } from "./grid.ts";
import type { Learners } from "./learning.ts";
import type { Noise } from "./noise.ts";
import type { PrivateOptions } from "./options.ts";
import type { Rows } from "./rows.ts";
import type { RowSums } from "./sums.ts";

/** What `makePrivate` puts together. */
export interface Parts<T extends Batch> {
  readonly options: PrivateOptions<T>;
  readonly learners: Learners;
  readonly rows: Rows;
  readonly scheme: Scheme;
  readonly plan: Plan;
  readonly sums: RowSums<T>;
  /** K. */
  readonly units: number;
  readonly noise: Noise;
  readonly maxGradNorm: number;
  readonly adapting: Adaptive | null;
}

/** Where a run stands; public. JSON. Parameters and the optimizer's state are saved by their own `stateDict`. */
export interface TrainerState {
  readonly steps: number;
  /** Passes begun, for DP-FTRL. */
  readonly trees: number;
  readonly maxGradNorm: number;
  readonly noiseMultiplier: number;
  readonly scheme: Scheme;
}

/** Said after each step of `train`. */
export interface Progress {
  /** Steps done. */
  readonly step: number;
  /** Steps planned; Infinity where no epochs were given. */
  readonly steps: number;
  /** Epochs done, with fractions. */
  readonly epoch: number;
}

export class PrivateTrainer<T extends Batch> {
  readonly #parts: Parts<T>;
  #steps = 0;
  #trees = 0;
  #maxGradNorm: number;
  /** Steps that the budget's ledger holds and that were not taken. */
  #paid = 0;
  #busy = false;
  /** The noise goes on from before (a tree under way). */
  #warm = false;

  constructor(parts: Parts<T>) {
    this.#parts = parts;
    this.#maxGradNorm = parts.maxGradNorm;
    this.#checkBudget();
  }

  /** z: the noise of a step in units of C. */
  get noiseMultiplier(): number {
    return this.#parts.plan.noiseMultiplier;
  }

  /** Steps planned, the last of which is the end; Infinity where no epochs were given. */
  get plannedSteps(): number {
    return this.#parts.plan.steps;
  }

  get stepsPerEpoch(): number {
    return this.#parts.scheme.stepsPerEpoch;
  }

  get delta(): number {
    return this.#parts.options.delta;
  }

  /** Steps taken. */
  get steps(): number {
    return this.#steps;
  }

  /** C, which adaptive clipping moves. */
  get maxGradNorm(): number {
    return this.#maxGradNorm;
  }

  /** The parameters that learn. */
  get parameters(): readonly Tensor[] {
    return this.#parts.learners.learning.map(([, p]) => p);
  }

  /** What was released so far, as the ledger has it. */
  get events(): readonly PrivacyEvent[] {
    return eventsOf(this.#parts.scheme, this.noiseMultiplier, this.#steps, this.#trees);
  }

  /** ε of the steps so far at `delta`, by PLD, an upper bound. Takes some tenths of a second: not for every step. */
  epsilon(delta: number = this.delta): number {
    return spent(this.events, delta);
  }

  /** For whom ε counts: add-remove with Poisson sampling, replace-one with passes. */
  get neighbours(): Neighbours {
    return neighboursOf(this.#parts.scheme.sampling);
  }

  /** One sentence for logs and model cards: ε, δ, neighbours, what is public, noise, sampling. */
  statement(): string {
    const { sampling, rate, rows } = this.#parts.scheme;
    const { rows: stated, unit = "row" } = this.#parts.options;
    const number =
      stated === undefined ? `the number of rows, ${rows}, is taken as public` : `the stated number of rows, ${rows}, is public`;
    const who =
      sampling === "poisson"
        ? `one ${unit} more or less (add-remove; ${number}: one row more or less means one row ignored where it stands, rate and steps unchanged)`
        : `one ${unit} replaced by another in its place (replace-one; ${number})`;
    const chosen =
      sampling === "poisson"
        ? `Poisson sampling of rate ${rate.toPrecision(4)} by the platform's CSPRNG`
        : `passes over all rows, tree noise with restarts (${this.#trees} trees)`;
    return (
      `(ε = ${this.epsilon().toPrecision(4)}, δ = ${this.delta})-differentially private for ${who}: ${this.#steps} steps, ` +
      `noise multiplier ${this.noiseMultiplier.toPrecision(5)}, ${chosen}; PLD accountant, upper bound`
    );
  }

  /** Steps to the end of the plan. `onStep` may await; between steps the model may be read. @throws as `step` */
  async train(onStep?: (at: Progress) => void | Promise<void>): Promise<void> {
    if (this.plannedSteps === Number.POSITIVE_INFINITY)
      refuse("train", "epochs in the options of makePrivate", "none", "or call step()");
    while (this.#steps < this.plannedSteps) {
      await this.step();
      await onStep?.({ step: this.#steps, steps: this.plannedSteps, epoch: this.#steps / this.stepsPerEpoch });
    }
  }

  /**
   * One step: writes it down, draws rows, sums clipped gradients, adds noise, moves the optimizer. Nothing about the rows is returned: a
   * training loss would be a release that nobody accounts for.
   * @throws TacitError PRIVACY_BUDGET when the plan or the budget is spent, PRIVACY_PARAMETER when other parameters learn, or are the optimizer's,
   *   than at `makePrivate`; before anything is read
   */
  async step(): Promise<void> {
    if (this.#busy) refuse("step", "one step at a time", "a step while another runs", "await each");
    this.#busy = true;
    try {
      await this.#step();
    } finally {
      this.#busy = false;
    }
  }

  async #step(): Promise<void> {
    const { rows, sums, noise, scheme, adapting, learners } = this.#parts;
    this.#checkPlan();
    learners.check("step");
    const begins = scheme.sampling === "passes" && (!this.#warm || this.#steps % scheme.stepsPerEpoch === 0);
    if (begins) this.#checkTree();
    this.#pay(begins);
    if (begins) noise.restart();
    this.#warm = true;
    const step = this.#steps++;
    if (begins) this.#trees++;
    const c = this.#maxGradNorm;
    const found = await sums.of(rows.at(step), Math.floor(step / scheme.stepsPerEpoch), c);
    noise.add(found.sums);
    if (adapting !== null) this.#maxGradNorm = adapting.next(c, found.count);
    await this.#move(found.sums, c);
  }

  /** A plan is a plan, whether the noise was chosen for it or given. */
  #checkPlan(): void {
    const { epsilon } = this.#parts.options;
    if (this.#steps < this.plannedSteps) return;
    const at = epsilon === undefined ? "" : ` at ε ${epsilon}`;
    throw new TacitError("PRIVACY_BUDGET", `step: expected at most ${this.plannedSteps} steps${at}, got one more`, {
      hint:
        epsilon === undefined
          ? "plan more epochs, or give none where the end is not known"
          : "the noise was chosen for these: plan more epochs",
    });
  }

  /** A run that was taken up has more trees than were planned for: `epsilon` holds nevertheless. */
  #checkTree(): void {
    const { scheme, options, plan } = this.#parts;
    const trees = this.#trees + 1;
    if (options.epsilon === undefined || trees <= Math.ceil(plan.steps / scheme.stepsPerEpoch)) return;
    const after = spent(eventsOf(scheme, this.noiseMultiplier, this.#steps + 1, trees), this.delta);
    if (after <= options.epsilon) return;
    throw new TacitError(
      "PRIVACY_BUDGET",
      `step: expected at most ε ${options.epsilon}, got ${after.toPrecision(4)} with tree ${trees}`,
      { hint: "each time a run is taken up a tree begins: plan more epochs, or save where a pass ends" },
    );
  }

  /** The noisy sum over the public expected batch, back from the grid, to the optimizer. */
  async #move(sums: readonly Float64Array[], c: number): Promise<void> {
    const { learners, units, options } = this.#parts;
    const scale = 1 / (unitsPer(units, c) * options.batch);
    const gradients = learners.learning.map(([, p], i) => {
      const sum = sums[i]!;
      const values = new Float32Array(sum.length); // a loop: Float32Array.from takes 0.5 µs a number
      for (let j = 0; j < sum.length; j++) values[j] = sum[j]! * scale;
      return Tensor.adopt(values, p.shape, "f32");
    });
    await learners.move(gradients);
  }

  /** Refuses early what will not fit later. */
  #checkBudget(): void {
    const { plan, scheme, options } = this.#parts;
    if (options.budget === undefined || plan.steps === Number.POSITIVE_INFINITY) return;
    const all = eventsOf(scheme, plan.noiseMultiplier, plan.steps, Math.ceil(plan.steps / scheme.stepsPerEpoch));
    const { terms } = options.budget;
    const after = options.budget.after(all);
    if (after <= terms.epsilon) return;
    throw new TacitError(
      "PRIVACY_BUDGET",
      `makePrivate: expected at most ε ${terms.epsilon} of ${terms.dataset} per ${terms.unit}, got ${after.toPrecision(4)} with this run`,
      { hint: "train for fewer epochs, or with more noise" },
    );
  }

  /** Has the next step in the ledger, on disk, before its noise is drawn: an epoch at a time, as each entry is accounted for anew. */
  #pay(begins: boolean): void {
    const { scheme, options, plan } = this.#parts;
    if (options.budget === undefined) return;
    const passes = scheme.sampling === "passes";
    if (passes ? !begins : this.#paid > 0) {
      this.#paid--;
      return;
    }
    const count = passes ? 1 : Math.max(1, Math.min(scheme.stepsPerEpoch, plan.steps - this.#steps));
    const events = eventsOf(scheme, this.noiseMultiplier, count, 1);
    options.budget.release(events, options.purpose ?? "training", () => undefined);
    this.#paid = count - 1;
  }

  /** Where the run stands: a copy. */
  state(): TrainerState {
    const { noiseMultiplier } = this;
    const scheme = { ...this.#parts.scheme };
    return { steps: this.#steps, trees: this.#trees, maxGradNorm: this.#maxGradNorm, noiseMultiplier, scheme };
  }

  /**
   * Takes up a run. Steps after the state was taken were released, too, if anybody saw them: a budget's ledger knows of them, this
   * state does not. What the ledger holds for steps not taken is not taken up: the same steps could be taken twice. So each start pays anew.
   * @throws TacitError STATE_MISMATCH for another noise, sampling or data set
   */
  loadState(state: TrainerState): void {
    const { scheme } = this.#parts;
    const same =
      state.noiseMultiplier === this.noiseMultiplier &&
      state.scheme?.sampling === scheme.sampling &&
      state.scheme.rate === scheme.rate &&
      state.scheme.rows === scheme.rows &&
      state.scheme.stepsPerEpoch === scheme.stepsPerEpoch;
    const least = scheme.sampling === "passes" ? Math.ceil(state.steps / scheme.stepsPerEpoch) : 0;
    const counts = [state.steps, state.trees].every((n) => Number.isSafeInteger(n) && n >= 0) && state.trees >= least;
    if (!same || !counts) {
      throw new TacitError(
        "STATE_MISMATCH",
        "loadState: expected the state of a run with this noise, sampling and data, got another",
        {
          hint: "give noiseMultiplier as the state has it, not epsilon with other epochs",
        },
      );
    }
    this.#steps = state.steps;
    this.#trees = state.trees;
    this.#maxGradNorm = checkNorm("loadState", state.maxGradNorm);
    this.#paid = 0;
    this.#warm = false;
  }
}
