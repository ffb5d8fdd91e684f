/** @file Values into sealed files and back: shares as they rest here, public values as they are, and how each was made. Node only. */
import { TacitError } from "@tacit/core/errors";
import { type Aval, sizeOf } from "@tacit/core/program";
import { concatBytes, sameBytes } from "../../identity/encoding.ts";
import type { ProtocolParty } from "../../protocols/protocol.ts";
import { toCbor } from "../../session/cbor.ts";
import type { BoundRun } from "../../session/consent.ts";
import { type CheckpointCommand, valueBytes, valuesOf } from "../messages.ts";
import { bytesOf, isShare, publicSource, type Store, type Stored } from "../store.ts";
import type { Opened } from "./checkpoints.ts";
import type { Folder } from "./folder.ts";
import { type FileKind, type Head, headBytes, invalid, sealedSize } from "./format.ts";
import { type InputFile, type Manifest, MOST_VALUES, manifestBytes, readManifest, runWire, type SavedValue } from "./manifest.ts";
import { SealedReader, SealedWriter } from "./sealed-file.ts";

/** What every file of this party in this session and attempt says. */
export interface Sealing {
  /** 32 bytes, see sealed-file.ts. */
  readonly secret: Uint8Array;
  readonly head: Pick<Head, "session" | "root" | "party" | "name" | "attempt" | "expires">;
}

/** A public value of the driver. */
export interface PublicEntry {
  readonly handle: string;
  readonly aval: Aval;
  readonly bytes: Uint8Array;
}
export type Entry = Stored | PublicEntry;

export interface Writing extends Sealing {
  readonly folder: Folder;
  readonly party: ProtocolParty;
  readonly checkpoint: number;
  readonly step: number;
  readonly program: string;
}

const headOf = (at: Writing, kind: FileKind, part: number, plain: number): Head => ({
  ...at.head,
  kind,
  checkpoint: at.checkpoint,
  part,
  step: at.step,
  program: at.program,
  salt: crypto.getRandomValues(new Uint8Array(32)),
  plain,
});

const lengthOf = (e: Entry): number => ("value" in e ? bytesOf(e.value) : e.bytes.length);

/** A copy of what rests here; the caller zeroises it. */
function bytesAtRest(party: ProtocolParty, e: Entry): Uint8Array {
  if (!("value" in e)) return e.bytes.slice();
  return isShare(e.value) ? party.saveShare(e.value.share) : valueBytes(e.value.values);
}

/** @throws TacitError CHECKPOINT_DISK before anything is written */
function checkRoom(head: Head, room: number): number {
  const bytes = headBytes(head).length + sealedSize(head.plain);
  if (bytes <= room) return bytes;
  throw new TacitError("CHECKPOINT_DISK", `checkpoint: expected room for ${bytes} bytes, got ${Math.max(0, room)}`, {
    hint: "raise the limit on the party's disk, or checkpoint less; the checkpoint before is whole",
  });
}

/** One file; `files` takes its name before anything is there. */
async function writeFile(
  at: Writing,
  head: Head,
  path: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Uint8Array> {
  const writer = await SealedWriter.create(path, head, at.secret);
  try {
    for await (const bytes of parts) {
      try {
        await writer.write(bytes);
      } finally {
        bytes.fill(0);
      }
    }
    return await writer.finish();
  } catch (e) {
    await writer.drop();
    throw e;
  }
}

/** Saves inputs that were not saved before, each once. `named`: the handles of inputs. Resolves with the file of each. */
export async function writeInputs(
  at: Writing,
  entries: readonly Entry[],
  named: ReadonlySet<string>,
  room: number,
  files: string[],
): Promise<{ readonly files: ReadonlyMap<string, InputFile>; readonly bytes: number }> {
  const saved = new Map<string, InputFile>();
  let [bytes, part] = [0, 0];
  for (const e of entries) {
    if (!named.has(e.handle) || !("value" in e) || !isShare(e.value)) continue;
    if (e.saved !== null) {
      saved.set(e.handle, e.saved);
      continue;
    }
    const head = headOf(at, "input", part, lengthOf(e));
    bytes += checkRoom(head, room - bytes);
    const place = { checkpoint: at.checkpoint, part: part++ };
    const path = at.folder.input(place);
    files.push(path);
    const hash = await writeFile(
      at,
      head,
      path,
      once(() => bytesAtRest(at.party, e)),
    );
    saved.set(e.handle, { ...place, hash });
  }
  return { files: saved, bytes };
}

function* once(make: () => Uint8Array): Iterable<Uint8Array> {
  yield make();
}

/** Writes the manifest and all values that have no file of their own. */
export async function writeValues(
  at: Writing,
  c: CheckpointCommand,
  entries: readonly Entry[],
  inputs: ReadonlyMap<string, InputFile>,
  room: number,
  files: string[],
): Promise<{ readonly manifest: Manifest; readonly bytes: number }> {
  const runs = new Runs();
  const values = entries.map((e): SavedValue => savedOf(e, runs, inputs.get(e.handle) ?? null));
  const labels = c.values.map(({ label, handle }) => ({ label, handle }));
  const { run: checkpoint, step, program, note } = c;
  const manifest = { checkpoint, step, program, note, labels, runs: runs.all, values };
  const sealed = manifestBytes(manifest, true);
  const here = entries.filter((_, i) => values[i]!.file === null);
  const head = headOf(at, "values", 0, 4 + sealed.length + here.reduce((n, e) => n + lengthOf(e), 0));
  const bytes = checkRoom(head, room);
  const path = at.folder.checkpoint(checkpoint);
  files.push(path);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, sealed.length);
  const { party } = at;
  function* parts(): Iterable<Uint8Array> {
    yield concatBytes(length, sealed);
    for (const e of here) yield bytesAtRest(party, e);
  }
  await writeFile(at, head, path, parts());
  return { manifest, bytes };
}

/** How values were made; those of one run share an entry. */
class Runs {
  readonly all: BoundRun[] = [];
  readonly #index = new Map<string, number>();
  readonly #known = new Map<BoundRun, number>();

  add(run: BoundRun): number {
    const known = this.#known.get(run);
    if (known !== undefined) return known;
    const key = Buffer.from(toCbor(runWire(run))).toString("latin1");
    let index = this.#index.get(key);
    if (index === undefined) {
      index = this.all.push(run) - 1;
      this.#index.set(key, index);
      if (index >= MOST_VALUES) throw invalid(`values of at most ${MOST_VALUES} runs`, "more", "checkpoint less");
    }
    this.#known.set(run, index);
    return index;
  }
}

const PUBLIC_RUN: BoundRun = { program: "", inputs: [] };

function savedOf(e: Entry, runs: Runs, file: InputFile | null): SavedValue {
  const { handle, aval } = e;
  const bytes = lengthOf(e);
  if (!("value" in e)) {
    const source = publicSource(valuesOf(e.bytes, aval));
    return { handle, aval, owners: [], source, made: { run: runs.add(PUBLIC_RUN), output: 0 }, secret: false, bytes, file };
  }
  const made = { run: runs.add(e.made.run), output: e.made.output };
  return { handle, aval, owners: e.owners, source: e.source, made, secret: isShare(e.value), bytes, file };
}

export interface Reading extends Sealing {
  readonly folder: Folder;
  readonly party: ProtocolParty;
  readonly store: Store;
  readonly checkpoint: number;
}

/** What the head of a file must say, besides what only its writer knew. */
const expectedHead = ({ head, checkpoint }: Reading, kind: FileKind, of: Partial<Head>): Partial<Head> => {
  const { session, root, party, name } = head;
  return { kind, session, root, party, name, checkpoint, part: 0, ...of };
};

/** Opens a checkpoint into memory that was reserved; on an error nothing is left of it. @throws TacitError CHECKPOINT_INVALID, HANDLE_USED, MPC_MEMORY */
export async function readValues(at: Reading): Promise<Opened> {
  const entries: { stored: Stored; live: boolean }[] = [];
  const reader = await SealedReader.open(at.folder.checkpoint(at.checkpoint), at.secret, expectedHead(at, "values", {}));
  try {
    const manifest = await manifestOf(reader, at.checkpoint);
    for (const v of manifest.values) entries.push(await readValue(at, manifest, v, reader));
    await reader.finish();
    return { manifest, entries };
  } catch (e) {
    await reader.close();
    for (const { stored, live } of entries) if (!live) drop(at, stored);
    throw e;
  }
}

/** Frees what was loaded and is not in the store. */
export function drop({ party, store }: Pick<Reading, "party" | "store">, { value }: Stored): void {
  store.unreserve(bytesOf(value));
  if (isShare(value)) party.free(value.share);
}

async function manifestOf(reader: SealedReader, checkpoint: number): Promise<Manifest> {
  const length = await reader.read(4);
  const bytes = await reader.read(new DataView(length.buffer).getUint32(0));
  const manifest = readManifest(bytes);
  const { head } = reader;
  if (manifest.checkpoint !== checkpoint || manifest.step !== head.step || manifest.program !== head.program)
    throw invalid("a manifest of its own file", "another's");
  return manifest;
}

async function readValue(
  at: Reading,
  manifest: Manifest,
  v: SavedValue,
  reader: SealedReader,
): Promise<{ stored: Stored; live: boolean }> {
  const { store } = at;
  const resting = store.find(v.handle);
  const same = v.file !== null && resting?.saved?.checkpoint === v.file.checkpoint && resting.saved.part === v.file.part;
  if (resting !== undefined && same) return { stored: resting, live: true };
  if (resting?.source.kind === "handle") {
    throw new TacitError("HANDLE_USED", `resume: expected no input that was given anew, got ${JSON.stringify(v.handle)}`, {
      hint: "resume first; inputs that the checkpoint holds need not be given again",
    });
  }
  store.reserve(v.bytes);
  try {
    const bytes = v.file === null ? await reader.read(v.bytes) : await readInput(at, v, v.file);
    try {
      return { stored: storedOf(at, manifest, v, bytes), live: false };
    } finally {
      bytes.fill(0);
    }
  } catch (e) {
    store.unreserve(v.bytes);
    throw e;
  }
}

async function readInput(at: Reading, v: SavedValue, { checkpoint, part, hash }: InputFile): Promise<Uint8Array> {
  const expected = expectedHead(at, "input", { checkpoint, part, plain: v.bytes });
  const reader = await SealedReader.open(at.folder.input({ checkpoint, part }), at.secret, expected);
  try {
    const bytes = await reader.read(v.bytes);
    if (sameBytes(await reader.finish(), hash)) return bytes;
    throw invalid(`the file of input ${JSON.stringify(v.handle)} that it refers to`, "another");
  } finally {
    await reader.close();
  }
}

function storedOf({ party }: Reading, manifest: Manifest, v: SavedValue, bytes: Uint8Array): Stored {
  const value = v.secret ? { share: party.loadShare(bytes, v.aval) } : { values: valuesOf(bytes, v.aval) };
  if (v.bytes !== bytesOf(value)) {
    if (isShare(value)) party.free(value.share);
    throw invalid(`${bytesOf(value)} bytes for ${sizeOf(v.aval.shape)} elements`, `${v.bytes}`);
  }
  const made = { run: manifest.runs[v.made.run]!, output: v.made.output };
  const { handle, aval, owners, source, file } = v;
  return { handle, aval, value, owners, source, made, exported: null, saved: file };
}
