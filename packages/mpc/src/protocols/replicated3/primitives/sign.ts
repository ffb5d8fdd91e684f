/**
 * @file Comparison: the sign bit by a tree of (generate, propagate) pairs over 16 digits, with the carry of the low digits on request. Shares
 * modulo 2^64 are shares modulo 2^32 too: of values in [-2^31, 2^31) the same tree over the low 8 digits gives the same bit.
 */
import { TacitError } from "@tacit/core/errors";
import { STREAM } from "../streams.ts";
import { type Context, type Part, planPieces } from "./context.ts";
import { type Follow, followInject, followIntegers } from "./inject.ts";
import { sameSize } from "./local.ts";
import { bitBytes, type Piece, type Shares, type SplitBits } from "./values.ts";

const MESSAGE = { tables: 0, pairs: 1, level: 2 } as const;
/** Bits of a comparison's ring. */
export type Width = 32 | 64;
/** Bytes of tables per block of 128 elements: 15 planes a digit, 7 of the top one. */
const tableBytes = (digits: number): number => 16 * (15 * digits - 8);
const FLIP = -1;

/** Bytes per block of the planes G_0 .. G_m-1, P_1 .. P_m-1. */
function planes(m: number): number {
  return (2 * m - 1) * 16;
}

export interface SignOptions {
  /**
   * 32: x - threshold is taken to lie in [-2^31, 2^31); of another the bit is that of its low 32 bits, and nothing more is learnt. A round
   * less, half the bytes. Default 64.
   */
  readonly width?: Width;
  /** The bit is [x >= threshold], exact unless x - threshold leaves the ring (of `width` bits). Default 0n; 1n gives [x > 0]. */
  readonly threshold?: bigint;
  /**
   * Also the carry out of the low `carryBits` bits (a multiple of 4, 4 .. width - 4) of A + B, where A = x_1 is known to roles 0 and 1
   * and B = x_2 + x_0 to role 2: floor(x / 2^m) = (A >> m) + (B >> m) + carry. Needs threshold 0n.
   */
  readonly carryBits?: number;
  /** Also bit * x for each of these, in one more round. */
  readonly inject?: readonly Shares[];
  /** Also the bits as ring integers 0 and 1, in one more round. */
  readonly integers?: boolean;
  /** Also the carry as ring integers, in one more round. */
  readonly carryIntegers?: boolean;
}

export interface Signs {
  readonly bits: SplitBits;
  readonly carry?: SplitBits;
  readonly injected: readonly Shares[];
  readonly integers?: Shares;
  readonly carryIntegers?: Shares;
}

/** A (generate, propagate) pair in replicated XOR shares, one plane per block; p absent: it starts at digit 0. */
interface Pair {
  readonly g: Two;
  readonly p: Two | undefined;
}
type Two = readonly [first: number, second: number];

/** Where the results of a piece go. */
interface Targets {
  readonly bits: number;
  readonly carry: number;
  /** Digits that the carry covers, 0: none. */
  readonly digits: number;
}

/** The tree: digits, and levels over them. */
interface Tree {
  readonly digits: number;
  readonly levels: number;
}
const TREES: Readonly<Record<Width, Tree>> = { 32: { digits: 8, levels: 3 }, 64: { digits: 16, levels: 4 } };

/** Steps 1 and 2: role 2 deals tables; roles 0 and 1 select, exchange masked pairs. Gives replicated shares of the leaf pairs. */
async function leaves(part: Part, x: Shares, threshold: bigint, digits: number, top: number): Promise<[Two, number]> {
  const { ctx, n, kernels } = part;
  const { depth } = x;
  const blocks = Math.ceil(n / 128);
  const bytes = planes(digits) * blocks;
  const dealt = tableBytes(digits) * blocks;
  const first = ctx.alloc(bytes);
  const second = ctx.alloc(bytes);
  if (part.role === 2) {
    const tables = ctx.alloc(dealt);
    kernels.signDeal(digits, n, x.a, x.b, tables, top, part.high(STREAM.tables));
    part.send(1, MESSAGE.tables, depth, tables, dealt);
    ctx.release(tables);
    kernels.keystream(part.low(STREAM.generate2), first, bytes);
    kernels.keystream(part.high(STREAM.generate0), second, bytes);
    return [[first, second], depth];
  }
  const message = ctx.alloc(bytes);
  const [peer, got] = part.role === 0 ? ([1, second] as const) : ([0, first] as const);
  const coming = part.expect(peer, MESSAGE.pairs, got, bytes);
  let ready = depth;
  if (part.role === 0) {
    kernels.keystream(part.low(STREAM.generate0), first, bytes);
    kernels.signSelect(digits, n, x.b, -threshold, 0, part.low(STREAM.tables), first, message, top);
  } else {
    const tables = ctx.alloc(dealt);
    ready = Math.max(ready, await part.receive(2, MESSAGE.tables, tables, dealt));
    kernels.keystream(part.high(STREAM.generate2), second, bytes);
    kernels.signSelect(digits, n, x.a, -threshold, tables, 0, second, message, top);
    ctx.release(tables);
  }
  part.send(peer, MESSAGE.pairs, ready, message, bytes);
  ready = Math.max(ready, await coming);
  kernels.xorBytes(bytes, message, got, got, 0);
  ctx.release(message);
  return [[first, second], ready];
}

/** One plane of every block of a level's pairs. */
function plane(part: Part, from: Two, m: number, index: number): Two {
  const blocks = Math.ceil(part.n / 128);
  const take = (x: number): number => {
    const out = part.ctx.alloc(16 * blocks);
    part.kernels.takePlane(blocks, x + 16 * index, planes(m), out);
    return out;
  };
  return [take(from[0]), take(from[1])];
}

/** The pair at node `node` of a level with m nodes. */
function nodePair(part: Part, from: Two, m: number, node: number): Pair {
  return { g: plane(part, from, m, node), p: node === 0 ? undefined : plane(part, from, m, m - 1 + node) };
}

function releasePair(ctx: Context, pair: Pair): void {
  ctx.release(...pair.g, ...(pair.p ?? []));
}

/** Streams of a level: at the last one nothing goes to role 2, so the key of roles 0 and 1 masks nothing and is left out. */
function masks(part: Part, stream: number, last: boolean): readonly [number, number] {
  return [last && part.role === 1 ? 0 : part.low(stream), last && part.role === 0 ? 0 : part.high(stream)];
}

/** 3-of-3 shares of the pair (high after low) at `at`: the generate bits, then the propagate bits if low has them. */
function joinPairs(part: Part, high: Pair, low: Pair, level: number, last: boolean, at: number): void {
  const { kernels } = part;
  const bytes = 16 * Math.ceil(part.n / 128);
  if (!high.p) throw new TacitError("MPC_INTERNAL", "signBits: expected a propagate plane above digit 0, got none", {});
  const g = masks(part, STREAM.carryGenerate + level, last);
  kernels.andShare(bytes, high.p[0], high.p[1], low.g[0], low.g[1], at, ...g);
  kernels.xorBytes(bytes, at, high.g[0], at, 0);
  if (!low.p) return;
  const p = masks(part, STREAM.carryPropagate + level, last);
  kernels.andShare(bytes, high.p[0], high.p[1], low.p[0], low.p[1], at + bytes, ...p);
}

/** One piece: the whole tree. */
async function signPiece(part: Part, x: Shares, threshold: bigint, tree: Tree, to: Targets): Promise<number> {
  const { ctx, kernels } = part;
  const blocks = Math.ceil(part.n / 128);
  const line = 16 * blocks;
  const top = ctx.alloc(line);
  let [current, depth] = await leaves(part, x, threshold, tree.digits, top);
  let carry: Pair | undefined;
  for (let level = 1, m = tree.digits; level <= tree.levels; level++, m >>= 1) {
    const half = m >> 1;
    const last = level === tree.levels;
    const wanted = ((to.digits >> (level - 1)) & 1) === 1;
    const low = wanted ? nodePair(part, current, m, (to.digits >> level) * 2) : undefined;
    const joins = low !== undefined && carry !== undefined;
    const treeBytes = planes(half) * blocks;
    const extra = joins ? (low.p ? 2 : 1) * line : 0;
    const o = ctx.alloc(treeBytes + extra);
    kernels.signLevel(blocks, m, current[0], current[1], o, ...masks(part, STREAM.level + level, last));
    if (joins && carry) joinPairs(part, carry, low, level, last, o + treeBytes);
    ctx.release(...current);
    if (last) {
      const got = await exchangeLast(part, MESSAGE.level + level, o, treeBytes + extra, depth);
      depth = finish(part, got, o, top, line, joins, to, depth);
      if (!joins && (carry ?? low)) splitLocally(part, (carry ?? low)!, line, to.carry);
      for (const pair of [carry, low]) if (pair) releasePair(ctx, pair);
      ctx.release(o, top);
      return depth;
    }
    const other = ctx.alloc(treeBytes + extra);
    part.send(part.previous, MESSAGE.level + level, depth, o, treeBytes + extra);
    depth = Math.max(depth, await part.receive(part.next, MESSAGE.level + level, other, treeBytes + extra));
    const joined = joins ? joinedPair(part, o, other, treeBytes, line, low.p !== undefined) : undefined;
    if (joined) for (const pair of [carry, low]) if (pair) releasePair(ctx, pair);
    carry = joined ?? carry ?? low;
    current = [o, other];
  }
  throw new TacitError("MPC_INTERNAL", "signBits: expected a last level", {});
}

/** Copies the extra planes of a level out of its message. */
function joinedPair(part: Part, o: number, other: number, from: number, line: number, propagate: boolean): Pair {
  const take = (x: number): number => {
    const out = part.ctx.alloc(line);
    part.kernels.xorBytes(line, x, 0, out, 0);
    return out;
  };
  const two = (at: number): Two => [take(o + at), take(other + at)];
  return { g: two(from), p: propagate ? two(from + line) : undefined };
}

interface Exchanged {
  /** The other's message, undefined at role 2. */
  readonly at: number | undefined;
  readonly depth: number;
}

/** Last level: roles 0 and 1 show each other their shares, role 2 keeps its own. */
async function exchangeLast(part: Part, message: number, o: number, bytes: number, depth: number): Promise<Exchanged> {
  if (part.role === 2) return { at: undefined, depth };
  const peer = part.role === 0 ? 1 : 0;
  const at = part.ctx.alloc(bytes);
  part.send(peer, message, depth, o, bytes);
  return { at, depth: Math.max(depth, await part.receive(peer, message, at, bytes)) };
}

/** The sign bit (and a carry made at the last level): u = o_0 ^ o_1 ^ a_top ^ 1 at roles 0 and 1, v = o_2 ^ b_top at role 2. */
function finish(
  part: Part,
  got: Exchanged,
  o: number,
  top: number,
  line: number,
  withCarry: boolean,
  to: Targets,
  depth: number,
): number {
  const { kernels, ctx } = part;
  kernels.xorBytes(line, o, top, to.bits, part.role === 2 ? 0 : FLIP);
  if (withCarry) kernels.xorBytes(line, o + line, 0, to.carry, 0);
  if (got.at === undefined) return depth;
  kernels.xorBytes(line, to.bits, got.at, to.bits, 0);
  if (withCarry) kernels.xorBytes(line, to.carry, got.at + line, to.carry, 0);
  ctx.release(got.at);
  return got.depth;
}

/** A replicated bit is u = x_1 at roles 0 and 1, v = x_2 ^ x_0 at role 2: no message. */
function splitLocally(part: Part, pair: Pair, line: number, to: number): void {
  const [first, second] = pair.g;
  if (part.role === 2) part.kernels.xorBytes(line, first, second, to, 0);
  else part.kernels.xorBytes(line, part.role === 0 ? second : first, 0, to, 0);
}

function carryDigits(options: SignOptions): number {
  const { carryBits, threshold, carryIntegers, width = 64 } = options;
  if (carryBits === undefined && !carryIntegers) return 0;
  if (carryBits === undefined || !Number.isInteger(carryBits) || carryBits % 4 !== 0 || carryBits < 4 || carryBits > width - 4) {
    const range = `4..${width - 4}`;
    throw new TacitError("MPC_CARRY", `signBits: expected carryBits to be a multiple of 4 in ${range}, got ${carryBits}`, {});
  }
  if (threshold !== undefined && threshold !== 0n) {
    throw new TacitError("MPC_CARRY", "signBits: expected threshold 0 with carryBits, got another", {});
  }
  return carryBits / 4;
}

/** Everything that follows the bits of a comparison, with the ids id + 1, id + 2, ... in the order of SignOptions. */
interface Follows {
  readonly inject: readonly Follow<Shares>[];
  readonly integers: Follow<Shares> | undefined;
  readonly carryIntegers: Follow<Shares> | undefined;
}

function makeFollows(ctx: Context, id: number, n: number, options: SignOptions): Follows {
  let next = id;
  const when = <T>(wanted: boolean | undefined, make: (id: number) => Follow<T>): Follow<T> | undefined =>
    wanted ? make(++next) : undefined;
  return {
    inject: (options.inject ?? []).map((x) => {
      sameSize("signBits", x, { n });
      return followInject(ctx, ++next, "inject", x);
    }),
    integers: when(options.integers, (at) => followIntegers(ctx, at, n)),
    carryIntegers: when(options.carryIntegers, (at) => followIntegers(ctx, at, n)),
  };
}

/** Depth that every follow-up reaches over all pieces; a piece is followed as soon as its own bits are there. */
class Depths {
  readonly #of: Map<Follow<unknown>, number> = new Map();

  async run(follow: Follow<unknown>, piece: Piece, words: number, depth: number): Promise<void> {
    const reached = await follow.run(piece, words, depth);
    this.#of.set(follow, Math.max(reached, this.#of.get(follow) ?? 0));
  }
  result<T>(follow: Follow<T>): T {
    return follow.result(this.#of.get(follow) ?? 0);
  }
}

/** What a piece of signBits waits for. */
export interface Stages {
  /** What this piece compares, instead of its part of x: at a role 0 `b`, at a role 1 `a`, at a role 2 `a` + `b` (0: nothing). */
  before?(piece: Piece): Promise<Shares>;
  /** What its follow-ups read is there. */
  after?(piece: Piece): Promise<void>;
}

/**
 * Bits [x >= threshold], exact on all 64-bit values (or 32-bit ones, `width`). 6 rounds, about 15.5 bytes per element and party (5 and 7.3;
 * whole blocks of 128); follow-ups take ids of their own, id + 1 onwards, and at most one more round in all. Throws MPC_CARRY, MPC_SHAPE.
 */
export function signBits(ctx: Context, id: number, x: Shares, options: SignOptions = {}): Promise<Signs> {
  return signBitsOn(ctx, id, x, options, planPieces(x.n, ctx.me, id));
}

/** signBits in given pieces, each begun when `before` gives what is to be compared: x, or x as A (roles 0 and 1) and B (role 2). */
export async function signBitsOn(
  ctx: Context,
  id: number,
  x: Shares,
  options: SignOptions,
  pieces: readonly Piece[],
  stages: Stages = {},
): Promise<Signs> {
  const digits = carryDigits(options);
  const op = ctx.begin(id, "signBits");
  const follows = makeFollows(ctx, id, x.n, options);
  const onBits = [...follows.inject, follows.integers].filter((f) => f !== undefined);
  const words = ctx.alloc(bitBytes(x.n));
  const carry = digits ? ctx.alloc(bitBytes(x.n)) : 0;
  const threshold = options.threshold ?? 0n;
  const { width = 64 } = options;
  ctx.compared(id, width);
  const depths = new Depths();
  const depth = await op.each(pieces, x.depth, async (part) => {
    const at = part.lo / 8;
    for (const f of [...onBits, follows.carryIntegers]) f?.prepare(part.piece);
    const own = (await stages.before?.(part.piece)) ?? part.of(x);
    const made = await signPiece(part, own, threshold, TREES[width], { bits: words + at, carry: carry + at, digits });
    await stages.after?.(part.piece);
    const runs = onBits.map((f) => depths.run(f, part.piece, words + at, made));
    if (follows.carryIntegers) runs.push(depths.run(follows.carryIntegers, part.piece, carry + at, made));
    await Promise.all(runs);
    return made;
  });
  return gatherSigns({ words, n: x.n, depth, pieces }, carry, follows, depths);
}

function gatherSigns(bits: SplitBits, carry: number, follows: Follows, depths: Depths): Signs {
  return {
    bits,
    injected: follows.inject.map((f) => depths.result(f)),
    ...(carry ? { carry: { ...bits, words: carry } } : {}),
    ...(follows.integers ? { integers: depths.result(follows.integers) } : {}),
    ...(follows.carryIntegers ? { carryIntegers: depths.result(follows.carryIntegers) } : {}),
  };
}

/**
 * max(x, 0), and the bits [x > 0] for the gradient (0 at x = 0, as in PyTorch). Exact for x > -2^63 (on 32 bits: -2^31 < x < 2^31). Takes the ids
 * `id` and `id + 1`. 7 rounds, about 26.2 bytes per element and party (6 and 17.9).
 */
export async function relu(ctx: Context, id: number, x: Shares, width: Width = 64): Promise<{ y: Shares; bits: SplitBits }> {
  const { bits, injected } = await signBits(ctx, id, x, { threshold: 1n, inject: [x], width });
  return { y: injected[0]!, bits };
}
