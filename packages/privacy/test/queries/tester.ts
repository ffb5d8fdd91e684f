/**
 * @file A tester of (ε, δ) claims: from samples of two laws a lower bound on their δ(ε) = max over events E of P(E) - e^ε Q(E).
 *
 * Outputs are put into cells. One part of the samples chooses E: the cells with more of P than e^ε times those of Q. The other part, which knows
 * nothing of that choice, bounds P(E) from below and Q(E) from above, each but for a chance of alarm / 2 (Chernoff's bound on binomial tails,
 * n KL(seen, p) ≤ log(2 / alarm)). So whatever the laws are, the bound is above their δ(ε) with probability at most `alarm`.
 *
 * Power: where the cells are those of the privacy loss, E is the best event but for its rough edge, and the bound falls short of δ(ε) by about
 * (1 + e^ε) √(2 p (1 - p) log(2 / alarm) / n). A σ that is 0.9 of what is claimed raises δ(0) from 0.383 to 0.421 for a noise multiplier of 1: with
 * n = 60,000 and alarm 1e-8 the shortfall is 0.023, and the rest of 0.015 is 5.6 standard deviations.
 */

export type CellName = number | string;

export interface TesterOptions {
  readonly epsilon: number;
  /** Samples of each law that choose the event, and that judge it. */
  readonly learn: number;
  readonly judge: number;
  /** How often a sound claim is rejected. */
  readonly alarm: number;
}

const kl = (a: number, b: number): number =>
  (a === 0 ? 0 : a * Math.log(a / b)) + (a === 1 ? 0 : (1 - a) * Math.log((1 - a) / (1 - b)));

/** The p furthest to one side of k / n that k of n is not too rare for. */
export function binomialEnd(k: number, n: number, chance: number, side: "lower" | "upper"): number {
  const seen = k / n;
  let [near, far] = [seen, side === "lower" ? 0 : 1];
  for (let i = 0; i < 100; i++) {
    const mid = (near + far) / 2;
    if (n * kl(seen, mid) <= Math.log(1 / chance)) near = mid;
    else far = mid;
  }
  return far;
}

/** A lower bound on δ(ε) of the laws of `p` and `q`. */
export function lowerDelta(p: () => CellName, q: () => CellName, { epsilon, learn, judge, alarm }: TesterOptions): number {
  const factor = Math.exp(epsilon);
  const weights = new Map<CellName, number>();
  for (let i = 0; i < learn; i++) {
    const [a, b] = [p(), q()];
    weights.set(a, (weights.get(a) ?? 0) + 1);
    weights.set(b, (weights.get(b) ?? 0) - factor);
  }
  const inEvent = (cell: CellName): boolean => (weights.get(cell) ?? 0) > 0;
  let [inP, inQ] = [0, 0];
  for (let i = 0; i < judge; i++) {
    if (inEvent(p())) inP++;
    if (inEvent(q())) inQ++;
  }
  return binomialEnd(inP, judge, alarm / 2, "lower") - factor * binomialEnd(inQ, judge, alarm / 2, "upper");
}
