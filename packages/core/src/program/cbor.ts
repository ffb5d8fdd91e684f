/** @file The CBOR of Programs (RFC 8949 §4.2.1, deterministic): ASCII text, safe integers and arrays, nothing else. */
import { expected } from "../errors.ts";

/** What can be written. */
export type Item = number | string | readonly Item[];

const UNSIGNED = 0;
const NEGATIVE = 1;
const TEXT = 3;
const ARRAY = 4;
/** Op names are shorter than this. */
const MAX_TEXT = 64;

type Refuse = (want: string, got: string) => never;

/** Reads one head at `at`: [major type, argument, position after it]. */
function head(bytes: Uint8Array, at: number, refuse: Refuse): [number, number, number] {
  const first = bytes[at]!;
  const [major, low] = [first >> 5, first & 31];
  if (low < 24) return [major, low, at + 1];
  if (low > 27) refuse("definite lengths", `an additional information of ${low}`);
  const size = 2 ** (low - 24);
  if (at + 1 + size > bytes.length) refuse("a whole head", "the end of the bytes");
  let value = 0;
  for (let i = 1; i <= size; i++) value = value * 256 + bytes[at + i]!;
  const least = size === 1 ? 24 : 2 ** (4 * size);
  if (value < least) refuse("the shortest form of every integer", "a longer one");
  if (!Number.isSafeInteger(value)) refuse("integers below 2^53", "a larger one");
  return [major, value, at + 1 + size];
}

/**
 * A look at all heads before anything is read: only small text, integers and arrays, in shortest form, within the bytes.
 * It allocates nothing, so a length that is announced but not there, or a deep nesting, costs nothing.
 * Walks one item that must fill the bytes exactly; arrays nest at most `depth` deep.
 */
export function scan(bytes: Uint8Array, depth: number, refuse: Refuse): void {
  /** Items still to come on each open level. */
  const open: number[] = [1];
  let at = 0;
  while (open.length > 0) {
    if (open.at(-1) === 0) {
      open.pop();
      continue;
    }
    if (at >= bytes.length) refuse("more bytes", "the end");
    open[open.length - 1]!--;
    const [major, value, next] = head(bytes, at, refuse);
    at = next;
    if (major === TEXT) {
      if (value > MAX_TEXT) refuse(`text of at most ${MAX_TEXT} bytes`, `${value}`);
      if (value > bytes.length - at) refuse("a whole text", "the end of the bytes");
      for (const end = at + value; at < end; at++) if (bytes[at]! > 0x7f) refuse("ASCII text", "another byte");
    } else if (major === ARRAY) {
      // Every element takes at least one byte.
      if (value > bytes.length - at) refuse("arrays that fit in the bytes", `one of ${value} elements`);
      if (open.length > depth) refuse(`nesting of at most ${depth}`, "more");
      open.push(value);
    } else if (major !== UNSIGNED && major !== NEGATIVE) {
      refuse("integers, text and arrays", `CBOR major type ${major}`);
    }
  }
  if (at !== bytes.length) refuse("one item", `${bytes.length - at} bytes after it`);
}

/** Reads what `scan` let through. */
export function read(bytes: Uint8Array): Item {
  let at = 0;
  const item = (): Item => {
    const [major, value, next] = head(bytes, at, refuseHere);
    at = next;
    if (major === UNSIGNED) return value;
    if (major === NEGATIVE) return -1 - value;
    if (major === ARRAY) {
      const items: Item[] = [];
      for (let i = 0; i < value; i++) items.push(item());
      return items;
    }
    let text = "";
    for (const end = at + value; at < end; at++) text += String.fromCharCode(bytes[at]!);
    return text;
  };
  return item();
}

/** The shortest form of an item. @throws TacitError PROGRAM_INVALID on numbers that are no safe integers and on text that is not ASCII */
export function write(item: Item): Uint8Array {
  const out = new Output();
  out.item(item);
  return out.bytes.slice(0, out.used);
}

const refuseHere: Refuse = (want, got) => expected("PROGRAM_INVALID", "Program", want, got);

class Output {
  bytes = new Uint8Array(1024);
  used = 0;

  item(x: Item): void {
    if (typeof x === "string") {
      this.head(TEXT, x.length);
      this.room(x.length);
      for (let i = 0; i < x.length; i++) {
        const code = x.charCodeAt(i);
        if (code > 0x7f) refuseHere("ASCII text", "another character");
        this.bytes[this.used++] = code;
      }
    } else if (typeof x !== "number") {
      this.head(ARRAY, x.length);
      for (const y of x) this.item(y);
    } else {
      if (!Number.isSafeInteger(x)) refuseHere("safe integers", "another number");
      if (x >= 0) this.head(UNSIGNED, x);
      else this.head(NEGATIVE, -1 - x);
    }
  }

  private head(major: number, value: number): void {
    const size = value < 24 ? 0 : value < 2 ** 8 ? 1 : value < 2 ** 16 ? 2 : value < 2 ** 32 ? 4 : 8;
    this.room(1 + size);
    this.bytes[this.used++] = (major << 5) | (size === 0 ? value : 24 + Math.log2(size));
    // A Uint8Array keeps the lowest 8 bits of what it is given.
    for (let i = size - 1; i >= 0; i--) this.bytes[this.used++] = Math.floor(value / 256 ** i);
  }

  private room(more: number): void {
    if (this.used + more <= this.bytes.length) return;
    const old = this.bytes;
    this.bytes = new Uint8Array(2 * (this.used + more));
    this.bytes.set(old);
  }
}
