/** @file Datasets of tensors and host arrays: columns with one row per sample. */
import { expected } from "../errors.ts";
import type { Shape } from "../program/aval.ts";
import { showShape, sizeOf } from "../program/aval.ts";
import type { TypedArray } from "../program/dtype.ts";
import { DTYPE } from "../program/dtype.ts";
import { Random } from "../random.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Batch, Origin } from "./dataset.ts";
import { Dataset } from "./dataset.ts";
import { type HostArray, setValues } from "./host.ts";

/** A column kept as bytes and read as f32: value · scale + shift. A quarter of the memory of f32. */
export interface Quantized {
  readonly bytes: HostArray;
  readonly scale: number;
  readonly shift?: number;
}

export type Column = HostArray | Tensor | Quantized;

/** Reads the rows with these indices as a tensor [indices, ...]. */
type Reader = (indices: Int32Array) => Tensor | Promise<Tensor>;

/** Rows of a host array, gathered into a fresh one. */
function gatherRows(values: TypedArray, width: number, indices: Int32Array, to: TypedArray): TypedArray {
  indices.forEach((row, i) => {
    setValues(to, values.subarray(row * width, (row + 1) * width) as TypedArray, i * width);
  });
  return to;
}

function hostReader(array: HostArray): Reader {
  const row = array.shape.slice(1);
  const width = sizeOf(row);
  return (indices) => {
    const values = gatherRows(array.values, width, indices, DTYPE[array.dtype].make(indices.length * width));
    return Tensor.adopt(values, [indices.length, ...row], array.dtype);
  };
}

function quantizedReader(column: Quantized): Reader {
  const { bytes, scale, shift = 0 } = column;
  if (bytes.dtype !== "u8") expected("DTYPE_MISMATCH", "tensorDataset", "u8 for a quantized column", bytes.dtype);
  const table = Float32Array.from({ length: 256 }, (_, v) => v * scale + shift);
  const row = bytes.shape.slice(1);
  const width = sizeOf(row);
  return (indices) => {
    const out = new Float32Array(indices.length * width);
    const from = bytes.values;
    for (let i = 0, at = 0; i < indices.length; i++) {
      const start = indices[i]! * width;
      for (let k = 0; k < width; k++) out[at++] = table[Number(from[start + k])]!;
    }
    return Tensor.adopt(out, [indices.length, ...row], "f32");
  };
}

/** Where values can be read they are read once; where not (shares), rows are chosen on the device by public indices. */
function tensorReader(tensor: Tensor): Reader {
  if (!tensor.device.readable) return (indices) => selectRows(tensor, indices);
  let host: Promise<Reader> | null = null;
  return async (indices) => {
    host ??= tensor.data().then((values) => hostReader({ values, shape: tensor.shape, dtype: tensor.dtype }));
    return (await host)(indices);
  };
}

/** Rows of a tensor by public indices: the indices are an input, so that one Program serves every batch of a size. */
function selectRows(tensor: Tensor, indices: Int32Array): Tensor {
  return tensor.indexSelect(0, Tensor.adopt(indices, [indices.length], "i32", { public: true }));
}

const shapeOf = (c: Column): Shape => ("bytes" in c ? c.bytes.shape : c.shape);

function readerOf(c: Column): Reader {
  if (c instanceof Tensor) return tensorReader(c);
  return "bytes" in c ? quantizedReader(c) : hostReader(c);
}

/** All columns must have the same number of rows. */
function rowsOf(where: string, shapes: readonly Shape[]): number {
  const rows = shapes[0]?.[0];
  if (rows === undefined)
    expected("SHAPE_MISMATCH", where, "columns with at least one dimension", shapes.length === 0 ? "no column" : "a scalar");
  for (const s of shapes) if (s[0] !== rows) expected("SHAPE_MISMATCH", where, `${rows} rows in every column`, showShape(s));
  return rows;
}

/** Samples in columns. */
class TensorDataset<T extends Batch> extends Dataset<T> {
  private readonly readers: readonly Reader[];
  /** The values of the first column: two datasets over them have the same samples. */
  private readonly source: object;
  private readonly pack: (columns: readonly Tensor[]) => T;

  constructor(name: string, columns: readonly Column[], pack: (columns: readonly Tensor[]) => T) {
    super(name, rowsOf("tensorDataset", columns.map(shapeOf)));
    this.readers = columns.map(readerOf);
    const [first] = columns as readonly [Column, ...Column[]];
    this.source = first instanceof Tensor ? first : "bytes" in first ? first.bytes.values : first.values;
    this.pack = pack;
  }

  override async read(indices: Int32Array): Promise<T> {
    return this.pack(await Promise.all(this.readers.map((r) => r(indices))));
  }

  override origins(indices: Int32Array): readonly Origin[] {
    return [{ source: this.source, rows: indices }];
  }
}

/** One tensor per column. */
export type TensorsOf<C extends readonly unknown[]> = { readonly [K in keyof C]: Tensor };

/** A dataset of columns with equally many rows: `tensorDataset([images, labels])`. @throws ARGUMENT_INVALID, SHAPE_MISMATCH */
export function tensorDataset<const C extends readonly Column[]>(
  columns: C,
  options: { readonly name?: string } = {},
): Dataset<TensorsOf<C>> {
  // Plain JavaScript gets here with tensorDataset(x, y).
  if (!Array.isArray(columns) || options instanceof Tensor) {
    expected("ARGUMENT_INVALID", "tensorDataset", "one list of columns", "a column", "write tensorDataset([x, y])");
  }
  return new TensorDataset<TensorsOf<C>>(options.name ?? "tensors", columns, (t) => t as TensorsOf<C>);
}

/**
 * Batches of tensors that stay where they live, secret or not: rows chosen by public indices.
 * `shuffle.epoch` gives another order of the same seed.
 */
export function* batches<const C extends readonly Tensor[]>(
  columns: C,
  size: number,
  options: { readonly dropLast?: boolean; readonly shuffle?: { readonly seed: number; readonly epoch?: number } } = {},
): Generator<TensorsOf<C>, void, undefined> {
  if (!Number.isInteger(size) || size < 1) expected("ARGUMENT_INVALID", "batches", "a size of at least 1", `${size}`);
  const rows = rowsOf(
    "batches",
    columns.map((c) => c.shape),
  );
  const { shuffle } = options;
  const order = shuffle
    ? new Random(shuffle.seed).fork(`epoch ${shuffle.epoch ?? 0}`).permutation(rows)
    : Int32Array.from({ length: rows }, (_, i) => i);
  const end = options.dropLast ? rows - (rows % size) : rows;
  for (let start = 0; start < end; start += size) {
    const indices = order.slice(start, Math.min(start + size, rows));
    const tensors: readonly Tensor[] = columns.map((c) => selectRows(c, indices));
    yield tensors as TensorsOf<C>;
  }
}
