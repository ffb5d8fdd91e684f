/**
 * @file A look at CBOR heads before any parsing: only small text, integers and arrays, in shortest form, within the bytes.
 * It allocates nothing, so a length that is announced but not there, or a deep nesting, costs nothing.
 */

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

/** Walks one item that must fill the bytes exactly; arrays nest at most `depth` deep. */
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
      at += value;
      if (at > bytes.length) refuse("a whole text", "the end of the bytes");
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
