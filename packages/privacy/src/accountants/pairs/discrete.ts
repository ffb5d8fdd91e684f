/** @file Noise on the integers against itself moved by the sensitivity; and the pairs of which only (ε, δ) is known. */
import { discreteGaussianMass, discreteLaplaceMass, type RunMass } from "../../math/discrete.ts";
import { type Atom, atomPair, type LossPair, TAIL } from "./pair.ts";

/** From so many integers on, atoms are not listed: masses of runs come from formulas. */
const MANY = 4096;

/** Noise of masses `mass` around Δ and around 0, where ℓ rises with x: `last(loss)` is the largest x with ℓ(x) ≤ loss. */
function runPair(
  mass: RunMass,
  sensitivity: number,
  last: (loss: number) => number,
  ends: Pick<LossPair, "range" | "bounded">,
): LossPair {
  const at = (loss: number): number => (Number.isFinite(loss) ? last(loss) : loss);
  return {
    p: (lo, hi) => mass(at(lo) + 1 - sensitivity, at(hi) - sensitivity),
    q: (lo, hi) => mass(at(lo) + 1, at(hi)),
    infinite: 0,
    vanishing: 0,
    ...ends,
  };
}

/** log of Σ e^(-x²/(2σ²)) over the integers. */
function logGaussianTotal(stdDev: number): number {
  const far = Math.ceil(stdDev * 40) + 2;
  let sum = 1;
  for (let x = 1; x <= far; x++) sum += 2 * Math.exp((-x * x) / (2 * stdDev * stdDev));
  return Math.log(sum);
}

/** P is the noise around `sensitivity`, Q around 0; ℓ(x) = Δ(2x - Δ)/(2σ²) rises with x. */
export function discreteGaussianPair(stdDev: number, sensitivity: number): LossPair {
  const far = Math.ceil(stdDev * Math.sqrt(-2 * Math.log(TAIL))) + 1;
  const lossAt = (x: number): number => (sensitivity * (2 * x - sensitivity)) / (2 * stdDev * stdDev);
  if (stdDev > MANY || sensitivity > MANY) {
    const last = (loss: number): number => Math.floor((loss * stdDev * stdDev) / sensitivity + sensitivity / 2);
    return runPair(discreteGaussianMass(stdDev), sensitivity, last, {
      range: [lossAt(-far), lossAt(far + sensitivity)],
      bounded: false,
    });
  }
  const log = logGaussianTotal(stdDev);
  const mass = (x: number): number => Math.exp((-x * x) / (2 * stdDev * stdDev) - log);
  const atoms: Atom[] = [];
  for (let x = -far; x <= far + sensitivity; x++) atoms.push({ loss: lossAt(x), p: mass(x - sensitivity), q: mass(x) });
  return { ...atomPair(atoms), bounded: false };
}

/** ℓ(x) = (|x| - |x - Δ|)/b: at x ≤ 0 and x ≥ Δ all of a tail in one atom. */
export function discreteLaplacePair(scale: number, sensitivity: number): LossPair {
  if (sensitivity > MANY) {
    const top = sensitivity / scale;
    const last = (loss: number): number => {
      if (loss >= top) return Number.POSITIVE_INFINITY;
      return loss < -top
        ? Number.NEGATIVE_INFINITY
        : Math.max(0, Math.min(sensitivity - 1, Math.floor((loss * scale + sensitivity) / 2)));
    };
    return runPair(discreteLaplaceMass(scale), sensitivity, last, { range: [-top, top], bounded: true });
  }
  const r = Math.exp(-1 / scale);
  /** Mass of all x ≥ k > 0 of the noise around 0. */
  const tail = (k: number): number => r ** k / (1 + r);
  const point = (x: number): number => (r ** Math.abs(x) * (1 - r)) / (1 + r);
  const atoms: Atom[] = [{ loss: -sensitivity / scale, p: tail(sensitivity), q: 1 / (1 + r) }];
  for (let x = 1; x < sensitivity; x++) {
    atoms.push({ loss: (2 * x - sensitivity) / scale, p: point(x - sensitivity), q: point(x) });
  }
  atoms.push({ loss: sensitivity / scale, p: 1 / (1 + r), q: tail(sensitivity) });
  return atomPair(atoms);
}

/** The worst (ε, δ) pair: randomised response at ±ε, and δ that gives everything away (Kairouz, Oh, Viswanath 2015). */
export function approximatePair(epsilon: number, delta: number): LossPair {
  const high = (1 - delta) / (1 + Math.exp(-epsilon));
  const low = (1 - delta) / (1 + Math.exp(epsilon));
  if (epsilon === 0) return atomPair([{ loss: 0, p: 1 - delta, q: 1 - delta }], delta, delta);
  const atoms = [
    { loss: -epsilon, p: low, q: high },
    { loss: epsilon, p: high, q: low },
  ];
  return atomPair(atoms, delta, delta);
}
