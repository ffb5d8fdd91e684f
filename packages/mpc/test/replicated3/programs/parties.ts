/** @file Three parties in one process over memory links, as a session would use them: share, run, export, reconstruct. */
import { randomBytes } from "node:crypto";
import type { Binding } from "@tacit/core/device";
import type { Aval, Program, TypedArray } from "@tacit/core/program";
import type { PartyInput, ProtocolOptions, RunCounters } from "../../../src/protocols/protocol.ts";
import type { Observer } from "../../../src/protocols/replicated3/lower/run.ts";
import { createParty, type Party } from "../../../src/protocols/replicated3/party.ts";
import { reconstruct, share } from "../../../src/protocols/replicated3/shares.ts";
import { type MemoryLinkOptions, memoryLinks } from "../../../src/transport/memory-link.ts";

export const OPTIONS: ProtocolOptions = { fractionBits: 16, prgRounds: 20 };
export const SECRET: Binding = { kind: "secret", owners: ["owner"] };
export const PUBLIC: Binding = { kind: "public" };

export interface PartiesOptions extends MemoryLinkOptions {
  readonly protocol?: ProtocolOptions;
  readonly memoryLimit?: number;
  readonly observe?: (me: number) => Observer;
}

/** A value at all three parties. */
export type Spread = readonly PartyInput[];

export interface Outcome {
  readonly outputs: readonly Spread[];
  readonly counters: readonly RunCounters[];
}

export class Parties {
  readonly parties: readonly Party[];
  readonly options: ProtocolOptions;
  #run = 0;

  private constructor(parties: readonly Party[], options: ProtocolOptions) {
    this.parties = parties;
    this.options = options;
  }

  static async start(options: PartiesOptions = {}): Promise<Parties> {
    const { links } = memoryLinks(3, options);
    const keys = new Map<string, Uint8Array>();
    const runKey = (which: number, run: number, attempt: number): Uint8Array => {
      const name = `${which}.${run}.${attempt}`;
      if (!keys.has(name)) keys.set(name, new Uint8Array(randomBytes(32)));
      return keys.get(name)!;
    };
    const protocol = options.protocol ?? OPTIONS;
    const memoryLimit = options.memoryLimit ?? 2 ** 30;
    const parties = await Promise.all(
      [0, 1, 2].map((index) =>
        createParty({ index, links: links[index]!, runKey, options: protocol, memoryLimit }, options.observe?.(index)),
      ),
    );
    return new Parties(parties, protocol);
  }

  share(values: TypedArray, aval: Aval): Spread {
    const payloads = share(values, aval, this.options);
    return this.parties.map((p, i) => ({ share: p.importShare(payloads[i]!, aval) }));
  }

  /** Inputs as bound: secret ones are shared, public ones given to all. */
  bind(program: Program, bindings: readonly Binding[], inputs: readonly TypedArray[]): Spread[] {
    return inputs.map((x, i) =>
      bindings[i]!.kind === "public" ? this.parties.map(() => ({ values: x })) : this.share(x, program.inputs[i]!),
    );
  }

  async run(program: Program, bindings: readonly Binding[], inputs: readonly Spread[]): Promise<Outcome> {
    const run = ++this.#run;
    const results = await Promise.all(
      this.parties.map((p, me) =>
        p.run(
          p.prepare(program, bindings),
          inputs.map((x) => x[me]!),
          { run, attempt: 0 },
        ),
      ),
    );
    const outputs = program.outputs.map((_, k) => results.map((r) => r.outputs[k]!));
    return { outputs, counters: results.map((r) => r.counters) };
  }

  reveal(x: Spread, aval: Aval): TypedArray {
    const run = ++this.#run;
    const first = x[0]!;
    if ("values" in first) return first.values;
    const payloads = x.map((v, i) => {
      if (!("share" in v)) throw new Error("expected shares at every party");
      return this.parties[i]!.exportShare(v.share, { run, attempt: 0 });
    });
    return reconstruct(payloads, aval, this.options);
  }

  free(...all: readonly Spread[]): void {
    for (const x of all) for (const [i, v] of x.entries()) if ("share" in v) this.parties[i]!.free(v.share);
  }

  /** Shares, runs, reveals, frees: plain values in, plain values out. */
  async compute(
    program: Program,
    bindings: readonly Binding[],
    inputs: readonly TypedArray[],
  ): Promise<{ values: TypedArray[]; counters: readonly RunCounters[] }> {
    const given = this.bind(program, bindings, inputs);
    const { outputs, counters } = await this.run(program, bindings, given);
    const values = outputs.map((x, i) => this.reveal(x, program.outputAvals[i]!));
    this.free(...given, ...outputs);
    return { values, counters };
  }

  close(): void {
    for (const p of this.parties) p.close();
  }
}

/** Largest |a - b|. */
export function distance(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(Number(a[i]) - Number(b[i])));
  return worst;
}
