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
import { EXP_TOP } from "../bounds.ts";
import type { Context, Part } from "../primitives/context.ts";
import { addPublic, addRaw, free, Raw, type Shares, type SplitBits, signBits, type Width, xorBits } from "../primitives/index.ts";
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

/** What a window computes: exp on (top - 16, top], factors with `bits` fraction bits. */
interface Window {
  readonly g: number;
  readonly top: number;
  readonly bits: number;
}

/** The factors of one party's words, for w = 0 and w = 1; e^(2^-g) (`extra`) belongs to role 2's. */
function factors(part: Part, x: number, { g, top, bits }: Window, at: number, extra: number): void {
  const { n } = part;
  const from = int32(part, x, n);
  const half = top / 2 + extra;
  expLow(from, int32(part, at, n), n, { m: g + 4, g, bits, offset: 8 - half });
  expLow(from, int32(part, at + 8 * n, n), n, { m: g + 4, g, bits, offset: 16 - half });
}

/** Role 2: the table, entry s = 2 c_u + w_u at words [2 s n, 2 s n + 2 n). */
function deal(part: Part, x: Shares, bits: PieceBits, window: Window, depth: number): number {
  const { ctx, n, kernels } = part;
  const [b, f, table, pads] = [8, 16, 8 * TABLE, 8 * TABLE].map((bytes) => ctx.alloc(bytes * n)) as [
    number,
    number,
    number,
    number,
  ];
  kernels.add64(x.a, x.b, b, n);
  factors(part, b, window, f, 2 ** -window.g);
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
async function pick(part: Part, a: number, bits: PieceBits, window: Window, z: number, depth: number): Promise<number> {
  const { ctx, n, kernels } = part;
  const table = ctx.alloc(8 * TABLE * n);
  let ready = depth;
  if (part.role === 0) kernels.keystream(part.low(STREAM.pairs), table, 8 * TABLE * n);
  else ready = Math.max(ready, await part.receive(2, MESSAGE, table, 8 * TABLE * n));
  const [f, picked] = [ctx.alloc(16 * n), ctx.alloc(16 * n)];
  factors(part, a, window, f, 0);
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

/** Steps 2 and 3 on given bits. x is shifted as in step 1. */
async function products(ctx: Context, id: number, x: Shares, inside: SplitBits, carry: SplitBits, window: Window): Promise<Raw> {
  const op = ctx.begin(id, "exp");
  const z = ctx.alloc(8 * x.n);
  const start = Math.max(inside.depth, carry.depth);
  const depth = await op.each(inside.pieces, start, (part) => {
    const own = part.of(x);
    const at = { inside: inside.words + part.lo / 8, carry: carry.words + part.lo / 8 };
    if (part.role === 2) return deal(part, own, at, window, start);
    return pick(part, part.role === 0 ? own.b : own.a, at, window, z + 8 * part.lo, start);
  });
  return new Raw(z, x.n, depth);
}

/**
 * exp(x), x in (-16, 0] with g fraction bits (g a multiple of 4), as a raw product with 60 fraction bits; 0 below. Ids id and id + 1.
 * 6 rounds; 37 bytes per element and party.
 */
export async function expWindow(ctx: Context, id: number, x: Shares, g: number, width: Width = 64): Promise<Raw> {
  const m = g + 4;
  const shifted = addPublic(ctx, x, (1n << BigInt(m)) - 1n);
  const { bits, carry } = await signBits(ctx, id, shifted, { carryBits: m, width });
  const raw = await products(ctx, id + 1, shifted, bits, carry as SplitBits, { g, top: 0, bits: FACTOR_BITS });
  for (const y of [shifted, bits, carry as SplitBits]) free(ctx, y);
  return raw;
}

/** Fraction bits of a factor of `exp`: its product reaches e^10 2^46 < 2^61. */
const WIDE_FACTOR_BITS = 23;
/** Fraction bits of the raw result of `exp`. */
export const EXP_WIDE_SCALE: number = 2 * WIDE_FACTOR_BITS;

/**
 * exp(x) on (-22, 10], 0 below, as a raw product with 46 fraction bits: two windows of 16, (-6, 10] and (-22, -6]. The lower one is
 * inside where [x > -22] and not [x > -6]: the first follows from the second, so that their exclusive or is that conjunction.
 * Error below 2^-15 + 2^-17 exp(x). Ids id .. id + 9. 6 rounds; 74 bytes per element and party.
 */
export async function expRange(ctx: Context, id: number, x: Shares, g: number, width: Width = 64): Promise<Raw> {
  const m = g + 4;
  const unit = 1n << BigInt(g);
  const top = BigInt(EXP_TOP);
  const [upper, lower] = [top, top - 16n].map((t) => addPublic(ctx, x, (16n - t) * unit - 1n)) as [Shares, Shares];
  // Ids apart by a multiple of 3: the same roles for the same pieces.
  const signs = await Promise.all([upper, lower].map((y, i) => signBits(ctx, id + 3 * i, y, { carryBits: m, width })));
  const [above, below] = signs.map((s) => s.bits) as [SplitBits, SplitBits];
  const [carryA, carryB] = signs.map((s) => s.carry) as [SplitBits, SplitBits];
  const only = xorBits(ctx, above, below);
  const window = { g, bits: WIDE_FACTOR_BITS };
  const raws = await Promise.all([
    products(ctx, id + 6, upper, above, carryA, { ...window, top: EXP_TOP }),
    products(ctx, id + 9, lower, only, carryB, { ...window, top: EXP_TOP - 16 }),
  ]);
  for (const y of [upper, lower, above, below, carryA, carryB, only]) free(ctx, y);
  return addRaw(ctx, raws[0]!, raws[1]!);
}
