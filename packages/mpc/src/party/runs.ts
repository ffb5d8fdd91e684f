/** @file Runs and reveals: what a party checks by itself before the first message that depends on a secret. */
import { sha256 } from "@noble/hashes/sha2.js";
import type { Binding } from "@tacit/core/device";
import { TacitError } from "@tacit/core/errors";
import type { Program } from "@tacit/core/program";
import type { Identity, PublicIdentity } from "../identity/identity.ts";
import { sealerTo } from "../identity/seal.ts";
import {
  type PartyInput,
  type PreparedProgram,
  type Protocol,
  type ProtocolParty,
  type RunCounters,
  STEPS_PER_NODE,
} from "../protocols/protocol.ts";
import { toCbor, type Wire } from "../session/cbor.ts";
import {
  type BoundRun,
  type Consent,
  demandsMechanism,
  type Judge,
  permitReveal,
  permitRun,
  type Used,
} from "../session/consent.ts";
import { writeLetter } from "../session/letter.ts";
import type { Session } from "../session/session-file.ts";
import type { Tag } from "../transport/link.ts";
import type { Mesh } from "../transport/mesh.ts";
import type { Counters } from "./counters.ts";
import type { Inputs } from "./inputs.ts";
import type { Mailbox } from "./mailbox.ts";
import { Mechanisms } from "./mechanisms.ts";
import { avalWire, type OpenCommand, type RunCommand, type RunInput, valuesOf } from "./messages.ts";
import type { Peers } from "./peers.ts";
import { revealInfo, revealPlace } from "./purposes.ts";
import { boundInput, bytesOf, isShare, publicSource, resultOf, rowsOf, type Store, type Stored } from "./store.ts";
import type { Transcript } from "./transcript.ts";

export interface RunsOptions {
  readonly session: Session;
  readonly index: number;
  readonly protocol: Protocol;
  readonly party: ProtocolParty;
  readonly mesh: Mesh;
  readonly store: Store;
  readonly inputs: Inputs;
  readonly peers: Peers;
  readonly counters: Counters;
  readonly identity: Identity;
  readonly mailbox: Mailbox;
  readonly transcript: Transcript;
  readonly consents: ReadonlyMap<string, Consent>;
  readonly programs: ReadonlyMap<string, Program>;
  /** The failure of a run that has begun: the session ends. */
  fatal(error: TacitError): void;
}

/** A run with everything resolved. */
interface Bound {
  readonly program: Program;
  readonly inputs: readonly PartyInput[];
  readonly bindings: readonly Binding[];
  readonly run: BoundRun;
}

export interface RunResult extends RunCounters {
  /** Which outputs are public values. */
  readonly publics: readonly boolean[];
}

/**
 * Takes the run number, lets `work` check everything, and compares its digest with the other parties. A refusal is told to
 * them; parties that were told different things end the session.
 */
export type Agreement = <T>(
  run: number,
  subject: string,
  code: string,
  work: () => Promise<{ value: T; digest: Wire }>,
) => Promise<T>;

const seconds = (): number => Date.now() / 1000;

export class Runs {
  readonly #o: RunsOptions;
  readonly #prepared = new Map<string, PreparedProgram>();
  readonly #mechanisms: Mechanisms;

  constructor(options: RunsOptions) {
    this.#o = options;
    this.#mechanisms = new Mechanisms(options.session.file.protocol.options.fractionBits);
  }

  /** @throws TacitError POLICY_REFUSED, RUN_MISMATCH, HANDLE_UNKNOWN, ... before anything secret was sent; after that the session ends */
  async run(c: RunCommand): Promise<RunResult> {
    const { session, counters, mesh, transcript, party } = this.#o;
    const subject = `run ${c.run}`;
    const { bound, prepared } = await this.agree(c.run, subject, "RUN_MISMATCH", async () => {
      const resolved = await this.#resolve(c);
      const { program } = resolved;
      const stored = this.#stored(c);
      const judge: Judge = (grant, runs) => this.#mechanisms.judge(grant, runs, program, stored);
      const used = (id: string): Used => counters.used(id);
      const consent = permitRun(this.#o.consents.values(), resolved.run, used, seconds(), judge, c.grant);
      const ready = this.#prepare(resolved);
      const bound = consent === undefined ? resolved : this.#count(consent, resolved, stored);
      transcript.add({ event: "run", run: c.run, grant: consent?.id ?? null, bound: bound.run, outputs: c.outputs });
      const inputs: Wire = c.inputs.map(digestInput);
      return {
        value: { bound, prepared: ready },
        digest: ["run", c.program, inputs, [...c.outputs], [...c.frees], c.grant ?? null],
      };
    });
    this.#describe(bound.program);
    try {
      const { outputs, counters: measured } = await party.run(prepared, bound.inputs, { run: c.run, attempt: mesh.attempt });
      const publics = this.#keep(c, bound, outputs);
      for (const link of mesh.links) link?.idle();
      transcript.add({
        event: "done",
        run: c.run,
        rounds: measured.rounds,
        bytes: measured.bytesSent,
        frames: measured.framesSent,
      });
      return { ...measured, publics };
    } catch (e) {
      const error = e instanceof TacitError ? e : failure(session.showParty(this.#o.index), bound.program, e);
      this.#o.fatal(error);
      throw error;
    }
  }

  /** This party's part of a result, sealed to its recipient: [encapsulated key, sealed part]. */
  async reveal(c: OpenCommand): Promise<readonly [Uint8Array, Uint8Array]> {
    const { session, index } = this.#o;
    const { part, recipient } = await this.#open(c);
    const sealer = await sealerTo(recipient.seal, revealInfo(session.id, index, c.handle));
    return [sealer.encapsulated, await sealer.seal(part, revealPlace(c.to, c.why))];
  }

  /** Leaves this party's part of a result in the mailbox, sealed to its recipient. Returns the sealed part's bytes. */
  async deliver(c: OpenCommand): Promise<number> {
    const { session, index, identity, mailbox } = this.#o;
    const { part, recipient, stored } = await this.#open(c);
    const { program } = stored.made.run;
    const { run, to, why, handle } = c;
    const head = { run, to, why, handle, aval: stored.aval, program, output: stored.made.output };
    const letter = await writeLetter(session, { index, identity, recipient }, head, part);
    mailbox.put(letter);
    return letter.sealed.length;
  }

  /** What a reveal and a delivery have in common: all parties agree that it is allowed, and count it. */
  async #open(c: OpenCommand): Promise<{ part: Uint8Array; recipient: PublicIdentity; stored: Stored }> {
    const { session, counters, store, mesh, party, transcript, mailbox } = this.#o;
    const { type, run, handle, to, why } = c;
    const recipient = session.everyone.get(to);
    const { stored, consent } = await this.agree(run, `run ${run}`, "RUN_MISMATCH", async () => {
      if (recipient === undefined) {
        throw new TacitError("POLICY_REFUSED", "reveal: expected a recipient named in the session file, got another", {
          hint: `the names are ${[...session.everyone.keys()].join(", ")}`,
        });
      }
      await this.#o.inputs.ready(handle);
      const found = store.get(handle);
      if (!isShare(found.value)) throw new TacitError("HANDLE_UNKNOWN", "reveal: expected a secret, got a public value");
      const wish = { output: found.made.output, to, why };
      const allowed = permitReveal(this.#o.consents.values(), found.made.run, wish, (id) => counters.used(id), seconds());
      if (type === "deliver") mailbox.checkRoom(to, found.value.share.bytes);
      counters.countReveal(allowed.id);
      return { value: { stored: found, consent: allowed }, digest: [type, handle, to, why] };
    });
    const share = isShare(stored.value) ? stored.value.share : undefined;
    if (share === undefined || recipient === undefined)
      throw new TacitError("HANDLE_UNKNOWN", "reveal: expected a secret, got none");
    stored.exported ??= party.exportShare(share, { run, attempt: mesh.attempt });
    const { program } = stored.made.run;
    transcript.add({ event: type, run, grant: consent.id, handle, program, output: stored.made.output, to, why });
    return { part: stored.exported, recipient, stored };
  }

  readonly agree: Agreement = async <T>(
    run: number,
    subject: string,
    code: string,
    work: () => Promise<{ value: T; digest: Wire }>,
  ) => {
    const { session, counters, peers, mesh, transcript } = this.#o;
    let done: { value: T; digest: Wire };
    try {
      session.checkTime();
      counters.takeRun(run);
      done = await work();
    } catch (e) {
      const error =
        e instanceof TacitError ? e : new TacitError("RUN_INVALID", "run: expected a run that can be checked, got another");
      transcript.note({ event: "refused", code: error.code, message: error.message });
      peers.refuse(subject, error);
      // What cannot be counted must not go on, here or at the others.
      if (error.code === "MPC_DISK") this.#o.fatal(error);
      throw error;
    }
    const digest = sha256(toCbor([session.id, run, mesh.attempt, done.digest]));
    for (const link of mesh.links) link?.openRun(run);
    try {
      await peers.compare(
        subject,
        () => digest,
        code,
        "the driver told different things to different parties, or a party lies: nothing was sent",
      );
    } catch (e) {
      if (e instanceof TacitError && (e.code === code || e.code === "MPC_TIMEOUT")) this.#o.fatal(e);
      throw e;
    }
    return done.value;
  };

  async #resolve(c: RunCommand): Promise<Bound> {
    const { programs, store, inputs } = this.#o;
    const program = programs.get(c.program);
    if (program === undefined)
      throw new TacitError("PROGRAM_UNKNOWN", `run: expected a program that was sent, got ${c.program.slice(0, 12)}`);
    if (c.inputs.length !== program.inputs.length || c.outputs.length !== program.outputs.length) {
      throw new TacitError(
        "RUN_INVALID",
        `run: expected ${program.inputs.length} inputs and ${program.outputs.length} outputs, got others`,
      );
    }
    // Inputs have a '/' in their names: what comes meanwhile cannot take a result's, nor a run an input's.
    if (c.outputs.some((h) => h.includes("/"))) {
      throw new TacitError("RUN_INVALID", "run: expected names without '/' for its outputs, got one of an input");
    }
    if (new Set(c.outputs).size !== c.outputs.length || c.outputs.some((h) => store.has(h))) {
      throw new TacitError("HANDLE_USED", "run: expected new handles for its outputs, got one again");
    }
    for (const i of c.inputs) if (i.kind === "handle") await inputs.ready(i.handle);
    const resolved = c.inputs.map((input, i) => this.#input(input, program, i));
    return {
      program,
      inputs: resolved.map((r) => r.value),
      bindings: resolved.map((r) => r.binding),
      run: { program: c.program, inputs: resolved.map((r) => r.bound) },
    };
  }

  /** Writes a run down under the grant that allows it. */
  #count({ id, grant }: Consent, bound: Bound, stored: readonly (Stored | undefined)[]): Bound {
    const demands = demandsMechanism(grant);
    this.#o.counters.countRun(id, grant.runs, demands);
    if (!demands) return bound;
    const released = this.#mechanisms.released(grant, bound.program, stored);
    return { ...bound, run: { ...bound.run, counted: { grant: id, released } } };
  }

  /** What is bound, by input; undefined: a public value. */
  #stored(c: RunCommand): (Stored | undefined)[] {
    return c.inputs.map((i) => (i.kind === "handle" ? this.#o.store.get(i.handle) : undefined));
  }

  #input(
    input: RunInput,
    program: Program,
    i: number,
  ): { value: PartyInput; binding: Binding; bound: BoundRun["inputs"][number] } {
    const want = program.inputs[i]!;
    const stored = input.kind === "handle" ? this.#o.store.get(input.handle) : undefined;
    const aval = input.kind === "handle" ? stored!.aval : input.aval;
    if (aval.dtype !== want.dtype || aval.shape.length !== want.shape.length || aval.shape.some((d, k) => d !== want.shape[k])) {
      throw new TacitError(
        "RUN_INVALID",
        `run: expected ${want.dtype}[${want.shape}] as input ${i}, got ${aval.dtype}[${aval.shape}]`,
      );
    }
    if (input.kind === "public") {
      const values = valuesOf(input.bytes, want);
      return {
        value: { values },
        binding: { kind: "public" },
        bound: { owners: [], source: publicSource(values), rows: rowsOf(want) },
      };
    }
    const { value, owners } = stored!;
    return { value, binding: isShare(value) ? { kind: "secret", owners } : { kind: "public" }, bound: boundInput(stored!) };
  }

  #prepare({ program, bindings }: Bound): PreparedProgram {
    const key = JSON.stringify([program.id, bindings]);
    let prepared = this.#prepared.get(key);
    if (prepared === undefined) {
      if (this.#prepared.size >= 256) this.#prepared.clear();
      prepared = this.#o.party.prepare(program, bindings);
      this.#prepared.set(key, prepared);
    }
    return prepared;
  }

  #keep(c: RunCommand, bound: Bound, outputs: readonly PartyInput[]): boolean[] {
    const { store } = this.#o;
    const avals = bound.program.outputAvals;
    const secret = secretOutputs(bound);
    if (outputs.some((v, k) => secret[k] && !isShare(v))) {
      throw new TacitError("MPC_PARTY_FAILED", "run: expected results of secrets to stay shared, got a plain one");
    }
    for (const [k, value] of outputs.entries()) {
      store.reserve(bytesOf(value));
      store.add(resultOf(c.outputs[k]!, avals[k]!, value, bound.run, k));
    }
    for (const h of c.frees) store.free(h);
    return outputs.map((v) => !isShare(v));
  }

  /** Errors of the links name the op as people count it: "op 14 of 37 (matmul)". */
  #describe(program: Program): void {
    const n = program.nodes.length;
    const describe = ({ op }: Tag): string => {
      const node = Math.floor(op / STEPS_PER_NODE);
      return node < n ? `op ${node + 1} of ${n} (${program.nodes[node]!.op})` : `op ${op}`;
    };
    for (const link of this.#o.mesh.links) if (link !== undefined) link.describe = describe;
  }
}

/** Which outputs some secret flows into: whatever a protocol says, these never leave as plain values. */
function secretOutputs({ program, bindings }: Bound): boolean[] {
  const secret = bindings.map((b) => b.kind === "secret");
  for (const n of program.nodes) secret.push(n.args.some((a) => secret[a]));
  return program.outputs.map((id) => secret[id] ?? false);
}

function digestInput(i: RunInput): Wire {
  return i.kind === "handle" ? ["handle", i.handle] : ["public", avalWire(i.aval), sha256(i.bytes)];
}

/** An error that is no TacitError: its text could hold anything, so it is not passed on. */
function failure(who: string, program: Program, cause: unknown): TacitError {
  return new TacitError("MPC_PARTY_FAILED", `${who}: expected program ${program.id.slice(0, 12)} to run, got an internal error`, {
    cause,
  });
}
