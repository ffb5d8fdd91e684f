/** @file CSV tables as datasets: typed columns, categories as one-hot features, missing values, classes; and standardisation fitted on the training part. */
import { expected } from "../errors.ts";
import { files } from "../io/tensors.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type CsvOptions, type CsvRow, classIndices, columnAt, NUMBER, readRows, toNumber } from "./csv.ts";
import type { Batch, Dataset } from "./dataset.ts";
import type { HostArray } from "./host.ts";
import { tensorDataset } from "./tensors.ts";

/** "number": one feature. "category": one feature for each value that occurs, 1 or 0. */
export type ColumnType = "number" | "category";

export interface TableOptions extends Pick<CsvOptions, "header" | "delimiter" | "limits"> {
  /** The features' columns, by name or position; all but the label unless said. */
  readonly columns?: readonly (string | number)[];
  /** The column to predict. Its values become class indices, or f32 where `types` says "number". */
  readonly label?: string | number;
  /** By column name. Unless said: "number" where every value is one, else "category"; the label: "category". */
  readonly types?: Readonly<Record<string, ColumnType>>;
  /**
   * What to do where a field is empty, or one of `missingWords`: "refuse" (unless said), "drop" the row, or a number to put there. In a
   * category nothing is a value like others unless rows are dropped.
   */
  readonly missing?: "refuse" | "drop" | number;
  /** Words that stand for nothing: "NA", "NaN", "null" and "?" unless said. */
  readonly missingWords?: readonly string[];
}

export interface Table {
  /** Features f32 [n, features] and the label: classes i32 [n], numbers f32 [n]; without label the features alone. */
  readonly dataset: Dataset<Batch>;
  /** Names of the features: "age", "colour=red". */
  readonly names: readonly string[];
  /** Values of the label by class index; empty without classes. */
  readonly classes: readonly string[];
  /** Rows that were left out because something was missing. */
  readonly dropped: number;
}

const MAX_FILE = 2 ** 28;

interface Rows {
  readonly names: readonly string[];
  readonly rows: readonly CsvRow[];
}

/** The rows of a text, of a file, or of all `.csv` files of a folder, which must have the same columns. */
async function rowsOf(input: string | Uint8Array, options: TableOptions): Promise<Rows> {
  if (typeof input !== "string" || /[\r\n]/.test(input)) {
    const { names, rows } = readRows(input, options);
    return { names, rows: [...rows] };
  }
  const { listFolder, readBounded } = await files("csv");
  const paths = (await listFolder(input, ".csv")) ?? [input];
  if (paths.length === 0) expected("DATA_NOT_FOUND", input, "a folder with .csv files", "none");
  const all: CsvRow[] = [];
  let names: readonly string[] | null = null;
  for (const path of paths) {
    const read = readRows(await readBounded(path, MAX_FILE), options, path);
    names ??= read.names;
    if (read.names.length !== names.length || read.names.some((name, i) => name !== names?.[i]))
      expected(
        "CSV_INVALID",
        path,
        `the columns of ${paths[0]}`,
        "other columns",
        "the files of a folder are parts of one table",
      );
    for (const row of read.rows) all.push(row);
  }
  return { names: names ?? [], rows: all };
}

/** A column: its name, its position in the file, its fields. */
interface Column {
  readonly name: string;
  readonly at: number;
  readonly type: ColumnType;
}

interface Reading {
  readonly rows: readonly CsvRow[];
  readonly options: TableOptions;
  isMissing(field: string): boolean;
}

/** Features of a column: names, and a value for each row. */
interface Features {
  readonly names: readonly string[];
  readonly values: readonly Float32Array[];
}

function numbers({ rows, options, isMissing }: Reading, { at }: Column): Float32Array {
  const fill = typeof options.missing === "number" ? options.missing : null;
  return Float32Array.from(rows, ({ fields, where }) => {
    const field = fields[at]!;
    return fill !== null && isMissing(field) ? fill : toNumber(isMissing(field) ? "" : field, where, at);
  });
}

function featuresOf(reading: Reading, column: Column): Features {
  if (column.type === "number") return { names: [column.name], values: [numbers(reading, column)] };
  const words = reading.rows.map((r) => r.fields[column.at]!);
  const { labels, classes } = classIndices(words);
  const names = classes.map((c) => `${column.name}=${c}`);
  return { names, values: classes.map((_, k) => Float32Array.from(labels.values as Int32Array, (v) => (v === k ? 1 : 0))) };
}

function typeOf({ rows, isMissing }: Reading, at: number, said: ColumnType | undefined): ColumnType {
  if (said !== undefined && said !== "number" && said !== "category")
    expected("ARGUMENT_INVALID", "csv", "type number or category", JSON.stringify(said));
  return said ?? (rows.every(({ fields }) => isMissing(fields[at]!) || NUMBER.test(fields[at]!)) ? "number" : "category");
}

/**
 * A table as a dataset: `await data.csv("iris.csv", { label: "species" })`. `input` is a path (of a
 * folder: all its `.csv` files in the order of their names, parts of one table), the text itself, or its bytes.
 * @throws CSV_INVALID with file, line and column, SIZE_LIMIT, FILE_READ, ARGUMENT_INVALID for columns that do not exist
 */
export async function csv(input: string | Uint8Array, options: TableOptions = {}): Promise<Table> {
  const { names, rows: all } = await rowsOf(input, options);
  const { missing = "refuse", missingWords = ["NA", "NaN", "null", "?"], types = {} } = options;
  if (missing !== "refuse" && missing !== "drop" && !Number.isFinite(missing))
    expected("ARGUMENT_INVALID", "csv", "missing refuse, drop or a number", `${missing}`);
  for (const name of Object.keys(types)) columnAt(name, names);
  const label = columnAt(options.label, names);
  const wanted = options.columns?.map((c) => columnAt(c, names)) ?? [...names.keys()].filter((i) => i !== label);
  if (wanted.includes(label)) expected("ARGUMENT_INVALID", "csv", "a label that is no feature", JSON.stringify(names[label]));
  const nothing = new Set(["", ...missingWords]);
  const isMissing = (field: string): boolean => nothing.has(field);
  const used = label < 0 ? wanted : [...wanted, label];
  const kept = missing === "drop" ? all.filter(({ fields }) => !used.some((at) => isMissing(fields[at]!))) : all;
  const reading: Reading = { rows: kept, options, isMissing };
  const column = (at: number): Column => ({ name: names[at]!, at, type: typeOf(reading, at, types[names[at]!]) });
  const features = wanted.map((at) => featuresOf(reading, column(at)));
  const x = interleaved(
    features.flatMap((f) => f.values),
    kept.length,
  );
  const target =
    label < 0 ? null : labelOf(reading, { name: names[label]!, at: label, type: types[names[label]!] ?? "category" });
  const dataset: Dataset<Batch> = tensorDataset(target === null ? [x] : [x, target.values], { name: "table" });
  const dropped = all.length - kept.length;
  return { dataset, names: features.flatMap((f) => f.names), classes: target?.classes ?? [], dropped };
}

function interleaved(columns: readonly Float32Array[], rows: number): HostArray {
  const values = new Float32Array(rows * columns.length);
  columns.forEach((c, k) => {
    for (let i = 0; i < rows; i++) values[i * columns.length + k] = c[i]!;
  });
  return { values, shape: [rows, columns.length], dtype: "f32" };
}

function labelOf(reading: Reading, column: Column): { values: HostArray; classes: readonly string[] } {
  const { rows, isMissing } = reading;
  const empty = rows.find(({ fields }) => isMissing(fields[column.at]!));
  if (empty !== undefined)
    expected("CSV_INVALID", `${empty.where} column ${column.at + 1}`, "a label", "nothing", "missing: 'drop' leaves out the row");
  if (column.type === "number") {
    return { values: { values: numbers(reading, column), shape: [rows.length], dtype: "f32" }, classes: [] };
  }
  const { labels, classes } = classIndices(rows.map((r) => r.fields[column.at]!));
  return { values: labels, classes };
}

/** Mean and standard deviation of every feature, and their use. */
export interface Standardizer {
  readonly mean: Float64Array;
  /** 1 for a feature that never varies. */
  readonly std: Float64Array;
  /** (x - mean)/std on the first column of a dataset of the same width. */
  apply<T extends Batch>(dataset: Dataset<T>): Dataset<T>;
}

/** Statistics as a public row in the dtype of `x`: an input, so that other data make no other Program. */
const rowOf = (x: Tensor, values: Float64Array): Tensor =>
  Tensor.from([...values], [values.length], { dtype: x.dtype, public: true });

/**
 * Mean and standard deviation (of the population) of the first column [n, features] of the training part; the test part gets the same:
 * `const s = await data.standardizer(train); s.apply(test)`. @throws SHAPE_MISMATCH, ARGUMENT_INVALID for an empty dataset
 */
export async function standardizer(train: Dataset<Batch>): Promise<Standardizer> {
  let [mean, squares] = [new Float64Array(0), new Float64Array(0)];
  let n = 0;
  for await (const [x] of train.batch(1024)) {
    const width = x?.shape[1];
    if (x === undefined || width === undefined || x.ndim !== 2)
      expected("SHAPE_MISMATCH", "standardizer", "a first column [n, features]", x ? `[${x.shape}]` : "none");
    if (n === 0) [mean, squares] = [new Float64Array(width), new Float64Array(width)];
    const values = await x.data();
    for (let i = 0; i < values.length; i += width) {
      n++;
      // Welford's running mean and sum of squares.
      for (let k = 0; k < width; k++) {
        const delta = Number(values[i + k]) - mean[k]!;
        mean[k]! += delta / n;
        squares[k]! += delta * (Number(values[i + k]) - mean[k]!);
      }
    }
  }
  if (n === 0) expected("ARGUMENT_INVALID", "standardizer", "samples to fit on", "none");
  const std = squares.map((s) => Math.sqrt(s / n) || 1);
  const apply = <T extends Batch>(dataset: Dataset<T>): Dataset<T> =>
    dataset.map((...[x, ...rest]: T) => {
      const scaled = (x as Tensor).sub(rowOf(x!, mean)).div(rowOf(x!, std));
      return [scaled, ...rest] as readonly Tensor[] as T;
    });
  return { mean, std, apply };
}
