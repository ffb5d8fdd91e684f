/** @file Bits times values: injection, selection, bits as integers; on bits at hand, or piece by piece as a comparison makes them. */
import { STREAM } from "../streams.ts";
import { type Context, type Op, Part } from "./context.ts";
import { add, free, fresh, sameSize, sub } from "./local.ts";
import type { Piece, Shares, SplitBits } from "./values.ts";

/** Clear of the sign bit's messages: relu and select run in one op. */
const MESSAGE = { deal: 8, share: 9 } as const;

/** Role 2: a message of `bytes` to role 1; both its output shares are streams. */
function deal(part: Part, bytes: number, depth: number, out: Shares, make: (at: number) => void): number {
  const message = part.ctx.alloc(bytes);
  make(message);
  part.send(1, MESSAGE.deal, depth, message, bytes);
  part.ctx.release(message);
  part.kernels.keystream(part.low(STREAM.out2), out.a, 8 * part.n);
  part.kernels.keystream(part.high(STREAM.out0), out.b, 8 * part.n);
  return depth;
}

/** Role 2's message, waited for by role 1 in its place (0 elsewhere). */
interface Coming {
  readonly part: Part;
  readonly got: number;
  readonly arrived: Promise<number>;
}

/** Role 2 deals a round before the others have their bits: role 1 waits from the start, so that no link holds the message. */
function expectDeal(part: Part, bytes: number): Coming {
  if (part.role !== 1) return { part, got: 0, arrived: Promise.resolve(0) };
  const got = part.ctx.alloc(bytes);
  return { part, got, arrived: part.expect(2, MESSAGE.deal, got, bytes) };
}

/** Roles 0 and 1: (role 1: receive role 2's message,) make e and the own share, exchange e, finish. */
async function combine(
  coming: Coming,
  depth: number,
  make: (got: number, e: number) => void,
  finish: (e: number, other: number) => void,
): Promise<number> {
  const { part, got } = coming;
  const { ctx, n } = part;
  const e = ctx.alloc(8 * n);
  const other = ctx.alloc(8 * n);
  const peer = part.role === 0 ? 1 : 0;
  const share = part.expect(peer, MESSAGE.share, other, 8 * n);
  let ready = Math.max(depth, await coming.arrived);
  make(got, e);
  if (got) ctx.release(got);
  part.send(peer, MESSAGE.share, ready, e, 8 * n);
  ready = Math.max(ready, await share);
  finish(e, other);
  ctx.release(e, other);
  return ready;
}

function injectPiece(coming: Coming, words: number, x: Shares, out: Shares, depth: number): Promise<number> | number {
  const { part } = coming;
  const { kernels, n, role } = part;
  if (role === 2) {
    return deal(part, 16 * n, depth, out, (at) => kernels.injectDeal(n, words, x.a, x.b, at, part.high(STREAM.pairs)));
  }
  // A = x_1 is role 0's second component and role 1's first; the other component, and the own share of the result, the other way.
  const [a, rest, own, y1] = role === 0 ? [x.b, x.a, out.a, out.b] : [x.a, x.b, out.b, out.a];
  return combine(
    coming,
    depth,
    (got, e) => {
      const pairs = role === 0 ? part.low(STREAM.pairs) : 0;
      const mask = role === 0 ? part.low(STREAM.out0) : part.high(STREAM.out2);
      kernels.injectCombine(n, words, a, rest, got, pairs, mask, e, own);
    },
    (e, other) => kernels.injectFinish(n, words, a, e, other, y1),
  );
}

/**
 * What follows bits, piece by piece. A piece of a comparison is followed at once: role 2 has its bits a round before the
 * others and deals then, so that comparison and injection take 7 rounds and not 8.
 */
export interface Follow<T> {
  /** Before the bits are there: makes ready for messages that may come early. */
  prepare(piece: Piece): void;
  /** words: this piece's bits; depth: theirs. Resolves with the depth of the piece's result. */
  run(piece: Piece, words: number, depth: number): Promise<number> | number;
  /** The whole result, once every piece has run. */
  result(depth: number): T;
}

/** Follows bits by bit * x. */
export function followInject(ctx: Context, id: number, name: string, x: Shares): Follow<Shares> {
  const op: Op = ctx.begin(id, name);
  const out = fresh(ctx, x.n, x.depth);
  const coming: Coming[] = [];
  return {
    prepare: (piece) => {
      coming[piece.index] = expectDeal(new Part(op, piece), 16 * piece.n);
    },
    run: (piece, words, depth) => {
      const own = coming[piece.index]!;
      return injectPiece(own, words, own.part.of(x), own.part.of(out), Math.max(depth, x.depth));
    },
    result: (depth) => ({ ...out, depth }),
  };
}

/** Follows bits by ring integers 0 and 1. */
export function followIntegers(ctx: Context, id: number, n: number): Follow<Shares> {
  const op: Op = ctx.begin(id, "bitsToArithmetic");
  const out = fresh(ctx, n, 0);
  const coming: Coming[] = [];
  return {
    prepare: (piece) => {
      coming[piece.index] = expectDeal(new Part(op, piece), 8 * piece.n);
    },
    run: (piece, words, depth) => {
      const own = coming[piece.index]!;
      return integersPiece(own, words, own.part.of(out), depth);
    },
    result: (depth) => ({ ...out, depth }),
  };
}

function integersPiece(coming: Coming, words: number, out: Shares, depth: number): Promise<number> | number {
  const { part } = coming;
  const { kernels, n, role } = part;
  if (role === 2) return deal(part, 8 * n, depth, out, (at) => kernels.integerDeal(n, words, at, part.high(STREAM.pairs)));
  const [own, y1] = role === 0 ? [out.a, out.b] : [out.b, out.a];
  return combine(
    coming,
    depth,
    (got, e) => {
      const pairs = role === 0 ? part.low(STREAM.pairs) : 0;
      const mask = role === 0 ? part.low(STREAM.out0) : part.high(STREAM.out2);
      kernels.integerCombine(n, words, got, pairs, mask, e, own);
    },
    (e, other) => kernels.add64(e, other, y1, n),
  );
}

/** Runs a follow-up on bits that are at hand. */
export async function followBits<T>(bits: SplitBits, follow: Follow<T>): Promise<T> {
  for (const p of bits.pieces) follow.prepare(p);
  const depths = await Promise.all(bits.pieces.map((p) => follow.run(p, bits.words + p.lo / 8, bits.depth)));
  return follow.result(Math.max(bits.depth, ...depths));
}

/** bit * x, exact. 1 round, 10.7 bytes per element and party. The bits may be used again. */
export async function inject(ctx: Context, id: number, bits: SplitBits, x: Shares): Promise<Shares> {
  sameSize("inject", bits, x);
  return followBits(bits, followInject(ctx, id, "inject", x));
}

/** The bits as ring integers 0 and 1 (scale 0). 1 round, 8 bytes per element and party. */
export async function bitsToArithmetic(ctx: Context, id: number, bits: SplitBits): Promise<Shares> {
  return followBits(bits, followIntegers(ctx, id, bits.n));
}

/** bit ? x : y, exact. 1 round, 10.7 bytes per element and party. */
export async function select(ctx: Context, id: number, bits: SplitBits, x: Shares, y: Shares): Promise<Shares> {
  sameSize("select", x, y);
  sameSize("select", bits, x);
  const difference = sub(ctx, x, y);
  const chosen = await followBits(bits, followInject(ctx, id, "select", difference));
  const out = add(ctx, chosen, y);
  free(ctx, difference);
  free(ctx, chosen);
  return out;
}
