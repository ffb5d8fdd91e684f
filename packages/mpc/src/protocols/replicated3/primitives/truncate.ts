/** @file Truncation and re-sharing of products: the ways out of a Raw. */
import { TacitError } from "@tacit/core/errors";
import { STREAM } from "../streams.ts";
import { type Context, Part, planPieces } from "./context.ts";
import { fresh } from "./local.ts";
import type { Raw } from "./raw.ts";
import { type SignOptions, type Signs, signBitsOn } from "./sign.ts";
import type { Piece, Shares } from "./values.ts";

/** Messages of a piece. */
const MESSAGE = { z: 0, correction: 1, deal: 2 } as const;

/** Bytes of n values of w bits, packed (as/pack.ts): whole groups of 8. */
export function packedBytes(n: number, w: number): number {
  return Math.ceil(n / 8) * w;
}

function checkShift(op: string, f: number): void {
  // At f = 32 the correction modulo 2^(f+1) would no longer fit 32 bits: it would be wrong, silently, one time in three.
  if (!Number.isInteger(f) || f < 0 || f > 31) {
    throw new TacitError("MPC_TRUNCATION", `${op}: expected a shift of 0 to 31 bits, got ${f}`, {});
  }
}

/** Where the shares of one piece come from: z (a product, role-wise 3-of-3) or an existing sharing. */
interface Source {
  /** Role 2: this party's part, z_2, and whether a zero-share is added. */
  readonly z: number;
  readonly product: boolean;
}

/** Role 2 deals: it receives nothing, so its share is ready at once. */
function deal(part: Part, f: number, source: Source, out: Shares, depth: number): number {
  const { ctx, n } = part;
  const w = ctx.alloc(8 * n + packedBytes(n, f + 1));
  const low = source.product ? part.low(STREAM.zero) : 0;
  const high = source.product ? part.high(STREAM.zero) : 0;
  const masks = [part.high(STREAM.rho), part.high(STREAM.mu), part.high(STREAM.nu0), part.low(STREAM.nu2)] as const;
  part.kernels.truncateDeal(n, f, source.z, w, w + 8 * n, out.a, out.b, low, high, ...masks);
  part.send(1, MESSAGE.deal, depth, w, 8 * n + packedBytes(n, f + 1));
  ctx.release(w);
  return depth;
}

/** What roles 0 and 1 receive in one piece, with the regions it goes to. */
interface Coming {
  readonly other: number;
  readonly correction: Promise<number>;
  /** Role 1: w and mu of role 2. */
  readonly w: number;
  readonly deal: Promise<number>;
}

function expectMessages(part: Part, f: number, depth: number): Coming {
  const { ctx, n } = part;
  const bytes = packedBytes(n, f + 1);
  const other = ctx.alloc(bytes);
  const w = part.role === 1 ? ctx.alloc(8 * n + bytes) : 0;
  const deal = w ? part.expect(2, MESSAGE.deal, w, 8 * n + bytes) : Promise.resolve(depth);
  return { other, correction: part.expect(part.role === 0 ? 1 : 0, MESSAGE.correction, other, bytes), w, deal };
}

/** Roles 0 and 1 know c = za + zb + 2^62. */
async function combine(
  part: Part,
  f: number,
  za: number,
  zb: number,
  out: Shares,
  depth: number,
  coming: Coming,
): Promise<number> {
  const { ctx, n, kernels } = part;
  const bytes = packedBytes(n, f + 1);
  const d = ctx.alloc(bytes);
  const { w, other } = coming;
  const peer = part.role === 0 ? 1 : 0;
  const y1 = part.role === 0 ? out.b : out.a;
  let ready = Math.max(depth, await coming.deal);
  if (part.role === 0) {
    const states = [part.low(STREAM.rho), part.low(STREAM.mu), part.low(STREAM.nu0)] as const;
    kernels.truncateCombine(n, f, za, zb, 0, 0, ...states, d, y1, out.a);
  } else {
    kernels.truncateCombine(n, f, za, zb, w, w + 8 * n, 0, 0, part.high(STREAM.nu2), d, y1, out.b);
    ctx.release(w);
  }
  part.send(peer, MESSAGE.correction, ready, d, bytes);
  ctx.release(d);
  ready = Math.max(ready, await coming.correction);
  kernels.truncateFinish(n, f, y1, other);
  ctx.release(other);
  return ready;
}

/** What roles 0 and 1 know of each other's parts of a product, and wait for. */
interface Shown {
  /** The other's part. */
  readonly zb: number;
  readonly depth: number;
  readonly coming: Coming;
}

/** Roles 0 and 1 show each other their parts of a product, re-randomised; nothing goes to role 2, so k_1 has nothing to mask. */
async function showParts(part: Part, f: number, z: number, depth: number): Promise<Shown> {
  const { ctx, n } = part;
  const zero: readonly [number, number] = part.role === 0 ? [part.low(STREAM.zero), 0] : [0, part.high(STREAM.zero)];
  part.kernels.zeroShare(n, z, ...zero);
  const peer = part.role === 0 ? 1 : 0;
  part.send(peer, MESSAGE.z, depth, z, 8 * n);
  const zb = ctx.alloc(8 * n);
  const arrived = part.expect(peer, MESSAGE.z, zb, 8 * n);
  const coming = expectMessages(part, f, depth);
  return { zb, depth: Math.max(depth, await arrived), coming };
}

/** Roles 0 and 1, once both parts are there. */
async function combineParts(part: Part, f: number, z: number, shown: Shown, out: Shares): Promise<number> {
  const ready = await combine(part, f, z, shown.zb, out, shown.depth, shown.coming);
  part.ctx.release(shown.zb);
  return ready;
}

/** One piece of a product: z at the piece's address is changed. Resolves with the depth of its shares in `out`. */
async function productPiece(part: Part, f: number, z: number, out: Shares, depth: number): Promise<number> {
  if (part.role === 2) return deal(part, f, { z, product: true }, out, depth);
  return combineParts(part, f, z, await showParts(part, f, z, depth), out);
}

/** A product in the middle of its truncation: as A at roles 0 and 1 and B at role 2; the depth of its shares once they are there. */
interface Opened {
  readonly split: Shares;
  readonly truncated: Promise<number> | number;
}

/** The same on 32 bits: the product does not fit them, what is truncated does. */
async function truncatedPiece(part: Part, f: number, z: number, out: Shares, depth: number): Promise<Opened> {
  const truncated = await productPiece(part, f, z, out, depth);
  return { split: { ...out, depth: truncated }, truncated };
}

/** The same, to be compared meanwhile. Role 2's part of z is re-randomised in place, as it is truncated. */
async function openPiece(part: Part, f: number, z: number, out: Shares, depth: number): Promise<Opened> {
  const { ctx, kernels, n } = part;
  if (part.role === 2) {
    kernels.zeroShare(n, z, part.low(STREAM.zero), part.high(STREAM.zero));
    return { split: { a: z, b: 0, n, depth }, truncated: deal(part, f, { z, product: false }, out, depth) };
  }
  const shown = await showParts(part, f, z, depth);
  const sum = ctx.alloc(8 * n);
  kernels.add64(z, shown.zb, sum, n);
  const truncated = combineParts(part, f, z, shown, out);
  truncated.catch(() => {}); // looked at after the comparison, which may fail first
  return { split: { a: sum, b: sum, n, depth: shown.depth }, truncated };
}

/**
 * floor((x + rho) / 2^shift) with rho uniform in [0, 2^shift), for raw products |x| < 2^62 and 0 <= shift <= 31: unbiased,
 * error below one unit, exact multiples of 2^shift exact. rho is known to role 2 of a piece, (x + rho) mod 2^shift to roles 0 and 1.
 * 2 rounds, 8 + (shift + 1) / 8 bytes per element and party. Consumes raw. Throws MPC_TRUNCATION, RAW_CONSUMED.
 */
export async function truncate(ctx: Context, id: number, raw: Raw, shift: number): Promise<Shares> {
  checkShift("truncate", shift);
  const op = ctx.begin(id, "truncate");
  const z = raw.take("truncate");
  const out = fresh(ctx, raw.n, raw.depth);
  const depth = await op.each(planPieces(raw.n, ctx.me, id), raw.depth, (part) =>
    productPiece(part, shift, z + 8 * part.lo, part.of(out), raw.depth),
  );
  ctx.release(z);
  return { ...out, depth };
}

/** The result of truncateSigns: the truncated values, and what follows their signs. */
export interface TruncatedSigns extends Signs {
  readonly y: Shares;
}

/**
 * truncate, and signBits of the product itself (with its follow-ups on y; `injectSelf` adds bit * y as the first), piece by piece. After
 * the first message of truncation roles 0 and 1 know A = z_0 + z_1 and role 2 B = z_2, with A + B = x: enough to compare, beside the
 * rest of the truncation. So linear layer and ReLU take 7 rounds and not 9. For threshold 1, bit * y = max(y, 0): x > 0 gives y >= 0,
 * and x <= 0 gives y <= 0. On 32 bits y is compared, with the tables dealt meanwhile: 7 rounds too. Takes the ids id, id + 1 (signs), id + 2 onwards (follow-ups). Consumes raw.
 */
export async function truncateSigns(
  ctx: Context,
  id: number,
  raw: Raw,
  shift: number,
  options: SignOptions & { readonly injectSelf?: boolean } = {},
): Promise<TruncatedSigns> {
  checkShift("truncateSigns", shift);
  const op = ctx.begin(id, "truncate");
  const z = raw.take("truncateSigns");
  const y = fresh(ctx, raw.n, raw.depth);
  const inject = [...(options.injectSelf ? [y] : []), ...(options.inject ?? [])];
  const pieces = planPieces(raw.n, ctx.me, id);
  let depth = raw.depth;
  const beside = options.width !== 32;
  const opened = new Map<Piece, Opened>();
  const stages = {
    async before(piece: Piece): Promise<Shares> {
      const part = new Part(op, piece);
      const open = beside ? openPiece : truncatedPiece;
      const own = await open(part, shift, z + 8 * part.lo, part.of(y), raw.depth);
      opened.set(piece, own);
      return own.split;
    },
    async after(piece: Piece): Promise<void> {
      const { split, truncated } = opened.get(piece)!;
      depth = Math.max(depth, await truncated);
      if (beside && piece.role !== 2) ctx.release(split.a);
    },
  };
  const signs = await signBitsOn(ctx, id + 1, y, { ...options, inject }, pieces, stages);
  ctx.release(z);
  return { ...signs, y: { ...y, depth } };
}

/**
 * The same for an existing sharing x = A + B (A at roles 0 and 1, B at role 2), |x| < 2^62. c = A + m + 2^62 and r = m - B with an
 * offset m that all parties know: rho = r mod 2^shift is uniform whatever the sharing. 2 rounds. x is not consumed.
 */
export async function truncateShares(ctx: Context, id: number, x: Shares, shift: number): Promise<Shares> {
  checkShift("truncateShares", shift);
  const op = ctx.begin(id, "truncateShares");
  const out = fresh(ctx, x.n, x.depth);
  const depth = await op.each(planPieces(x.n, ctx.me, id), x.depth, async (part) => {
    const own = part.of(x);
    const m = ctx.alloc(8 * part.n);
    part.kernels.keystream(part.common(STREAM.offset), m, 8 * part.n);
    let ready: number;
    if (part.role === 2) {
      part.kernels.sub64(own.a, m, m, part.n);
      part.kernels.add64(own.b, m, m, part.n);
      ready = deal(part, shift, { z: m, product: false }, part.of(out), x.depth);
    } else {
      const coming = expectMessages(part, shift, x.depth);
      ready = await combine(part, shift, part.role === 0 ? own.b : own.a, m, part.of(out), x.depth, coming);
    }
    ctx.release(m);
    return ready;
  });
  return { ...out, depth };
}

/** Replicated shares of a raw product, scale unchanged (Araki et al. 2016). 1 round, 8 B per element. Consumes raw. */
export async function reshare(ctx: Context, id: number, raw: Raw): Promise<Shares> {
  const op = ctx.begin(id, "reshare");
  const a = raw.take("reshare");
  const b = ctx.alloc(8 * raw.n);
  const depth = await op.each(planPieces(raw.n, ctx.me, id), raw.depth, (part) => {
    const at = a + 8 * part.lo;
    part.kernels.zeroShare(part.n, at, part.low(STREAM.zero), part.high(STREAM.zero));
    part.send(part.previous, MESSAGE.z, raw.depth, at, 8 * part.n);
    return part.receive(part.next, MESSAGE.z, b + 8 * part.lo, 8 * part.n);
  });
  return { a, b, n: raw.n, depth };
}
