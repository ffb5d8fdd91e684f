/** @file Bits times values: injection, ReLU, selection, bits as integers. */
import { STREAM } from "../streams.ts";
import type { Context, Part } from "./context.ts";
import { add, free, fresh, sameSize, sub } from "./local.ts";
import { signBits } from "./sign.ts";
import type { Shares, SplitBits } from "./values.ts";

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

/** Roles 0 and 1: (role 1: receive role 2's message,) make e and the own share, exchange e, finish. */
async function combine(
  part: Part,
  bytes: number,
  depth: number,
  make: (got: number, e: number) => void,
  finish: (e: number, other: number) => void,
): Promise<number> {
  const { ctx, n } = part;
  const e = ctx.alloc(8 * n);
  const other = ctx.alloc(8 * n);
  let ready = depth;
  if (part.role === 1) {
    const got = ctx.alloc(bytes);
    ready = Math.max(ready, await part.receive(2, MESSAGE.deal, got, bytes));
    make(got, e);
    ctx.release(got);
  } else make(0, e);
  const peer = part.role === 0 ? 1 : 0;
  part.send(peer, MESSAGE.share, ready, e, 8 * n);
  ready = Math.max(ready, await part.receive(peer, MESSAGE.share, other, 8 * n));
  finish(e, other);
  ctx.release(e, other);
  return ready;
}

function injectPiece(part: Part, words: number, x: Shares, out: Shares, depth: number): Promise<number> | number {
  const { kernels, n, role } = part;
  if (role === 2) {
    return deal(part, 16 * n, depth, out, (at) => kernels.injectDeal(n, words, x.a, x.b, at, part.high(STREAM.pairs)));
  }
  // A = x_1 is role 0's second component and role 1's first; the other component, and the own share of the result, the other way.
  const [a, rest, own, y1] = role === 0 ? [x.b, x.a, out.a, out.b] : [x.a, x.b, out.b, out.a];
  return combine(
    part,
    16 * n,
    depth,
    (got, e) => {
      const pairs = role === 0 ? part.low(STREAM.pairs) : 0;
      const mask = role === 0 ? part.low(STREAM.out0) : part.high(STREAM.out2);
      kernels.injectCombine(n, words, a, rest, got, pairs, mask, e, own);
    },
    (e, other) => kernels.injectFinish(n, words, a, e, other, y1),
  );
}

async function injectInto(ctx: Context, id: number, name: string, bits: SplitBits, x: Shares): Promise<Shares> {
  sameSize(name, bits, x);
  const op = ctx.begin(id, name);
  const start = Math.max(bits.depth, x.depth);
  const out = fresh(ctx, x.n, start);
  const depth = await op.each(bits.pieces, start, (part) =>
    injectPiece(part, bits.words + part.lo / 8, part.of(x), part.of(out), start),
  );
  return { ...out, depth };
}

/** bit * x, exact. 1 round (role 2 can send before it), 10.7 bytes per element and party. The bits may be used again. */
export function inject(ctx: Context, id: number, bits: SplitBits, x: Shares): Promise<Shares> {
  return injectInto(ctx, id, "inject", bits, x);
}

/**
 * max(x, 0), and the bits [x > 0] for the gradient (0 at x = 0, as in PyTorch). Exact for x > -2^63. Takes the two ids `id` and
 * `id + 1`. 7 rounds, about 26.2 bytes per element and party.
 */
export async function relu(ctx: Context, id: number, x: Shares): Promise<{ y: Shares; bits: SplitBits }> {
  const { bits } = await signBits(ctx, id, x, { threshold: 1n });
  return { y: await injectInto(ctx, id + 1, "relu", bits, x), bits };
}

/** The bits as ring integers 0 and 1 (scale 0). 1 round, 8 bytes per element and party. */
export async function bitsToArithmetic(ctx: Context, id: number, bits: SplitBits): Promise<Shares> {
  const op = ctx.begin(id, "bitsToArithmetic");
  const out = fresh(ctx, bits.n, bits.depth);
  const depth = await op.each(bits.pieces, bits.depth, (part) => {
    const { kernels, n, role } = part;
    const words = bits.words + part.lo / 8;
    const own = part.of(out);
    if (role === 2) {
      return deal(part, 8 * n, bits.depth, own, (at) => kernels.integerDeal(n, words, at, part.high(STREAM.pairs)));
    }
    const [mine, y1] = role === 0 ? [own.a, own.b] : [own.b, own.a];
    return combine(
      part,
      8 * n,
      bits.depth,
      (got, e) => {
        const pairs = role === 0 ? part.low(STREAM.pairs) : 0;
        const mask = role === 0 ? part.low(STREAM.out0) : part.high(STREAM.out2);
        kernels.integerCombine(n, words, got, pairs, mask, e, mine);
      },
      (e, other) => kernels.add64(e, other, y1, n),
    );
  });
  return { ...out, depth };
}

/** bit ? x : y, exact. 1 round, 10.7 bytes per element and party. */
export async function select(ctx: Context, id: number, bits: SplitBits, x: Shares, y: Shares): Promise<Shares> {
  sameSize("select", x, y);
  const difference = sub(ctx, x, y);
  const chosen = await injectInto(ctx, id, "select", bits, difference);
  const out = add(ctx, chosen, y);
  free(ctx, difference);
  free(ctx, chosen);
  return out;
}
