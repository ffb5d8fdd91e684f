/** @file Datasets of single examples: read one by one, transformed one by one, collated into batches. */
import { expected } from "../errors.ts";
import { sameShape, showShape, sizeOf } from "../program/aval.ts";
import { DTYPE, type TypedArray } from "../program/dtype.ts";
import { Random } from "../random.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type Batch, Dataset, type Origin, type Server } from "./dataset.ts";
import { type HostArray, setValues } from "./host.ts";

/** One sample: arrays without a batch dimension, and integers (class indices). */
export type Example = readonly (HostArray | number)[];

/** What a source and a transform are told: the sample, the epoch, and a generator of their own for both. */
export interface ExampleContext {
  readonly index: number;
  readonly epoch: number;
  /** Same seed, epoch and index: same numbers, in whatever batch, thread or resumed run. */
  readonly random: Random;
}

/** Samples that can be read one by one. */
export interface ExampleSource {
  readonly length: number;
  get(index: number, context: ExampleContext): Example | Promise<Example>;
}

/** Makes a batch of examples, of which there is at least one. */
export type Collate<T extends Batch> = (examples: readonly Example[]) => T | Promise<T>;

export interface ExampleOptions<T extends Batch> {
  /** What this is, in words. */
  readonly name?: string;
  /** `stackCollate` unless said. */
  readonly collate?: Collate<T>;
  /** Applied to every example; `context.random` is the source of its randomness. */
  readonly transform?: (example: Example, context: ExampleContext) => Example | Promise<Example>;
  /** Of the random transforms; 0 unless said. */
  readonly seed?: number;
}

class ExampleDataset<T extends Batch> extends Dataset<T> {
  private readonly source: ExampleSource;
  private readonly options: ExampleOptions<T>;
  private readonly root: Random;

  constructor(source: ExampleSource, options: ExampleOptions<T>) {
    super(options.name ?? "examples", source.length);
    this.source = source;
    this.options = options;
    this.root = new Random(options.seed ?? 0);
  }

  override origins(indices: Int32Array): readonly Origin[] {
    return [{ source: this.source, rows: indices }];
  }

  private async example(index: number, epoch: number): Promise<Example> {
    const context = contextOf(this.root, index, epoch);
    const example = await this.source.get(index, context);
    return this.options.transform?.(example, context) ?? example;
  }

  override read(indices: Int32Array, epoch = 0): Promise<T> {
    const collate = this.options.collate ?? (stackCollate as Collate<Batch> as Collate<T>);
    return collated(this, indices, collate, (own) => Promise.all(Array.from(own, (i) => this.example(i, epoch))));
  }
}

const contextOf = (root: Random, index: number, epoch: number): ExampleContext => ({
  index,
  epoch,
  random: root.fork(`sample ${index} of epoch ${epoch}`),
});

/** A batch of examples. Of none, the shapes are those of the first one. */
async function collated<T extends Batch>(
  of: Dataset<T>,
  indices: Int32Array,
  collate: Collate<T>,
  read: (indices: Int32Array) => Promise<readonly Example[]>,
): Promise<T> {
  if (indices.length > 0) return collate(await read(indices));
  if (of.length === 0) expected("ARGUMENT_INVALID", of.name, "a sample that shows the shapes of an empty batch", "none");
  const one: Batch = await collate(await read(Int32Array.of(0)));
  const none: Batch = one.map((t) => t.slice([0, 0]));
  return none as T;
}

/** A dataset of examples: `data.examples({ length, get: (i) => [picture(i), label(i)] })`. */
export const examples = <T extends Batch = Batch>(source: ExampleSource, options: ExampleOptions<T> = {}): Dataset<T> =>
  new ExampleDataset(source, options);

/** The k-th part of every example. @throws SHAPE_MISMATCH where some have none */
function columns(where: string, list: readonly Example[]): (HostArray | number)[][] {
  const width = list[0]?.length ?? 0;
  for (const e of list)
    if (e.length !== width) expected("SHAPE_MISMATCH", where, `${width} parts in every example`, `${e.length}`);
  return Array.from({ length: width }, (_, k) => list.map((e) => e[k]!));
}

function integers(where: string, column: readonly (HostArray | number)[]): Tensor {
  const values = Int32Array.from(column as readonly number[]);
  if (column.some((v, i) => v !== values[i]))
    expected("DTYPE_MISMATCH", where, "integers", "another value", "give arrays for other numbers, of shape []");
  return Tensor.adopt(values, [values.length], "i32");
}

function arrays(where: string, column: readonly (HostArray | number)[]): HostArray[] {
  const out = column.filter((v) => typeof v !== "number");
  if (out.length !== column.length) expected("DTYPE_MISMATCH", where, "arrays in every example", "a number in some");
  const { dtype } = out[0]!;
  for (const a of out) if (a.dtype !== dtype) expected("DTYPE_MISMATCH", where, `${dtype} in every example`, a.dtype);
  return out;
}

/** Arrays of one shape become one tensor with a batch dimension in front, integers a vector i32. @throws SHAPE_MISMATCH, DTYPE_MISMATCH */
export function stackCollate(list: readonly Example[]): Batch {
  return columns("stackCollate", list).map((column) => {
    if (typeof column[0] === "number") return integers("stackCollate", column);
    const parts = arrays("stackCollate", column);
    const { shape, dtype } = parts[0]!;
    const size = sizeOf(shape);
    const values = DTYPE[dtype].make(parts.length * size);
    parts.forEach((p, i) => {
      if (!sameShape(p.shape, shape)) {
        const hint = "resize or crop the examples, or use padCollate for sequences";
        expected("SHAPE_MISMATCH", "stackCollate", `${showShape(shape)} in every example`, showShape(p.shape), hint);
      }
      setValues(values, p.values, i * size);
    });
    return Tensor.adopt(values, [parts.length, ...shape], dtype);
  });
}

export interface PadOptions {
  /** What stands behind the end of a sequence; 0 unless said. */
  readonly value?: number;
  /** Pad to this length at least: few lengths mean few Programs. */
  readonly multipleOf?: number;
  /** Appends a tensor i32 [n] of the lengths of the first part. */
  readonly lengths?: boolean;
}

/**
 * For sequences: arrays that differ in their first dimension are padded at its end to the longest one (up to a multiple of
 * `multipleOf`); integers become a vector i32. @throws SHAPE_MISMATCH where other dimensions differ
 */
export function padCollate(options: PadOptions = {}): Collate<Batch> {
  const { value = 0, multipleOf = 1, lengths = false } = options;
  if (!Number.isSafeInteger(multipleOf) || multipleOf < 1)
    expected("ARGUMENT_INVALID", "padCollate", "multipleOf of at least 1", `${multipleOf}`);
  return (list) => {
    const parts = columns("padCollate", list);
    const out = parts.map((column) =>
      typeof column[0] === "number" ? integers("padCollate", column) : padded(arrays("padCollate", column), value, multipleOf),
    );
    if (!lengths) return out;
    const first = arrays("padCollate", parts[0] ?? []);
    return [
      ...out,
      integers(
        "padCollate",
        first.map((a) => a.shape[0] ?? 0),
      ),
    ];
  };
}

function padded(parts: readonly HostArray[], value: number, multipleOf: number): Tensor {
  const { shape, dtype } = parts[0]!;
  if (shape.length === 0) expected("SHAPE_MISMATCH", "padCollate", "arrays with a dimension to pad", "a scalar");
  const row = shape.slice(1);
  const longest = parts.reduce((n, p) => Math.max(n, p.shape[0] ?? 0), 0);
  const length = Math.ceil(longest / multipleOf) * multipleOf;
  const size = length * sizeOf(row);
  const values = DTYPE[dtype].make(parts.length * size);
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) values.fill(BigInt(value));
  else values.fill(value);
  parts.forEach((p, i) => {
    if (!sameShape(p.shape.slice(1), row))
      expected("SHAPE_MISMATCH", "padCollate", `${showShape(row)} behind the first dimension`, showShape(p.shape.slice(1)));
    setValues(values, p.values, i * size);
  });
  return Tensor.adopt(values, [parts.length, length, ...row], dtype);
}

/** The rows of a batch as examples: what `mapExamples` hands out. */
export async function unstack(batch: Batch): Promise<Example[]> {
  const host = await Promise.all(batch.map(async (t) => ({ values: await t.data(), shape: t.shape.slice(1), dtype: t.dtype })));
  const rows = batch[0]?.shape[0] ?? 0;
  return Array.from({ length: rows }, (_, i) =>
    host.map(({ values, shape, dtype }) => {
      const size = sizeOf(shape);
      return { values: values.slice(i * size, (i + 1) * size) as TypedArray, shape, dtype };
    }),
  );
}

/**
 * Applies `fn` to every example of a dataset that can be read, and collates anew: random transforms of single pictures, say. In `fn`
 * a label is an array of shape []. `map` on a dataset works on whole batches, lazily, and is the faster one.
 */
export function mapExamples<T extends Batch>(
  dataset: Dataset<Batch>,
  fn: (example: readonly HostArray[], context: ExampleContext) => Example | Promise<Example>,
  options: Omit<ExampleOptions<T>, "transform"> = {},
): Dataset<T> {
  return new MappedExamples(dataset, fn, options);
}

class MappedExamples<T extends Batch> extends Dataset<T> {
  private readonly base: Dataset<Batch>;
  private readonly fn: (example: readonly HostArray[], context: ExampleContext) => Example | Promise<Example>;
  private readonly collate: Collate<T>;
  private readonly root: Random;

  constructor(base: Dataset<Batch>, fn: MappedExamples<T>["fn"], options: ExampleOptions<T>) {
    super(options.name ?? base.name, base.length);
    this.base = base;
    this.fn = fn;
    this.collate = options.collate ?? (stackCollate as Collate<Batch> as Collate<T>);
    this.root = new Random(options.seed ?? 0);
  }

  override read(indices: Int32Array, epoch = 0): Promise<T> {
    return this.from((own) => this.base.read(own, epoch), indices, epoch);
  }

  override origins(indices: Int32Array): readonly Origin[] {
    return this.base.origins(indices);
  }

  private from(read: (indices: Int32Array) => Batch | Promise<Batch>, indices: Int32Array, epoch: number): Promise<T> {
    return collated(this, indices, this.collate, async (own) => {
      const rows = (await unstack(await read(own))) as (readonly HostArray[])[];
      return Promise.all(rows.map((row, i) => this.fn(row, contextOf(this.root, own[i]!, epoch))));
    });
  }

  override order(epoch: number): Int32Array {
    return this.base.order(epoch);
  }

  override get recipe(): string {
    return this.base.recipe;
  }

  override serve(workers: number): Promise<Server<T>> | null {
    const served = this.base.serve(workers);
    return (
      served?.then(({ read, close }) => ({
        read: (indices, epoch) => this.from((own) => read(own, epoch), indices, epoch),
        close,
      })) ?? null
    );
  }
}
