/**
 * @file The conjunction of several split bits, by a dealt table: one round for up to 6 bits, two for up to 36.
 *
 * Steps, bits u_t ^ v_t (t < k), u known to roles 0 and 1, v to role 2:
 * 1. Role 2 deals the table T[s] = [s = not v], s in 0 .. 2^k - 1, minus keystream that it shares with role 0, to role 1. It has v a
 *    round before the others have u.
 * 2. Roles 0 and 1 pick at s = u: T[u] is the conjunction, the xor of their two picks. Each masks its pick with a stream that it
 *    shares with role 2 and shows it to the other: both know u' = T[u] ^ m_0 ^ m_2, role 2 knows v' = m_0 ^ m_2.
 * Secrecy: the messages are those of the first two steps of `signBits` (tables, pairs), under the same streams. 2^k / 24 bytes from
 * role 2, 1/12 from roles 0 and 1, per result and on average per party. The picks are bit-sliced: no access depends on a bit.
 */
import { expected } from "@tacit/core/errors";
import { STREAM } from "../streams.ts";
import type { Context, Op, Part } from "./context.ts";
import { free, sameSize } from "./local.ts";
import { bitBytes, type SplitBits } from "./values.ts";

const MESSAGE = { tables: 0, picks: 1 } as const;
/** Most bits of one table, 8 bytes a result: nine bits at once would take 64. */
const DIRECT = 6;

/** A region of a piece's bits as words. */
function wordsOf(part: Part, at: number, planes = 1): Int32Array {
  const bytes = part.ctx.memory.bytes(at, planes * bitBytes(part.n));
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** Planes T[s], s = 0 .. 2^k - 1: all v_t equal to the complement of s. */
function points(v: readonly Int32Array[], table: Int32Array): void {
  const words = v[0]!.length;
  for (let w = 0; w < words; w++) {
    table[w] = -1;
    for (const [t, plane] of v.entries()) {
      const bit = plane[w]!;
      const half = words << t;
      for (let at = w; at < half; at += words) {
        const before = table[at]!;
        table[at + half] = before & ~bit;
        table[at] = before & bit;
      }
    }
  }
}

/** The plane at s = u, into the first of the table, which is overwritten. */
function pick(u: readonly Int32Array[], table: Int32Array): void {
  const words = u[0]!.length;
  for (let t = u.length - 1; t >= 0; t--) {
    const plane = u[t]!;
    const half = words << t;
    for (let at = 0; at < half; at++) {
      const low = table[at]!;
      table[at] = low ^ (plane[at % words]! & (low ^ table[at + half]!));
    }
  }
}

/** Role 2: the table to role 1; its own part of the result is keystream. */
function deal(part: Part, bits: readonly number[], out: number, depth: number): number {
  const { ctx, kernels } = part;
  const line = bitBytes(part.n);
  const bytes = line << bits.length;
  const [table, mask] = [ctx.alloc(bytes), ctx.alloc(bytes)];
  points(
    bits.map((at) => wordsOf(part, at)),
    wordsOf(part, table, 1 << bits.length),
  );
  kernels.keystream(part.high(STREAM.tables), mask, bytes);
  kernels.xorBytes(bytes, table, mask, table, 0);
  part.send(1, MESSAGE.tables, depth, table, bytes);
  kernels.keystream(part.low(STREAM.generate2), mask, line);
  kernels.keystream(part.high(STREAM.generate0), out, line);
  kernels.xorBytes(line, out, mask, out, 0);
  ctx.release(table, mask);
  return depth;
}

async function piece(part: Part, bits: readonly number[], out: number, depth: number): Promise<number> {
  if (part.role === 2) return deal(part, bits, out, depth);
  const { ctx, kernels, role } = part;
  const line = bitBytes(part.n);
  const bytes = line << bits.length;
  const [table, mask, other] = [ctx.alloc(bytes), ctx.alloc(line), ctx.alloc(line)];
  const peer = role === 0 ? 1 : 0;
  const coming = part.expect(peer, MESSAGE.picks, other, line);
  let ready = depth;
  if (role === 0) kernels.keystream(part.low(STREAM.tables), table, bytes);
  else ready = Math.max(ready, await part.receive(2, MESSAGE.tables, table, bytes));
  pick(
    bits.map((at) => wordsOf(part, at)),
    wordsOf(part, table, 1 << bits.length),
  );
  kernels.keystream(role === 0 ? part.low(STREAM.generate0) : part.high(STREAM.generate2), mask, line);
  kernels.xorBytes(line, table, mask, out, 0);
  part.send(peer, MESSAGE.picks, ready, out, line);
  ready = Math.max(ready, await coming);
  kernels.xorBytes(line, out, other, out, 0);
  ctx.release(table, mask, other);
  return ready;
}

async function direct(ctx: Context, id: number, xs: readonly SplitBits[]): Promise<SplitBits> {
  const op: Op = ctx.begin(id, "conjunction");
  const { n, pieces } = xs[0]!;
  const words = ctx.alloc(bitBytes(n));
  const start = Math.max(...xs.map((x) => x.depth));
  const depth = await op.each(pieces, start, (part: Part) => {
    const at = part.lo / 8;
    return piece(
      part,
      xs.map((x) => x.words + at),
      words + at,
      start,
    );
  });
  return { words, n, depth, pieces };
}

/**
 * The conjunction of 1 to 36 split bits of one size and one piece map, element by element. Ids id .. id + 6. The xs are not consumed.
 * Throws MPC_SHAPE.
 */
export async function conjunction(ctx: Context, id: number, xs: readonly SplitBits[]): Promise<SplitBits> {
  const first = xs[0];
  if (!first || xs.length > DIRECT * DIRECT) expected("MPC_SHAPE", "conjunction", `1 to ${DIRECT * DIRECT} bits`, `${xs.length}`);
  for (const x of xs) sameSize("conjunction", first, x);
  if (xs.length <= DIRECT) return direct(ctx, id, xs);
  // Groups of equal size, as few and as small as they can be: 9 bits are three of 3 (4 bytes in all).
  const size = Math.ceil(Math.sqrt(xs.length));
  const groups = Array.from({ length: Math.ceil(xs.length / size) }, (_, g) => xs.slice(g * size, (g + 1) * size));
  const parts = await Promise.all(groups.map((g, i) => direct(ctx, id + 1 + i, g)));
  const all = await direct(ctx, id, parts);
  for (const x of parts) free(ctx, x);
  return all;
}
