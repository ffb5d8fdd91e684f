/**
 * @file Pairs (P, Q) of distributions that dominate a mechanism, described by their privacy loss ℓ = log dP/dQ: how much of P and of Q
 * lies where lo < ℓ ≤ hi. That is all that an accountant needs (Zhu, Dong, Wang 2022, "Optimal accounting of differential privacy
 * via characteristic function", section 2).
 */

export interface LossPair {
  /** Mass of P where lo < ℓ ≤ hi; bounds may be infinite. */
  p(lo: number, hi: number): number;
  /** Mass of Q there. */
  q(lo: number, hi: number): number;
  /** Mass of P where Q has none. */
  readonly infinite: number;
  /** Mass of Q where P has none: no cost of (P, Q), and all of that of its mirror image and of mixtures. */
  readonly vanishing: number;
  /** Outside this range of ℓ lies at most `TAIL` of P or Q (none where losses are bounded). */
  readonly range: readonly [number, number];
  /** Whether nothing at all lies outside the range. */
  readonly bounded: boolean;
}

/** Mass of one tail that is cut off: a billionth of the smallest δ that anybody asks for, times 10^5 compositions. */
export const TAIL = 1e-22;

/** Losses at finitely many points, in rising order. */
export interface Atom {
  readonly loss: number;
  readonly p: number;
  readonly q: number;
}

/** A pair of atoms, and what stands in P or in Q alone. */
export function atomPair(atoms: readonly Atom[], infinite = 0, vanishing = 0): LossPair {
  const losses = Float64Array.from(atoms, (a) => a.loss);
  const sums = (of: (a: Atom) => number): Float64Array => {
    const out = new Float64Array(atoms.length + 1);
    atoms.forEach((a, i) => {
      out[i + 1] = out[i]! + of(a);
    });
    return out;
  };
  const [p, q] = [sums((a) => a.p), sums((a) => a.q)];
  /** How many atoms have a loss of at most x. */
  const upTo = (x: number): number => {
    let [lo, hi] = [0, losses.length];
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (losses[mid]! <= x) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  };
  const few = (of: (a: Atom) => number, total: Float64Array, lo: number, hi: number): number => {
    const [from, to] = [upTo(lo), upTo(hi)];
    // Differences of running sums lose the digits of small atoms: a few are added up anew.
    if (to - from <= 64) return atoms.slice(from, to).reduce((sum, a) => sum + of(a), 0);
    return total[to]! - total[from]!;
  };
  return {
    p: (lo, hi) => few((a) => a.p, p, lo, hi),
    q: (lo, hi) => few((a) => a.q, q, lo, hi),
    infinite,
    vanishing,
    range: [losses[0] ?? 0, losses.at(-1) ?? 0],
    bounded: true,
  };
}
