/**
 * @file A privacy loss on a grid of step h: pessimistic (its curve lies above the true one) or optimistic (below).
 *
 * Pessimistic: the mass of a cell (jh, (j+1)h] goes to its two ends so that both P's and Q's mass stay as they are. The curve is then
 * exact at every grid point and a straight line in e^ε between: above, since curves are convex in e^ε ("connect the dots": Doroshenko,
 * Ghazi, Kamath, Kumar, Manurangsi 2022, section 4). Rounding up alone would cost h/2 at each of T compositions; this costs h²/12.
 *
 * Optimistic: cells are cut so that log(P/Q) of each whole cell is a grid point. To look only at the cell is post-processing, which
 * can only lower the curve.
 */
import { TacitError } from "@tacit/core/errors";
import type { LossPair } from "./pairs/pair.ts";

/** Masses of P at losses (first + i) h. `infinite`: mass at infinite loss; what is missing to 1 has loss -∞. */
export interface LossGrid {
  readonly step: number;
  readonly first: number;
  readonly masses: Float64Array;
  readonly infinite: number;
  /** No loss beyond the last point was cut off: δ is 0 there. */
  readonly bounded: boolean;
}

export type Estimate = "pessimistic" | "optimistic";

const clamp = (x: number, most: number): number => Math.min(Math.max(x, 0), most);

export function pessimisticGrid(pair: LossPair, step: number): LossGrid {
  const first = Math.floor(pair.range[0] / step);
  const last = Math.ceil(pair.range[1] / step);
  const masses = new Float64Array(last - first + 1);
  const decay = Math.exp(-step);
  // All that lies below the range is rounded up to its first point.
  masses[0] = pair.p(Number.NEGATIVE_INFINITY, first * step);
  for (let j = first; j < last; j++) {
    const [lo, hi] = [j * step, (j + 1) * step];
    const p = pair.p(lo, hi);
    const right = clamp((p - Math.exp(lo) * pair.q(lo, hi)) / (1 - decay), p);
    masses[j - first]! += p - right;
    masses[j - first + 1]! += right;
  }
  const above = pair.p(last * step, Number.POSITIVE_INFINITY);
  // A mass that is lost, or no number, would read as privacy. (What the pair itself lacks to 1 has loss -∞.)
  const total = masses.reduce((sum, m) => sum + m, above);
  if (!(Math.abs(total - pair.p(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)) < 1e-6))
    throw new TacitError("PRIVACY_GRID", "pld: expected cells with all of the mechanism's mass, got less or more", {
      hint: 'parameters are too large or too small for doubles here: accountant: "rdp" or "zcdp" reads them',
    });
  return { step, first, masses, infinite: pair.infinite + above, bounded: pair.bounded && above === 0 };
}

/** Relative to h: how far below its grid point a cell's log(P/Q) may stand. Masses of narrow cells have 12 digits or so. */
const NEAR = 1e-6;

export function optimisticGrid(pair: LossPair, step: number): LossGrid {
  const first = Math.floor(pair.range[0] / step) - 1;
  const last = Math.ceil(pair.range[1] / step);
  const masses = new Float64Array(last - first + 1);
  let from = pair.range[0] - step;
  while (from < pair.range[1]) {
    const to = nextCut(pair, from, step);
    const [p, q] = [pair.p(from, to), pair.q(from, to)];
    from = to;
    if (p <= 0) continue;
    const at = Math.floor(Math.log(p / q) / step + NEAR);
    if (at >= first) masses[Math.min(at, last) - first]! += p;
  }
  return { step, first, masses, infinite: pair.infinite, bounded: pair.bounded };
}

/** The largest `to` with log(P/Q) of (from, to] at most the first grid point at or above `from`. */
function nextCut(pair: LossPair, from: number, step: number): number {
  const target = (Math.floor(from / step + NEAR) + 1) * step;
  const ratio = (to: number): number => {
    const p = pair.p(from, to);
    return p <= 0 ? Number.NEGATIVE_INFINITY : Math.log(p / pair.q(from, to));
  };
  // ℓ ≤ target everywhere in (from, target], so the ratio is; at three steps on it is usually above.
  let [lo, hi] = [target, target + 3 * step];
  if (!(ratio(hi) > target)) return hi;
  for (let i = 0; i < 60 && hi - lo > 1e-13 * Math.max(1, Math.abs(hi)); i++) {
    const mid = (lo + hi) / 2;
    if (ratio(mid) > target) hi = mid;
    else lo = mid;
  }
  return lo;
}

/** δ(ε) of one grid: Σ over losses ℓ > ε of p (1 - e^(ε - ℓ)), and what is infinite. */
export function deltaOf(grid: LossGrid, epsilon: number): number {
  const { step, first, masses } = grid;
  let sum = grid.infinite;
  for (let i = masses.length - 1; i >= 0; i--) {
    const over = (first + i) * step - epsilon;
    if (over <= 0) break;
    sum += masses[i]! * -Math.expm1(-over);
  }
  return Math.min(1, sum);
}

/** The smallest ε ≥ 0 with δ(ε) ≤ delta; Infinity where none is. */
export function epsilonOf(grid: LossGrid, delta: number): number {
  const { step, first, masses } = grid;
  if (grid.infinite > delta) return Number.POSITIVE_INFINITY;
  // δ(ε) = A - e^ε B between two grid points: A the mass above, B the same weighed by e^-ℓ.
  let above = grid.infinite;
  let weighed = 0;
  for (let i = masses.length - 1; i >= 0; i--) {
    const loss = (first + i) * step;
    // ε at or above this point: no mass joins.
    const here = above - Math.exp(loss) * weighed;
    if (here > delta) return loss < 0 && above - weighed <= delta ? 0 : Math.log((above - delta) / weighed);
    if (loss <= 0) return 0;
    above += masses[i]!;
    weighed += masses[i]! * Math.exp(-loss);
  }
  const end = (above - delta) / weighed;
  return end > 1 ? Math.log(end) : 0;
}
