/** @file Protocol: what a folder under protocols/ must offer. Shared code knows protocols only through this. */
import type { Binding, Gap } from "@tacit/core/device";
import type { Aval, Program, TypedArray } from "@tacit/core/program";
import type { Link } from "../transport/link.ts";

/** A message's tag names its op: node * STEPS_PER_NODE + step, so that errors name the node. A sort of 4,096 takes 234 steps. */
export const STEPS_PER_NODE = 256;

/** What a run of a Program costs. Bytes are payload plus frame headers, per party; rounds the longest chain of dependent messages. */
export interface Cost {
  readonly rounds: number;
  readonly bytesPerParty: readonly number[];
  readonly framesPerParty: readonly number[];
  /** Bytes of share memory at the fullest moment, the maximum over parties. */
  readonly peakMemory: number;
  /** Comparisons by node, and the bits they run on: what the session's range decides. Absent: the protocol has no choice. */
  readonly comparisons?: readonly ComparisonCost[];
}

/** The comparisons of one node of a Program. */
export interface ComparisonCost {
  readonly node: number;
  readonly op: string;
  readonly bits: number;
}

export interface ProtocolOptions {
  /** Fraction bits of fixed-point numbers. */
  readonly fractionBits: number;
  /** ChaCha rounds of the pseudo-random streams: 20 (default) or 12. */
  readonly prgRounds: 20 | 12;
  /**
   * log2 of the magnitude that, all agree, no fixed-point value reaches where it is compared; a protocol may then compare on fewer bits.
   * Absent: nothing is agreed, and comparisons hold for all values (`FULL_RANGE`).
   */
  readonly range?: number;
}

/** The range that says nothing. */
export const FULL_RANGE = 62;

/** What a machine does per second of a protocol's two kinds of computing. */
export interface Speed {
  /** Bytes of pseudo-random stream. */
  readonly bytes: number;
  /** Multiplications of shared numbers' components. */
  readonly products: number;
}

/** A possible overflow that range analysis found, or an accuracy limit worth saying. */
export interface RangeWarning {
  readonly node: number;
  readonly op: string;
  readonly message: string;
}

/** What one party brings to the protocol. */
export interface PartyEnvironment {
  /** 0-based position among the parties. */
  readonly index: number;
  /** Link to party j at [j]; undefined at [index]. */
  readonly links: readonly (Link | undefined)[];
  /**
   * 32-byte key shared by exactly the holders of key `which`, for one run: HKDF(pair key, session, run counter, attempt).
   * For replicated3 key i is held by parties i and i-1 (mod 3).
   */
  runKey(which: number, run: number, attempt: number): Uint8Array;
  readonly options: ProtocolOptions;
  /** Most bytes of share memory. */
  readonly memoryLimit: number;
  /** What all parties were started with, compared in the handshake; only sessions on one machine have any. "" or absent: nothing. */
  readonly mode?: string;
}

/** A shared value that rests at a party between runs. Opaque outside the protocol. */
export interface ShareValue {
  readonly aval: Aval;
  readonly bytes: number;
}

/** A run input: a share that rests here, or a value everybody knows. */
export type PartyInput = { readonly share: ShareValue } | { readonly values: TypedArray };

/** A Program made ready at a party. Opaque outside the protocol. */
export interface PreparedProgram {
  readonly program: Program;
}

/** What a run measured. Must equal the Program's Cost exactly (rounds: the maximum over parties). */
export interface RunCounters {
  readonly rounds: number;
  readonly bytesSent: number;
  readonly framesSent: number;
}

/** One party's side of a protocol. */
export interface ProtocolParty {
  prepare(program: Program, bindings: readonly Binding[]): PreparedProgram;
  /** Outputs in order: shares, or plain values where a result depends on public inputs only. */
  run(
    prepared: PreparedProgram,
    inputs: readonly PartyInput[],
    at: { readonly run: number; readonly attempt: number },
  ): Promise<{ outputs: readonly PartyInput[]; counters: RunCounters }>;
  /** Bytes of this party's part of an input of this form: as it comes (`payload`), and at rest (`share`, the `bytes` of what `importShare` gives). */
  inputSizes(aval: Aval): { readonly payload: number; readonly share: number };
  /** This party's part of an input (made by `share` below), checked for size. */
  importShare(payload: Uint8Array, aval: Aval): ShareValue;
  /**
   * What this party sends to a recipient who is not a party: its own component plus a fresh zero-share. Local, no rounds.
   * `at` keys the zero-share; a handle is opened once (the caller caches).
   */
  exportShare(value: ShareValue, at: { readonly run: number; readonly attempt: number }): Uint8Array;
  /** SHA-256 of the components that party `other` holds too, to compare after an input. */
  componentHash(value: ShareValue, other: number): Uint8Array;
  /** This party's whole part of a value, `value.bytes` long, for its own sealed file. Secret; a copy, which the caller zeroises. */
  saveShare(value: ShareValue): Uint8Array;
  /** The inverse, into memory within the limit. @throws TacitError MPC_PAYLOAD for another length, MPC_MEMORY */
  loadShare(bytes: Uint8Array, aval: Aval): ShareValue;
  /**
   * New sharings of the same values, from zero-shares under the keys of this run and attempt; all parties at once, one round.
   * The old ones are freed.
   */
  refresh(
    values: readonly ShareValue[],
    at: { readonly run: number; readonly attempt: number },
  ): Promise<{ readonly shares: readonly ShareValue[]; readonly counters: RunCounters }>;
  free(value: ShareValue): void;
  /** Zeroises everything. */
  close(): void;
}

export interface Protocol {
  readonly name: string;
  readonly parties: number;
  readonly defaults: ProtocolOptions;
  /** All that the protocol cannot do in this Program as bound. */
  check(program: Program, bindings: readonly Binding[], options: ProtocolOptions): readonly Gap[];
  /** Exact cost, from a dry run of the parties' own code. */
  estimate(program: Program, bindings: readonly Binding[], options: ProtocolOptions): Promise<Cost>;
  /**
   * Loads what a party runs on this machine, so that what is lacking is said before anybody waits for it. Absent: nothing to load.
   * @throws KernelError KERNEL_*
   */
  ready?(): Promise<void>;
  /** Measures this machine for at most about 50 ms; a protocol without it predicts wire time alone. */
  speed?(options: ProtocolOptions): Promise<Speed>;
  /** Seconds that one run computes at the fullest party of such a speed: rough. */
  computing?(program: Program, cost: Pick<Cost, "bytesPerParty">, speed: Speed): number;
  /** Possible overflows, given bounds on the inputs' magnitudes (undefined: unknown). */
  ranges(
    program: Program,
    bindings: readonly Binding[],
    bounds: readonly (number | undefined)[],
    options: ProtocolOptions,
  ): readonly RangeWarning[];
  /** Client side: one payload per party. Throws INPUT_OUT_OF_RANGE. Randomness is the platform's CSPRNG. */
  share(values: TypedArray, aval: Aval, options: ProtocolOptions): readonly Uint8Array[];
  /** Client side: the value from every party's `exportShare`. */
  reconstruct(payloads: readonly Uint8Array[], aval: Aval, options: ProtocolOptions): TypedArray;
  /** @throws TacitError MPC_HANDSHAKE for a mode that the protocol does not have */
  createParty(environment: PartyEnvironment): Promise<ProtocolParty>;
}
