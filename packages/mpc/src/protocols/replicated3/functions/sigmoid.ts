/**
 * @file Sigmoid and tanh by e = exp(-|x|) in (0, 1] and a quotient with 1 + e in (1, 2]; erf by a polynomial on [-4, 4].
 *
 * sigmoid: 1. b = [x >= 0], |x| (7 rounds). 2. e (6 rounds), to 24 fraction bits (2). 3. N = e + b (1 - e) (1 round). 4. N / (1 + e)
 * (6 rounds), to f (2). 25 or 26 rounds, any x, error below 2^-14.5. tanh: the same with e = exp(-2 |x|) and N = (2 b - 1) (1 - e).
 * erf: x clamped to [-4, 4] (1 - erf(4) < 2^-25; 7 rounds), Chebyshev (14 rounds), error below 2^-15.
 */
import {
  add,
  addPublic,
  type Context,
  free,
  inject,
  mulPublicInteger,
  neg,
  type Shares,
  type SplitBits,
  signBits,
  stridedWrite,
  sub,
  truncateShares,
  type Width,
  zeros,
} from "../primitives/index.ts";
import { exponential } from "./clear-exp.ts";
import { divideRows, INNER } from "./divide.ts";
import { EXP_SCALE, expWindow } from "./exp.ts";
import { polynomial } from "./general.ts";
import { truncateWide } from "./truncate-wide.ts";

/** Fraction bits of exp's argument. */
const G = 16;

/** [x >= 0] as bits, and -|x| times an integer with G fraction bits. */
async function minusMagnitude(
  ctx: Context,
  id: number,
  x: Shares,
  f: number,
  times: bigint,
  width: Width,
): Promise<{ readonly bits: SplitBits; readonly t: Shares }> {
  const { bits, injected } = await signBits(ctx, id, x, { inject: [x], width });
  const unit = times << BigInt(G - f);
  const twice = mulPublicInteger(ctx, injected[0]!, -2n * unit);
  const once = mulPublicInteger(ctx, x, unit);
  const t = add(ctx, twice, once);
  for (const y of [injected[0]!, twice, once]) free(ctx, y);
  return { bits, t };
}

/** Sigmoid or tanh as in the file comment. Ids id .. id + 20. */
async function quotient(ctx: Context, id: number, x: Shares, f: number, tanh: boolean, width: Width): Promise<Shares> {
  const { bits, t } = await minusMagnitude(ctx, id, x, f, tanh ? 2n : 1n, width);
  const raw = await expWindow(ctx, id + 4, t, G, f === G ? width : 64);
  const e = await truncateWide(ctx, id + 8, raw, EXP_SCALE - INNER);
  const minus = neg(ctx, e);
  const rest = addPublic(ctx, minus, 1n << BigInt(INNER));
  const chosen = await inject(ctx, id + 9, bits, rest);
  const twice = mulPublicInteger(ctx, chosen, 2n);
  const numerator = tanh ? sub(ctx, twice, rest) : add(ctx, e, chosen);
  const denominator = addPublic(ctx, e, 1n << BigInt(INNER));
  let both = stridedWrite(ctx, numerator, zeros(ctx, 2 * x.n), [x.n], [1]);
  both = stridedWrite(ctx, denominator, both, [x.n], [1], x.n);
  for (const y of [bits, t, e, minus, rest, chosen, twice, numerator, denominator]) free(ctx, y);
  const q = await divideRows(ctx, id + 10, both, 1, 2);
  const out = await truncateShares(ctx, id + 20, q, INNER - f);
  free(ctx, q);
  return out;
}

/** `width`: bits that x fits, as for `signBits`; the session's unless x is larger than what a Program compares. */
export function sigmoid(ctx: Context, id: number, x: Shares, f: number, width: Width = ctx.width): Promise<Shares> {
  return quotient(ctx, id, x, f, false, width);
}
export const tanh = (ctx: Context, id: number, x: Shares, f: number): Promise<Shares> => quotient(ctx, id, x, f, true, ctx.width);

/** erf of a public number by its confluent series: every term positive, + - * / only. */
export function erfOf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return TWO_OVER_ROOT_PI * exponential(-x * x) * sum;
}
const TWO_OVER_ROOT_PI = 1.1283791670955126;

/** Where erf is 1 in fixed point. */
const ERF_LIMIT = 4n;

/** Ids id .. id + 18. */
export async function erf(ctx: Context, id: number, x: Shares, f: number): Promise<Shares> {
  const unit = 1n << BigInt(f);
  const high = addPublic(ctx, x, -ERF_LIMIT * unit);
  const low = addPublic(ctx, x, ERF_LIMIT * unit);
  // clamp = x - [x >= 4] (x - 4) - [x < -4] (x + 4) = [x >= -4] (x + 4) - 4 - [x >= 4] (x - 4).
  const [above, from] = await Promise.all(
    [high, low].map((d, i) => signBits(ctx, id + 2 * i, d, { inject: [d], width: ctx.width })),
  );
  const both = sub(ctx, from!.injected[0]!, above!.injected[0]!);
  const clamped = addPublic(ctx, both, -ERF_LIMIT * unit);
  const u = mulPublicInteger(ctx, clamped, 1n << BigInt(INNER - f));
  const y = await polynomial(ctx, id + 6, u, erfOf, [-4, 4], 2 ** -20);
  const out = await truncateShares(ctx, id + 18, y, INNER - f);
  for (const s of [above!, from!]) for (const z of [s.bits, s.injected[0]!]) free(ctx, z);
  for (const z of [high, low, both, clamped, u, y]) free(ctx, z);
  return out;
}
