/** @file DataLoader: batches of a dataset, epoch after epoch, reproducible; its place can be saved and taken up again. */
import { expected } from "../errors.ts";
import type { Batch, Dataset, Server } from "./dataset.ts";
import { type BatchSampler, batchSampler, type Sampler } from "./sampler.ts";

export interface LoaderOptions {
  /** Leave out a last batch that is shorter. */
  readonly dropLast?: boolean;
  /** How many batches to read ahead, for datasets that read asynchronously; 0 unless said, with workers two for each. */
  readonly prefetch?: number;
  /** Threads that read and transform, for a dataset of `fromModule`; 0 unless said. They live as long as one iteration. */
  readonly workers?: number;
  /** Another order than the dataset's own. */
  readonly sampler?: Sampler;
  /** Decides order and size of batches: without a size, `dropLast` and `sampler`. */
  readonly batchSampler?: BatchSampler;
}

/** Where a loader stands. JSON. The orders themselves follow from the recipe and the epoch. */
export interface LoaderState {
  readonly epoch: number;
  /** Batches of this epoch already handed out. */
  readonly position: number;
  readonly size: number;
  readonly recipe: string;
}

function samplerOf<T extends Batch>(dataset: Dataset<T>, size: number | null, options: LoaderOptions): BatchSampler {
  const { sampler, batchSampler: given, dropLast } = options;
  if (given === undefined) {
    if (size === null) expected("ARGUMENT_INVALID", "batch", "a size or a batchSampler", "neither");
    const order = sampler ?? { length: dataset.length, recipe: dataset.recipe, order: (epoch) => dataset.order(epoch) };
    const made = batchSampler(order, size, dropLast ? { dropLast } : {});
    return sampler === undefined ? made : { ...made, recipe: `${dataset.recipe} ${sampler.recipe}` };
  }
  if (size !== null || sampler !== undefined || dropLast !== undefined)
    expected("ARGUMENT_INVALID", "batch", "a batchSampler alone", "a size, a sampler or dropLast with it");
  return { ...given, recipe: `${dataset.recipe} ${given.recipe}` };
}

function checkCount(name: string, n: number): void {
  if (!Number.isSafeInteger(n) || n < 0) expected("ARGUMENT_INVALID", "batch", `a count of ${name}`, `${n}`);
}

/**
 * Iterating runs one epoch; iterating again runs the next one. After a `break` the next iteration starts the next epoch,
 * after `loadState` it goes on where the state was saved.
 */
export class DataLoader<T extends Batch> implements AsyncIterable<T> {
  readonly dataset: Dataset<T>;
  /** Samples per batch; with a batch sampler at most, or in the mean. */
  readonly size: number;
  private readonly options: LoaderOptions;
  private readonly sampler: BatchSampler;
  private at = { epoch: 0, position: 0 };
  /** The next iteration goes on from `at`, which was loaded. */
  private resumed = false;

  constructor(dataset: Dataset<T>, size: number | null, options: LoaderOptions = {}) {
    this.dataset = dataset;
    this.sampler = samplerOf(dataset, size, options);
    this.size = this.sampler.size;
    this.options = options;
    checkCount("workers", options.workers ?? 0);
    checkCount("batches to prefetch", options.prefetch ?? 0);
  }

  /** Batches per epoch. */
  get length(): number {
    return this.sampler.length;
  }

  /** The epoch that is under way, or comes next. */
  get epoch(): number {
    return this.at.epoch;
  }

  /** The same batches, read ahead by `depth`. */
  prefetch(depth: number): DataLoader<T> {
    const size = this.options.batchSampler === undefined ? this.size : null;
    return new DataLoader(this.dataset, size, { ...this.options, prefetch: depth });
  }

  /** The state after the batch that was handed out last. */
  state(): LoaderState {
    const over = this.length > 0 && this.at.position >= this.length;
    const at = over ? { epoch: this.at.epoch + 1, position: 0 } : this.at;
    return { ...at, size: this.size, recipe: this.sampler.recipe };
  }

  /** Goes on where `state` was taken. Throws STATE_MISMATCH when it belongs to another dataset, seed or batch size. */
  loadState(state: LoaderState): void {
    const { recipe } = this.sampler;
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
    const { workers = 0, prefetch: depth = 2 * workers } = this.options;
    const batches = this.sampler.batches(at.epoch);
    const server = workers > 0 ? await this.serve(workers) : null;
    try {
      const ahead: Promise<T>[] = [];
      for (let next = at.position; at.position < this.length; ) {
        for (; ahead.length <= depth && next < this.length; next++) ahead.push(this.read(batches(next), at.epoch, server));
        const batch = await ahead.shift()!;
        at.position++;
        yield batch;
        if (this.at !== at) return; // another iteration, or loadState, took over
      }
      this.at = { epoch: at.epoch + 1, position: 0 };
    } finally {
      server?.close();
    }
  }

  private serve(workers: number): Promise<Server<T>> {
    return (
      this.dataset.serve(workers) ??
      expected("ARGUMENT_INVALID", "batch: workers", "a dataset of data.fromModule", this.dataset.name, "a thread reads a module")
    );
  }

  /** A rejection is reported when the batch's turn comes; one that is never reached stays silent. */
  private read(indices: Int32Array, epoch: number, server: Server<T> | null): Promise<T> {
    const reader = server ?? this.dataset;
    const batch = new Promise<T>((resolve) => resolve(reader.read(indices, epoch)));
    batch.catch(() => undefined);
    return batch;
  }
}
