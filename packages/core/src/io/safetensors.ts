/** @file The safetensors format (huggingface/safetensors, README "Format"): decoding what a stranger may have written, encoding to fixed bytes. */
import { copyBytes, type HostArray } from "../data/host.ts";
import { expected, TacitError } from "../errors.ts";
import { showShape, sizeOf } from "../program/aval.ts";
import type { DType, TypedArray } from "../program/dtype.ts";
import { DTYPE } from "../program/dtype.ts";
import { type Half, narrow, widenBf16, widenE4m3, widenE5m2, widenF16 } from "./half.ts";
import type { Json } from "./header-json.ts";
import { parseHeaderJson } from "./header-json.ts";

/** What a file holds, names in the order of the file's data. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, HostArray>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Bounds on what a file may announce: 2^20 tensors and a header of 100 MB (the reference implementation's bound) unless said. */
export interface SafetensorsLimits {
  readonly header?: number;
  readonly tensors?: number;
}

/**
 * dtype names of the format: bytes per value, and what the values become here. What there is no dtype for is widened, exactly: small
 * floats to f32, small integers to i32.
 */
const NAMES: ReadonlyMap<string, { readonly bytes: number; readonly dtype: DType }> = new Map([
  ["F64", { bytes: 8, dtype: "f64" }],
  ["F32", { bytes: 4, dtype: "f32" }],
  ["F16", { bytes: 2, dtype: "f32" }],
  ["BF16", { bytes: 2, dtype: "f32" }],
  ["F8_E4M3", { bytes: 1, dtype: "f32" }],
  ["F8_E5M2", { bytes: 1, dtype: "f32" }],
  ["I64", { bytes: 8, dtype: "i64" }],
  ["I16", { bytes: 2, dtype: "i32" }],
  ["U16", { bytes: 2, dtype: "i32" }],
  ["I8", { bytes: 1, dtype: "i32" }],
  ["I32", { bytes: 4, dtype: "i32" }],
  ["U64", { bytes: 8, dtype: "u64" }],
  ["U32", { bytes: 4, dtype: "u32" }],
  ["U8", { bytes: 1, dtype: "u8" }],
  ["BOOL", { bytes: 1, dtype: "bool" }],
]);

const NAME_OF: Readonly<Record<DType, string>> = {
  f64: "F64",
  f32: "F32",
  i64: "I64",
  i32: "I32",
  u64: "U64",
  u32: "U32",
  u8: "U8",
  bool: "BOOL",
};

const MAX_RANK = 16;
/** As DEFAULT_LIMITS.elements of Programs. */
const MAX_EMPTY = 2 ** 31;
const BAD = "SAFETENSORS_INVALID";

interface Entry {
  readonly name: string;
  readonly kind: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const show = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);

const isIndex = (x: Json | undefined): x is number => typeof x === "number" && Number.isSafeInteger(x) && x >= 0;

function entryOf(name: string, value: Json): Entry {
  const where = `safetensors ${show(name)}`;
  if (!(value instanceof Map) || value.size !== 3) expected(BAD, where, "dtype, shape and data_offsets", "something else");
  const map: ReadonlyMap<string, Json> = value;
  const kind = map.get("dtype");
  const shape = map.get("shape");
  const offsets = map.get("data_offsets");
  if (typeof kind !== "string" || !NAMES.has(kind)) {
    expected(
      "DTYPE_UNSUPPORTED",
      where,
      `one of ${[...NAMES.keys()].join(" ")}`,
      typeof kind === "string" ? show(kind) : "no dtype",
    );
  }
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isIndex))
    expected(BAD, where, `shape of at most ${MAX_RANK} sizes`, "another");
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex))
    expected(BAD, where, "two data_offsets", "something else");
  const [begin, end] = offsets as [number, number];
  const size = sizeOf(shape as number[]) * NAMES.get(kind)!.bytes;
  // Empty axes count as one, as in Programs: rows without end must not be announced by a file without data.
  if (size === 0 && sizeOf((shape as number[]).map((d) => Math.max(d, 1))) > MAX_EMPTY)
    expected(BAD, where, `at most ${MAX_EMPTY} rows of nothing`, showShape(shape as number[]));
  if (end - begin !== size) expected(BAD, where, `${size} bytes for ${kind} ${showShape(shape as number[])}`, `${end - begin}`);
  return { name, kind, shape: shape as number[], begin, end };
}

function metadataOf(value: Json): Map<string, string> {
  if (!(value instanceof Map)) expected(BAD, "safetensors __metadata__", "an object of strings", "something else");
  const out = new Map<string, string>();
  for (const [k, v] of value as ReadonlyMap<string, Json>) {
    if (typeof v !== "string")
      expected(BAD, "safetensors __metadata__", "an object of strings", `a ${typeof v} under ${show(k)}`);
    out.set(k, v);
  }
  return out;
}

/** The tensors must cover the data exactly, without hole or overlap (a rule of the format, against files that say two things). */
function checkCover(entries: readonly Entry[], bytes: number): void {
  let at = 0;
  for (const e of entries) {
    if (e.begin !== at)
      expected(
        BAD,
        `safetensors ${show(e.name)}`,
        `data from byte ${at}`,
        `${e.begin}`,
        e.begin < at ? "tensors overlap" : "data with a hole",
      );
    at = e.end;
  }
  if (at !== bytes) {
    const hint = at > bytes ? "the file is cut short: fetch it again" : "the file has bytes that belong to no tensor";
    expected(BAD, "safetensors", `${at} bytes of data`, `${bytes}`, hint);
  }
}

function valuesOf(e: Entry, file: Uint8Array, data: number): TypedArray {
  const bytes = copyBytes(file, data + e.begin, data + e.end); // aligned, and it does not keep the file alive
  switch (e.kind) {
    case "F16":
      return widenF16(new Uint16Array(bytes.buffer));
    case "BF16":
      return widenBf16(new Uint16Array(bytes.buffer));
    case "F8_E4M3":
      return widenE4m3(bytes);
    case "F8_E5M2":
      return widenE5m2(bytes);
    case "I16":
      return Int32Array.from(new Int16Array(bytes.buffer));
    case "U16":
      return Int32Array.from(new Uint16Array(bytes.buffer));
    case "I8":
      return Int32Array.from(new Int8Array(bytes.buffer));
    case "F32":
      return new Float32Array(bytes.buffer);
    case "F64":
      return new Float64Array(bytes.buffer);
    case "I64":
      return new BigInt64Array(bytes.buffer);
    case "U64":
      return new BigUint64Array(bytes.buffer);
    case "I32":
      return new Int32Array(bytes.buffer);
    case "U32":
      return new Uint32Array(bytes.buffer);
    case "BOOL":
      if (bytes.some((b) => b > 1)) expected(BAD, `safetensors ${show(e.name)}`, "0 or 1 in BOOL data", "another byte");
  }
  return bytes;
}

function readHeader(file: Uint8Array, most: number): { text: string; data: number } {
  if (file.length < 8) expected(BAD, "safetensors", "at least 8 bytes", `${file.length}`);
  const announced = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (announced > BigInt(most)) expected("SIZE_LIMIT", "safetensors", `a header of at most ${most} bytes`, `${announced}`);
  const data = 8 + Number(announced);
  if (data > file.length) {
    expected(
      BAD,
      "safetensors",
      `a header of ${announced} bytes`,
      `a file of ${file.length}`,
      "the file is cut short, or is no safetensors",
    );
  }
  if (file[8] !== 0x7b) expected(BAD, "safetensors", "a header that begins with '{'", "another byte");
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file.subarray(8, data)), data };
  } catch (cause) {
    throw new TacitError(BAD, "safetensors: expected a header in UTF-8, got other bytes", { cause });
  }
}

/**
 * Decodes a safetensors file that may come from a stranger. Allocates no more than the file's own size (twice that for 16 bits, four times for F8 and I8).
 * @throws SAFETENSORS_INVALID for every breach of the format (bad JSON, repeated names, holes, overlaps, cut files),
 *   DTYPE_UNSUPPORTED for element types that have no place here (F4, F6, F8_E8M0, C64), SIZE_LIMIT beyond the bounds.
 */
export function decodeSafetensors(file: Uint8Array, limits: SafetensorsLimits = {}): SafetensorsFile {
  const { text, data } = readHeader(file, limits.header ?? 100_000_000);
  const header = parseHeaderJson(text);
  if (!(header instanceof Map)) expected(BAD, "safetensors", "an object as header", "something else");
  const fields: ReadonlyMap<string, Json> = header;
  const most = limits.tensors ?? 2 ** 20;
  if (fields.size > most + 1) expected("SIZE_LIMIT", "safetensors", `at most ${most} tensors`, `${fields.size}`);
  let metadata = new Map<string, string>();
  const entries: Entry[] = [];
  for (const [name, value] of fields) {
    if (name === "__metadata__") metadata = metadataOf(value);
    else entries.push(entryOf(name, value));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCover(entries, file.length - data);
  const tensors = new Map<string, HostArray>();
  for (const e of entries)
    tensors.set(e.name, { values: valuesOf(e, file, data), shape: e.shape, dtype: NAMES.get(e.kind)!.dtype });
  return { tensors, metadata };
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** How values are written. */
export interface EncodeOptions {
  /** Floats as 16 bits, rounded to nearest even; larger values than the type has become infinite. Integers stay. */
  readonly dtype?: Half;
}

/** A tensor as it stands in the file. */
interface Part {
  readonly name: string;
  readonly kind: string;
  readonly shape: readonly number[];
  readonly width: number;
  readonly bytes: Uint8Array;
}

function partOf(name: string, t: HostArray, dtype: Half | undefined): Part {
  const { values, shape } = t;
  if (dtype !== undefined && (values instanceof Float32Array || values instanceof Float64Array)) {
    const bits = narrow(values, dtype);
    return { name, kind: dtype.toUpperCase(), shape, width: 2, bytes: new Uint8Array(bits.buffer) };
  }
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, kind: NAME_OF[t.dtype], shape, width: DTYPE[t.dtype].bytes, bytes };
}

/**
 * Encodes tensors. The bytes depend on the contents alone: wide element types first (so that data stays aligned), then by name;
 * metadata by key; the header is padded with spaces to a multiple of 8.
 */
export function encodeSafetensors(
  tensors: Iterable<readonly [string, HostArray]>,
  metadata: Iterable<readonly [string, string]> = [],
  options: EncodeOptions = {},
): Uint8Array<ArrayBuffer> {
  const { dtype } = options;
  if (dtype !== undefined && dtype !== "f16" && dtype !== "bf16")
    expected("DTYPE_UNSUPPORTED", "safetensors", "dtype f16 or bf16 to write", String(dtype));
  const list = [...tensors]
    .map(([name, t]) => partOf(name, t, dtype))
    .sort((a, b) => b.width - a.width || byCodeUnit(a.name, b.name));
  const parts: string[] = [];
  const meta = [...metadata].sort(([a], [b]) => byCodeUnit(a, b));
  if (meta.length > 0)
    parts.push(`"__metadata__":{${meta.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(",")}}`);
  const seen = new Set(["__metadata__"]);
  let at = 0;
  for (const { name, kind, shape, bytes } of list) {
    if (seen.has(name)) expected(BAD, "safetensors", "names that differ", show(name));
    seen.add(name);
    const end = at + bytes.length;
    parts.push(`${JSON.stringify(name)}:{"dtype":"${kind}","shape":[${shape.join(",")}],"data_offsets":[${at},${end}]}`);
    at = end;
  }
  const json = new TextEncoder().encode(`{${parts.join(",")}}`);
  const header = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + header + at);
  new DataView(out.buffer).setBigUint64(0, BigInt(header), true);
  out.fill(0x20, 8, 8 + header);
  out.set(json, 8);
  let to = 8 + header;
  for (const { bytes } of list) {
    out.set(bytes, to);
    to += bytes.length;
  }
  return out;
}
