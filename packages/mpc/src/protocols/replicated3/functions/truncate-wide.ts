/**
 * @file Truncation of a product by up to 46 bits, for scales that grew by a public factor and for sums of products with 48 to 60
 * fraction bits. The same steps as `truncate`, with corrections of 48 bits whatever the shift: message sizes depend on shapes only.
 */
import { TacitError } from "@tacit/core/errors";
import { type Context, type Part, planPieces } from "../primitives/context.ts";
import type { Raw, Shares } from "../primitives/index.ts";
import { fresh } from "../primitives/local.ts";
import { STREAM } from "../streams.ts";

const MESSAGE = { z: 0, correction: 1, deal: 2 } as const;
/** Bytes of a correction. */
const PACKED = 6;
/** Largest shift: f + 1 bits of a correction must fit 48. */
export const WIDE_SHIFT = 46;

function deal(part: Part, f: number, z: number, out: Shares, depth: number): number {
  const { ctx, n } = part;
  const bytes = (8 + PACKED) * n;
  const w = ctx.alloc(bytes);
  const zero = [part.low(STREAM.zero), part.high(STREAM.zero)] as const;
  const masks = [part.high(STREAM.rho), part.high(STREAM.mu), part.high(STREAM.nu0), part.low(STREAM.nu2)] as const;
  part.kernels.truncateWideDeal(n, f, z, w, w + 8 * n, out.a, out.b, ...zero, ...masks);
  part.send(1, MESSAGE.deal, depth, w, bytes);
  ctx.release(w);
  return depth;
}

async function combine(part: Part, f: number, za: number, zb: number, out: Shares, depth: number): Promise<number> {
  const { ctx, n, kernels } = part;
  const d = ctx.alloc(PACKED * n);
  const other = ctx.alloc(PACKED * n);
  const peer = part.role === 0 ? 1 : 0;
  const y1 = part.role === 0 ? out.b : out.a;
  let ready = depth;
  if (part.role === 0) {
    const states = [part.low(STREAM.rho), part.low(STREAM.mu), part.low(STREAM.nu0)] as const;
    kernels.truncateWideCombine(n, f, za, zb, 0, 0, ...states, d, y1, out.a);
  } else {
    const w = ctx.alloc((8 + PACKED) * n);
    ready = Math.max(ready, await part.receive(2, MESSAGE.deal, w, (8 + PACKED) * n));
    kernels.truncateWideCombine(n, f, za, zb, w, w + 8 * n, 0, 0, part.high(STREAM.nu2), d, y1, out.b);
    ctx.release(w);
  }
  part.send(peer, MESSAGE.correction, ready, d, PACKED * n);
  ready = Math.max(ready, await part.receive(peer, MESSAGE.correction, other, PACKED * n));
  kernels.truncateWideFinish(n, f, y1, other);
  ctx.release(d, other);
  return ready;
}

async function piece(part: Part, f: number, z: number, out: Shares, depth: number): Promise<number> {
  if (part.role === 2) return deal(part, f, z, out, depth);
  const { ctx, n } = part;
  const zero: readonly [number, number] = part.role === 0 ? [part.low(STREAM.zero), 0] : [0, part.high(STREAM.zero)];
  part.kernels.zeroShare(n, z, ...zero);
  const peer = part.role === 0 ? 1 : 0;
  part.send(peer, MESSAGE.z, depth, z, 8 * n);
  const zb = ctx.alloc(8 * n);
  const known = Math.max(depth, await part.receive(peer, MESSAGE.z, zb, 8 * n));
  const ready = await combine(part, f, z, zb, out, known);
  ctx.release(zb);
  return ready;
}

/**
 * floor((x + rho) / 2^shift), |x| < 2^62, 0 <= shift <= 46: as `truncate`. 2 rounds, 14 bytes per element and party.
 * Consumes raw. Throws MPC_TRUNCATION, RAW_CONSUMED.
 */
export async function truncateWide(ctx: Context, id: number, raw: Raw, shift: number): Promise<Shares> {
  if (!Number.isInteger(shift) || shift < 0 || shift > WIDE_SHIFT) {
    throw new TacitError("MPC_TRUNCATION", `truncateWide: expected a shift of 0 to ${WIDE_SHIFT} bits, got ${shift}`, {});
  }
  const op = ctx.begin(id, "truncateWide");
  const z = raw.take("truncateWide");
  const out = fresh(ctx, raw.n, raw.depth);
  const depth = await op.each(planPieces(raw.n, ctx.me, id), raw.depth, (part) =>
    piece(part, shift, z + 8 * part.lo, part.of(out), raw.depth),
  );
  ctx.release(z);
  return { ...out, depth };
}
