/** @file Party: one of the machines that hold shares. Takes signed commands, checks them by itself, runs Programs with the others. */
import { join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { Program } from "@tacit/core/program";
import type { Identity } from "../identity/identity.ts";
import type { Protocol, ProtocolParty } from "../protocols/protocol.ts";
import type { Wire } from "../session/cbor.ts";
import type { Envelope } from "../session/envelope.ts";
import { headWire, letterWire } from "../session/letter.ts";
import type { Session } from "../session/session-file.ts";
import type { Channel } from "../transport/channel.ts";
import type { Mesh } from "../transport/mesh.ts";
import { Checkpoints } from "./checkpoints/checkpoints.ts";
import { storageSecret } from "./checkpoints/sealed-file.ts";
import { Connection } from "./connection.ts";
import { Consents } from "./consents.ts";
import type { Counters } from "./counters.ts";
import { atExpiry } from "./expiry.ts";
import { Inputs } from "./inputs.ts";
import { Mailbox } from "./mailbox.ts";
import { avalWire, type Command, DRIVER_ONLY, readCommand, valueBytes } from "./messages.ts";
import { Peers } from "./peers.ts";
import { makeRoom, takePlace, Unanswered } from "./places.ts";
import { type Joined, Probe } from "./probe.ts";
import { Runs } from "./runs.ts";
import { isShare, Store } from "./store.ts";
import { Transcript } from "./transcript.ts";

export interface PartyOptions {
  readonly session: Session;
  readonly index: number;
  readonly identity: Identity;
  readonly protocol: Protocol;
  readonly mesh: Mesh;
  readonly counters: Counters;
  /** Most bytes of share memory; default: the session's limit. */
  readonly memory?: number;
  /** Where the transcript goes; null: memory alone. */
  readonly directory: string | null;
  /** Most bytes of the files in it; default: no limit but the disk's. */
  readonly disk?: number;
  /** Answers what people ask of this party; default: one of its own. */
  readonly probe?: Probe;
}

/** How a party ended: null after an orderly close. */
export type Ending = TacitError | null;

const MOST_PROGRAMS = 4096;
const MOST_PROGRAM_BYTES = 2 ** 28;

export class Party {
  /** Resolves when the party has ended, everything is zeroised and all links are closed. */
  readonly ended: Promise<Ending>;
  readonly #o: PartyOptions;
  readonly #party: ProtocolParty;
  readonly #store: Store;
  readonly #peers: Peers;
  readonly #inputs: Inputs;
  readonly #runs: Runs;
  readonly #transcript: Transcript;
  readonly #probe: Probe;
  readonly #mailbox: Mailbox;
  /** Null where nothing is kept on disk. */
  readonly #checkpoints: Checkpoints | null;
  readonly #consents: Consents;
  readonly #programs = new Map<string, Program>();
  readonly #connections = new Set<Connection>();
  readonly #unanswered: Unanswered;
  #programBytes = 0;
  #driver: Connection | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  /** Things that wait for their turn, or have it. */
  #turns = 0;
  #stopExpiry: () => void = () => {};
  #over: TacitError | null = null;
  #resolveEnded: (ending: Ending) => void = () => {};

  private constructor(options: PartyOptions, party: ProtocolParty, consents: Consents, secret: Uint8Array) {
    this.#o = options;
    const { session, index, identity, mesh, counters, protocol, directory } = options;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#unanswered = new Unanswered(2 * session.file.limits.message);
    this.#party = party;
    this.#consents = consents;
    this.#store = new Store(party, options.memory ?? session.file.limits.memory);
    this.#transcript = new Transcript(directory === null ? null : join(directory, `${session.hex}.transcript`));
    this.#mailbox = new Mailbox(session, directory);
    this.#peers = new Peers(session, mesh, { lost: (error) => void this.#end(error) });
    this.#probe = options.probe ?? new Probe({ session, identity, protocol });
    this.#probe.joined = () => this.#joined();
    const shared = { session, index, store: this.#store, peers: this.#peers, transcript: this.#transcript, party };
    this.#inputs = new Inputs({ ...shared, identity });
    const fatal = (error: TacitError): void => void this.#end(error);
    const known = { consents: consents.all, programs: this.#programs, mailbox: this.#mailbox, identity };
    const rest = { mesh, counters, inputs: this.#inputs, fatal };
    this.#runs = new Runs({ ...shared, ...known, ...rest, protocol });
    const kept = { attempt: mesh.attempt, secret, disk: options.disk };
    this.#checkpoints =
      directory === null ? null : Checkpoints.of(directory, kept, { ...shared, ...rest, agree: this.#runs.agree });
  }

  /** @throws TacitError GRANT_INVALID for a session file whose entries do not verify */
  static async start(options: PartyOptions): Promise<Party> {
    const { session, index, protocol, mesh, counters } = options;
    const consents = await Consents.open(session, options.directory, undefined, counters);
    counters.takeAttempt(mesh.attempt);
    const party = await protocol.createParty({
      index,
      links: mesh.links,
      runKey: (which, run, attempt) => mesh.keys.runKey(which, run, attempt),
      options: session.file.protocol.options,
      memoryLimit: options.memory ?? session.file.limits.memory,
      mode: mesh.mode,
    });
    const secret = await storageSecret(options.identity, session.root);
    const made = new Party(options, party, consents, secret);
    await made.#learnCounters();
    await made.#checkpoints?.sweep();
    made.#transcript.add({ event: "session", session: session.hex, party: session.partyName(index), attempt: mesh.attempt });
    for (const { id, grant, signers } of consents.all.values()) {
      made.#transcript.add({ event: "grant", grant: id, program: grant.program, signers: [...signers].sort() });
    }
    // What was begun before is finished first.
    made.#stopExpiry = atExpiry(session, (e) => void made.#inTurn(() => setImmediate(() => void made.#end(e))).catch(() => {}));
    return made;
  }

  /**
   * Before it serves anybody each party tells the others its counters over their authenticated links, and takes the larger of both:
   * whoever restores an old copy of one party's directory takes nothing back.
   */
  async #learnCounters(): Promise<void> {
    const { counters, session } = this.#o;
    try {
      const said = await this.#peers.exchange("counters", counters.told());
      for (const [j, bytes] of said.entries()) if (bytes.length > 0) counters.learn(bytes, session.showParty(j));
    } catch (e) {
      await this.#end(
        e instanceof TacitError ? e : new TacitError("MPC_PARTY_FAILED", "party: expected to join, got an internal error"),
      );
      throw e;
    }
  }

  /** Serves one person's channel. */
  serve(channel: Channel): void {
    if (this.#over !== null) {
      channel.close();
      return;
    }
    makeRoom(this.#connections);
    const { session, identity } = this.#o;
    const connection = new Connection(
      session,
      identity,
      channel,
      (from, envelope, bytes) => this.#answer(from, envelope, bytes),
      (gone) => this.#gone(gone),
    );
    this.#connections.add(connection);
  }

  #gone(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#driver === connection) this.#driver = null;
    if (this.#over === null) this.#inputs.gone(connection);
  }

  /** A party that cannot write down what it does ends, and says so to all. */
  async #answer(from: Connection, envelope: Envelope, bytes: number): Promise<Wire> {
    // First whose connection it is: one on which every command is refused would belong to nobody, and stay.
    takePlace(this.#connections, from, envelope.sender);
    const answered = this.#unanswered.take(envelope.sender, bytes);
    try {
      return await this.#command(from, envelope);
    } catch (e) {
      if (e instanceof TacitError && e.code === "MPC_DISK") void this.#end(e);
      throw e;
    } finally {
      answered();
    }
  }

  async #command(from: Connection, { sender, body }: Envelope): Promise<Wire> {
    if (this.#over !== null) throw this.#over;
    const command = readCommand(body);
    // Past its end, or by a clock that is ahead, a session can still be closed: else its parties would stay.
    if (command.type !== "close") this.#o.session.checkTime();
    if (DRIVER_ONLY.has(command.type) && (this.#driver !== from || sender !== this.#o.session.file.driver)) {
      throw new TacitError("DRIVER_ONLY", `${command.type}: expected the driver of this session, got somebody else`);
    }
    switch (command.type) {
      case "drive":
        return this.#drive(from, sender);
      case "put":
        await this.#inputs.begin(command, sender, from);
        return [];
      case "chunk":
        await this.#within(`input ${command.handle}`, () =>
          this.#inputs.chunk(command.handle, command.index, command.sealed, sender),
        );
        return [];
      case "grant":
        return this.#grant(command.bytes);
      case "revoke":
        return this.#revoke(sender, command.ids);
      case "granted":
        return command.ids.map((id): Wire => this.#consents.signersOf(id));
      case "used":
        return command.ids.map((id): Wire => [this.#o.counters.used(id).runs, this.#o.counters.used(id).reveals]);
      case "list":
        return this.#list();
      case "probe":
        return this.#probe.answer(command);
      case "letters":
        return this.#mailbox.heads(sender).map(headWire);
      case "letter":
        return letterWire(this.#mailbox.get(sender, command.run));
      case "received":
        return this.#received(sender, command.runs);
      default:
        return this.#inTurn(() => this.#said(command));
    }
  }

  /** What the driver asks happens one after the other, at every party in the same order. */
  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    this.#turns++;
    const done = this.#queue
      .then(() => {
        if (this.#over !== null) throw this.#over;
        return work();
      })
      .finally(() => this.#turns--);
    // Why the session ended says more than what its end did to this command.
    const told = done.catch((e: unknown) => {
      throw this.#over ?? e;
    });
    this.#queue = told.catch(() => {});
    return told;
  }

  async #said(command: Command): Promise<Wire> {
    if (!("run" in command)) return this.#driven(command);
    return this.#within(`${command.type} ${command.run}`, () => this.#driven(command));
  }

  /** Errors of links, and of this party's disk, name `place` while `work` is done. */
  async #within<T>(place: string, work: () => Promise<T>): Promise<T> {
    const done = this.#peers.doing(place);
    try {
      return await work();
    } catch (e) {
      throw e instanceof TacitError ? this.#owned(e) : e;
    } finally {
      done();
    }
  }

  async #driven(command: Command): Promise<Wire> {
    switch (command.type) {
      case "program":
        return this.#program(command.bytes);
      case "run": {
        const r = await this.#runs.run(command);
        return [r.rounds, r.bytesSent, r.framesSent, [...r.publics]];
      }
      case "reveal":
        return this.#runs.reveal(command);
      case "deliver":
        return [await this.#runs.deliver(command)];
      case "fetch":
        return this.#fetch(command.handle);
      case "free":
        for (const h of command.handles) this.#store.free(h);
        return [];
      case "checkpoint":
        return this.#saved().save(command);
      case "resume":
        return this.#saved().resume(command);
      case "forget":
        return this.#saved().forget(command.run);
      case "counters":
        return this.#counters();
      case "transcript":
        return [...this.#transcript.lines];
      default:
        return this.#close();
    }
  }

  /** The recipient has written down what came: the letters go. */
  #received(sender: string, runs: readonly number[]): Wire {
    const gone = this.#mailbox.remove(sender, runs);
    if (gone.length > 0) this.#transcript.add({ event: "received", to: sender, runs: gone });
    return [gone.length];
  }

  #drive(from: Connection, sender: string): Wire {
    const { session, counters, mesh, index } = this.#o;
    if (sender !== session.file.driver) {
      throw new TacitError("DRIVER_ONLY", "drive: expected the driver named in the session file, got somebody else");
    }
    if (this.#driver !== null && this.#driver !== from) {
      throw new TacitError("DRIVER_BUSY", "drive: expected no other driver, got a second one", {
        hint: "close the program that drives this session, or wait until its connection is gone",
      });
    }
    this.#driver = from;
    return [index, counters.nextRun, mesh.attempt];
  }

  /** Answers with everyone who has signed it by now. */
  async #grant(bytes: Uint8Array): Promise<Wire> {
    const { consent, fresh } = await this.#consents.admit(bytes);
    const signers = [...consent.signers].sort();
    if (fresh) this.#transcript.add({ event: "grant", grant: consent.id, program: consent.grant.program, signers });
    return signers;
  }

  /** From the next run on; answers with the whole ids. */
  #revoke(sender: string, asked: readonly string[]): Wire {
    const { ids, fresh } = this.#consents.withdraw(sender, asked);
    for (const grant of fresh) this.#transcript.add({ event: "revoke", grant, by: sender });
    return ids;
  }

  #program(bytes: Uint8Array): Wire {
    const program = Program.fromBytes(bytes);
    if (this.#programs.has(program.id)) return [program.id];
    this.#programBytes += bytes.length;
    if (this.#programs.size >= MOST_PROGRAMS || this.#programBytes > MOST_PROGRAM_BYTES) {
      throw new TacitError(
        "MPC_MEMORY",
        `program: expected at most ${MOST_PROGRAMS} programs of ${MOST_PROGRAM_BYTES} bytes together, got more`,
      );
    }
    this.#programs.set(program.id, program);
    return [program.id];
  }

  #list(): Wire {
    const given = [...this.#store.all()].filter((s) => s.source.kind === "handle");
    return given.map((s) => [s.handle, avalWire(s.aval), [...s.owners]]);
  }

  #fetch(handle: string): Wire {
    const { value } = this.#store.get(handle);
    if (isShare(value)) {
      throw new TacitError("POLICY_REFUSED", "fetch: expected a public value, got a secret", {
        hint: "disclose it with reveal({ to, why })",
      });
    }
    return [valueBytes(value.values)];
  }

  #saved(): Checkpoints {
    if (this.#checkpoints !== null) return this.#checkpoints;
    throw new TacitError("CHECKPOINT_DISK", "checkpoint: expected a party with a data directory, got one without");
  }

  #counters(): Wire {
    const { counters } = this.#o;
    const grants = [...this.#consents.all.keys()].map((id): Wire => [id, counters.used(id).runs, counters.used(id).reveals]);
    return [counters.nextRun, this.#store.bytes, grants];
  }

  #close(): Wire {
    this.#peers.leave();
    setImmediate(() => void this.#end(null));
    return [];
  }

  /** A full disk is this party's, and others hear of it: whose, and in what. */
  #owned(error: TacitError): TacitError {
    if (error.code !== "MPC_DISK" || error.message.startsWith("party ")) return error;
    const { session, index } = this.#o;
    const options = { cause: error, ...(error.hint !== undefined && { hint: error.hint }) };
    return new TacitError(error.code, `${session.showParty(index)}: ${error.message}, ${this.#peers.stage}`, options);
  }

  /** Ends the session at this party, once. Links first: a late message must find no buffer. Then shares and keys go. */
  async #end(cause: Ending): Promise<void> {
    if (this.#over !== null) return;
    const error = cause === null ? null : this.#owned(cause);
    const why = error ?? new TacitError("SESSION_CLOSED", "party: expected an open session, got one that was closed");
    this.#over = why;
    if (error !== null) {
      this.#transcript.note({ event: "end", code: error.code, message: error.message });
      this.#peers.abort(error);
    }
    this.#stopExpiry();
    this.#peers.end(why);
    await this.#o.mesh.close();
    this.#inputs.close();
    this.#store.clear();
    this.#checkpoints?.close();
    this.#party.close();
    await new Promise((resolve) => setImmediate(resolve));
    for (const c of this.#connections) {
      if (error !== null) c.ended(error);
      await c.flushed();
      c.close();
    }
    this.#o.counters.close();
    this.#consents.close();
    this.#transcript.close();
    this.#resolveEnded(error);
  }

  #joined(): Joined {
    const { mesh, session, memory } = this.#o;
    return {
      attempt: mesh.attempt,
      grants: this.#consents.all.size,
      memory: (memory ?? session.file.limits.memory) - this.#store.bytes,
      busy: this.#turns > 0,
      waits: this.#peers.waitsFor(),
      measure: (budget) => this.#inTurn(() => this.#peers.measure(budget)),
    };
  }

  /** The least run number that was never used. */
  get nextRun(): number {
    return this.#o.counters.nextRun;
  }

  /** The attempt that the parties agreed on. */
  get attempt(): number {
    return this.#o.mesh.attempt;
  }

  /** Ends the session with an error that all others hear. */
  async abort(error: TacitError): Promise<void> {
    await this.#end(error);
    await this.ended;
  }

  /** Ends the session in good order: asked by the process that holds the party. */
  async stop(): Promise<void> {
    if (this.#over === null) this.#peers.leave();
    await this.#end(null);
    await this.ended;
  }
}
