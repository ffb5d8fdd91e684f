/** @file Mutations of bytes: flips, cuts, repeats, splices of two examples, and length fields at their extremes. */
import type { Dice } from "./dice.ts";

/** What a length field may say: around every width, and far beyond any input. */
const LENGTHS = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

const join = (...parts: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
};

type Mutation = (bytes: Uint8Array, dice: Dice, other: Uint8Array) => Uint8Array;

function overwrite(bytes: Uint8Array, dice: Dice, width: number, value: number): Uint8Array {
  if (bytes.length < width) return bytes;
  const out = bytes.slice();
  const at = dice.below(bytes.length - width + 1);
  const little = dice.once(2);
  for (let i = 0; i < width; i++) out[at + i] = Math.floor(value / 256 ** (little ? i : width - 1 - i)) & 255;
  return out;
}

const MUTATIONS: readonly Mutation[] = [
  // A bit.
  (b, d) => {
    const out = b.slice();
    if (b.length > 0) out[d.below(b.length)]! ^= 1 << d.below(8);
    return out;
  },
  // A byte.
  (b, d) => overwrite(b, d, 1, d.below(256)),
  // A length, in either order of bytes.
  (b, d) => overwrite(b, d, d.pick([1, 2, 4, 8]), d.pick(LENGTHS)),
  // Some bytes more.
  (b, d) => {
    const at = d.below(b.length + 1);
    return join(b.subarray(0, at), d.bytes(1 + d.below(4)), b.subarray(at));
  },
  // Some bytes less.
  (b, d) => {
    const at = d.below(b.length + 1);
    return join(b.subarray(0, at), b.subarray(Math.min(b.length, at + 1 + d.below(8))));
  },
  // Cut short.
  (b, d) => b.slice(0, d.below(b.length + 1)),
  // A piece again, at its place or elsewhere.
  (b, d) => {
    const from = d.below(b.length + 1);
    const piece = b.subarray(from, from + 1 + d.below(32));
    const at = d.once(2) ? from : d.below(b.length + 1);
    return join(b.subarray(0, at), piece, b.subarray(at));
  },
  // The beginning of one, the end of another.
  (b, d, other) => join(b.subarray(0, d.below(b.length + 1)), other.subarray(d.below(other.length + 1))),
  // Two after each other.
  (b, _, other) => join(b, other),
];

/** One byte or short piece, thousands of times: what is not linear shows. */
function stretch(bytes: Uint8Array, dice: Dice): Uint8Array {
  const at = dice.below(bytes.length + 1);
  const piece = dice.once(4) ? dice.bytes(1 + dice.below(3)) : bytes.subarray(at, at + 1 + dice.below(3));
  if (piece.length === 0) return bytes;
  const many = new Uint8Array(piece.length * 2 ** (8 + dice.below(8)));
  for (let i = 0; i < many.length; i++) many[i] = piece[i % piece.length]!;
  return join(bytes.subarray(0, at), many, bytes.subarray(at));
}

/** One to four mutations of `bytes`. `other` is another valid example. */
export function mutateBytes(bytes: Uint8Array, dice: Dice, other: Uint8Array): Uint8Array {
  if (dice.once(2000)) return stretch(bytes, dice);
  let out = bytes;
  for (let k = 1 + dice.below(2) * dice.below(4); k > 0; k--) out = dice.pick(MUTATIONS)(out, dice, other);
  return out;
}
