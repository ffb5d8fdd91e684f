/** @file plain3: a protocol in the clear for the tests of sessions and parties. It protects nothing and exists nowhere else. */
import { createHash } from "node:crypto";
import type { Binding } from "@tacit/core/device";
import { type Aval, OPS, type Program, sizeOf, type TypedArray } from "@tacit/core/program";
import { decodeFixed, encodeFixed, fractionOf } from "../src/fixed.ts";
import {
  type Cost,
  type PartyEnvironment,
  type PartyInput,
  type PreparedProgram,
  type Protocol,
  type ProtocolOptions,
  type ProtocolParty,
  type RunCounters,
  type ShareValue,
  STEPS_PER_NODE,
} from "../src/protocols/protocol.ts";
import { HEADER_BYTES } from "../src/transport/link.ts";

/** Milliseconds that every op takes: time for a test to kill somebody. */
const delay = Number(process.env.PLAIN3_DELAY ?? 0);
/** The party that sends a wrong message at the eighth op; -1: none. */
const garbage = Number(process.env.PLAIN3_GARBAGE ?? -1);

class PlainShare implements ShareValue {
  readonly aval: Aval;
  readonly words: BigUint64Array<ArrayBuffer>;
  constructor(aval: Aval, words: BigUint64Array<ArrayBuffer>) {
    this.aval = aval;
    this.words = words;
  }
  get bytes(): number {
    return this.words.byteLength;
  }
}

class PlainProgram implements PreparedProgram {
  readonly program: Program;
  readonly secret: readonly boolean[];
  constructor(program: Program, bindings: readonly Binding[]) {
    this.program = program;
    this.secret = secretValues(program, bindings);
  }
}

/** Which values depend on a secret input. */
function secretValues(program: Program, bindings: readonly Binding[]): boolean[] {
  const secret = bindings.map((b) => b.kind === "secret");
  for (const n of program.nodes) secret.push(n.args.some((a) => secret[a]));
  return secret;
}

/** One word to each other party for every op on secrets. */
function costOf(program: Program, secret: readonly boolean[]): Cost {
  const rounds = program.nodes.filter((_, i) => secret[program.inputs.length + i]).length;
  const bytes = rounds * 2 * (8 + HEADER_BYTES);
  return { rounds, bytesPerParty: [bytes, bytes, bytes], framesPerParty: [2 * rounds, 2 * rounds, 2 * rounds], peakMemory: 0 };
}

class PlainParty implements ProtocolParty {
  readonly #e: PartyEnvironment;
  constructor(environment: PartyEnvironment) {
    this.#e = environment;
  }

  prepare(program: Program, bindings: readonly Binding[]): PreparedProgram {
    return new PlainProgram(program, bindings);
  }

  async run(
    prepared: PreparedProgram,
    inputs: readonly PartyInput[],
    at: { readonly run: number },
  ): Promise<{ outputs: readonly PartyInput[]; counters: RunCounters }> {
    if (!(prepared instanceof PlainProgram)) throw new TypeError("plain3: another protocol's program");
    const { program, secret } = prepared;
    const values: TypedArray[] = inputs.map((i) => this.#plain(i));
    let rounds = 0;
    for (const [k, node] of program.nodes.entries()) {
      if (secret[program.inputs.length + k]) rounds = await this.#round(at.run, k * STEPS_PER_NODE, rounds);
      const args = node.args.map((a) => values[a]!);
      const avals = node.args.map((a) => program.aval(a));
      values.push(OPS.get(node.op)!.reference(args, avals, node.attrs, node.aval));
    }
    const outputs = program.outputs.map((id): PartyInput => {
      if (!secret[id]) return { values: values[id]! };
      const aval = program.aval(id);
      return { share: new PlainShare(aval, encodeFixed(values[id]!, this.#fraction(aval))) };
    });
    return { outputs, counters: { rounds, bytesSent: rounds * 2 * (8 + HEADER_BYTES), framesSent: 2 * rounds } };
  }

  #fraction(aval: Aval): number {
    return fractionOf(aval, this.#e.options.fractionBits);
  }

  #plain(input: PartyInput): TypedArray {
    if ("values" in input) return input.values;
    if (!(input.share instanceof PlainShare)) throw new TypeError("plain3: another protocol's share");
    return decodeFixed(input.share.words, input.share.aval, this.#fraction(input.share.aval));
  }

  async #round(run: number, op: number, depth: number): Promise<number> {
    const tag = { run, op, lane: 0 };
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    const size = op === 7 * STEPS_PER_NODE && garbage === this.#e.index ? 9 : 8;
    for (const link of this.#e.links) link?.send(tag, depth, new Uint8Array(size));
    const depths = await Promise.all(this.#e.links.map((l) => l?.receive(tag, new Uint8Array(8)) ?? 0));
    return Math.max(...depths) + 1;
  }

  inputSizes(aval: Aval): { readonly payload: number; readonly share: number } {
    return { payload: 8 * sizeOf(aval.shape), share: 8 * sizeOf(aval.shape) };
  }

  importShare(payload: Uint8Array, aval: Aval): ShareValue {
    if (payload.length !== 8 * sizeOf(aval.shape)) throw new RangeError("plain3: wrong size");
    return new PlainShare(aval, new BigUint64Array(payload.slice().buffer));
  }

  exportShare(value: ShareValue): Uint8Array {
    if (!(value instanceof PlainShare)) throw new TypeError("plain3: another protocol's share");
    return new Uint8Array(value.words.buffer).slice();
  }

  componentHash(value: ShareValue): Uint8Array {
    return new Uint8Array(createHash("sha256").update(this.exportShare(value)).digest());
  }

  saveShare(value: ShareValue): Uint8Array {
    return this.exportShare(value);
  }

  loadShare(bytes: Uint8Array, aval: Aval): ShareValue {
    return this.importShare(bytes, aval);
  }

  refresh(values: readonly ShareValue[]): ReturnType<ProtocolParty["refresh"]> {
    return Promise.resolve({ shares: values, counters: { rounds: 0, bytesSent: 0, framesSent: 0 } });
  }

  free(value: ShareValue): void {
    if (value instanceof PlainShare) value.words.fill(0n);
  }

  close(): void {}
}

export const plain3: Protocol = {
  name: "plain3",
  parties: 3,
  defaults: { fractionBits: 16, prgRounds: 20 },
  check: (program, _bindings) =>
    program.nodes.flatMap((n, node) => (n.op.endsWith("sort") ? [{ node, op: n.op, reason: "plain3 does not sort" }] : [])),
  estimate: (program, bindings) => Promise.resolve(costOf(program, secretValues(program, bindings))),
  ranges: () => [],
  share(values: TypedArray, aval: Aval, options: ProtocolOptions): readonly Uint8Array[] {
    const words = encodeFixed(values, fractionOf(aval, options.fractionBits));
    return [0, 1, 2].map(() => new Uint8Array(words.buffer).slice());
  },
  reconstruct(payloads: readonly Uint8Array[], aval: Aval, options: ProtocolOptions): TypedArray {
    return decodeFixed(new BigUint64Array(payloads[0]!.slice().buffer), aval, fractionOf(aval, options.fractionBits));
  },
  createParty: (environment) => Promise.resolve(new PlainParty(environment)),
};
