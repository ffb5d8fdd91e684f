/**
 * @file Checkpoints: what the driver names, with how it was made, in each party's own sealed file; all parties or none.
 *
 * Saving, under a run number that all parties take together (it is the checkpoint's number: never used before, never again):
 * 1. Each party resolves the same handles, and compares what it was told with the others.
 * 2. It writes and syncs its file, and a file for each named input that was not saved before.
 * 3. It compares the manifest, and the hashes of components that two parties hold alike. From its word on it keeps the file,
 *    whatever happens: another may have committed.
 * 4. When all have said the same, it commits: one synced line in its counters.
 * 5. When all have committed, everything but this one and the one before is removed.
 *
 * Resuming, under a new run number:
 * 1. Each says what it committed and what it has. Whoever lacks the newest that anybody committed was taken back: that is an error
 *    which names it, and nothing is restored. Else all take the newest that all have (choose.ts).
 * 2. Each opens its files and compares as in step 3 above. A refusal of one is everybody's: nothing is restored.
 * 3. The parties make new sharings of the values: each sends its component plus a zero-share under keys of this run and attempt.
 *    One round. Attempts have keys from new ephemeral keys, so no word of keystream meets one of before.
 * 4. The values rest here as before: handle, owners, source and how they were made.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { TacitError } from "@tacit/core/errors";
import { concatBytes } from "../../identity/encoding.ts";
import { isRecord } from "../../identity/identity.ts";
import type { ProtocolParty, RunCounters, ShareValue } from "../../protocols/protocol.ts";
import { fromCbor, toCbor, type Wire } from "../../session/cbor.ts";
import type { Session } from "../../session/session-file.ts";
import type { Mesh } from "../../transport/mesh.ts";
import type { Counters } from "../counters.ts";
import { bytesIn, diskWords } from "../disk.ts";
import type { Inputs } from "../inputs.ts";
import type { CheckpointCommand, ResumeCommand } from "../messages.ts";
import { PeerRefusal, type Peers } from "../peers.ts";
import type { Agreement } from "../runs.ts";
import { isShare, type Store, type Stored } from "../store.ts";
import type { Transcript } from "../transcript.ts";
import { type Choice, chooseCheckpoint, type Held } from "./choose.ts";
import { Folder } from "./folder.ts";
import type { Manifest } from "./manifest.ts";
import { manifestBytes } from "./manifest.ts";
import { drop, type Entry, readValues, type Sealing, writeInputs, writeValues } from "./values.ts";

export interface CheckpointsOptions {
  readonly session: Session;
  readonly party: ProtocolParty;
  readonly mesh: Mesh;
  readonly store: Store;
  readonly inputs: Inputs;
  readonly peers: Peers;
  readonly counters: Counters;
  readonly transcript: Transcript;
  readonly sealing: Sealing;
  readonly folder: Folder;
  /** Bytes that may still be written to the party's directory. */
  room(): number;
  readonly agree: Agreement;
  fatal(error: TacitError): void;
}

const UNEQUAL = "CHECKPOINT_UNEQUAL";
/** Writing a large checkpoint takes one party longer than another: this many times the session's time. */
const PATIENCE = 20;

/** An error of the file system as ours; its text may name paths, so that it is not passed on. */
function told(e: unknown): TacitError {
  if (e instanceof TacitError) return e;
  if (!isRecord(e) || typeof e.syscall !== "string")
    return new TacitError("MPC_PARTY_FAILED", "checkpoint: expected to be done, got an internal error", { cause: e });
  const got = diskWords(e) ?? "an error of the file system";
  const hint = "see that party's data directory; the checkpoint before is whole";
  return new TacitError("CHECKPOINT_DISK", `checkpoint: expected files that can be read and written, got ${got}`, {
    cause: e,
    hint,
  });
}

export class Checkpoints {
  readonly #o: CheckpointsOptions;
  /** Input files that a checkpoint refers to, for those that this attempt wrote or opened. */
  readonly #refers = new Map<number, ReadonlySet<string>>();

  constructor(options: CheckpointsOptions) {
    this.#o = options;
  }

  /** The checkpoints of a party whose data directory is `directory`, which may have `disk` bytes of files. */
  static of(
    directory: string,
    { secret, attempt, disk }: { readonly secret: Uint8Array; readonly attempt: number; readonly disk: number | undefined },
    parts: Omit<CheckpointsOptions, "sealing" | "folder" | "room">,
  ): Checkpoints {
    const { session, mesh } = parts;
    const { id, root, file } = session;
    const head = { session: id, root, party: mesh.index, name: session.partyName(mesh.index), attempt, expires: file.expires };
    const room = (): number => (disk ?? Number.POSITIVE_INFINITY) - bytesIn(directory);
    return new Checkpoints({ ...parts, sealing: { secret, head }, folder: new Folder(directory, session.hex), room });
  }

  /** Removes what a crash or an expired session left behind. */
  async sweep(): Promise<void> {
    await this.#o.folder.sweep(Date.now() / 1000);
  }

  close(): void {
    this.#o.sealing.secret.fill(0);
  }

  /**
   * Resolves with the bytes it wrote, once all parties have committed.
   * @throws TacitError CHECKPOINT_DISK (the session goes on), CHECKPOINT_UNEQUAL (it ends), HANDLE_UNKNOWN
   */
  async save(c: CheckpointCommand): Promise<Wire> {
    const { counters, session, transcript, agree } = this.#o;
    const stored = await agree(c.run, `run ${c.run}`, "RUN_MISMATCH", async () => {
      const values = await this.#named(c);
      const labels = c.values.map((v): Wire => [v.label, v.handle, v.value === null ? [] : [sha256(v.value.bytes)]]);
      return { value: values, digest: ["checkpoint", c.step, c.program, labels, [...c.inputs], sha256(c.note)] };
    });
    const written = await this.#prepare(c, stored);
    const before = counters.committed(session.hex);
    counters.commit(session.hex, c.run);
    this.#refers.set(c.run, this.#inputsOf(written.manifest));
    transcript.add({
      event: "checkpoint",
      run: c.run,
      step: c.step,
      values: written.manifest.values.length,
      bytes: written.bytes,
    });
    await this.#everyone(`commit ${c.run}`, () => sha256(toCbor(["commit", c.run])));
    const kept = [c.run, before].filter((n) => n > counters.forgotten(session.hex));
    await this.#prune(kept);
    return [c.run, written.bytes];
  }

  async #named(c: CheckpointCommand): Promise<Entry[]> {
    const { store, inputs } = this.#o;
    const handles = new Set([...c.inputs, ...c.values.flatMap((v) => (v.value === null ? [v.handle] : []))]);
    for (const h of handles) await inputs.ready(h);
    const publics = c.values.flatMap((v): Entry[] => (v.value === null ? [] : [{ handle: v.handle, ...v.value }]));
    if (publics.some((p) => store.has(p.handle) || handles.has(p.handle)))
      throw new TacitError("HANDLE_USED", "checkpoint: expected new handles for public values, got one again");
    return [...[...handles].map((h) => store.get(h)), ...publics];
  }

  /** Steps 2 and 3. */
  async #prepare(c: CheckpointCommand, entries: readonly Entry[]): Promise<Written> {
    const { folder, peers, sealing, party, store, room } = this.#o;
    const subject = `checkpoint ${c.run}`;
    const files: string[] = [];
    let written: Written;
    try {
      const at = { ...sealing, folder, party, checkpoint: c.run, step: c.step, program: c.program };
      const inputs = await writeInputs(at, entries, new Set(c.inputs), room(), files);
      const made = await writeValues(at, c, entries, inputs.files, room(), files);
      await folder.sync();
      written = { manifest: made.manifest, bytes: inputs.bytes + made.bytes };
    } catch (e) {
      const error = told(e);
      peers.refuse(subject, error);
      await folder.remove(files);
      throw error;
    }
    try {
      await this.#everyone(subject, (j) => this.#digest(written.manifest, entries, j));
    } catch (e) {
      if (e instanceof PeerRefusal) await folder.remove(files);
      throw e;
    }
    // What this one does not refer to is saved anew when it is named again: its file may be gone by then.
    const saved = new Map(written.manifest.values.map((v) => [v.handle, v.file]));
    for (const s of store.all()) s.saved = saved.get(s.handle) ?? null;
    return written;
  }

  /** What party j must have too: the manifest, and the components that both hold of what was not compared before. */
  #digest(manifest: Manifest, entries: readonly Entry[], j: number): Uint8Array {
    const { session, party } = this.#o;
    const fresh = entries.filter((e): e is Stored => "value" in e && isShare(e.value) && !e.saved);
    const hashes = fresh.flatMap((e) => (isShare(e.value) ? [party.componentHash(e.value.share, j)] : []));
    return sha256(concatBytes(session.id, manifestBytes(manifest, false), ...hashes));
  }

  /** A comparison whose failure ends the session, but for a refusal. */
  async #everyone(subject: string, digest: (j: number) => Uint8Array): Promise<void> {
    const hint = "a party lies, or its memory or disk is faulty: find out which before you go on";
    try {
      await this.#o.peers.compare(subject, digest, UNEQUAL, hint, PATIENCE);
    } catch (e) {
      if (e instanceof TacitError && (e.code === UNEQUAL || e.code === "MPC_TIMEOUT")) this.#o.fatal(e);
      throw e;
    }
  }

  /** Inputs go once it is known which of the kept ones need them. */
  async #prune(kept: readonly number[]): Promise<void> {
    const known = kept.every((n) => this.#refers.has(n));
    const inputs = known ? new Set(kept.flatMap((n) => [...(this.#refers.get(n) ?? [])])) : null;
    await this.#o.folder.prune(kept, inputs).catch(() => undefined);
  }

  /** The driver needs them no more. @throws TacitError RUN_NUMBER, MPC_DISK */
  async forget(run: number): Promise<Wire> {
    const { agree, counters, session, transcript } = this.#o;
    await agree(run, `run ${run}`, "RUN_MISMATCH", async () => ({ value: null, digest: ["forget"] }));
    counters.forget(session.hex, run);
    transcript.add({ event: "forget", run });
    this.#refers.clear();
    await this.#o.folder.prune([], new Set());
    return [];
  }

  /**
   * Resolves with the manifest as canonical bytes; [] where no party has a checkpoint.
   * @throws TacitError CHECKPOINT_ROLLED_BACK, CHECKPOINT_INVALID, CHECKPOINT_UNEQUAL, HANDLE_USED, MPC_MEMORY: nothing is restored
   */
  async resume(c: ResumeCommand): Promise<Wire> {
    const { agree, session, counters, transcript, mesh } = this.#o;
    await agree(c.run, `run ${c.run}`, "RUN_MISMATCH", async () => ({ value: null, digest: ["resume", c.previous] }));
    const choice = await this.#choose(c);
    if (choice.kind === "none") return [];
    if (choice.kind === "lacking") throw this.#lacking(choice);
    transcript.add({ event: "resume", run: c.run, checkpoint: choice.checkpoint, attempt: mesh.attempt });
    const opened = await this.#open(c, choice.checkpoint);
    const { manifest } = opened;
    const counted = await this.#place(c, opened.entries);
    counters.commit(session.hex, manifest.checkpoint);
    this.#refers.set(manifest.checkpoint, this.#inputsOf(manifest));
    return [manifestBytes(manifest, false), counted.rounds, counted.bytesSent, counted.framesSent];
  }

  /** Step 1: what each says, and the choice that follows from it. */
  async #choose(c: ResumeCommand): Promise<Choice> {
    const { peers, counters, session, folder, mesh } = this.#o;
    const mine: Held = {
      committed: counters.committed(session.hex),
      forgotten: counters.forgotten(session.hex),
      held: await folder.held(),
    };
    const words = toCbor([mine.committed, mine.forgotten, [...mine.held]]);
    const said = await peers.exchange(`held ${c.run}`, words).catch((e: unknown) => {
      // A party that says nothing of its checkpoints will say nothing of the runs after them.
      if (e instanceof TacitError && e.code === "MPC_TIMEOUT") this.#o.fatal(e);
      throw e;
    });
    const all = said.map((bytes, j): Held => {
      if (j === mesh.index) return mine;
      const f = fromCbor(bytes, `checkpoints of ${session.showParty(j)}`, "MPC_FRAME_INVALID", 3);
      const held = { committed: f.uint(2 ** 32 - 2), forgotten: f.uint(2 ** 32 - 2), held: f.uints(64) };
      f.end();
      return held;
    });
    return chooseCheckpoint(all, c.previous);
  }

  #inputsOf(manifest: Manifest): ReadonlySet<string> {
    return new Set(manifest.values.flatMap((v) => (v.file === null ? [] : [this.#o.folder.input(v.file)])));
  }

  #lacking({ checkpoint, parties }: Extract<Choice, { kind: "lacking" }>): TacitError {
    const names = parties.map((j) => this.#o.session.showParty(j)).join(", ");
    return new TacitError(
      "CHECKPOINT_ROLLED_BACK",
      `resume: expected checkpoint ${checkpoint}, which was at all parties, got none at ${names}`,
      { hint: "its data directory was lost, or an older copy was put in its place: put the newest back, or begin anew" },
    );
  }

  /** Step 2. What was opened is compared before any of it is used. */
  async #open(c: ResumeCommand, checkpoint: number): Promise<Opened> {
    const { peers, sealing, party, folder, store } = this.#o;
    const subject = `restore ${c.run}`;
    const at = { ...sealing, folder, party, store, checkpoint };
    let opened: Opened;
    try {
      opened = await readValues(at);
    } catch (e) {
      const error = told(e);
      peers.refuse(subject, error);
      throw error;
    }
    try {
      const { manifest, entries } = opened;
      const kept = toCbor(entries.map((e) => [e.stored.handle, e.live]));
      const shares = entries.flatMap(({ stored: { value } }) => (isShare(value) ? [value.share] : []));
      const digest = (j: number): Uint8Array => {
        const hashes = shares.map((s) => party.componentHash(s, j));
        return sha256(concatBytes(manifestBytes(manifest, false), kept, ...hashes));
      };
      await this.#everyone(subject, digest);
      return opened;
    } catch (e) {
      for (const { stored, live } of opened.entries) if (!live) drop({ party, store }, stored);
      throw e;
    }
  }

  /** Steps 3 and 4. From here on something secret is sent: a failure ends the session. */
  async #place(c: ResumeCommand, entries: Opened["entries"]): Promise<RunCounters> {
    const { party, store, mesh, fatal } = this.#o;
    const restored = entries.filter((e) => !e.live).map((e) => e.stored);
    const shares = restored.flatMap(({ value }) => (isShare(value) ? [value.share] : []));
    const describe = ({ op }: { readonly op: number }): string => `op ${op + 1} of ${shares.length} (restore)`;
    for (const link of mesh.links) if (link !== undefined) link.describe = describe;
    try {
      const { shares: renewed, counters } = await party.refresh(shares, { run: c.run, attempt: mesh.attempt });
      for (const link of mesh.links) link?.idle();
      const next = renewed[Symbol.iterator]();
      // What was computed after the checkpoint is of no use to whoever goes on from it.
      const kept = new Set(entries.map((e) => e.stored.handle));
      for (const s of [...store.all()]) if (s.source.kind !== "handle" && !kept.has(s.handle)) store.free(s.handle);
      for (const s of restored) {
        store.free(s.handle);
        const value = isShare(s.value) ? { share: next.next().value as ShareValue } : s.value;
        store.add({ ...s, value });
      }
      return counters;
    } catch (e) {
      const error = told(e);
      fatal(error);
      throw error;
    }
  }
}

interface Written {
  readonly manifest: Manifest;
  readonly bytes: number;
}

/** What a checkpoint held. `live`: it rests here already, from the same file. */
export interface Opened {
  readonly manifest: Manifest;
  readonly entries: readonly { readonly stored: Stored; readonly live: boolean }[];
}
