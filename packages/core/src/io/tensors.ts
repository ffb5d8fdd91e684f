/** @file Tensors in safetensors files. */
import type { HostArray } from "../data/host.ts";
import { expected } from "../errors.ts";
import { checkShape } from "../tensor/data.ts";
import { Tensor } from "../tensor/tensor.ts";
import { pytorchName } from "./names.ts";
import type { EncodeOptions, SafetensorsLimits } from "./safetensors.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import { checkShard, isIndex, MAX_INDEX, parseIndex } from "./shards.ts";

/** Tensors by name: a state dict, a Map or a plain object. */
export type Tensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** What a file holds. */
export interface Saved {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface FileLimits extends SafetensorsLimits {
  /** Largest file read; 2 GiB - 1 unless said, which is also what Node reads at once. */
  readonly bytes?: number;
}

export interface SaveOptions extends EncodeOptions {
  /** "pytorch": `runningMean` is written as `running_mean`, so that PyTorch's `load_state_dict` takes the file. */
  readonly names?: "pytorch";
}

/** See `FileLimits`. */
export const MAX_FILE: number = 2 ** 31 - 1;

const entriesOf = (tensors: Tensors): [string, Tensor][] => (tensors instanceof Map ? [...tensors] : Object.entries(tensors));

/** The bytes of a safetensors file: the same tensors and metadata give the same bytes. Throws DEVICE_SECRET for secret tensors. */
export async function encodeTensors(
  tensors: Tensors,
  metadata: Readonly<Record<string, string>> = {},
  options: SaveOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { names } = options;
  if (names !== undefined && names !== "pytorch")
    expected("ARGUMENT_INVALID", "safetensors", "names pytorch, or none", JSON.stringify(names));
  const host: [string, HostArray][] = [];
  for (const [name, t] of entriesOf(tensors))
    host.push([names === undefined ? name : pytorchName(name), { values: await t.data(), shape: t.shape, dtype: t.dtype }]);
  return encodeSafetensors(host, Object.entries(metadata), options);
}

/** Tensors on the default device, which must have their dtypes (f64: the reference device). Throws as decodeSafetensors. */
export function decodeTensors(bytes: Uint8Array, limits: SafetensorsLimits = {}): Saved {
  const { tensors, metadata } = decodeSafetensors(bytes, limits);
  const adopted = new Map<string, Tensor>();
  for (const [name, t] of tensors) {
    checkShape("safetensors", t.shape);
    adopted.set(name, Tensor.adopt(t.values, t.shape, t.dtype));
  }
  return { metadata, tensors: adopted };
}

/** Files exist under Node (and what behaves like it); a browser uses encodeTensors and decodeTensors. */
export async function files(where: string): Promise<typeof import("./files-node.ts")> {
  if (typeof process === "undefined" || typeof process.versions?.node !== "string") {
    expected("FILE_UNSUPPORTED", where, "a machine with files", "a browser", "use encodeTensors and decodeTensors with bytes");
  }
  return import("./files-node.ts");
}

/**
 * Writes a safetensors file, whole or not at all: `saveSafetensors(path, model.stateDict(), {}, { names: "pytorch", dtype: "bf16" })`.
 * @throws FILE_WRITE; what was there before then remains. SAFETENSORS_INVALID where two names become one
 */
export async function saveSafetensors(
  path: string,
  tensors: Tensors,
  metadata: Readonly<Record<string, string>> = {},
  options: SaveOptions = {},
): Promise<void> {
  const bytes = await encodeTensors(tensors, metadata, options);
  await (await files("saveSafetensors")).writeAtomic(path, bytes);
}

/**
 * Reads a safetensors file: `model.loadStateDict((await loadSafetensors(path)).tensors)`, PyTorch's names included. A model in several
 * files is read by its "….safetensors.index.json". @throws FILE_READ, SIZE_LIMIT, SAFETENSORS_INVALID, DTYPE_UNSUPPORTED
 */
export async function loadSafetensors(path: string, limits: FileLimits = {}): Promise<Saved> {
  const { readBounded } = await files("loadSafetensors");
  const most = limits.bytes ?? MAX_FILE;
  if (!isIndex(path)) return decodeTensors(await readBounded(path, most), limits);
  const tensors = new Map<string, Tensor>();
  const text = new TextDecoder().decode(await readBounded(path, Math.min(most, limits.header ?? MAX_INDEX)));
  for (const [file, wanted] of parseIndex(text)) {
    const part = decodeTensors(await readBounded(path.replace(/[^/\\]*$/, file), most), limits);
    checkShard(file, wanted, part.tensors);
    for (const [name, t] of part.tensors) tensors.set(name, t);
  }
  return { tensors, metadata: new Map() };
}
