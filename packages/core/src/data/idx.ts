/** @file The IDX file format of MNIST: reading (raw or gzip) and writing. Format: yann.lecun.com/exdb/mnist, "the IDX file format". */
import { expected, TacitError } from "../errors.ts";
import type { Shape } from "../program/aval.ts";
import { showShape, sizeOf } from "../program/aval.ts";
import type { DType, TypedArray } from "../program/dtype.ts";
import { DTYPE } from "../program/dtype.ts";
import { DEFLATE_MAX_RATIO, gunzip, isGzip } from "./gunzip.ts";
import { copyBytes, type HostArray } from "./host.ts";

interface Format {
  readonly bytes: number;
  /** What the values become here: i8 and i16 have no dtype of their own and widen to i32. */
  readonly dtype: DType;
  get(view: DataView, at: number): number;
}

/** Type codes of the third header byte. */
const FORMATS: ReadonlyMap<number, Format> = new Map([
  [0x08, { bytes: 1, dtype: "u8", get: (v: DataView, at: number) => v.getUint8(at) }],
  [0x09, { bytes: 1, dtype: "i32", get: (v: DataView, at: number) => v.getInt8(at) }],
  [0x0b, { bytes: 2, dtype: "i32", get: (v: DataView, at: number) => v.getInt16(at) }],
  [0x0c, { bytes: 4, dtype: "i32", get: (v: DataView, at: number) => v.getInt32(at) }],
  [0x0d, { bytes: 4, dtype: "f32", get: (v: DataView, at: number) => v.getFloat32(at) }],
  [0x0e, { bytes: 8, dtype: "f64", get: (v: DataView, at: number) => v.getFloat64(at) }],
]);

/** Bounds on what a file may announce. */
export interface IdxLimits {
  /** Most bytes of data after inflating; 1 GiB unless said. */
  readonly bytes?: number;
}

interface Header {
  readonly format: Format;
  readonly shape: Shape;
  readonly start: number;
  readonly end: number;
}

const MAX_RANK = 8;

function parseHeader(bytes: Uint8Array, limit: number): Header {
  if (bytes.length < 4) expected("IDX_INVALID", "idx", "a header of at least 4 bytes", `${bytes.length}`);
  const format = FORMATS.get(bytes[2]!);
  if (bytes[0] !== 0 || bytes[1] !== 0 || format === undefined) {
    const hex = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
    expected("IDX_INVALID", "idx", "magic 00 00 (08|09|0b|0c|0d|0e) rank", hex, "this is no IDX file");
  }
  const rank = bytes[3]!;
  if (rank < 1 || rank > MAX_RANK) expected("IDX_INVALID", "idx", `rank 1 to ${MAX_RANK}`, `${rank}`);
  const start = 4 + 4 * rank;
  if (bytes.length < start) expected("IDX_INVALID", "idx", `a header of ${start} bytes`, `${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) shape.push(view.getUint32(4 + 4 * i));
  const size = sizeOf(shape) * format.bytes;
  // Empty axes count as one: a loop over four billion rows of nothing ends as late as one over rows of something.
  if (!(sizeOf(shape.map((d) => Math.max(d, 1))) * format.bytes <= limit))
    expected("SIZE_LIMIT", "idx", `at most ${limit} bytes of data`, `${showShape(shape)} of ${format.bytes} bytes`);
  return { format, shape, start, end: start + size };
}

/** Reads a raw (not compressed) IDX file. Throws IDX_INVALID when it is damaged, SIZE_LIMIT when it announces too much. */
export function parseIdx(bytes: Uint8Array, limits: IdxLimits = {}): HostArray {
  const { format, shape, start, end } = parseHeader(bytes, limits.bytes ?? 2 ** 30);
  if (bytes.length !== end) {
    const hint = bytes.length < end ? "the file is cut short: fetch it again" : "the file has bytes after its data";
    expected("IDX_INVALID", "idx", `${end} bytes for shape ${showShape(shape)}`, `${bytes.length}`, hint);
  }
  if (format.dtype === "u8") return { values: copyBytes(bytes, start, end), shape, dtype: "u8" };
  const values: TypedArray = DTYPE[format.dtype].make(sizeOf(shape));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < values.length; i++) values[i] = format.get(view, start + i * format.bytes);
  return { values, shape, dtype: format.dtype };
}

/**
 * Reads an IDX file, raw or gzip. Allocates no more than the announced data, and that only if the compressed bytes can hold so much.
 * @throws IDX_INVALID, GZIP_INVALID, SIZE_LIMIT.
 */
export async function readIdx(bytes: Uint8Array, limits: IdxLimits = {}): Promise<HostArray> {
  if (!isGzip(bytes)) return parseIdx(bytes, limits);
  const most = Math.min(limits.bytes ?? 2 ** 30, bytes.length * DEFLATE_MAX_RATIO);
  return parseIdx(await gunzip(bytes, most + 4 + 4 * MAX_RANK), limits);
}

/** Writes u8, i32, f32 or f64 values as a raw IDX file. */
export function encodeIdx(array: HostArray): Uint8Array<ArrayBuffer> {
  const codes: Partial<Record<DType, number>> = { u8: 0x08, i32: 0x0c, f32: 0x0d, f64: 0x0e };
  const code = codes[array.dtype];
  if (code === undefined) throw new TacitError("DTYPE_UNSUPPORTED", `idx: expected u8, i32, f32 or f64, got ${array.dtype}`);
  const width = DTYPE[array.dtype].bytes;
  const start = 4 + 4 * array.shape.length;
  const out = new Uint8Array(start + array.values.length * width);
  const view = new DataView(out.buffer);
  out.set([0, 0, code, array.shape.length]);
  array.shape.forEach((d, i) => {
    view.setUint32(4 + 4 * i, d);
  });
  for (let i = 0; i < array.values.length; i++) {
    const v = Number(array.values[i]);
    const at = start + i * width;
    if (array.dtype === "u8") view.setUint8(at, v);
    else if (array.dtype === "i32") view.setInt32(at, v);
    else if (array.dtype === "f32") view.setFloat32(at, v);
    else view.setFloat64(at, v);
  }
  return out;
}
