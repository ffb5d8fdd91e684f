/**
 * @file Poisson sampling of a pair, in both directions. With M = (1 - r) Q + r P, taking a unit away is judged by (M, Q) and adding
 * one by (Q, M); each alone is not enough, and neither is the other (Zhu, Dong, Wang 2022, theorem 11).
 */
import type { LossPair } from "./pair.ts";

export type Direction = "remove" | "add";

/** log(1 + r (e^x - 1)): the loss of (M, Q) where that of (P, Q) is x. */
const mixed = (x: number, rate: number): number =>
  x > 30 ? x + Math.log(rate + (1 - rate) * Math.exp(-x)) : Math.log1p(rate * Math.expm1(x));

/** Its inverse; -∞ below what a mixture can reach. */
function unmixed(y: number, rate: number): number {
  if (y === Number.POSITIVE_INFINITY) return y;
  if (y > 30) return y + Math.log1p(-(1 - rate) * Math.exp(-y)) - Math.log(rate);
  const grown = Math.expm1(y) / rate;
  return grown <= -1 ? Number.NEGATIVE_INFINITY : Math.log1p(grown);
}

/** `pair`, and an atom of masses p and q at one loss. */
function withAtom(pair: LossPair, loss: number, p: number, q: number): LossPair {
  if (p === 0 && q === 0) return pair;
  const here = (lo: number, hi: number): number => (lo < loss && loss <= hi ? 1 : 0);
  return {
    ...pair,
    p: (lo, hi) => pair.p(lo, hi) + p * here(lo, hi),
    q: (lo, hi) => pair.q(lo, hi) + q * here(lo, hi),
    range: [Math.min(pair.range[0], loss), Math.max(pair.range[1], loss)],
  };
}

/** The pair of one direction. With `rate` 1 this is the pair itself, or its mirror image. */
export function sampledPair(base: LossPair, rate: number, direction: Direction): LossPair {
  if (rate === 1) return direction === "remove" ? base : mirrored(base, rate);
  // Where P has nothing, M has (1 - r) of Q's mass.
  const [stay, alone] = [Math.log1p(-rate), base.vanishing];
  if (direction === "add") return withAtom(mirrored(base, rate), -stay, alone, (1 - rate) * alone);
  const [least, most] = base.range;
  const inner = (y: number): number => unmixed(y, rate);
  const pair: LossPair = {
    p: (lo, hi) => mixture(base, rate, inner(lo), inner(hi)),
    q: (lo, hi) => base.q(inner(lo), inner(hi)),
    infinite: rate * base.infinite,
    vanishing: 0,
    range: [mixed(least, rate), mixed(most, rate)],
    bounded: base.bounded,
  };
  return withAtom(pair, stay, (1 - rate) * alone, alone);
}

const mixture = (base: LossPair, rate: number, lo: number, hi: number): number =>
  (1 - rate) * base.q(lo, hi) + rate * base.p(lo, hi);

/** (Q, M), without what Q has alone where the rate is below 1. */
function mirrored(base: LossPair, rate: number): LossPair {
  const [least, most] = base.range;
  // ℓ' = -log(1 + r (e^ℓ - 1)) falls: lo < ℓ' ≤ hi is -hi ≤ mixed(ℓ) < -lo. Closed at the other end: one step of the last digit.
  const inner = (y: number): number => {
    const x = rate === 1 ? y : unmixed(y, rate);
    return Number.isFinite(x) ? x - 4e-16 * Math.max(1, Math.abs(x)) : x;
  };
  return {
    p: (lo, hi) => base.q(inner(-hi), inner(-lo)),
    q: (lo, hi) => (rate === 1 ? base.p(inner(-hi), inner(-lo)) : mixture(base, rate, inner(-hi), inner(-lo))),
    infinite: rate === 1 ? base.vanishing : 0,
    // Where Q has nothing and P has something, the mirror image has loss -∞: no cost.
    vanishing: rate * base.infinite,
    range: rate === 1 ? [-most, -least] : [-mixed(most, rate), -mixed(least, rate)],
    bounded: base.bounded,
  };
}
