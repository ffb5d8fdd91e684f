/** @file Dataset: samples by index, and the order in which an epoch visits them. Chains of shuffle, take, map; `batch` makes a loader. */
import { expected } from "../errors.ts";
import { Random } from "../random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { LoaderOptions } from "./loader.ts";
import { DataLoader } from "./loader.ts";

/** One batch: tensors whose first dimension counts the samples. */
export type Batch = readonly Tensor[];

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

  /** The samples with these indices, in this order. */
  abstract read(indices: Int32Array): T | Promise<T>;

  /** The indices in the order of epoch `epoch`; a fresh array. */
  order(_epoch: number): Int32Array {
    return Int32Array.from({ length: this.length }, (_, i) => i);
  }

  /** How the order comes about; two datasets with equal recipes give equal orders. A loader's saved state carries it. */
  get recipe(): string {
    return `${this.length}`;
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

  /** Applies `fn` to every batch. Lazy tensor ops in `fn` become part of the Program that uses the batch. */
  map<U extends Batch>(fn: (...batch: T) => U | Promise<U>): Dataset<U> {
    return new Mapped(this, fn);
  }

  /** Batches of `size` samples; the last one is shorter unless `dropLast`. */
  batch(size: number, options: LoaderOptions = {}): DataLoader<T> {
    return new DataLoader(this, size, options);
  }
}

class Shuffled<T extends Batch> extends Dataset<T> {
  private readonly base: Dataset<T>;
  private readonly seed: number;

  constructor(base: Dataset<T>, seed: number) {
    super(base.name, base.length);
    this.base = base;
    this.seed = seed;
  }

  override read(indices: Int32Array): T | Promise<T> {
    return this.base.read(indices);
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

class Taken<T extends Batch> extends Dataset<T> {
  private readonly base: Dataset<T>;

  constructor(base: Dataset<T>, count: number) {
    super(base.name, count);
    this.base = base;
  }

  override read(indices: Int32Array): T | Promise<T> {
    return this.base.read(indices);
  }

  override order(epoch: number): Int32Array {
    return this.base.order(epoch).subarray(0, this.length);
  }

  override get recipe(): string {
    return `${this.base.recipe} take ${this.length}`;
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

  override async read(indices: Int32Array): Promise<U> {
    return this.fn(...(await this.base.read(indices)));
  }

  override order(epoch: number): Int32Array {
    return this.base.order(epoch);
  }

  override get recipe(): string {
    return this.base.recipe;
  }
}
