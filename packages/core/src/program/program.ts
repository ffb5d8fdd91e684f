/** @file Program: a typed, side-effect-free tensor program that is data. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Aval } from "./aval.ts";
import { decodeProgram, encodeProgram } from "./bytes.ts";
import type { Limits } from "./limits.ts";
import { printProgram } from "./print.ts";
import { validate } from "./validate.ts";

/** One op applied to earlier values. Value ids: 0..inputs-1 are the inputs, then one per node. */
export interface Node {
  readonly op: string;
  /** 32-bit signed integers. */
  readonly attrs: readonly number[];
  /** Ids of values made before this node. */
  readonly args: readonly number[];
  readonly aval: Aval;
}

const freezeAval = (a: Aval): Aval => Object.freeze({ shape: Object.freeze([...a.shape]), dtype: a.dtype });

/** An immutable Program. The constructor trusts its caller (tracers build from checked ops); strangers come in by `fromBytes`. */
export class Program {
  readonly inputs: readonly Aval[];
  readonly nodes: readonly Node[];
  /** Ids of values; an id may occur more than once, and may be an input. */
  readonly outputs: readonly number[];
  #bytes: Uint8Array | undefined;
  #id: string | undefined;

  constructor(inputs: readonly Aval[], nodes: readonly Node[], outputs: readonly number[]) {
    this.inputs = Object.freeze(inputs.map(freezeAval));
    this.nodes = Object.freeze(
      nodes.map((n) =>
        Object.freeze({
          op: n.op,
          attrs: Object.freeze([...n.attrs]),
          args: Object.freeze([...n.args]),
          aval: freezeAval(n.aval),
        }),
      ),
    );
    this.outputs = Object.freeze([...outputs]);
  }

  /** SHA-256 of the canonical bytes, hex. */
  get id(): string {
    return (this.#id ??= bytesToHex(sha256(this.#canonical())));
  }

  /** Shape and dtype of a value. */
  aval(id: number): Aval {
    return id < this.inputs.length ? this.inputs[id]! : this.nodes[id - this.inputs.length]!.aval;
  }

  /** Shapes and dtypes of the outputs. */
  get outputAvals(): readonly Aval[] {
    return this.outputs.map((id) => this.aval(id));
  }

  /** Deterministic CBOR (RFC 8949 §4.2.1), arrays only. A fresh copy each time. */
  toBytes(): Uint8Array {
    return this.#canonical().slice();
  }

  /** One line per node, as a jaxpr. */
  toString(): string {
    return printProgram(this);
  }

  /** Checks ops, arity, argument order, attributes, shapes and limits again. @throws TacitError PROGRAM_INVALID */
  check(limits?: Partial<Limits>): this {
    validate(this, limits);
    return this;
  }

  /**
   * Reads a Program from a stranger. Work and memory are bounded before anything is parsed.
   * @throws TacitError PROGRAM_INVALID, with the reason, on anything but the canonical bytes of a valid Program.
   */
  static fromBytes(bytes: Uint8Array, limits?: Partial<Limits>): Program {
    const { inputs, nodes, outputs } = decodeProgram(bytes, limits);
    return new Program(inputs, nodes, outputs).check(limits);
  }

  #canonical(): Uint8Array {
    return (this.#bytes ??= encodeProgram(this));
  }
}
