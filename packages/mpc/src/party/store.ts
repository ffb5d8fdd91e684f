/** @file Store: the values that rest at a party, by handle, each with its owners and how it was made. */

import { TacitError } from "@tacit/core/errors";
import { type Aval, sizeOf, type TypedArray } from "@tacit/core/program";
import type { PartyInput, ProtocolParty, ShareValue } from "../protocols/protocol.ts";
import { type BoundInput, type BoundRun, unionOfOwners } from "../session/consent.ts";
import type { Source } from "../session/grant.ts";
import type { InputFile } from "./checkpoints/manifest.ts";
import { addTo, type Holding } from "./fair-share.ts";

/** A value at rest. */
export interface Stored {
  readonly handle: string;
  readonly aval: Aval;
  readonly value: PartyInput;
  /** Everyone whose data flowed in. */
  readonly owners: readonly string[];
  readonly source: Source;
  /** How it was made, as this party saw it: judges reveals. */
  readonly made: { readonly run: BoundRun; readonly output: number };
  /** This party's part for recipients, once computed: opening anew would draw fresh rounding (REVIEW F7 of the design). */
  exported: Uint8Array | null;
  /** The file that holds it, where a checkpoint has saved it as an input. */
  saved: InputFile | null;
}

export const isShare = (v: PartyInput): v is { readonly share: ShareValue } => "share" in v;

/** Bounds of public values; whether they are all different, for integers (indices). */
export function publicSource(values: TypedArray): Source {
  let least: number | null = null;
  let most: number | null = null;
  for (const v of values) {
    const x = Number(v);
    // NaN compares with nothing: it is outside every bound.
    if (Number.isNaN(x))
      return { kind: "public", least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY, distinct: false };
    if (least === null || x < least) least = x;
    if (most === null || x > most) most = x;
  }
  const whole = !(values instanceof Float32Array || values instanceof Float64Array);
  return { kind: "public", least, most, distinct: whole && new Set<number | bigint>(values).size === values.length };
}

/** Rows for a grant: the first dimension; a scalar has one. */
export const rowsOf = (aval: Aval): number => aval.shape[0] ?? 1;

/** An input as the policy sees it. */
export const boundInput = (s: Pick<Stored, "owners" | "source" | "aval">): BoundInput => ({
  owners: s.owners,
  source: s.source,
  rows: rowsOf(s.aval),
});

export class Store {
  readonly #values = new Map<string, Stored>();
  readonly #party: ProtocolParty;
  readonly #limit: number;
  #bytes = 0;

  constructor(party: ProtocolParty, limit: number) {
    this.#party = party;
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Most bytes. */
  get limit(): number {
    return this.#limit;
  }

  /** The inputs that rest here, by owner. */
  held(): Map<string, Holding> {
    const held = new Map<string, Holding>();
    for (const { source, owners, value } of this.#values.values()) {
      const [owner] = owners;
      if (source.kind === "handle" && owner !== undefined) addTo(held, owner, bytesOf(value));
    }
    return held;
  }

  /** @throws TacitError MPC_MEMORY before anything of `bytes` is taken */
  reserve(bytes: number): void {
    if (this.#bytes + bytes > this.#limit) {
      throw new TacitError(
        "MPC_MEMORY",
        `store: expected at most ${this.#limit} bytes at this party, got ${this.#bytes + bytes}`,
        {
          hint: "free what is not needed, or agree on a larger limit in the session file",
        },
      );
    }
    this.#bytes += bytes;
  }

  unreserve(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Whether a handle is taken. */
  has(handle: string): boolean {
    return this.#values.has(handle);
  }

  find(handle: string): Stored | undefined {
    return this.#values.get(handle);
  }

  /** @throws TacitError HANDLE_UNKNOWN */
  get(handle: string): Stored {
    const found = this.#values.get(handle);
    if (found !== undefined) return found;
    throw new TacitError(
      "HANDLE_UNKNOWN",
      `store: expected a value that rests here, got handle ${JSON.stringify(handle.slice(0, 64))}`,
    );
  }

  /** Adds a value whose bytes were reserved. @throws TacitError HANDLE_USED */
  add(stored: Stored): void {
    if (this.#values.has(stored.handle)) {
      throw new TacitError(
        "HANDLE_USED",
        `store: expected a new handle, got ${JSON.stringify(stored.handle.slice(0, 64))} again`,
      );
    }
    this.#values.set(stored.handle, stored);
  }

  /** Zeroises and forgets. Unknown handles are ignored: freeing twice is no error. */
  free(handle: string): void {
    const found = this.#values.get(handle);
    if (found === undefined) return;
    this.#values.delete(handle);
    this.#bytes -= bytesOf(found.value);
    found.exported?.fill(0);
    if (isShare(found.value)) this.#party.free(found.value.share);
  }

  *all(): Iterable<Stored> {
    yield* this.#values.values();
  }

  clear(): void {
    for (const handle of [...this.#values.keys()]) this.free(handle);
  }
}

export const bytesOf = (v: PartyInput): number => (isShare(v) ? v.share.bytes : v.values.byteLength);

/** A result of a run: inherits the owners of all that flowed in. */
export function resultOf(handle: string, aval: Aval, value: PartyInput, run: BoundRun, output: number): Stored {
  const secret = isShare(value);
  const owners = secret ? unionOfOwners(run.inputs) : [];
  const source: Source = secret ? { kind: "result", program: run.program } : publicSource(value.values);
  return { handle, aval, value, owners, source, made: { run, output }, exported: null, saved: null };
}

/** An input as its owner gave it. */
export function inputOf(handle: string, aval: Aval, share: ShareValue, owner: string): Stored {
  const source: Source = { kind: "handle", handle };
  const owners = [owner];
  const run: BoundRun = { program: "", inputs: [{ owners, source, rows: rowsOf(aval) }] };
  return { handle, aval, value: { share }, owners, source, made: { run, output: 0 }, exported: null, saved: null };
}

/** Elements of a value, for messages. */
export const countOf = (aval: Aval): number => sizeOf(aval.shape);
