/** @file MpcSession: a session as a device. Tensors live as shares at the parties; Programs run there; reveal is the only way out. */
import { Tensor } from "@tacit/core";
import type { Binding, Device, Disclosure, Executable, Gap, Job, Storage } from "@tacit/core/device";
import { TacitError } from "@tacit/core/errors";
import { type Aval, Expr, type Program, showAval, type TypedArray } from "@tacit/core/program";
import { type Signed, signersAt } from "../client/approve.ts";
import { type Group, together } from "../client/group.ts";
import { dtypeOfValues, giveInput, inputAval, inputValues } from "../client/inputs.ts";
import { type ListedInput, listInputs } from "../client/list.ts";
import type { Identity } from "../identity/identity.ts";
import type { Cost, Protocol, RangeWarning } from "../protocols/protocol.ts";
import { type Grant, grantId, type SignedGrant, type Source } from "../session/grant.ts";
import { handleOf } from "../session/handles.ts";
import type { Session } from "../session/session-file.ts";
import { type OnWaiting, whileWaiting } from "../session/waiting.ts";
import { idle } from "../timers.ts";
import {
  type CheckpointOptions,
  checkpointCommand,
  type Resumed,
  type ResumeOptions,
  readResumed,
  resumedOf,
} from "./checkpoints.ts";
import { type NetworkOptions, predictSeconds, type SessionCost } from "./cost.ts";
import { type Receipt, Runner } from "./runner.ts";
import { Slots } from "./slots.ts";
import { givenStorage, PUBLIC, PublicStorage, type RemoteStorage, waitingFor } from "./storage.ts";

export interface MpcSessionOptions {
  readonly session: Session;
  readonly protocol: Protocol;
  readonly group: Group;
  /** The driver's identity. */
  readonly driver: Identity;
  /** Identities whose keys are on this machine, the driver's too: they own inputs, sign grants, open reveals. */
  readonly identities: ReadonlyMap<string, Identity>;
  /** Who owns what `tensor.to(session)` shares. */
  readonly owner: string;
  /** Ends what the session started (party processes). */
  readonly dispose?: () => Promise<void>;
}

/** What `input` shares: a typed array (of shape [n] unless `shape` says otherwise), values with their shape, or a tensor. */
export type InputData = TypedArray | Tensor | { readonly values: TypedArray; readonly shape: readonly number[] };

export interface InputOptions {
  /** A name of the session; by default the session's owner. */
  readonly owner?: string;
  readonly shape?: readonly number[];
}

export interface WaitOptions {
  /** Milliseconds. Default: the session's time. */
  readonly wait?: number;
  /** Hears for what it waits: "waiting for hospital-a/images (1 of 2), 14 s". */
  readonly waiting?: OnWaiting;
}

/**
 * Inputs under way at once. The next chunk (1 MiB) of each queues behind one of every other, and a party drops an input of which nothing
 * comes for 4 times the session's time: 4 chunks in 2 minutes, by default, are 280 kbit/s to each party.
 */
const MOST_GIVEN = 4;

/** How often it looks for inputs. */
const LOOK_MS = 500;

const lateInputs = (missing: readonly string[], wait: number): TacitError =>
  new TacitError("MPC_TIMEOUT", `inputs: expected ${missing.join(", ")} within ${wait / 1000} s, got nothing`, {
    hint: "their owners give them with tacit give --as OWNER --name NAME: OWNER/NAME",
  });

/** One party's counters. */
export interface PartyCounters {
  readonly nextRun: number;
  /** Bytes of values at rest. */
  readonly bytes: number;
  readonly grants: readonly { readonly grant: string; readonly runs: number; readonly reveals: number }[];
}

export class MpcSession implements Device, AsyncDisposable {
  /** The protocol's: tensors print as `Tensor<f32[3,4] replicated3>`. */
  readonly name: string;
  readonly readable = false;
  readonly protocol: Protocol;
  readonly session: Session;
  readonly #o: MpcSessionOptions;
  readonly #runner: Runner;
  readonly #inputs = new Map<string, RemoteStorage>();
  readonly #giving = new Slots(MOST_GIVEN);
  #nextInput = 0;
  #closed: Promise<void> | null = null;

  private constructor(options: MpcSessionOptions) {
    this.#o = options;
    this.session = options.session;
    this.protocol = options.protocol;
    this.name = options.protocol.name;
    this.#runner = new Runner(options);
  }

  /** Takes the wheel: a second driver is refused. @throws TacitError DRIVER_BUSY, DRIVER_ONLY, GRANT_INVALID */
  static async open(options: MpcSessionOptions): Promise<MpcSession> {
    const made = new MpcSession(options);
    await made.#runner.drive();
    await made.#look();
    return made;
  }

  /** Takes note of inputs that others gave meanwhile. What `share` gave is none: it is freed when it is dropped, and saved as what it is part of. */
  async #look(): Promise<void> {
    for (const { handle, aval, owners } of await listInputs(this.#o.group, this.#o.driver)) {
      const shared = handle.includes(`/${this.#runner.prefix}.`);
      if (!shared && !this.#inputs.has(handle)) this.#name(givenStorage(handle, aval, owners));
    }
  }

  binding(storage: Storage): Binding {
    return this.#runner.own(storage).binding;
  }

  get fractionBits(): number {
    return this.session.file.protocol.options.fractionBits;
  }

  /** Where a value comes from, as grants say it. */
  sourceOf(storage: Storage): Source {
    return this.#runner.own(storage).bound.source;
  }

  put(values: TypedArray, aval: Aval): Storage {
    return new PublicStorage(values.slice(), aval);
  }

  /** `tensor.to(session)`: shares the value, owned by the session's owner. */
  async share(values: TypedArray, aval: Aval): Promise<Storage> {
    const { owner } = this.#o;
    const storage = this.#give(`${owner}/${this.#runner.prefix}.${this.#nextInput++}`, values, aval, owner);
    this.#runner.watch(storage);
    await storage.pending;
    return storage;
  }

  /** Public values alone. @throws TacitError DEVICE_SECRET */
  async read(storage: Storage, aval: Aval): Promise<TypedArray> {
    const own = this.#runner.own(storage);
    if (own instanceof PublicStorage) return own.values.slice();
    if (own.binding === PUBLIC) return this.#runner.fetch(own);
    throw new TacitError("DEVICE_SECRET", `read: expected a public value, got ${showAval(aval)} ${this.name}`, {
      hint: "disclose it with reveal({ to, why })",
    });
  }

  check(program: Program, bindings: readonly Binding[]): readonly Gap[] {
    return this.protocol.check(program, bindings, this.session.file.protocol.options);
  }

  /** Rounds, bytes and memory of one run; with a network, seconds too. */
  async estimate(
    program: Program,
    bindings: readonly Binding[],
    network?: NetworkOptions,
  ): Promise<Cost & { readonly seconds?: number }> {
    const cost = await this.protocol.estimate(program, bindings, this.session.file.protocol.options);
    return network === undefined ? cost : { ...cost, seconds: predictSeconds(cost, network) };
  }

  /** Possible overflows, given bounds on the inputs' magnitudes (undefined: unknown). */
  ranges(program: Program, bindings: readonly Binding[], bounds: readonly (number | undefined)[] = []): readonly RangeWarning[] {
    const known = program.inputs.map((_, i) => bounds[i]);
    return this.protocol.ranges(program, bindings, known, this.session.file.protocol.options);
  }

  /** Sends the Program once; runs name it by its id. */
  prepare(job: Job): Promise<Executable> {
    return this.#runner.prepare(job);
  }

  /**
   * Opens a secret to `to` (a name of the session), for the reason `why`, if the policy lets it.
   * @throws TacitError POLICY_REFUSED; RECIPIENT_ELSEWHERE where the recipient's key is not on this machine
   */
  async reveal(storage: Storage, aval: Aval, options: Disclosure): Promise<TypedArray> {
    const own = this.#runner.own(storage);
    if (own.binding === PUBLIC) return this.read(own, aval);
    return this.#runner.reveal(own, options);
  }

  /**
   * Secret-shares `data` under `name`, owned by `owner`; without data, the input of that name which its owner has given.
   * Returns at once; the first run that reads it waits for it. A name without its owner is asked about at the parties meanwhile: where
   * two people have given it that run is refused, and nobody's is preferred.
   * @throws TacitError HANDLE_UNKNOWN, SHAPE_MISMATCH, OWNER_UNKNOWN
   */
  input(name: string, data?: InputData, options: InputOptions = {}): Tensor {
    if (data === undefined) return this.#tensor(this.#short(name) ? this.#confirmed(name) : this.#given(name));
    const owner = options.owner ?? this.#o.owner;
    const handle = handleOf(owner, name);
    if (data instanceof Tensor) return this.#tensor(this.#name(this.#give(handle, data.data(), data, owner)));
    const { values, shape } =
      "values" in data && "shape" in data ? data : { values: data, shape: options.shape ?? [data.length] };
    const aval = inputAval(values, shape);
    return this.#tensor(this.#name(this.#give(handle, inputValues(values, aval), aval, owner)));
  }

  /**
   * The inputs of these names, once their owners have given them: "hospital-a/images", or "images" where one owner alone has that. Who is
   * first to give a name has it: where people of the session are not to be trusted with that, say whose it is.
   * @throws TacitError MPC_TIMEOUT naming what is missing after `wait` milliseconds (default: the session's time), HANDLE_UNKNOWN where
   * several have given a name
   */
  async inputs(names: readonly string[], options: WaitOptions = {}): Promise<Tensor[]> {
    const { wait = this.session.timeout, waiting } = options;
    const until = performance.now() + wait;
    const missing = (): string[] => names.filter((n) => this.#known(n).length === 0);
    const look = async (): Promise<void> => {
      for (;;) {
        await this.#look();
        for (const n of names) if (this.#known(n).length > 1) this.#given(n);
        if (missing().length === 0) return;
        if (performance.now() >= until) throw lateInputs(missing(), wait);
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    };
    await whileWaiting(look(), names.length, missing, waiting);
    return names.map((n) => this.#tensor(this.#given(n)));
  }

  /** What people have given by now. */
  listed(): Promise<ListedInput[]> {
    return listInputs(this.#o.group, this.#o.driver);
  }

  /** A value that everybody may know (indices of a batch, masks): it travels in the clear with each run that reads it. */
  public(data: TypedArray | { readonly values: TypedArray; readonly shape: readonly number[] }): Tensor {
    const { values, shape } = "values" in data && "shape" in data ? data : { values: data, shape: [data.length] };
    const aval: Aval = { dtype: dtypeOfValues(values), shape: [...shape] };
    return new Tensor(Expr.leaf(aval, this, new PublicStorage(values.slice(), aval)));
  }

  #name(storage: RemoteStorage): RemoteStorage {
    storage.named = true;
    this.#inputs.set(storage.handle, storage);
    return storage;
  }

  #known(name: string): RemoteStorage[] {
    const exact = this.#inputs.get(name);
    return exact === undefined ? [...this.#inputs.values()].filter((s) => s.handle.endsWith(`/${name}`)) : [exact];
  }

  /** Whether `name` says no owner. */
  #short(name: string): boolean {
    return !this.#inputs.has(name);
  }

  /**
   * What is known of a name without its owner may be old: whoever reads the value waits until the parties were asked who else has it.
   * A storage of its own: a refusal is of this reading, not of the input.
   */
  #confirmed(name: string): RemoteStorage {
    const own = this.#given(name);
    const storage = givenStorage(own.handle, own.aval, own.bound.owners);
    storage.named = true;
    const asked = async (): Promise<void> => {
      await own.pending;
      await this.#look();
      this.#given(name);
    };
    return waitingFor(storage, asked());
  }

  #given(name: string): RemoteStorage {
    const known = this.#known(name);
    if (known.length === 1) return known[0]!;
    if (known.length > 1) {
      const names = known.map((s) => s.handle).join(", ");
      throw new TacitError(
        "HANDLE_UNKNOWN",
        `input: expected a name that one owner gave, got ${JSON.stringify(name)} of several`,
        {
          hint: `say which: ${names}`,
        },
      );
    }
    throw new TacitError("HANDLE_UNKNOWN", `input: expected an input that was given, got ${JSON.stringify(name)}`, {
      hint: "its owner gives it with tacit give, and session.inputs([name]) waits for it; or pass its data",
    });
  }

  #tensor(storage: RemoteStorage): Tensor {
    return new Tensor(Expr.leaf(storage.aval, this, storage));
  }

  #give(handle: string, data: TypedArray | Promise<TypedArray>, { shape, dtype }: Aval, owner: string): RemoteStorage {
    const identity = this.#o.identities.get(owner);
    if (identity === undefined) {
      throw new TacitError(
        "OWNER_UNKNOWN",
        `input: expected an owner whose key is on this machine, got ${JSON.stringify(owner)}`,
        {
          hint: `here are the keys of ${[...this.#o.identities.keys()].join(", ")}; the others give their inputs with tacit give`,
        },
      );
    }
    const aval: Aval = { shape: [...shape], dtype };
    const storage = givenStorage(handle, aval, [owner]);
    const { group, session, protocol } = this.#o;
    // One that waits for its turn is given as it is now, whatever becomes of the array; a failure is heard when its turn comes.
    if (data instanceof Promise) data.catch(() => undefined);
    const kept = this.#giving.full && !(data instanceof Promise) ? data.slice() : undefined;
    const given = async (): Promise<void> => {
      try {
        await giveInput(group, session, protocol, identity, { handle, values: kept ?? (await data), aval });
      } finally {
        kept?.fill(0 as never);
      }
    };
    return waitingFor(storage, this.#giving.run(given));
  }

  /** Hands a grant, signed elsewhere by its owners, to all parties. @throws TacitError GRANT_INVALID */
  async grant(signed: SignedGrant): Promise<void> {
    await this.#runner.grant(signed);
  }

  /** From now on runs of its Program are counted under this grant, at all parties, and under no other that would allow them too. */
  countUnder(grant: Grant): void {
    this.#runner.under.set(grant.program, grantId(grant));
  }

  /**
   * Discloses a secret to somebody whose key is elsewhere, if the policy lets it: each party keeps its part, sealed to `to`, until it
   * is collected (`tacit receive`, `mpc.receive`). The driver learns no value.
   * @throws TacitError POLICY_REFUSED, MAILBOX_FULL
   */
  async deliver(tensor: Tensor, options: Disclosure): Promise<Receipt> {
    await tensor.realize();
    const own = this.#runner.own(tensor.expr.leaf!.storage!);
    if (!(own instanceof PublicStorage) && own.binding !== PUBLIC) return this.#runner.deliver(own, options);
    throw new TacitError("ARGUMENT_INVALID", "deliver: expected a secret, got a public value", {
      hint: "reveal() gives it to the driver, who may pass it on",
    });
  }

  /**
   * Saves `tensors` and every named input at the parties, each party its own part, sealed under its own key; all parties or none.
   * The last two are kept. @throws TacitError CHECKPOINT_DISK (the session goes on), CHECKPOINT_UNEQUAL, DEVICE_MISMATCH
   */
  async checkpoint(options: CheckpointOptions): Promise<void> {
    const command = await checkpointCommand(this, this.#runner, options, this.#inputs.values());
    await this.#runner.numbered((run) => ({ ...command, run }));
  }

  /**
   * Restores the newest checkpoint that all parties have; null where there is none. Before anything runs: what else was computed
   * in the session is dropped at the parties. Steps that are done again count again in every grant.
   * @throws TacitError CHECKPOINT_ROLLED_BACK naming a party that was taken back, CHECKPOINT_INVALID, CHECKPOINT_UNEQUAL, HANDLE_USED
   */
  async resume({ previous = false }: ResumeOptions = {}): Promise<Resumed | null> {
    if (this.#runner.latest !== "")
      throw new TacitError("RUN_INVALID", "resume: expected a session that has run nothing yet, got one that has", {
        hint: "connect again, then resume first",
      });
    const manifest = readResumed(await this.#runner.numbered((run) => ({ type: "resume", run, previous })));
    return manifest === undefined ? null : resumedOf(this, this.#runner, manifest, (s) => this.#name(s));
  }

  /** Removes the session's checkpoints at all parties: the work is done, or is given up. */
  async forgetCheckpoints(): Promise<void> {
    await this.#runner.numbered((run) => ({ type: "forget", run }));
  }

  /** Who has signed these grants by now: the parties gather the signatures of owners whose keys are elsewhere. */
  signed(grants: readonly Grant[]): Promise<Signed[]> {
    return signersAt(this.#o.group, this.#o.driver, grants);
  }

  /** What the runs so far have cost. */
  cost(): SessionCost {
    return this.#runner.meter.total();
  }

  /** The latest of all parties' transcripts, JSON lines: 1,000 at most of each. Their files hold all. */
  async transcript(): Promise<readonly (readonly string[])[]> {
    const replies = await this.#o.group.all(this.#o.driver, { type: "transcript" });
    return replies.map((f) => f.remainingTexts());
  }

  /** The counters of all parties. */
  async counters(): Promise<readonly PartyCounters[]> {
    const replies = await this.#o.group.all(this.#o.driver, { type: "counters" });
    return replies.map((f) => ({
      nextRun: f.uint(),
      bytes: f.uint(),
      grants: f.list(65_536, (g) => ({ grant: g.text(), runs: g.uint(), reveals: g.uint() })),
    }));
  }

  /** Leaves the parties serving: inputs and deliveries stay, results of this driver are dropped. Another driver may come. */
  leave(): Promise<void> {
    this.#closed ??= this.#leave();
    return this.#closed;
  }

  async #leave(): Promise<void> {
    await this.#runner.free().catch(() => undefined);
    this.#o.group.close();
    await this.#o.dispose?.();
  }

  /** Ends the session at all parties. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { group, driver, dispose } = this.#o;
    group.closing();
    const asked = group.clients.map((c) => c.request(driver, { type: "close" }).catch(() => undefined));
    await Promise.race([together(asked), idle(this.session.timeout)]);
    group.close();
    await dispose?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Shows no key and no value. */
  toString(): string {
    return `MpcSession(${this.name}, ${this.session.file.parties.length} parties, session ${this.session.hex.slice(0, 12)})`;
  }

  get [Symbol.toStringTag](): string {
    return "MpcSession";
  }
}
