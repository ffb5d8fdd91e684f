/** @file The driver's side of checkpoints: tensors and their names out, and back as tensors of a session. */
import { realize, Tensor } from "@tacit/core";
import { TacitError } from "@tacit/core/errors";
import { Expr } from "@tacit/core/program";
import { sameBytes, utf8 } from "../identity/encoding.ts";
import { type Manifest, readManifest, type SavedValue } from "../party/checkpoints/manifest.ts";
import { type CheckpointCommand, valueBytes } from "../party/messages.ts";
import { rowsOf } from "../party/store.ts";
import type { Fields } from "../session/cbor.ts";
import type { MpcSession } from "./mpc-session.ts";
import type { Runner } from "./runner.ts";
import { PUBLIC, PublicStorage, RemoteStorage, secretBinding } from "./storage.ts";

export interface CheckpointOptions {
  /** Where the work stands: the number that `resume` gives back. */
  readonly step: number;
  /** Values of the session, by names of your own. Inputs are saved by themselves. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Public state of the driver, at most 65,536 bytes of UTF-8: every party can read it. */
  readonly note?: string;
  /** Id of the Program that is being run; default: that of the latest run. */
  readonly program?: string;
}

export interface ResumeOptions {
  /** Not the newest, but the one before: where a party's newest file is damaged. Default: false. */
  readonly previous?: boolean;
}

/** What a checkpoint held. */
export interface Resumed {
  readonly step: number;
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Names of the inputs that rest at the parties again: `session.input(name)`. */
  readonly inputs: readonly string[];
  readonly note: string;
  readonly program: string;
}

/** Storages of realised tensors of this session. @throws TacitError DEVICE_MISMATCH */
async function storagesOf(
  session: MpcSession,
  runner: Runner,
  tensors: CheckpointOptions["tensors"],
): Promise<[string, RemoteStorage | PublicStorage][]> {
  const entries = Object.entries(tensors);
  await realize(...entries.map(([, t]) => t));
  const found: [string, RemoteStorage | PublicStorage][] = [];
  for (const [label, t] of entries) {
    const storage = t.device === session ? t.expr.leaf?.storage : undefined;
    if (storage === undefined || storage === null) {
      throw new TacitError("DEVICE_MISMATCH", `checkpoint: expected values of this session, got ${label} on ${t.device.name}`, {
        hint: "bring it over with to(session), or keep it yourself",
      });
    }
    const own = runner.own(storage);
    if (own instanceof RemoteStorage) await own.pending;
    found.push([label, own]);
  }
  return found;
}

/** The command that saves `options` with these inputs. */
export async function checkpointCommand(
  session: MpcSession,
  runner: Runner,
  options: CheckpointOptions,
  inputs: Iterable<RemoteStorage>,
): Promise<Omit<CheckpointCommand, "run">> {
  const storages = await storagesOf(session, runner, options.tensors);
  const named: string[] = [];
  for (const s of inputs) {
    // One that did not arrive is no input; whoever uses it hears why.
    const given = await Promise.resolve(s.pending).then(
      () => true,
      () => false,
    );
    if (given) named.push(s.handle);
  }
  const values = storages.map(([label, s]) =>
    s instanceof PublicStorage
      ? { label, handle: runner.newHandle(), value: { aval: s.aval, bytes: valueBytes(s.values) } }
      : { label, handle: s.handle, value: null },
  );
  const { step, program = runner.latest, note = "" } = options;
  return { type: "checkpoint", step, program, values, inputs: named, note: utf8(note) };
}

/** What all parties say they restored; undefined: they have no checkpoint. @throws TacitError RUN_MISMATCH where they say different things */
export function readResumed(replies: readonly Fields[]): Manifest | undefined {
  const all = replies.map((f) => (f.done ? undefined : f.bytes()));
  const first = all[0];
  if (
    all.some(
      (b) => (b === undefined) !== (first === undefined) || (b !== undefined && first !== undefined && !sameBytes(b, first)),
    )
  )
    throw new TacitError("RUN_MISMATCH", "resume: expected the same of all parties, got different checkpoints", {
      hint: "a party lies to the driver: do not go on",
    });
  return first === undefined ? undefined : readManifest(first);
}

function storageOf(manifest: Manifest, v: SavedValue): RemoteStorage {
  const made = { run: manifest.runs[v.made.run]!, output: v.made.output };
  const source = v.secret ? v.source : ({ kind: "public", least: null, most: null, distinct: false } as const);
  const bound = { owners: v.owners, source, rows: rowsOf(v.aval) };
  return new RemoteStorage(v.handle, v.aval, bound, made, v.secret ? secretBinding(v.owners) : PUBLIC);
}

/** Tensors of what was restored; `name` takes up an input, which other runs find by its name. */
export function resumedOf(
  session: MpcSession,
  runner: Runner,
  manifest: Manifest,
  name: (input: RemoteStorage) => void,
): Resumed {
  const storages = new Map(manifest.values.map((v) => [v.handle, storageOf(manifest, v)]));
  const inputs = manifest.values.filter((v) => v.file !== null).map((v) => v.handle);
  for (const [handle, storage] of storages) {
    if (inputs.includes(handle)) name(storage);
    else runner.watch(storage);
  }
  const tensors: Record<string, Tensor> = {};
  for (const { label, handle } of manifest.labels) {
    const storage = storages.get(handle)!;
    tensors[label] = new Tensor(Expr.leaf(storage.aval, session, storage));
  }
  const { step, program } = manifest;
  return { step, tensors, inputs, note: new TextDecoder().decode(manifest.note), program };
}
