/** @file Recorder: a device that runs nothing. It keeps every Program that a job would run, on what, how often, and what is disclosed. */
import { Tensor } from "@tacit/core";
import type { Binding, Device, Disclosure, Executable, Gap, Job, Storage } from "@tacit/core/device";
import { TacitError } from "@tacit/core/errors";
import { type Aval, DTYPE, Expr, isComposite, type Program, type TypedArray } from "@tacit/core/program";
import { publicSource, rowsOf } from "../party/store.ts";
import { protocolNamed } from "../protocols/index.ts";
import type { Protocol, ProtocolOptions } from "../protocols/protocol.ts";
import type { Demand } from "../release/mechanism.ts";
import type { Disclosure as Disclosed, GrantInput, Source } from "../session/grant.ts";
import { handleOf } from "../session/handles.ts";
import type { MechanismTerms } from "../session/mechanism.ts";
import type { Session } from "../session/session-file.ts";
import type { PlannedProgram } from "./plan.ts";

type Public = Extract<Source, { readonly kind: "public" }>;

/** What stands for a value: where it comes from and whose it is. */
class Recorded {
  readonly aval: Aval;
  readonly owners: readonly string[];
  readonly source: Source;
  /** The Program and output that made it; null for an input. */
  readonly made: { readonly program: string; readonly output: number } | null;

  constructor(aval: Aval, owners: readonly string[], source: Source, made: Recorded["made"] = null) {
    this.aval = aval;
    this.owners = owners;
    this.source = source;
    this.made = made;
  }
}

/** Runs of one Program with the same inputs public and secret: they cost the same. */
export interface BoundRuns {
  readonly bindings: readonly Binding[];
  runs: number;
}

/** A Program and everything that was recorded of it. */
export interface Recording {
  readonly title: string;
  readonly program: Program;
  inputs: GrantInput[];
  readonly disclosures: { readonly output: number; readonly to: string; readonly why: string }[];
  readonly bound: Map<string, BoundRuns>;
  runs: number;
  reveals: number;
  /** What owners are asked to demand of every disclosure. */
  mechanism?: MechanismTerms;
}

/** A value that was given by its owner. */
export interface GivenInput {
  readonly name: string;
  readonly owner: string;
  readonly aval: Aval;
}

const PUBLIC: Binding = { kind: "public" };

/** Both ranges in one. */
const widened = (a: Public, b: Public): Public => ({
  kind: "public",
  least: a.least === null || b.least === null ? null : Math.min(a.least, b.least),
  most: a.most === null || b.most === null ? null : Math.max(a.most, b.most),
  distinct: a.distinct && b.distinct,
});

function withSource(all: readonly Source[], one: Source): readonly Source[] {
  if (one.kind === "public") {
    const others = all.filter((s) => s.kind !== "public");
    return [...others, all.filter((s) => s.kind === "public").reduce(widened, one)];
  }
  const key = JSON.stringify(one);
  return all.some((s) => JSON.stringify(s) === key) ? all : [...all, one];
}

const inputOf = (r: Recorded): GrantInput => ({ owners: r.owners, sources: [r.source], rows: rowsOf(r.aval) });

const merged = (known: GrantInput, r: Recorded): GrantInput => ({
  owners: [...new Set([...known.owners, ...r.owners])].sort(),
  sources: withSource(known.sources, r.source),
  rows: Math.min(known.rows, rowsOf(r.aval)),
});

/** Which outputs follow from public inputs alone. */
function publicOutputs(program: Program, bindings: readonly Binding[]): boolean[] {
  const known = bindings.map((b) => b.kind === "public");
  for (const node of program.nodes) known.push(node.args.every((a) => known[a]));
  return program.outputs.map((o) => known[o]!);
}

/**
 * A device on which a job runs as it would in a session: nothing is computed and nothing shared, and `planned()` is what the owners must approve.
 * Inputs stand for those that people give (`listed`, `input`); private steps and sums with `mechanism` have owners demand it of what is disclosed.
 */
export class Recorder implements Device {
  readonly name: string;
  readonly readable = false;
  /** What the next Programs are for. */
  title = "program";
  readonly recordings: Map<string, Recording> = new Map();
  readonly given: GivenInput[] = [];
  readonly #protocol: Protocol;
  readonly #options: ProtocolOptions;
  readonly #owner: string;
  readonly #demands: Demand[] = [];
  #nextInput = 0;

  /** `owner` owns what `tensor.to(recorder)` shares. */
  constructor(protocol: Protocol, options: ProtocolOptions, owner: string) {
    this.name = protocol.name;
    this.#protocol = protocol;
    this.#options = options;
    this.#owner = owner;
  }

  /** One for what is to run in `session`. `owner` owns what `tensor.to(recorder)` shares. @throws TacitError PROTOCOL_UNKNOWN */
  static of(session: Session, owner: string = session.file.driver): Recorder {
    const { name, options } = session.file.protocol;
    return new Recorder(protocolNamed(name), options, owner);
  }

  binding(storage: Storage): Binding {
    const { owners } = this.#own(storage);
    return owners.length === 0 ? PUBLIC : { kind: "secret", owners };
  }

  put(values: TypedArray, aval: Aval): Storage {
    return new Recorded(aval, [], publicSource(values));
  }

  share(_values: TypedArray, aval: Aval): Storage {
    // The name that a first connection gives it.
    return this.#give(`${this.#owner}/1.${this.#nextInput++}`, aval, this.#owner);
  }

  input(name: string, data: { readonly shape: readonly number[] }, { owner }: { readonly owner: string }): Tensor {
    const aval: Aval = { shape: [...data.shape], dtype: "f32" };
    return new Tensor(Expr.leaf(aval, this, this.#give(handleOf(owner, name), aval, owner)));
  }

  /** An input that its owner has given at the parties. */
  listed(handle: string, { shape, dtype }: Aval, owners: readonly string[]): Tensor {
    const aval: Aval = { shape: [...shape], dtype };
    this.given.push({ name: handle, owner: owners.join(", "), aval });
    return new Tensor(Expr.leaf(aval, this, new Recorded(aval, owners, { kind: "handle", handle })));
  }

  #give(name: string, { shape, dtype }: Aval, owner: string): Recorded {
    const aval: Aval = { shape: [...shape], dtype };
    this.given.push({ name, owner, aval });
    return new Recorded(aval, [owner], { kind: "handle", handle: name });
  }

  get fractionBits(): number {
    return this.#options.fractionBits;
  }

  sourceOf(storage: Storage): Source {
    return this.#own(storage).source;
  }

  /** Has owners demand noise of what the Programs with noise that read these rows disclose. */
  demand(demand: Demand): void {
    this.#demands.push(demand);
  }

  /** The terms for a Program on these inputs; undefined: none are demanded of it. */
  #termsOf(program: Program, inputs: readonly Recorded[]): MechanismTerms | undefined {
    if (!program.nodes.some((n) => n.op === "partyNoise")) return undefined;
    const rowsIn = ({ rows }: Demand): number[] => inputs.flatMap((r, i) => (rows.has(r) ? [i] : []));
    const demand = this.#demands.findLast((d) => rowsIn(d).length > 0);
    if (demand === undefined) return undefined;
    const { neighbours, epsilon, delta } = demand;
    return { kind: "distributed-discrete-gaussian", neighbours, rows: rowsIn(demand), epsilon, delta };
  }

  #own(storage: Storage): Recorded {
    if (storage instanceof Recorded) return storage;
    throw new TacitError("DEVICE_MISMATCH", `${this.name}: expected a value of this plan, got another`);
  }

  read(): never {
    throw new TacitError("DEVICE_SECRET", "read: expected a value that exists, got one that is only planned");
  }

  /** Composites that the protocol lacks are recorded as it runs them; other gaps are part of the plan: they stop nothing here. */
  check(program: Program, bindings: readonly Binding[]): readonly Gap[] {
    return this.#protocol.check(program, bindings, this.#options).filter((g) => isComposite(g.op));
  }

  /** All that the protocol cannot do in what was recorded. */
  gaps(): Gap[] {
    return [...this.recordings.values()].flatMap((r) =>
      [...r.bound.values()].flatMap(({ bindings }) => this.#protocol.check(r.program, bindings, this.#options)),
    );
  }

  prepare({ program }: Job): Executable {
    return {
      run: (inputs) =>
        this.#run(
          program,
          inputs.map((s) => this.#own(s)),
        ),
    };
  }

  #run(program: Program, inputs: readonly Recorded[]): Storage[] {
    const bindings = inputs.map((r) => this.binding(r));
    const recording = this.#recording(program, inputs);
    const key = JSON.stringify(bindings.map((b) => b.kind));
    const same = recording.bound.get(key) ?? { bindings, runs: 0 };
    recording.bound.set(key, same);
    same.runs++;
    recording.runs++;
    const terms = this.#termsOf(program, inputs);
    if (terms !== undefined) recording.mechanism = terms;
    recording.inputs = recording.inputs.map((known, i) => merged(known, inputs[i]!));
    const owners = [...new Set(inputs.flatMap((r) => r.owners))].sort();
    const open = publicOutputs(program, bindings);
    return program.outputAvals.map((aval, output) => {
      const made = { program: program.id, output };
      if (open[output]) return new Recorded(aval, [], { kind: "public", least: null, most: null, distinct: false }, made);
      return new Recorded(aval, owners, { kind: "result", program: program.id }, made);
    });
  }

  #recording(program: Program, inputs: readonly Recorded[]): Recording {
    const known = this.recordings.get(program.id);
    if (known !== undefined) return known;
    const first = inputs.map(inputOf);
    const made = { title: this.title, program, inputs: first, disclosures: [], bound: new Map(), runs: 0, reveals: 0 };
    this.recordings.set(program.id, made);
    return made;
  }

  async reveal(storage: Storage, aval: Aval, { to, why }: Disclosure): Promise<TypedArray> {
    const { made } = this.#own(storage);
    const recording = made === null ? undefined : this.recordings.get(made.program);
    if (made === null || recording === undefined) {
      throw new TacitError("ARGUMENT_INVALID", "plan: expected the disclosure of a result, got that of an input");
    }
    recording.reveals++;
    const { output } = made;
    if (!recording.disclosures.some((d) => d.output === output && d.to === to && d.why === why)) {
      recording.disclosures.push({ output, to, why });
    }
    return DTYPE[aval.dtype].make(aval.shape.reduce((a, b) => a * b, 1));
  }

  /** What an owner is asked to approve. `spare`: runs beyond the job's, and disclosures of what it discloses. */
  planned(spare = 0): PlannedProgram[] {
    return [...this.recordings.values()].map(({ title, program, inputs, disclosures, runs, reveals, mechanism }) => ({
      title,
      program,
      inputs,
      disclosures: disclosures.map((d): Disclosed => (mechanism === undefined ? d : { ...d, mechanism })),
      runs: runs + spare,
      reveals: reveals === 0 ? 0 : reveals + spare,
    }));
  }
}
