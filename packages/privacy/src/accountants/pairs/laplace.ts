/** @file Laplace noise of scale b around 1 and around 0: ℓ(x) = (|x| - |x - 1|)/b, with half of P in the atom at 1/b. */
import type { LossPair } from "./pair.ts";

export function laplacePair(scale: number): LossPair {
  const top = 1 / scale;
  /** Pr[x ≤ at] of the noise around 0. */
  const below = (at: number): number => (at < 0 ? Math.exp(at / scale) / 2 : 1 - Math.exp(-at / scale) / 2);
  /** Mass of the noise around `centre` for a < x ≤ b, computed on the side where both ends lie. */
  const mass = (a: number, b: number, centre: number): number => {
    if (a >= b) return 0;
    const [lo, hi] = [a - centre, b - centre];
    if (lo >= 0) return (Math.exp(-lo / scale) * -Math.expm1((lo - hi) / scale)) / 2;
    if (hi <= 0) return (Math.exp(hi / scale) * -Math.expm1((lo - hi) / scale)) / 2;
    return below(hi) - below(lo);
  };
  /** The largest x with ℓ(x) ≤ loss: ℓ rises from -1/b at x ≤ 0 to 1/b at x ≥ 1. */
  const x = (loss: number): number =>
    loss >= top ? Number.POSITIVE_INFINITY : loss < -top ? Number.NEGATIVE_INFINITY : (1 + loss * scale) / 2;
  return {
    p: (lo, hi) => mass(x(lo), x(hi), 1),
    q: (lo, hi) => mass(x(lo), x(hi), 0),
    infinite: 0,
    vanishing: 0,
    range: [-top, top],
    bounded: true,
  };
}
