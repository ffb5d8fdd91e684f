/**
 * @file exp on (-16, 0], without normalisation, as one raw product.
 *
 * Steps, at g fraction bits (g = 16), m = g + 4, x = A + B with A known to roles 0 and 1, B to role 2:
 * 1. X = x + 2^m - 1; c = [X >= 0] (is x inside?) and w = carry of the low m bits of A and B, from one tree (6 rounds).
 * 2. With A' = A mod 2^m, B' = B mod 2^m: inside, X = A' + B' - w 2^m, so that exp(x / 2^g) =
 *    e^(2^-g) exp(A' / 2^g - 8) exp(B' / 2^g - 8) if w = 0, e^(2^-g) exp(A' / 2^g - 16) exp(B' / 2^g - 16) if w = 1.
 *    Every factor is computed in the clear by who knows its argument, with 30 fraction bits (e^(2^-g) goes into role 2's).
 * 3. c = c_u xor c_v, w = w_u xor w_v. Role 2 deals to roles 0 and 1 additive shares of a table of four pairs, one for each
 *    (c_u, w_u): (c (1 - w) F0(B'), c w F1(B')). They pick the pair that their bits name and multiply by F0(A'), F1(A'):
 *    an additive sharing of exp(x) with 60 fraction bits among roles 0 and 1, zero at role 2: a Raw. Role 2's message leaves when
 *    it knows its bits, a round before roles 0 and 1 know theirs (one piece; several pieces wait for each other: 1 round more).
 *
 * Secrecy. Step 1 is signBits. In step 3 role 0's shares are a stream of the key that roles 2 and 0 hold; role 1 receives the table
 * minus that stream, 64 uniform bytes per element. The picks are local. The result leaves only through truncation, as any Raw.
 * Accuracy. F0 <= e^8: each factor is rounded to 2^-30, so a product with w = 0 is off by less than 2 * 2^-31 * e^8 < 2^-18.4,
 * one with w = 1 by less than 2^-29. Below -16 the result is 0 (exp(-16) = 1.1e-7 < 2^-23). x > 0 is out of range.
 * 64/3 bytes per element and party in step 3, 15.8 in step 1.
 */
import type { Context, Part } from "../primitives/context.ts";
import { addPublic, free, Raw, type Shares, type SplitBits, signBits } from "../primitives/index.ts";
import { STREAM } from "../streams.ts";
import { expLow, FACTOR_BITS } from "./clear-exp.ts";

/** Fraction bits of the raw result. */
export const EXP_SCALE: number = 2 * FACTOR_BITS;
const MESSAGE = 0;
/** Words of the dealt table per element: four pairs. */
const TABLE = 8;

function int32(part: Part, at: number, words: number): Int32Array {
  const bytes = part.ctx.memory.bytes(at, 8 * words);
  return new Int32Array(bytes.buffer, bytes.byteOffset, 2 * words);
}

/** Bit e of a region. */
function bitsOf(part: Part, at: number): (e: number) => number {
  const bytes = part.ctx.memory.bytes(at, Math.ceil(part.n / 8));
  return (e) => (bytes[e >> 3]! >> (e & 7)) & 1;
}

/** The bits of a piece: c and w, each at roles 0 and 1 u, at role 2 v. */
interface PieceBits {
  readonly inside: number;
  readonly carry: number;
}

/** Window of exponents: e^(2^-g) belongs to role 2's factor. */
function factors(part: Part, x: number, g: number, at: number, extra: number): void {
  const { n } = part;
  const from = int32(part, x, n);
  expLow(from, int32(part, at, n), n, g + 4, g, 8 - extra);
  expLow(from, int32(part, at + 8 * n, n), n, g + 4, g, 16 - extra);
}

/** Role 2: the table, entry s = 2 c_u + w_u at words [2 s n, 2 s n + 2 n). */
function deal(part: Part, x: Shares, bits: PieceBits, g: number, depth: number): number {
  const { ctx, n, kernels } = part;
  const [b, f, table, pads] = [8, 16, 8 * TABLE, 8 * TABLE].map((bytes) => ctx.alloc(bytes * n)) as [
    number,
    number,
    number,
    number,
  ];
  kernels.add64(x.a, x.b, b, n);
  factors(part, b, g, f, 2 ** -g);
  const [c, w] = [bitsOf(part, bits.inside), bitsOf(part, bits.carry)];
  const from = int32(part, f, 2 * n);
  const to = int32(part, table, TABLE * n);
  for (let e = 0; e < n; e++) {
    // c = 1 at c_u = 1 - c_v; there w = 0 at w_u = w_v (factor F0) and w = 1 at w_u = 1 - w_v (factor F1).
    const cu = 1 - c(e);
    const wv = w(e);
    for (const [pick, wu] of [
      [0, wv],
      [1, 1 - wv],
    ] as const) {
      const source = 2 * (pick * n + e);
      const target = 2 * ((2 * (2 * cu + wu) + pick) * n + e);
      to[target] = from[source]!;
      to[target + 1] = from[source + 1]!;
    }
  }
  kernels.keystream(part.high(STREAM.pairs), pads, 8 * TABLE * n);
  kernels.sub64(table, pads, table, TABLE * n);
  part.send(1, MESSAGE, depth, table, 8 * TABLE * n);
  ctx.release(b, f, table, pads);
  return depth;
}

/** Roles 0 and 1: the picked pair times the own factors, into z. */
async function pick(part: Part, a: number, bits: PieceBits, g: number, z: number, depth: number): Promise<number> {
  const { ctx, n, kernels } = part;
  const table = ctx.alloc(8 * TABLE * n);
  let ready = depth;
  if (part.role === 0) kernels.keystream(part.low(STREAM.pairs), table, 8 * TABLE * n);
  else ready = Math.max(ready, await part.receive(2, MESSAGE, table, 8 * TABLE * n));
  const [f, picked] = [ctx.alloc(16 * n), ctx.alloc(16 * n)];
  factors(part, a, g, f, 0);
  const [c, w] = [bitsOf(part, bits.inside), bitsOf(part, bits.carry)];
  const from = int32(part, table, TABLE * n);
  const to = int32(part, picked, 2 * n);
  for (let e = 0; e < n; e++) {
    const entry = 2 * (2 * c(e) + w(e));
    for (let k = 0; k < 2; k++) {
      const source = 2 * ((entry + k) * n + e);
      to[2 * (k * n + e)] = from[source]!;
      to[2 * (k * n + e) + 1] = from[source + 1]!;
    }
  }
  kernels.mul64(picked, f, z, n);
  kernels.mulAdd64(picked + 8 * n, f + 8 * n, z, z, n);
  ctx.release(table, f, picked);
  return ready;
}

/**
 * exp(x), x in (-16, 0] with g fraction bits (g a multiple of 4), as a raw product with 60 fraction bits; 0 below. Ids id and id + 1.
 * 6 rounds; 37 bytes per element and party.
 */
export async function expWindow(ctx: Context, id: number, x: Shares, g: number): Promise<Raw> {
  const m = g + 4;
  const shifted = addPublic(ctx, x, (1n << BigInt(m)) - 1n);
  const { bits, carry } = await signBits(ctx, id, shifted, { carryBits: m });
  const split = carry as SplitBits;
  const op = ctx.begin(id + 1, "exp");
  const z = ctx.alloc(8 * x.n);
  const depth = await op.each(bits.pieces, bits.depth, (part) => {
    const own = part.of(shifted);
    const at = { inside: bits.words + part.lo / 8, carry: split.words + part.lo / 8 };
    if (part.role === 2) return deal(part, own, at, g, bits.depth);
    return pick(part, part.role === 0 ? own.b : own.a, at, g, z + 8 * part.lo, bits.depth);
  });
  free(ctx, shifted);
  free(ctx, bits);
  free(ctx, split);
  return new Raw(z, x.n, depth);
}
