/** @file DataLoader: batches of a dataset, epoch after epoch, reproducible; its place can be saved and taken up again. */
import { expected } from "../errors.ts";
import type { Batch, Dataset } from "./dataset.ts";

export interface LoaderOptions {
  /** Leave out a last batch that is shorter. */
  readonly dropLast?: boolean;
  /** How many batches to read ahead, for datasets that read asynchronously; 0 unless said. */
  readonly prefetch?: number;
}

/** Where a loader stands. JSON. The orders themselves follow from the recipe and the epoch. */
export interface LoaderState {
  readonly epoch: number;
  /** Batches of this epoch already handed out. */
  readonly position: number;
  readonly size: number;
  readonly recipe: string;
}

/**
 * Iterating runs one epoch; iterating again runs the next one. After a `break` the next iteration starts the next epoch,
 * after `loadState` it goes on where the state was saved.
 */
export class DataLoader<T extends Batch> implements AsyncIterable<T> {
  readonly dataset: Dataset<T>;
  /** Samples per batch. */
  readonly size: number;
  private readonly options: LoaderOptions;
  private at = { epoch: 0, position: 0 };
  /** The next iteration goes on from `at`, which was loaded. */
  private resumed = false;

  constructor(dataset: Dataset<T>, size: number, options: LoaderOptions = {}) {
    if (!Number.isInteger(size) || size < 1) expected("ARGUMENT_INVALID", "batch", "a size of at least 1", `${size}`);
    this.dataset = dataset;
    this.size = size;
    this.options = options;
  }

  /** Batches per epoch. */
  get length(): number {
    const exact = this.dataset.length / this.size;
    return this.options.dropLast ? Math.floor(exact) : Math.ceil(exact);
  }

  /** The epoch that is under way, or comes next. */
  get epoch(): number {
    return this.at.epoch;
  }

  /** The same batches, read ahead by `depth`. */
  prefetch(depth: number): DataLoader<T> {
    return new DataLoader(this.dataset, this.size, { ...this.options, prefetch: depth });
  }

  /** The state after the batch that was handed out last. */
  state(): LoaderState {
    const over = this.length > 0 && this.at.position >= this.length;
    const at = over ? { epoch: this.at.epoch + 1, position: 0 } : this.at;
    return { ...at, size: this.size, recipe: this.dataset.recipe };
  }

  /** Goes on where `state` was taken. Throws STATE_MISMATCH when it belongs to another dataset, seed or batch size. */
  loadState(state: LoaderState): void {
    const recipe = this.dataset.recipe;
    if (state.recipe !== recipe || state.size !== this.size) {
      expected(
        "STATE_MISMATCH",
        "loader",
        `a state of '${recipe}' in batches of ${this.size}`,
        `'${state.recipe}' in ${state.size}`,
      );
    }
    const fits = Number.isInteger(state.epoch) && state.epoch >= 0 && Number.isInteger(state.position) && state.position >= 0;
    if (!fits || state.position > this.length)
      expected("STATE_MISMATCH", "loader", `a position up to ${this.length}`, `${state.position}`);
    this.at = { epoch: state.epoch, position: state.position };
    this.resumed = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    if (!this.resumed && this.at.position > 0) this.at = { epoch: this.at.epoch + 1, position: 0 };
    this.resumed = false;
    const at = this.at;
    const order = this.dataset.order(at.epoch);
    const ahead: Promise<T>[] = [];
    const depth = this.options.prefetch ?? 0;
    for (let next = at.position; at.position < this.length; ) {
      for (; ahead.length <= depth && next < this.length; next++) ahead.push(this.read(order, next));
      const batch = await ahead.shift()!;
      at.position++;
      yield batch;
      if (this.at !== at) return; // another iteration, or loadState, took over
    }
    this.at = { epoch: at.epoch + 1, position: 0 };
  }

  /** A rejection is reported when the batch's turn comes; one that is never reached stays silent. */
  private read(order: Int32Array, index: number): Promise<T> {
    const indices = order.slice(index * this.size, (index + 1) * this.size);
    const batch = new Promise<T>((resolve) => resolve(this.dataset.read(indices)));
    batch.catch(() => undefined);
    return batch;
  }
}
