/** @file The manifest of a checkpoint: names, shapes, owners and how each value was made. It holds no value. */
import { TacitError } from "@tacit/core/errors";
import type { Aval } from "@tacit/core/program";
import type { Fields } from "../../session/cbor.ts";
import { fromCbor, toCbor, type Wire } from "../../session/cbor.ts";
import { type BoundInput, type BoundRun, type Counted, unionOfOwners } from "../../session/consent.ts";
import { readSource, type Source, sourceWire } from "../../session/grant.ts";
import { avalWire, MOST_NOTE, readAval } from "../messages.ts";
import { invalid } from "./format.ts";

/** The file of an input: the checkpoint that saved it, and its number there. */
export interface InputFile {
  readonly checkpoint: number;
  readonly part: number;
  /** SHA-256 of the whole file, at this party alone. */
  readonly hash: Uint8Array;
}

export interface SavedValue {
  readonly handle: string;
  readonly aval: Aval;
  readonly owners: readonly string[];
  readonly source: Source;
  /** How it was made: an entry of `runs`, and which output. The policy judges a restored value by it, as before. */
  readonly made: { readonly run: number; readonly output: number };
  readonly secret: boolean;
  /** Bytes at rest here. */
  readonly bytes: number;
  /** Null: its bytes follow the manifest, in order. */
  readonly file: InputFile | null;
}

export interface Manifest {
  readonly checkpoint: number;
  readonly step: number;
  readonly program: string;
  /** What the driver wants back: its own public state. */
  readonly note: Uint8Array;
  /** The driver's names for values. */
  readonly labels: readonly { readonly label: string; readonly handle: string }[];
  readonly runs: readonly BoundRun[];
  readonly values: readonly SavedValue[];
}

export const MOST_VALUES = 10_000;
const CODE = "CHECKPOINT_INVALID";
/** A model of 3000 tensors with all their sources has some 100,000 items. */
const MOST_ITEMS = 4_194_304;

const inputWire = (i: BoundInput): Wire => [[...i.owners], sourceWire(i.source), i.rows];
const countedWire = (c: Counted): Wire => [c.grant, c.released.map((owners) => [...owners])];
/** Two fields, as before there were mechanisms, unless the run was counted against one. */
export const runWire = (r: BoundRun): Wire => [
  r.program,
  r.inputs.map(inputWire),
  ...(r.counted === undefined ? [] : [countedWire(r.counted)]),
];

const valueWire = (v: SavedValue, own: boolean): Wire => [
  v.handle,
  avalWire(v.aval),
  [...v.owners],
  sourceWire(v.source),
  v.made.run,
  v.made.output,
  v.secret,
  v.bytes,
  v.file === null ? [] : [v.file.checkpoint, v.file.part, own ? v.file.hash : new Uint8Array(0)],
];

/**
 * `own`: as it is sealed. Otherwise as parties compare it and as the driver gets it: without the hashes of files, which differ
 * from party to party.
 */
export const manifestBytes = (m: Manifest, own: boolean): Uint8Array =>
  toCbor([
    m.checkpoint,
    m.step,
    m.program,
    m.note,
    m.labels.map((l) => [l.label, l.handle]),
    m.runs.map(runWire),
    m.values.map((v) => valueWire(v, own)),
  ]);

function readBound(f: Fields): BoundInput {
  const input = { owners: f.texts(64), source: readSource(f.fields()), rows: f.uint() };
  f.end();
  return input;
}

const GRANT = /^[0-9a-f]{64}$/;

/** `owners`: of all that flowed in, sorted; nobody else's data can have been released. */
function readCounted(f: Fields, owners: readonly string[]): Counted {
  const counted = { grant: f.text(64), released: f.list(MOST_VALUES, (o) => o.remainingTexts(256)) };
  f.end();
  const places = new Map(owners.map((o, at) => [o, at]));
  const all = counted.released.map((names) => names.map((o) => places.get(o) ?? -1));
  const rise = all.every((of) => of.every((at, i) => at > (of[i - 1] ?? -1)));
  if (!GRANT.test(counted.grant) || !rise) throw invalid("a run with what it released, and for whom", "another");
  return counted;
}

function readRun(f: Fields): BoundRun {
  const run = { program: f.text(64), inputs: f.list(MOST_VALUES, readBound) };
  const counted = f.done ? undefined : readCounted(f.fields(), unionOfOwners(run.inputs));
  f.end();
  return counted === undefined ? run : { ...run, counted };
}

function readFile(f: Fields): InputFile | null {
  if (f.done) return null;
  const file = { checkpoint: f.uint(2 ** 32 - 2), part: f.uint(2 ** 20), hash: f.bytes() };
  f.end();
  return file;
}

function readValue(f: Fields): SavedValue {
  const value = {
    handle: f.text(),
    aval: readAval(f.fields()),
    owners: f.texts(64),
    source: readSource(f.fields()),
    made: { run: f.uint(MOST_VALUES), output: f.uint(MOST_VALUES) },
    secret: f.boolean(),
    bytes: f.uint(2 ** 42),
    file: readFile(f.fields()),
  };
  f.end();
  return value;
}

/** Whether that run can have had that output. */
function isMade({ made }: SavedValue, runs: readonly BoundRun[]): boolean {
  const run = runs[made.run];
  return run !== undefined && (run.counted === undefined || made.output < run.counted.released.length);
}

/** @throws TacitError CHECKPOINT_INVALID, whatever the bytes; never anything else */
export function readManifest(bytes: Uint8Array): Manifest {
  try {
    return read(bytes);
  } catch (e) {
    if (e instanceof TacitError && e.code !== CODE) throw invalid("a manifest of this version", "another");
    throw e;
  }
}

function read(bytes: Uint8Array): Manifest {
  const f = fromCbor(bytes, "checkpoint", CODE, 7, MOST_ITEMS);
  const manifest = {
    checkpoint: f.uint(2 ** 32 - 2),
    step: f.uint(),
    program: f.text(64),
    note: f.bytes(),
    labels: f.list(MOST_VALUES, (l) => {
      const label = { label: l.text(), handle: l.text() };
      l.end();
      return label;
    }),
    runs: f.list(MOST_VALUES, readRun),
    values: f.list(2 * MOST_VALUES, readValue),
  };
  f.end();
  const handles = new Set(manifest.values.map((v) => v.handle));
  const whole =
    handles.size === manifest.values.length &&
    manifest.labels.every((l) => handles.has(l.handle)) &&
    manifest.values.every((v) => isMade(v, manifest.runs) && (v.secret || v.file === null)) &&
    manifest.note.length <= MOST_NOTE;
  if (!whole) throw invalid("a manifest that is whole", "another");
  return manifest;
}
