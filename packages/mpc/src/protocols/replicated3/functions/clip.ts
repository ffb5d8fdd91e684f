/**
 * @file Σ of rows clipped to a 2-norm, with a bound that holds for every input: rows are scaled by a factor that may be wrong, and counted only
 * if what came out has the norm that was promised, which is checked exactly. README, "Clipping", has the argument.
 */
import {
  addPublic,
  type Context,
  free,
  matmulRaw,
  mulColumnRaw,
  mulPublicInteger,
  mulRaw,
  neg,
  relu,
  reshare,
  type Shares,
  signBits,
  sumRaw,
  truncate,
  truncateShares,
} from "../primitives/index.ts";
import { type ClipSteps, FACTOR_BITS, RATIO_BITS } from "./clip-steps.ts";
import { root } from "./general.ts";
import { truncateWide } from "./truncate-wide.ts";

const ONE: bigint = 1n << BigInt(RATIO_BITS);
/** Fraction bits that a root is told its argument has, and gives: 24 and 24 make 1/√(ratio) with 30 of a ratio with 12. */
const ROOT_BITS = 24;

/** min(1, C_t / ‖x_i‖) with FACTOR_BITS, right to 2^-12 where ‖x_i‖ < 2^13 C_t and ‖x_i‖ < 2^(31-f). Ids id .. id + 17. */
async function factors(ctx: Context, id: number, x: Shares, rows: number, s: ClipSteps): Promise<Shares> {
  const square = await truncate(ctx, id, sumRaw(ctx, mulRaw(ctx, x, x), rows, x.n / rows, 1), s.square);
  const long = mulPublicInteger(ctx, square, s.ratio);
  free(ctx, square);
  const ratio = await truncateShares(ctx, id + 1, long, s.ratioShift);
  free(ctx, long);
  const beyond = addPublic(ctx, ratio, -ONE);
  free(ctx, ratio);
  const { y, bits } = await relu(ctx, id + 2, beyond);
  const clipped = addPublic(ctx, y, ONE);
  for (const z of [beyond, y, bits]) free(ctx, z);
  const out = await root(ctx, id + 4, clipped, true, ROOT_BITS, ROOT_BITS);
  free(ctx, clipped);
  return out;
}

/** [‖y_i‖² ≤ most] as integers, exact: the sum of squares is below 2^62. Ids id .. id + 2. */
async function certified(ctx: Context, id: number, y: Shares, rows: number, most: bigint): Promise<Shares> {
  const square = await reshare(ctx, id, sumRaw(ctx, mulRaw(ctx, y, y), rows, y.n / rows, 1));
  const minus = neg(ctx, square);
  const left = addPublic(ctx, minus, most);
  const { bits, integers } = await signBits(ctx, id + 1, left, { integers: true });
  for (const z of [square, minus, left, bits]) free(ctx, z);
  return integers!;
}

/**
 * Σ_i b_i y_i for `rows` rows of x: y_i is x_i min(1, C_t / ‖x_i‖) rounded, b_i = [‖y_i‖² ≤ most]. C_t is a little below C, so that b_i is 1
 * wherever the factor is right. Ids id .. id + 23. 41 rounds; 14 bytes per element of x, and 8 per element of the result.
 */
export async function clippedSum(ctx: Context, id: number, x: Shares, rows: number, s: ClipSteps): Promise<Shares> {
  const width = x.n / rows;
  const factor = await factors(ctx, id, x, rows, s);
  const wide = mulPublicInteger(ctx, factor, 1n << BigInt(s.shift - FACTOR_BITS));
  free(ctx, factor);
  const scaled = mulColumnRaw(ctx, x, wide, rows, width);
  free(ctx, wide);
  const y = await truncateWide(ctx, id + 18, scaled, s.shift);
  const counts = await certified(ctx, id + 19, y, rows, s.most);
  const total = matmulRaw(ctx, id + 22, counts, y, { m: 1, k: rows, n: width });
  for (const z of [counts, y]) free(ctx, z);
  return reshare(ctx, id + 22, total);
}
