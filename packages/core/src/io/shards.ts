/** @file Models in several safetensors files: "model.safetensors.index.json" says which tensor is in which file. */
import { expected } from "../errors.ts";
import { parseHeaderJson } from "./header-json.ts";

const BAD = "SAFETENSORS_INVALID";
/** An index is names only: 2^20 of them in 100 bytes each. */
export const MAX_INDEX: number = 100_000_000;
const MAX_SHARDS = 10_000;

export const isIndex = (path: string): boolean => path.endsWith(".safetensors.index.json");

/** Names of tensors by file. @throws SAFETENSORS_INVALID unless the index names files beside it, and nothing else */
export function parseIndex(text: string): ReadonlyMap<string, readonly string[]> {
  const json = parseHeaderJson(text);
  const weights = json instanceof Map ? json.get("weight_map") : undefined;
  if (!(weights instanceof Map)) expected(BAD, "safetensors index", "a weight_map", "something else");
  const files = new Map<string, string[]>();
  for (const [name, file] of weights as ReadonlyMap<string, unknown>) {
    // A name that leads elsewhere would read what the index's author chose.
    if (typeof file !== "string" || !/^[\w.-]+\.safetensors$/.test(file) || file.startsWith("."))
      expected(BAD, "safetensors index", "names of .safetensors files beside it", "another value");
    const list = files.get(file);
    if (list !== undefined) list.push(name);
    else if (files.size < MAX_SHARDS) files.set(file, [name]);
    else expected("SIZE_LIMIT", "safetensors index", `at most ${MAX_SHARDS} files`, "more");
  }
  return files;
}

/** Throws SAFETENSORS_INVALID unless a file holds exactly the tensors that the index says. */
export function checkShard(file: string, wanted: readonly string[], got: ReadonlyMap<string, unknown>): void {
  const missing = wanted.filter((name) => !got.has(name)).length;
  if (missing > 0) expected(BAD, file, "the tensors that the index names", `a file without ${missing} of them`);
  if (got.size > wanted.length)
    expected(BAD, file, `${wanted.length} tensors, as the index says`, `${got.size}`, "the index belongs to other files");
}
