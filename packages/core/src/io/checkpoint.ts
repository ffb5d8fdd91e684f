/** @file Checkpoints: model, optimizer, schedule, loader and random states in one safetensors file, from which training goes on bit for bit. */
import type { LoaderState } from "../data/loader.ts";
import { expected, TacitError } from "../errors.ts";
import { defaultRandomState, loadDefaultRandomState } from "../nn/generator.ts";
import type { Module } from "../nn/module.ts";
import type { AverageState } from "../optim/average.ts";
import type { OptimizerState } from "../optim/base.ts";
import type { SchedulerState } from "../optim/schedule/scheduler.ts";
import { Random, type RandomState } from "../random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { FileLimits } from "./tensors.ts";
import { decodeTensors, encodeTensors, files, MAX_FILE } from "./tensors.ts";

interface Stateful<S> {
  stateDict(): S;
  loadStateDict(state: S): void;
}

/** What a checkpoint holds; every part but the model may be left out. Load with the same parts. */
export interface CheckpointParts {
  readonly model: Module;
  readonly optimizer?: Stateful<OptimizerState>;
  readonly scheduler?: Stateful<SchedulerState>;
  /** An average of the weights: `optim.ema`, `optim.swa`. */
  readonly average?: Stateful<AverageState>;
  readonly loader?: { state(): LoaderState; loadState(state: LoaderState): void };
  /** Numbers and words of your own (epoch, best accuracy): JSON. Returned by `load`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** The part that is not tensors; JSON in the file's metadata under "tacit". */
interface Header {
  readonly version: 1;
  readonly optimizer?: Omit<OptimizerState, "tensors">;
  readonly scheduler?: SchedulerState;
  readonly average?: Omit<AverageState, "tensors">;
  readonly loader?: LoaderState;
  /** By module name: where dropout layers stand. */
  readonly layers: Readonly<Record<string, unknown>>;
  readonly generator: RandomState;
  readonly extra: Readonly<Record<string, unknown>>;
}

interface Randomized {
  randomState(): unknown;
  loadRandomState(state: unknown): void;
}

const isRandomized = (m: object): m is Randomized => "randomState" in m && "loadRandomState" in m;
const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === "object" && x !== null && !Array.isArray(x);

/** Entries whose names begin with `prefix`, without it. */
function under(tensors: ReadonlyMap<string, Tensor>, prefix: string): Map<string, Tensor> {
  return new Map([...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, t]) => [name.slice(prefix.length), t]));
}

/** What of a state is JSON. */
function scalarsOf<S extends { readonly tensors: unknown }>({ tensors: _, ...rest }: S): Omit<S, "tensors"> {
  return rest;
}

/** A checkpoint apart from any file: tensors under "model.", "optimizer." and "average.", and JSON of all the rest. */
export interface CheckpointState {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly header: string;
}

/** What `restore` takes: for a place of your own, such as the parties of a session. The tensors see later updates. */
function state(parts: CheckpointParts): CheckpointState {
  const tensors = new Map<string, Tensor>();
  for (const [name, t] of parts.model.stateDict()) tensors.set(`model.${name}`, t);
  const layers: Record<string, unknown> = {};
  for (const [name, m] of parts.model.namedModules()) if (isRandomized(m)) layers[name] = m.randomState();
  const optimizer = parts.optimizer?.stateDict();
  for (const [name, t] of optimizer?.tensors ?? []) tensors.set(`optimizer.${name}`, t);
  const average = parts.average?.stateDict();
  for (const [name, t] of average?.tensors ?? []) tensors.set(`average.${name}`, t);
  const header: Header = {
    version: 1,
    ...(optimizer && { optimizer: scalarsOf(optimizer) }),
    ...(average && { average: scalarsOf(average) }),
    ...(parts.scheduler && { scheduler: parts.scheduler.stateDict() }),
    ...(parts.loader && { loader: parts.loader.state() }),
    layers,
    generator: defaultRandomState(),
    extra: parts.extra ?? {},
  };
  return { tensors, header: JSON.stringify(header) };
}

/** The checkpoint as bytes of a safetensors file. */
async function encode(parts: CheckpointParts): Promise<Uint8Array<ArrayBuffer>> {
  const { tensors, header } = state(parts);
  return encodeTensors(tensors, { tacit: header });
}

function isHeader(x: unknown): x is Header {
  if (!isRecord(x) || x.version !== 1) return false;
  const optional = ["optimizer", "scheduler", "average", "loader"].every((part) => !(part in x) || isRecord(x[part]));
  return optional && isRecord(x.layers) && isRecord(x.generator) && isRecord(x.extra);
}

function headerOf(text: string): Header {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    header = null;
  }
  if (isHeader(header)) return header;
  return expected(
    "CHECKPOINT_INVALID",
    "checkpoint",
    "a checkpoint of version 1",
    "another file",
    "a plain model file is read with loadSafetensors",
  );
}

function needed<T>(part: string, saved: T | undefined): T {
  return (
    saved ??
    expected(
      "CHECKPOINT_INVALID",
      "checkpoint",
      `a state of the ${part}`,
      "none in the file",
      `load without the ${part}, or save with it`,
    )
  );
}

function decode(bytes: Uint8Array, parts: CheckpointParts): Readonly<Record<string, unknown>> {
  const { tensors, metadata } = decodeTensors(bytes);
  return restore({ tensors, header: metadata.get("tacit") ?? "" }, parts);
}

/** Restores every part; returns `extra`. On a fault the parts before it may be restored already: do not train on. */
function restore({ tensors, header: text }: CheckpointState, parts: CheckpointParts): Readonly<Record<string, unknown>> {
  const header = headerOf(text);
  try {
    Random.from(header.generator);
  } catch (cause) {
    throw new TacitError("CHECKPOINT_INVALID", "checkpoint: expected a generator state, got another value", { cause });
  }
  parts.model.loadStateDict(under(tensors, "model."));
  if (parts.optimizer) {
    parts.optimizer.loadStateDict({ ...needed("optimizer", header.optimizer), tensors: under(tensors, "optimizer.") });
  }
  parts.average?.loadStateDict({ ...needed("average", header.average), tensors: under(tensors, "average.") });
  parts.scheduler?.loadStateDict(needed("scheduler", header.scheduler));
  parts.loader?.loadState(needed("loader", header.loader));
  for (const [name, m] of parts.model.namedModules()) {
    if (isRandomized(m)) m.loadRandomState(needed(`layer ${name}`, header.layers[name]));
  }
  loadDefaultRandomState(header.generator);
  return header.extra;
}

/** Writes atomically (new file, flushed, renamed): whatever happens, the old checkpoint or the new one is there. Throws FILE_WRITE. */
async function save(path: string, parts: CheckpointParts): Promise<void> {
  const bytes = await encode(parts);
  await (await files("checkpoint.save")).writeAtomic(path, bytes);
}

/** Restores every given part and returns `extra`. Throws FILE_READ, SAFETENSORS_INVALID, CHECKPOINT_INVALID, STATE_MISMATCH, ARGUMENT_INVALID. */
async function load(path: string, parts: CheckpointParts, limits: FileLimits = {}): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await (await files("checkpoint.load")).readBounded(path, limits.bytes ?? MAX_FILE);
  return decode(bytes, parts);
}

/** `checkpoint.save(path, parts)`, `checkpoint.load(path, parts)`; `encode` and `decode` do the same with bytes, `state` and `restore` with tensors. */
export const checkpoint: {
  readonly save: typeof save;
  readonly load: typeof load;
  readonly encode: typeof encode;
  readonly decode: typeof decode;
  readonly state: typeof state;
  readonly restore: typeof restore;
} = { save, load, encode, decode, state, restore };
