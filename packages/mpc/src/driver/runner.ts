/** @file Runner: runs Programs and reveals at all parties, one after the other; signs the grants they need; frees dropped handles. */
import type { Disclosure, Executable, Job, Storage } from "@tacit/core/device";
import { TacitError } from "@tacit/core/errors";
import type { DType, TypedArray } from "@tacit/core/program";
import { toHex } from "../identity/encoding.ts";
import type { Identity } from "../identity/identity.ts";
import { type Command, MOST_SKIPPED, type RunInput, valueBytes, valuesOf } from "../party/messages.ts";
import { revealInfo, revealPlace } from "../party/purposes.ts";
import type { Fields } from "../session/cbor.ts";
import type { BoundRun } from "../session/consent.ts";
import { grantToBytes, type SignedGrant } from "../session/grant.ts";
import type { Session } from "../session/session-file.ts";
import { Approver } from "./approver.ts";
import { CostMeter } from "./cost.ts";
import type { MpcSessionOptions } from "./mpc-session.ts";
import { PublicStorage, RemoteStorage, resultStorage } from "./storage.ts";

type Own = RemoteStorage | PublicStorage;

/** What the driver learns of a delivery: that the parties keep it, and for whom. No value. */
export interface Receipt {
  /** Its number at the parties, by which the recipient knows it. */
  readonly run: number;
  readonly to: string;
  readonly why: string;
  readonly handle: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Of one party's sealed part. */
  readonly bytes: number;
}

export class Runner {
  readonly meter: CostMeter;
  readonly #o: MpcSessionOptions;
  readonly #approver: Approver;
  readonly #sent = new Set<string>();
  /** What was opened, by handle: the same value is never opened twice to the same person. */
  readonly #opened = new WeakMap<RemoteStorage, Map<string, TypedArray>>();
  readonly #delivered = new WeakMap<RemoteStorage, Map<string, Promise<Receipt>>>();
  /** Values of this driver that rest at the parties: results, what it shared, what it restored. */
  readonly #live = new Set<string>();
  /** Handles nobody holds any more; they travel with the next run. */
  readonly #frees = new Set<string>();
  readonly #dropped: FinalizationRegistry<string> = new FinalizationRegistry((handle) => this.#frees.add(handle));
  /** Begins the names of this driver's values: an earlier driver of the same session made others. */
  readonly prefix: string = toHex(crypto.getRandomValues(new Uint8Array(6)));
  /** By Program, the id of the grant under which its runs are counted; others' under the first that allows them. */
  readonly under: Map<string, string> = new Map();
  /** Id of the Program that ran last; "" before any. */
  latest = "";
  #nextRun = 0;
  #nextResult = 0;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: MpcSessionOptions) {
    this.#o = options;
    this.meter = new CostMeter(options.protocol.parties);
    this.#approver = new Approver(options.session, options.identities);
  }

  /** Takes the wheel. */
  async drive(): Promise<void> {
    const { group, driver, session } = this.#o;
    const said = (await group.all(driver, { type: "drive" })).map((f, i) => {
      if (f.uint() !== i) throw new TacitError("ENVELOPE_INVALID", `drive: expected party ${i}, got another`);
      return f.uint();
    });
    this.#nextRun = nextRunOf(session, said);
    for (const signed of session.file.grants) await this.#approver.learn(signed, session.root);
  }

  /** A storage of this session. @throws TacitError DEVICE_MISMATCH */
  own(storage: Storage): Own {
    if (storage instanceof RemoteStorage || storage instanceof PublicStorage) return storage;
    throw new TacitError("DEVICE_MISMATCH", `${this.#o.protocol.name}: expected a value that lives in this session, got another`);
  }

  /** Frees with the next run whatever the user drops, and the rest when the driver leaves. */
  watch(storage: RemoteStorage): void {
    this.#live.add(storage.handle);
    this.#dropped.register(storage, storage.handle, storage);
  }

  async prepare(job: Job): Promise<Executable> {
    const { program } = job;
    if (!this.#sent.has(program.id)) {
      await this.#o.group.all(this.#o.driver, { type: "program", bytes: program.toBytes() });
      this.#sent.add(program.id);
    }
    return {
      run: (inputs) =>
        this.#inTurn(() =>
          this.#run(
            job,
            inputs.map((s) => this.own(s)),
          ),
        ),
    };
  }

  newHandle(): string {
    return `${this.prefix}.${this.#nextResult++}`;
  }

  /** A command that takes a run number, in turn with the runs. Resolves with the replies in order of the parties. */
  numbered(command: (run: number) => Promise<Command> | Command): Promise<Fields[]> {
    return this.#inTurn(async () => this.#o.group.all(this.#o.driver, await command(this.#nextRun++)));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => {});
    return done;
  }

  async #run(job: Job, inputs: readonly Own[]): Promise<readonly Storage[]> {
    const { group, driver } = this.#o;
    for (const s of inputs) if (s instanceof RemoteStorage) await s.pending;
    const run: BoundRun = { program: job.program.id, inputs: inputs.map((s) => s.bound) };
    const needed = await this.#approver.forRun(run);
    if (needed !== undefined) await this.#send(needed);
    const outputs = job.program.outputs.map(() => this.newHandle());
    this.latest = job.program.id;
    const donated = this.#donated(job, inputs);
    const frees = [...this.#frees, ...donated.map((s) => s.handle)];
    this.#frees.clear();
    const start = performance.now();
    const grant = this.under.get(job.program.id);
    const replies = await group.all(driver, {
      type: "run",
      run: this.#nextRun++,
      program: job.program.id,
      inputs: inputs.map(runInput),
      outputs,
      frees,
      ...(grant !== undefined && { grant }),
    });
    const measured = replies.map(readMeasured);
    this.meter.add(measured, (performance.now() - start) / 1000);
    for (const s of donated) this.#dropped.unregister(s);
    for (const handle of frees) this.#live.delete(handle);
    const avals = job.program.outputAvals;
    return outputs.map((handle, k) => {
      const storage = resultStorage(handle, avals[k]!, run, k, measured[0]!.publics[k] ?? false);
      this.watch(storage);
      return storage;
    });
  }

  /** Values that the run replaces and nobody else holds (the engine lists no others). Inputs with a name stay. */
  #donated(job: Job, inputs: readonly Own[]): RemoteStorage[] {
    return job.updates.flatMap(({ input }) => {
      const storage = inputs[input];
      return storage instanceof RemoteStorage && !storage.named ? [storage] : [];
    });
  }

  async #send(signed: SignedGrant): Promise<void> {
    await this.#o.group.all(this.#o.driver, { type: "grant", bytes: grantToBytes(signed) });
  }

  /** Gives a grant that others signed to all parties. */
  async grant(signed: SignedGrant): Promise<void> {
    await this.#approver.learn(signed, this.#o.session.id);
    await this.#send(signed);
  }

  /** A public result. */
  async fetch(own: RemoteStorage): Promise<TypedArray> {
    const [first] = await this.#o.group.all(this.#o.driver, { type: "fetch", handle: own.handle });
    return valuesOf(first!.bytes(), own.aval);
  }

  async reveal(own: Own, { to, why }: Disclosure): Promise<TypedArray> {
    if (own instanceof PublicStorage) return own.values.slice();
    const key = JSON.stringify([to, why]);
    const opened = this.#opened.get(own) ?? new Map<string, TypedArray>();
    this.#opened.set(own, opened);
    let values = opened.get(key);
    if (values === undefined) opened.set(key, (values = await this.#inTurn(() => this.#reveal(own, to, why))));
    return values.slice();
  }

  async #reveal(own: RemoteStorage, to: string, why: string): Promise<TypedArray> {
    const { group, driver, identities } = this.#o;
    const recipient = identities.get(to);
    if (recipient === undefined && this.#o.session.everyone.has(to)) {
      throw new TacitError(
        "RECIPIENT_ELSEWHERE",
        `reveal: expected a recipient whose key is on this machine, got ${JSON.stringify(to)}`,
        {
          hint: "session.deliver(tensor, { to, why }) leaves it with the parties, sealed, until its recipient collects it (tacit receive)",
        },
      );
    }
    await own.pending;
    const { run, output } = own.made;
    const needed = await this.#approver.forReveal(run, { output, to, why });
    if (needed !== undefined) await this.#send(needed);
    const replies = await group.all(driver, { type: "reveal", run: this.#nextRun++, handle: own.handle, to, why });
    this.meter.revealed();
    if (recipient === undefined)
      throw new TacitError("POLICY_REFUSED", "reveal: expected the parties to refuse, got their parts");
    return this.#open(own, recipient, why, replies);
  }

  /** Leaves a value with the parties, sealed to its recipient. The same value is never left twice for the same reason. */
  deliver(own: RemoteStorage, { to, why }: Disclosure): Promise<Receipt> {
    const key = JSON.stringify([to, why]);
    const known = this.#delivered.get(own) ?? new Map<string, Promise<Receipt>>();
    this.#delivered.set(own, known);
    const before = known.get(key);
    if (before !== undefined) return before;
    const receipt = this.#inTurn(() => this.#deliver(own, to, why));
    known.set(key, receipt);
    receipt.catch(() => known.delete(key));
    return receipt;
  }

  async #deliver(own: RemoteStorage, to: string, why: string): Promise<Receipt> {
    const { group, driver } = this.#o;
    await own.pending;
    const { run: made, output } = own.made;
    const needed = await this.#approver.forReveal(made, { output, to, why });
    if (needed !== undefined) await this.#send(needed);
    const run = this.#nextRun++;
    const replies = await group.all(driver, { type: "deliver", run, handle: own.handle, to, why });
    this.meter.revealed();
    const bytes = Math.max(...replies.map((f) => f.uint()));
    return { run, to, why, handle: own.handle, shape: own.aval.shape, dtype: own.aval.dtype, bytes };
  }

  /** Lets the parties drop all values of this driver that are left. */
  async free(): Promise<void> {
    const handles = [...this.#live];
    this.#live.clear();
    if (handles.length > 0) await this.#inTurn(() => this.#o.group.all(this.#o.driver, { type: "free", handles }));
  }

  async #open(own: RemoteStorage, recipient: Identity, why: string, replies: readonly Fields[]): Promise<TypedArray> {
    const { session, protocol } = this.#o;
    const parts = await Promise.all(
      replies.map(async (f, i) => {
        const opener = await recipient.opener(f.bytes(32), revealInfo(session.id, i, own.handle));
        return opener.open(f.bytes(), revealPlace(recipient.name, why));
      }),
    );
    return protocol.reconstruct(parts, own.aval, session.file.protocol.options);
  }
}

/**
 * The largest number that a party names. They had the same when they joined: one far above all others lost count or lies, and would use
 * up the numbers of all. @throws TacitError RUN_NUMBER naming it
 */
export function nextRunOf(session: Session, said: readonly number[]): number {
  const [most = 0, second = most] = said.toSorted((a, b) => b - a);
  if (most - second <= MOST_SKIPPED) return most;
  const who = session.showParty(said.indexOf(most));
  throw new TacitError(
    "RUN_NUMBER",
    `drive: expected a run number near ${second} as the other parties have it, got ${most} of ${who}`,
    {
      hint: "that party lost count or lies, or was lied to when it joined: start the parties anew; if it comes again find out which",
    },
  );
}

const runInput = (s: Own): RunInput =>
  s instanceof PublicStorage
    ? { kind: "public", aval: s.aval, bytes: valueBytes(s.values) }
    : { kind: "handle", handle: s.handle };

function readMeasured(f: Fields): { rounds: number; bytesSent: number; framesSent: number; publics: boolean[] } {
  const rounds = f.uint();
  const bytesSent = f.uint();
  const framesSent = f.uint();
  const publics = f.booleans(10_000);
  f.end();
  return { rounds, bytesSent, framesSent, publics };
}
