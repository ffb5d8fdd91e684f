/** @file Bits in replicated XOR shares: from split bits, conjunction, and back. */
import { TacitError } from "@tacit/core/errors";
import { STREAM } from "../streams.ts";
import { type Context, type Op, Part, planPieces } from "./context.ts";
import { type Follow, followBits } from "./inject.ts";
import { sameSize } from "./local.ts";
import { type BitShares, bitBytes, type Piece, type SplitBits } from "./values.ts";

const MESSAGE = 0;

function freshBits(ctx: Context, n: number, depth: number): BitShares {
  return { a: ctx.alloc(bitBytes(n)), b: ctx.alloc(bitBytes(n)), n, depth };
}

/** Follows bits by replicated shares of them. */
export function followBitShares(ctx: Context, id: number, n: number): Follow<BitShares> {
  const op: Op = ctx.begin(id, "toBitShares");
  const out = freshBits(ctx, n, 0);
  return {
    prepare: () => {},
    run: (piece, words, depth) => {
      const at = piece.lo / 8;
      return bitSharesPiece(new Part(op, piece), words, out.a + at, out.b + at, depth);
    },
    result: (depth) => ({ ...out, depth }),
  };
}

function bitSharesPiece(part: Part, words: number, a: number, b: number, depth: number): Promise<number> | number {
  const { kernels, role } = part;
  const bytes = bitBytes(part.n);
  if (role === 2) {
    kernels.keystream(part.high(STREAM.bits), b, bytes);
    kernels.xorBytes(bytes, words, b, a, 0);
    part.send(1, MESSAGE, depth, a, bytes);
    return depth;
  }
  kernels.xorBytes(bytes, words, 0, role === 0 ? b : a, 0);
  if (role === 1) return part.receive(2, MESSAGE, b, bytes).then((received) => Math.max(received, depth));
  kernels.keystream(part.low(STREAM.bits), a, bytes);
  return depth;
}

/**
 * Replicated shares of split bits: x_1 = u, x_0 a stream of role 2 and role 0, x_2 = v ^ x_0, sent by role 2. 1 round, 1/24 byte
 * per bit and party (no round at all as a follow-up of signBits: role 2 sends while roles 0 and 1 learn u).
 */
export async function toBitShares(ctx: Context, id: number, bits: SplitBits): Promise<BitShares> {
  return followBits(bits, followBitShares(ctx, id, bits.n));
}

/** Back to u ^ v without a message: u = x_1, v = x_2 ^ x_0. `id` only chooses the pieces' roles; it may be used by an interactive op too. */
export function toSplitBits(ctx: Context, id: number, x: BitShares): SplitBits {
  const pieces: readonly Piece[] = planPieces(x.n, ctx.me, id);
  const words = ctx.alloc(bitBytes(x.n));
  for (const p of pieces) {
    const at = p.lo / 8;
    const bytes = bitBytes(p.n);
    if (p.role === 2) ctx.kernels.xorBytes(bytes, x.a + at, x.b + at, words + at, 0);
    else ctx.kernels.xorBytes(bytes, (p.role === 0 ? x.b : x.a) + at, 0, words + at, 0);
  }
  return { words, n: x.n, depth: x.depth, pieces };
}

/** One round of conjunctions over whole regions, in pieces of `op`; `level` numbers the stream and the message. */
async function andRegions(op: Op, level: number, bytes: number, x: BitShares, y: BitShares, out: BitShares): Promise<number> {
  const depth = Math.max(x.depth, y.depth);
  // A piece of `n` 8-byte words stands for n * 64 bits.
  const pieces = planPieces(bytes / 8, op.ctx.me, op.id);
  return op.each(pieces, depth, (part: Part) => {
    const at = 8 * part.lo;
    const size = 8 * part.n;
    const states = [part.low(STREAM.and + level), part.high(STREAM.and + level)] as const;
    part.kernels.andShare(size, x.a + at, x.b + at, y.a + at, y.b + at, out.a + at, ...states);
    part.send(part.previous, level, depth, out.a + at, size);
    return part.receive(part.next, level, out.b + at, size);
  });
}

/** x and y, bit by bit. 1 round, 1/8 byte per bit and party. */
export async function and(ctx: Context, id: number, x: BitShares, y: BitShares): Promise<BitShares> {
  sameSize("and", x, y);
  const op = ctx.begin(id, "and");
  const out = freshBits(ctx, x.n, 0);
  const depth = await andRegions(op, 0, bitBytes(x.n), x, y, out);
  return { ...out, depth };
}

/** Regions of several bit tensors, one behind the other. */
function gather(ctx: Context, xs: readonly BitShares[]): BitShares {
  const size = bitBytes(xs[0]!.n);
  const total = { a: ctx.alloc(size * xs.length), b: ctx.alloc(size * xs.length) };
  xs.forEach((x, i) => {
    ctx.kernels.xorBytes(size, x.a, 0, total.a + size * i, 0);
    ctx.kernels.xorBytes(size, x.b, 0, total.b + size * i, 0);
  });
  return { ...total, n: xs.length * size * 8, depth: Math.max(...xs.map((x) => x.depth)) };
}

function part(x: BitShares, index: number, n: number): BitShares {
  const at = index * bitBytes(n);
  return { a: x.a + at, b: x.b + at, n, depth: x.depth };
}

/**
 * The conjunction of all xs (at least one, equal sizes), bit by bit, in ceil(log2 k) rounds. The xs are not consumed.
 * Throws MPC_SHAPE.
 */
export async function andTree(ctx: Context, id: number, xs: readonly BitShares[]): Promise<BitShares> {
  const first = xs[0];
  if (!first) throw new TacitError("MPC_SHAPE", "andTree: expected at least one operand, got none", {});
  for (const x of xs) sameSize("andTree", first, x);
  const op = ctx.begin(id, "andTree");
  const { n } = first;
  const size = bitBytes(n);
  let current = gather(ctx, xs);
  for (let count = xs.length, level = 0; count > 1; level++) {
    const pairs = count >> 1;
    const odd = count & 1;
    const out = { a: ctx.alloc(size * (pairs + odd)), b: ctx.alloc(size * (pairs + odd)), n: 0, depth: 0 };
    // Pairs are (i, i + pairs), so that both operands of all pairs lie in one piece each.
    const depth = await andRegions(op, level, size * pairs, current, part(current, pairs, n), out);
    if (odd) {
      ctx.kernels.xorBytes(size, current.a + size * 2 * pairs, 0, out.a + size * pairs, 0);
      ctx.kernels.xorBytes(size, current.b + size * 2 * pairs, 0, out.b + size * pairs, 0);
    }
    ctx.release(current.a, current.b);
    count = pairs + odd;
    current = { ...out, n: count * size * 8, depth };
  }
  return { ...current, n };
}
