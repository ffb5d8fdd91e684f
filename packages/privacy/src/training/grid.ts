/**
 * @file The grid of clipped gradients, and the proof that a row moves the sum of a step by at most K grid units in the 2-norm.
 *
 * What one row adds to a step is a vector q of integers, a function of the row, the parameters and public numbers alone. A chunk adds its
 * q in float32, chunks are added on the host. Claims:
 *
 * 1. **Sums are exact.** |q_j| ≤ ‖q‖₂ ≤ K, and P rows of a chunk give |Σ q_j| ≤ P K ≤ 2^24: float32 holds every partial sum, in any order.
 *    On the host, doubles hold sums below 2^53.
 *
 * 2. **‖q‖₂ ≤ K**, for the group of all parameters (flat clipping), with the following arithmetic, u = 2^-24, each step rounded:
 *
 *        n̂ = √(Σ g_j²)    a = min(inv, T / n̂)    y_j = g_j a    q_j = round(y_j)       inv = K / C rounded
 *
 *    g is the gradient as the device computed it, finite. In a sum of d terms ≥ 0 no term passes through more than D additions,
 *    so what is computed is at least (1 - u)^(D+1) of the sum (the square's own rounding included); squares below 2^-126 add at most d 2^-149, which is
 *    below u of the sum wherever clipping acts (C ≥ 2^-20, d ≤ 2^40). Root, quotient and product add one u each. So, with N = ‖g‖₂,
 *    a ≤ (T / n̂)(1 + u) gives
 *
 *        ‖y‖₂ ≤ T (1 + u)² N / n̂ ≤ T (1 + e),       1 + e = exp((D / 2 + 16) u (1 + 2^-10)), as -log(1 - u) < u (1 + 2^-10)
 *
 *    and rounding to the nearest integer moves y by at most √d / 2. T is chosen as (K - 1 - √d / 2) / (1 + e): ‖q‖₂ ≤ K - 1. The unit
 *    that is left covers what underflows, and the rounding of T to float32 (downward).
 *    Of a product of two vectors, g = x yᵀ (contribution.ts), n̂² is the product of two such sums, D the sum of their lengths, and y_j has one
 *    rounding more: within the 16. Both sums are at most 2^60, so underflow in one, of at most 2^25
 *    terms, moves the product by at most 2^25 2^-149 2^60: u of the least C².
 *    A fused multiply-add rounds less than the two steps counted here. A sum of squares above 2^60 counts as not
 *    finite, as ∞ and NaN do: such a row adds q = 0 (chosen by `where`, not multiplied). So does a row of padding.
 *
 * 3. **Groups** (per-layer clipping): group l has share w_l, Σ w_l² ≤ 1, and T_l with K w_l in the place of K: ‖q‖₂² ≤ Σ (K w_l)² ≤ K².
 *
 * *Assumed, and tested* (test/training/rows.test.ts): the device computes a row's g from the row and the parameters alone, to the bit, in
 * whichever place of a chunk the row stands and whatever its neighbours are. Kernels add along inner axes in one order for all rows.
 */
import { refuse } from "../check.ts";

const U = 2 ** -24;

/** Bounds of C, where it begins and wherever it moves: beyond, squares of float32 leave the range of claim 2. */
export const LEAST_NORM: number = 2 ** -20;
export const MOST_NORM: number = 2 ** 20;

/** Grid units in C, at most: finer would gain nothing beside the noise. */
const MOST_BITS = 17;

/** K for chunks of `physicalBatch` rows: a power of two, so that claim 1 holds. */
export function gridUnits(physicalBatch: number): number {
  return 2 ** Math.min(MOST_BITS, 24 - Math.ceil(Math.log2(physicalBatch)));
}

/** Grid units per unit of gradient for a bound C: float32, as the device multiplies by it; a sum of integers is divided by it. */
export const unitsPer = (units: number, maxGradNorm: number): number => Math.fround(units / maxGradNorm);

/** @throws TacitError PRIVACY_PARAMETER */
export function checkNorm(where: string, c: unknown): number {
  if (typeof c === "number" && c >= LEAST_NORM && c <= MOST_NORM) return c;
  return refuse(where, "maxGradNorm above 0, between 2^-20 and 2^20", typeof c === "number" ? `${c}` : typeof c);
}

/** Parameters that are clipped together. */
export interface Group {
  /** Positions among the parameters that learn. */
  readonly members: readonly number[];
  /** w_l of claim 3. */
  readonly share: number;
  /** T of claim 2, a float32 number. */
  readonly target: number;
}

/**
 * How the squares of one parameter are summed: over the last axis of [rows, columns], then over rows. The first axis, as a matrix has it; of
 * a vector, the divisor next below its root.
 */
export function rowsAndColumns(shape: readonly number[]): readonly [number, number] {
  const d = shape.reduce((n, x) => n * x, 1);
  let rows = shape.length > 1 ? shape[0]! : Math.floor(Math.sqrt(d));
  while (rows > 1 && d % rows !== 0) rows--;
  return rows === 0 ? [1, 0] : [rows, d / rows];
}

/** D of claim 2: additions on the longest way from a square to the sum of the group. */
function depth(shapes: readonly (readonly number[])[]): number {
  const longest = shapes.reduce((most, s) => Math.max(most, rowsAndColumns(s)[0] + rowsAndColumns(s)[1]), 0);
  return longest + shapes.length;
}

/** The largest float32 number that is not above x > 0. */
function roundDown(x: number): number {
  const near = Math.fround(x);
  return near <= x ? near : Math.fround(near * (1 - 2 ** -23));
}

/**
 * T of a group of parameters of these shapes, with `units` · `share` in the place of K.
 * @throws TacitError PRIVACY_PARAMETER where the group is too large for the grid
 */
export function clipTarget(shapes: readonly (readonly number[])[], units: number, share: number): number {
  const d = shapes.reduce((n, s) => n + s.reduce((m, x) => m * x, 1), 0);
  const D = depth(shapes);
  const e = Math.expm1((D / 2 + 16) * U * (1 + 2 ** -10));
  const k = units * share;
  const target = (k - 1 - Math.sqrt(d) / 2) / (1 + e);
  if (target >= k / 2) return roundDown(target);
  return refuse(
    "makePrivate",
    `parameters that a grid of ${units} units can hold`,
    `${d} in one group`,
    "use a smaller physicalBatch (finer grid), fewer parameters, or flat clipping",
  );
}
