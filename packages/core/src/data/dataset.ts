/** @file Dataset: samples by index, and the order in which an epoch visits them. Chains of shuffle, take, subset, map; `batch` makes a loader. */
import { expected } from "../errors.ts";
import { Random } from "../random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { LoaderOptions } from "./loader.ts";
import { DataLoader } from "./loader.ts";
import { checkIndices, checksum } from "./sampler.ts";

/** One batch: tensors whose first dimension counts the samples. */
export type Batch = readonly Tensor[];

/** Reads batches, and is closed at the end. */
export interface Server<T> {
  read(indices: Int32Array, epoch: number): Promise<T>;
  close(): void;
}

/** Samples of one source: `rows[i]` is which of them; two samples of one source and row are the same sample. */
export interface Origin {
  readonly source: object;
  readonly rows: Int32Array;
}

/** Samples that can be read by index, in batches. */
export abstract class Dataset<T extends Batch> {
  /** What this is, in words for logs: "MNIST, 60000 training images". */
  readonly name: string;
  /** Number of samples. */
  readonly length: number;

  constructor(name: string, length: number) {
    this.name = name;
    this.length = length;
  }

  /** The samples with these indices, in this order, as epoch `epoch` sees them: random transforms depend on it. */
  abstract read(indices: Int32Array, epoch?: number): T | Promise<T>;

  /** The indices in the order of epoch `epoch`; a fresh array. */
  order(_epoch: number): Int32Array {
    return Int32Array.from({ length: this.length }, (_, i) => i);
  }

  /**
   * Where the samples with these indices come from, in any order: views of other datasets pass the question on, so that a sample that comes
   * twice can be seen. A dataset that holds its samples is a source of its own. What copies samples hides them from this.
   */
  origins(indices: Int32Array): readonly Origin[] {
    return [{ source: this, rows: indices }];
  }

  /** How the order comes about; two datasets with equal recipes give equal orders. A loader's saved state carries it. */
  get recipe(): string {
    return `${this.length}`;
  }

  /** Starts `workers` threads that read; null where a dataset cannot be read elsewhere. See `fromModule`. */
  serve(_workers: number): Promise<Server<T>> | null {
    return null;
  }

  /** Every epoch in a new order that depends on seed and epoch alone. */
  shuffle(options: { readonly seed: number }): Dataset<T> {
    return new Shuffled(this, options.seed);
  }

  /** The first `count` samples of each epoch's order (all, if there are fewer). Take, then shuffle, keeps the same samples. */
  take(count: number): Dataset<T> {
    if (!Number.isInteger(count) || count < 0) expected("ARGUMENT_INVALID", "take", "a count", `${count}`);
    return new Taken(this, Math.min(count, this.length));
  }

  /** The samples with these indices, in this order, as a dataset of their own. @throws INDEX_INVALID */
  subset(indices: ArrayLike<number>): Dataset<T> {
    return new Subset(this, checkIndices("subset", indices, this.length));
  }

  /** Applies `fn` to every batch. Lazy tensor ops in `fn` become part of the Program that uses the batch. */
  map<U extends Batch>(fn: (...batch: T) => U | Promise<U>): Dataset<U> {
    return new Mapped(this, fn);
  }

  /**
   * Batches of `size` samples; the last one is shorter unless `dropLast`. The order is the dataset's, or that of `sampler`; instead of a
   * size, a batch sampler decides batch by batch.
   */
  batch(size: number, options?: LoaderOptions): DataLoader<T>;
  batch(options: LoaderOptions & Required<Pick<LoaderOptions, "batchSampler">>): DataLoader<T>;
  batch(size: number | LoaderOptions, options: LoaderOptions = {}): DataLoader<T> {
    return typeof size === "number" ? new DataLoader(this, size, options) : new DataLoader(this, null, size);
  }
}

/** Another order or choice of the samples of `base`. */
abstract class View<T extends Batch> extends Dataset<T> {
  protected readonly base: Dataset<T>;

  constructor(base: Dataset<T>, length: number) {
    super(base.name, length);
    this.base = base;
  }

  override read(indices: Int32Array, epoch = 0): T | Promise<T> {
    return this.base.read(indices, epoch);
  }

  override order(epoch: number): Int32Array {
    return this.base.order(epoch);
  }

  override origins(indices: Int32Array): readonly Origin[] {
    return this.base.origins(indices);
  }

  override serve(workers: number): Promise<Server<T>> | null {
    return this.base.serve(workers);
  }
}

class Shuffled<T extends Batch> extends View<T> {
  private readonly seed: number;

  constructor(base: Dataset<T>, seed: number) {
    super(base, base.length);
    this.seed = seed;
  }

  override order(epoch: number): Int32Array {
    const inner = this.base.order(epoch);
    const permutation = new Random(this.seed).fork(`epoch ${epoch}`).permutation(inner.length);
    return permutation.map((i) => inner[i]!);
  }

  override get recipe(): string {
    return `${this.base.recipe} shuffle ${this.seed}`;
  }
}

class Taken<T extends Batch> extends View<T> {
  override order(epoch: number): Int32Array {
    return this.base.order(epoch).subarray(0, this.length);
  }

  override get recipe(): string {
    return `${this.base.recipe} take ${this.length}`;
  }
}

class Subset<T extends Batch> extends View<T> {
  private readonly indices: Int32Array;

  constructor(base: Dataset<T>, indices: Int32Array) {
    super(base, indices.length);
    this.indices = indices;
  }

  private inner(indices: Int32Array): Int32Array {
    return indices.map((i) => this.indices[i]!);
  }

  override read(indices: Int32Array, epoch = 0): T | Promise<T> {
    return this.base.read(this.inner(indices), epoch);
  }

  override order(_epoch: number): Int32Array {
    return Int32Array.from({ length: this.length }, (_, i) => i);
  }

  override origins(indices: Int32Array): readonly Origin[] {
    return this.base.origins(this.inner(indices));
  }

  override get recipe(): string {
    return `${this.base.recipe} subset ${this.length} ${checksum(this.indices)}`;
  }

  override serve(workers: number): Promise<Server<T>> | null {
    const served = this.base.serve(workers);
    return served?.then(({ read, close }) => ({ read: (indices, epoch) => read(this.inner(indices), epoch), close })) ?? null;
  }
}

class Mapped<T extends Batch, U extends Batch> extends Dataset<U> {
  private readonly base: Dataset<T>;
  private readonly fn: (...batch: T) => U | Promise<U>;

  constructor(base: Dataset<T>, fn: (...batch: T) => U | Promise<U>) {
    super(base.name, base.length);
    this.base = base;
    this.fn = fn;
  }

  override async read(indices: Int32Array, epoch = 0): Promise<U> {
    return this.fn(...(await this.base.read(indices, epoch)));
  }

  override origins(indices: Int32Array): readonly Origin[] {
    return this.base.origins(indices);
  }

  override order(epoch: number): Int32Array {
    return this.base.order(epoch);
  }

  override get recipe(): string {
    return this.base.recipe;
  }

  override serve(workers: number): Promise<Server<U>> | null {
    const served = this.base.serve(workers);
    return (
      served?.then(({ read, close }) => ({
        read: async (indices, epoch) => this.fn(...(await read(indices, epoch))),
        close,
      })) ?? null
    );
  }
}
