/** @file The ways out: opening to all parties, and what a party gives to a recipient who is not a party. */
import { STREAM } from "../streams.ts";
import { type Context, planPieces } from "./context.ts";
import type { Shares } from "./values.ts";

const MESSAGE = 0;

/**
 * The value, at every party. Party i sends x_i to party i + 1, who lacks it: exactly n words, no padding. 1 round, 8 bytes per
 * element. The caller opens a value once (what truncation revealed of it stands beside it; see README) and never truncates it again.
 */
export async function open(ctx: Context, id: number, x: Shares): Promise<BigInt64Array> {
  const op = ctx.begin(id, "open");
  const y = ctx.alloc(8 * x.n);
  await op.each(planPieces(x.n, ctx.me, id), x.depth, async (part) => {
    const at = 8 * part.lo;
    part.send(part.next, MESSAGE, x.depth, x.a + at, 8 * part.n);
    return part.receive(part.previous, MESSAGE, y + at, 8 * part.n);
  });
  ctx.kernels.add64(x.a, y, y, x.n);
  ctx.kernels.add64(x.b, y, y, x.n);
  const values = new BigInt64Array(ctx.memory.bytes(y, 8 * x.n).slice().buffer);
  ctx.release(y);
  return values;
}

/**
 * What goes to a recipient who is not a party: x_i + F(k_i) - F(k_{i+1}), exactly 8 n bytes, a fresh 3-of-3 sharing of the value
 * and of nothing else. Local: the sum of the three is x.
 */
export function exportComponent(ctx: Context, id: number, x: Shares): Uint8Array<ArrayBuffer> {
  ctx.begin(id, "exportComponent");
  const z = ctx.alloc(8 * x.n);
  ctx.kernels.addScalar64(x.a, 0n, z, x.n);
  ctx.kernels.zeroShare(x.n, z, ctx.streams.state(0, id, 0, STREAM.export), ctx.streams.state(1, id, 0, STREAM.export));
  const out = ctx.memory.bytes(z, 8 * x.n).slice();
  ctx.release(z);
  return out;
}
