/** @file The data sets that the command line takes: MNIST, drawn digits, a user's own IDX, CSV or safetensors. */
import { basename } from "node:path";
import type { Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import { expected } from "@tacit/core/errors";
import { loadSafetensors } from "@tacit/core/io";
import { Random } from "@tacit/core/random";
import { readBounded, readStart } from "../files.ts";
import { say } from "../output/streams.ts";

type Pairs = data.Dataset<readonly [Tensor, Tensor]>;

/** Training and test samples, pictures f32 [n, 1, 28, 28] in [0, 1] and labels i32 [n]. */
export interface Labelled {
  readonly name: string;
  readonly origin: string;
  readonly classes: number;
  /** Where the labels were words: the word of each class. */
  readonly names?: readonly string[];
  readonly train: Pairs;
  readonly test: Pairs;
}

/** Share of a user's own samples that is held out where no test set is given. */
const HELD_OUT = 0.15;
const SIDE = 28;

/** `auto`, `mnist` (downloads if need be), `digits` (drawn), or a file: .idx, .gz, .csv, .safetensors. */
export async function openData(source: string, labels?: string): Promise<Labelled> {
  if (source === "auto" || source === "mnist" || source === "digits") {
    const from = { auto: "auto", mnist: "download", digits: "drawn" } as const;
    if (source !== "mnist") say(source === "digits" ? "drawing digits…" : "reading MNIST where it is kept, else drawing digits…");
    const m = await data.mnist({ source: from[source] });
    return { name: m.name, origin: m.origin, classes: 10, train: m.train, test: m.test };
  }
  return split(source, await readSamples(source, labels));
}

/** All samples of a user's file, in its order. */
export function readSamples(path: string, labels?: string): Promise<Raw> {
  if (path.endsWith(".csv")) return fromCsv(path);
  if (path.endsWith(".safetensors")) return fromSafetensors(path);
  return fromIdx(path, labels);
}

/** Largest data file read, compressed or not. */
export const MOST_BYTES: number = 2 ** 31;

/** Pictures [n, ...] and their class numbers. */
export interface Raw {
  readonly images: data.HostArray;
  readonly labels: Int32Array;
  readonly names?: readonly string[];
  /** What a stored value is multiplied by. */
  readonly scale: number;
}

/** Two zeros, an element type, a rank; or gzip's magic. @throws ARGUMENT_INVALID for a file that is none of the kinds read here */
export async function checkKind(path: string): Promise<void> {
  const [a, b, type, rank] = await readStart("data", path, 4);
  const idx = a === 0 && b === 0 && type !== undefined && type >= 8 && rank !== undefined;
  const gzip = a === 0x1f && b === 0x8b;
  if (idx || gzip) return;
  const hint = "CSV ends in .csv, safetensors in .safetensors; pictures are 28x28";
  expected(
    "ARGUMENT_INVALID",
    "data",
    "CSV, safetensors or IDX",
    `${JSON.stringify(path)}, which is neither CSV, safetensors nor IDX`,
    hint,
  );
}

async function fromIdx(path: string, labels: string | undefined): Promise<Raw> {
  if (labels === undefined) {
    await checkKind(path);
    expected(
      "ARGUMENT_INVALID",
      "data",
      "--labels with an IDX file of class numbers",
      "none",
      "IDX keeps pictures and labels apart",
    );
  }
  const images = await data.readIdx(await readBounded("data", path, MOST_BYTES));
  const classes = await data.readIdx(await readBounded("labels", labels, MOST_BYTES));
  return { images, labels: classNumbers(classes.values), scale: images.dtype === "u8" ? 1 / 255 : 1 };
}

/** A row is a label (class number or word) and 784 values; values above 1 mean that they run from 0 to 255. */
async function fromCsv(path: string): Promise<Raw> {
  const { features, labels, classes } = data.parseCsv(await readBounded("data", path, MOST_BYTES), { label: 0 });
  if (features.shape[1] !== SIDE * SIDE || labels === null) {
    expected("SHAPE_MISMATCH", "data", `${SIDE * SIDE + 1} columns (label, then pixels)`, `${(features.shape[1] ?? 0) + 1}`);
  }
  const pixels = features.values as Float32Array;
  let most = 0;
  for (const v of pixels) most = Math.max(most, v);
  const images: data.HostArray = { values: pixels, shape: [features.shape[0]!, SIDE, SIDE], dtype: "f32" };
  const scale = most > 1 ? 1 / 255 : 1;
  // Numbers stay what they are: a file without a seven must not call the eight seven.
  const numbers = classes.map(Number);
  if (numbers.some(Number.isNaN)) return { images, labels: classNumbers(labels.values), names: classes, scale };
  return { images, labels: classNumbers(Float64Array.from(labels.values as Int32Array, (i) => numbers[i]!)), scale };
}

async function fromSafetensors(path: string): Promise<Raw> {
  const { tensors } = await loadSafetensors(path);
  const [images, labels] = [tensors.get("images"), tensors.get("labels")];
  if (images === undefined || labels === undefined) {
    expected("ARGUMENT_INVALID", "data", "tensors named 'images' and 'labels'", [...tensors.keys()].slice(0, 8).join(", "));
  }
  return {
    images: { values: await images.data(), shape: images.shape, dtype: images.dtype },
    labels: classNumbers(await labels.data()),
    scale: images.dtype === "u8" ? 1 / 255 : 1,
  };
}

/** Whole numbers from 0 to 999. @throws LABEL_OUT_OF_RANGE */
export function classNumbers(values: data.HostArray["values"]): Int32Array {
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const c = Number(values[i]);
    if (!Number.isInteger(c) || c < 0 || c > 999) {
      expected("LABEL_OUT_OF_RANGE", "data", "class numbers from 0 to 999", `${c} at position ${i}`);
    }
    out[i] = c;
  }
  return out;
}

/**
 * Checks sizes; the test set is a part of the samples drawn at random, the same one each time: files are often sorted by class, and
 * the last part of such a file holds classes that the rest has never shown.
 */
function split(path: string, raw: Raw): Labelled {
  const name = basename(path); // it goes into the saved model, which may travel: no directory
  const n = raw.labels.length;
  const pixels = raw.images.shape.slice(1).reduce((a, b) => a * b, 1);
  if (raw.images.shape[0] !== n || pixels !== SIDE * SIDE) {
    expected("SHAPE_MISMATCH", "data", `${n} pictures of ${SIDE}x${SIDE}`, `[${raw.images.shape.join(",")}]`);
  }
  if (n < 2) expected("ARGUMENT_INVALID", "data", "at least 2 samples", `${n}`);
  let classes = 0;
  for (const c of raw.labels) classes = Math.max(classes, c + 1);
  sayMissing(raw.labels, classes);
  const cut = Math.max(1, Math.floor(n * (1 - HELD_OUT)));
  const order = new Random(0).permutation(n);
  const part = (from: number, to: number): Pairs => {
    const rows = order.subarray(from, to);
    const values = rowsOf(raw.images.values, pixels, rows);
    const images = { values, shape: [to - from, 1, SIDE, SIDE], dtype: raw.images.dtype };
    const column = raw.images.dtype === "u8" ? { bytes: images, scale: raw.scale } : scaled(images, raw.scale);
    const classes: data.HostArray = { values: rows.map((i) => raw.labels[i]!), shape: [to - from], dtype: "i32" };
    return data.tensorDataset([column, classes], { name });
  };
  const names = raw.names === undefined ? {} : { names: raw.names };
  return { name, origin: path, classes, ...names, train: part(0, cut), test: part(cut, n) };
}

/** Says which class numbers nobody will learn. */
function sayMissing(labels: Int32Array, classes: number): void {
  const there = new Set(labels);
  const missing = Array.from({ length: classes }, (_, c) => c).filter((c) => !there.has(c));
  if (missing.length === 0) return;
  const more = missing.length > 8 ? ` and ${missing.length - 8} more` : "";
  say(`note: no example of class ${missing.slice(0, 8).join(", ")}${more}`);
}

/** The rows with these numbers, in an array of their own. */
function rowsOf(values: data.HostArray["values"], width: number, rows: Int32Array): data.HostArray["values"] {
  const out = values.slice(0, rows.length * width);
  const [from, to] = [bytesOf(values), bytesOf(out)];
  const bytes = width * values.BYTES_PER_ELEMENT;
  for (const [i, row] of rows.entries()) to.set(from.subarray(row * bytes, (row + 1) * bytes), i * bytes);
  return out;
}
const bytesOf = (a: data.HostArray["values"]): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

function scaled(a: data.HostArray, scale: number): data.HostArray {
  const values = new Float32Array(a.values.length);
  for (let i = 0; i < values.length; i++) values[i] = Number(a.values[i]) * scale;
  return { values, shape: a.shape, dtype: "f32" };
}
