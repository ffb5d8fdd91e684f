/** @file Mutations of CBOR by its structure (RFC 8949): elements removed, doubled, retyped, moved; heads that lie or are not canonical. */
import type { Dice } from "./dice.ts";

/** A data item of an example. Bytes that are CBOR themselves are known by their content: mutations reach inside. */
interface Item {
  readonly major: number;
  readonly size: number;
  /** As it stands in the example. */
  readonly bytes: Uint8Array;
  readonly content: Uint8Array;
  readonly items: readonly Item[];
  /** Items in all. */
  readonly count: number;
}

const NOTHING = new Uint8Array(0);
const sum = (items: readonly Item[]): number => items.reduce((n, i) => n + i.count, 1);

/** Reads one canonical item without tags, maps and floats: the examples are ours. */
function readItem(bytes: Uint8Array, at: number): Item {
  const head = bytes[at] ?? 31;
  const [major, info] = [head >> 5, head & 31];
  const extra = info < 24 ? 0 : 2 ** (info - 24);
  let size = extra === 0 ? info : 0;
  for (let i = 1; i <= extra; i++) size = size * 256 + bytes[at + i]!;
  let end = at + 1 + extra;
  if (info > 27 || end > bytes.length) throw new RangeError("an example that is no CBOR");
  const items: Item[] = [];
  let content: Uint8Array = NOTHING;
  if (major === 4) {
    for (let i = 0; i < size; i++) {
      const next = readItem(bytes, end);
      items.push(next);
      end += next.bytes.length;
    }
  } else if (major === 2 || major === 3) {
    content = bytes.subarray(end, end + size);
    end += size;
    if (major === 2) items.push(...within(content));
  }
  return { major, size, bytes: bytes.subarray(at, end), content, items, count: sum(items) };
}

function within(content: Uint8Array): Item[] {
  if (content.length < 2 || content[0]! >> 5 !== 4) return [];
  try {
    const item = readItem(content, 0);
    return item.bytes.length === content.length ? [item] : [];
  } catch {
    return [];
  }
}

function headBytes(major: number, size: number | bigint, width?: number): number[] {
  const n = BigInt(size);
  const w = width ?? (n < 24n ? 0 : n < 256n ? 1 : n < 65_536n ? 2 : n < 2n ** 32n ? 4 : 8);
  if (w === 0) return [(major << 5) | Number(n & 31n)];
  const out = [(major << 5) | (24 + Math.log2(w))];
  for (let i = w - 1; i >= 0; i--) out.push(Number((n >> BigInt(8 * i)) & 255n));
  return out;
}

const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];
const text = (s: string): number[] => [...headBytes(3, utf8(s).length), ...utf8(s)];

/** Items that should not stand where they are put: extremes, other types, what canonical CBOR here never has. */
const STRANGERS: readonly (readonly number[])[] = [
  ...[0, 1, 23, 24, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32].map((n) => headBytes(0, n)),
  ...[2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].map((n) => headBytes(0, n)),
  ...[0, 23, 2 ** 32].map((n) => headBytes(1, n)),
  headBytes(1, 2n ** 64n - 1n),
  [0x40],
  [0x60],
  [0x80],
  [0xa0],
  [0xf4],
  [0xf5],
  [0xf6],
  [0xf7],
  [0xf8, 0x18],
  [0xff],
  // Floats: 1, -0, infinities, NaN with and without a payload.
  [0xf9, 0x3c, 0x00],
  [0xf9, 0x80, 0x00],
  [0xf9, 0x7c, 0x00],
  [0xf9, 0x7e, 0x00],
  [0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0xfb, 0xff, 0xf0, 0, 0, 0, 0, 0, 0],
  [0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1],
  // Bounds as they travel: NaN, infinity, -0.
  [0x48, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
  [0x48, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0x48, 0x80, 0, 0, 0, 0, 0, 0, 0],
  // Maps: keys twice, and keys that mean something to JavaScript.
  [0xa2, 0x61, 0x61, 0x00, 0x61, 0x61, 0x01],
  [0xa1, ...text("__proto__"), 0x80],
  [0xa1, ...text("constructor"), 0x00],
  [0xa1, ...text("length"), 0x04],
  // Tags: time, big numbers, encoded CBOR, self-described.
  [0xc0, 0x60],
  [0xc1, 0x00],
  [0xc2, 0x41, 0x01],
  [0xd8, 0x18, 0x41, 0x80],
  [0xd9, 0xd9, 0xf7, 0x80],
  // Texts: control characters, wrong UTF-8, a lone surrogate, one that is long.
  text("__proto__"),
  text("toString"),
  text("\u0000"),
  text("\u001b[2J"),
  text("\u202e"),
  text("a".repeat(300)),
  [0x61, 0xff],
  [0x62, 0xc0, 0x80],
  [0x63, 0xed, 0xa0, 0x80],
  [0x64, 0xf4, 0x90, 0x80, 0x80],
  // Of no known length.
  [0x9f, 0xff],
  [0x5f, 0x41, 0x00, 0xff],
  [0x7f, 0x61, 0x61, 0xff],
  [0xbf, 0xff],
];

const LIES: readonly bigint[] = [
  0n,
  1n,
  23n,
  24n,
  255n,
  65_535n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 40n,
  2n ** 53n,
  2n ** 64n - 1n,
];

/** How an item is written instead. */
type Way = "remove" | "double" | "stranger" | "wrap" | "swap" | "wide" | "lie" | "cut" | "deep" | "bytes" | "endless" | "other";
const WAYS: readonly Way[] = [
  "remove",
  "double",
  "stranger",
  "stranger",
  "wrap",
  "swap",
  "wide",
  "lie",
  "cut",
  "bytes",
  "endless",
  "other",
];

/** The item at place `n`, in the order of the bytes. */
function nth(item: Item, n: number): Item {
  let left = n - 1;
  if (n === 0) return item;
  for (const i of item.items) {
    if (left < i.count) return nth(i, left);
    left -= i.count;
  }
  return item;
}

const arrayOf = (pieces: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([Uint8Array.from(headBytes(4, pieces.length)), ...pieces]);
const stringOf = (major: number, content: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.from(headBytes(major, content.length)), content]);

/** The pieces that stand in place of `item`, whose item number `n` is written in `way`. */
function write(item: Item, n: number, change: (target: Item) => readonly Uint8Array[]): readonly Uint8Array[] {
  if (n === 0) return change(item);
  let left = n - 1;
  const pieces: Uint8Array[] = [];
  for (const i of item.items) {
    if (left >= 0 && left < i.count) pieces.push(...write(i, left, change));
    else pieces.push(i.bytes);
    left -= i.count;
  }
  return [item.major === 4 ? arrayOf(pieces) : stringOf(item.major, Buffer.concat(pieces))];
}

function spoil(content: Uint8Array, dice: Dice): Uint8Array {
  const out = content.slice();
  if (out.length > 0) out[dice.below(out.length)] = dice.below(256);
  return dice.once(2) ? out : out.slice(0, dice.below(out.length + 1));
}

function swapped(items: readonly Item[], dice: Dice): Uint8Array[] {
  const pieces = items.map((i) => i.bytes);
  if (pieces.length < 2) return pieces;
  const [i, j] = [dice.below(pieces.length), dice.below(pieces.length)];
  [pieces[i], pieces[j]] = [pieces[j]!, pieces[i]!];
  return pieces;
}

/** `item` in another way: several pieces, or none. */
function changed(item: Item, way: Way, dice: Dice, other: Item): readonly Uint8Array[] {
  const { major, size, bytes, content } = item;
  const body = bytes.subarray(headBytes(major, size).length);
  const headed = (head: readonly number[], ...rest: readonly Uint8Array[]): Uint8Array[] => [
    Buffer.concat([Uint8Array.from(head), ...rest]),
  ];
  switch (way) {
    case "remove":
      return [];
    case "double":
      return [bytes, bytes];
    case "stranger":
      return headed(dice.pick(STRANGERS));
    case "wrap":
      return headed([0x81], bytes);
    case "swap":
      return major === 4 ? [arrayOf(swapped(item.items, dice))] : headed(dice.pick(STRANGERS));
    case "wide":
      return headed(headBytes(major, size, dice.pick([1, 2, 4, 8])), body);
    case "lie":
      return headed(headBytes(major, dice.pick(LIES)), body);
    case "cut":
      return [bytes.subarray(0, dice.below(bytes.length))];
    case "deep":
      return [new Uint8Array(2 ** (4 + dice.below(14))).fill(0x81), Uint8Array.of(0)];
    case "bytes":
      return major === 2 || major === 3 ? [stringOf(major, spoil(content, dice))] : headed(dice.pick(STRANGERS));
    case "endless":
      return headed([(major << 5) | 31], body, Uint8Array.of(0xff));
    case "other":
      return [nth(other, dice.below(other.count)).bytes];
  }
}

const parsed = new WeakMap<Uint8Array, Item>();
function itemOf(bytes: Uint8Array): Item {
  let item = parsed.get(bytes);
  if (item === undefined) parsed.set(bytes, (item = readItem(bytes, 0)));
  return item;
}

/** One or two mutations of the structure of `seed`; `other` lends elements. */
export function mutateCbor(seed: Uint8Array, dice: Dice, other: Uint8Array): Uint8Array {
  const item = itemOf(seed);
  const way = dice.once(500) ? "deep" : dice.pick(WAYS);
  return Uint8Array.from(
    Buffer.concat([...write(item, dice.below(item.count), (target) => changed(target, way, dice, itemOf(other)))]),
  );
}
