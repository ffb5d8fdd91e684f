/** @file Canonical CBOR of sessions, grants and envelopes: arrays only, and typed reading of what a stranger sent. */

import { TacitError } from "@tacit/core/errors";
import { decode, encode } from "cborg";
import { sameBytes } from "../identity/encoding.ts";

/** What may stand in a message: no maps, no floats, no tags. */
export type Wire = number | string | boolean | null | Uint8Array | readonly Wire[];

/** What `Fields.bound` reads: fractions travel as the bytes of a double, since CBOR floats are not used here. Zero has one form. */
export function boundWire(x: number | null): Wire {
  if (x === null) return null;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, x === 0 ? 0 : x);
  return bytes;
}

/** The bytes as a Uint8Array, whatever the encoder made: the `slice` of a Node Buffer is no copy. */
export function toCbor(value: Wire): Uint8Array {
  const { buffer, byteOffset, byteLength } = encode(value);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Reads decoded values one by one; every refusal has the same code and names the field, never its value. */
export class Fields {
  readonly #values: readonly unknown[];
  readonly #where: string;
  readonly #code: string;
  #at = 0;

  constructor(values: unknown, where: string, code: string, length?: number) {
    this.#where = where;
    this.#code = code;
    if (!Array.isArray(values)) this.#refuse("an array", "something else");
    this.#values = values;
    if (length !== undefined && values.length !== length) this.#refuse(`${length} fields`, `${values.length}`);
  }

  #refuse(want: string, got: string): never {
    throw new TacitError(this.#code, `${this.#where}: expected ${want}, got ${got}`);
  }

  #next(): unknown {
    return this.#values[this.#at++];
  }

  #here(): string {
    return `field ${this.#at - 1}`;
  }

  /** A safe integer in [least, most]. */
  uint(most: number = Number.MAX_SAFE_INTEGER, least = 0): number {
    const x = this.#next();
    if (typeof x === "number" && Number.isSafeInteger(x) && x >= least && x <= most) return x;
    return this.#refuse(`an integer from ${least} to ${most} as ${this.#here()}`, typeof x);
  }

  text(most = 256): string {
    const x = this.#next();
    if (typeof x === "string" && x.length <= most) return x;
    return this.#refuse(`a text of at most ${most} characters as ${this.#here()}`, typeof x);
  }

  bytes(length?: number): Uint8Array {
    const x = this.#next();
    if (x instanceof Uint8Array && (length === undefined || x.length === length)) return x;
    return this.#refuse(`${length === undefined ? "" : `${length} `}bytes as ${this.#here()}`, typeof x);
  }

  /** A bound: null (none), or the 8 bytes of a double other than NaN and -0, which JSON does not tell from 0. */
  bound(): number | null {
    const x = this.#next();
    if (x === null) return null;
    if (x instanceof Uint8Array && x.length === 8) {
      const value = new DataView(x.buffer, x.byteOffset, 8).getFloat64(0);
      if (!Number.isNaN(value) && !Object.is(value, -0)) return value;
    }
    return this.#refuse(`null or the 8 bytes of a number as ${this.#here()}`, typeof x);
  }

  boolean(): boolean {
    const x = this.#next();
    if (typeof x === "boolean") return x;
    return this.#refuse(`a boolean as ${this.#here()}`, typeof x);
  }

  /** An array of at most `most` items, each read by `read` from Fields of its own array. */
  list<T>(most: number, read: (item: Fields) => T): T[] {
    return this.#array(most).map((item) => read(new Fields(item, this.#where, this.#code)));
  }

  texts(most: number, length = 256): string[] {
    return this.#array(most).map((item) => {
      if (typeof item === "string" && item.length <= length) return item;
      return this.#refuse(`texts of at most ${length} characters as ${this.#here()}`, typeof item);
    });
  }

  uints(most: number): number[] {
    return this.#array(most).map((item) => {
      if (typeof item === "number" && Number.isSafeInteger(item) && item >= 0) return item;
      return this.#refuse(`whole numbers as ${this.#here()}`, typeof item);
    });
  }

  booleans(most: number): boolean[] {
    return this.#array(most).map((item) => {
      if (typeof item === "boolean") return item;
      return this.#refuse(`booleans as ${this.#here()}`, typeof item);
    });
  }

  /** A nested array as Fields. */
  fields(length?: number): Fields {
    return new Fields(this.#next(), this.#where, this.#code, length);
  }

  /** The same, or null. */
  fieldsOrNull(length?: number): Fields | null {
    if (this.#values[this.#at] !== null) return this.fields(length);
    this.#at++;
    return null;
  }

  uintOrNull(): number | null {
    if (this.#values[this.#at] !== null) return this.uint();
    this.#at++;
    return null;
  }

  /** All fields that are left, each an array read by `read`. */
  rest<T>(read: (item: Fields) => T): T[] {
    const items: T[] = [];
    while (this.#at < this.#values.length) items.push(read(this.fields()));
    return items;
  }

  /** All fields that are left, as texts. */
  remainingTexts(most = 65_536): string[] {
    const items: string[] = [];
    while (this.#at < this.#values.length) items.push(this.text(most));
    return items;
  }

  /** Whether every field was read. */
  get done(): boolean {
    return this.#at === this.#values.length;
  }

  /** Throws unless every field was read: a message has no room for more. */
  end(): void {
    if (this.#at !== this.#values.length) this.#refuse(`${this.#at} fields`, `${this.#values.length}`);
  }

  #array(most: number): readonly unknown[] {
    const x = this.#next();
    if (Array.isArray(x) && x.length <= most) return x;
    return this.#refuse(`an array of at most ${most} items as ${this.#here()}`, typeof x);
  }
}

/** Most data items of one message: the longest list of a command has 100,000. Items cost memory, bytes alone do not. */
const MOST_ITEMS = 262_144;
/** Most arrays in arrays: a session file has 8. Encoding takes time by the square of this: 4,000 levels cost 100 ms, and a stack. */
const MOST_LEVELS = 16;

/**
 * What is too much in `bytes`, looked at item by item without a call stack; undefined where nothing is. Bytes that are no CBOR end the
 * look: what stands before them is within the bounds, and the decoder stops at them too.
 */
function excess(bytes: Uint8Array, most: number): string | undefined {
  /** How many items each open array still wants. */
  const open: number[] = [];
  let count = 0;
  for (let at = 0; at < bytes.length; ) {
    if (++count > most) return `at most ${most} items`;
    const head = bytes[at]!;
    const info = head & 31;
    const extra = info < 24 ? 0 : 2 ** (info - 24);
    if (info > 27 || at + 1 + extra > bytes.length) return undefined;
    let size = extra === 0 ? info : 0;
    for (let i = 1; i <= extra; i++) size = size * 256 + bytes[at + i]!;
    at += 1 + extra;
    const major = head >> 5;
    // Byte and text strings carry their content; arrays, maps and tags carry items.
    if (major === 2 || major === 3) at += size;
    const items = major === 4 ? size : major === 5 ? 2 * size : major === 6 ? 1 : 0;
    if (items > 0) open.push(items);
    else while (open.length > 0 && --open[open.length - 1]! === 0) open.pop();
    if (open.length > MOST_LEVELS) return `at most ${MOST_LEVELS} levels`;
  }
  return undefined;
}

/**
 * Decodes one array of at most `most` items in all, 16 levels deep. Refuses bytes that would not encode to themselves.
 * @throws TacitError `code`; never anything else, whatever the bytes.
 */
export function fromCbor(bytes: Uint8Array, where: string, code: string, length?: number, most: number = MOST_ITEMS): Fields {
  const bound = excess(bytes, most);
  if (bound !== undefined) throw new TacitError(code, `${where}: expected ${bound}, got more`);
  let value: unknown;
  let canonical = false;
  try {
    value = decode(bytes, { strict: true, allowIndefinite: false, allowUndefined: false, allowNaN: false, allowInfinity: false });
    canonical = sameBytes(encode(value), bytes);
  } catch {
    canonical = false;
  }
  if (!canonical) throw new TacitError(code, `${where}: expected canonical CBOR, got ${bytes.length} bytes that are not`);
  return new Fields(value, where, code, length);
}
