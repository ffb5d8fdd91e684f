/**
 * @file The normal distribution to full relative accuracy, in both tails.
 *
 * erfc by W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969), his coefficients: relative
 * error about 1e-15 where a plain 1 - erf(x) has lost all digits. Privacy curves are made of tails.
 */

const A = [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694];
const B = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171];
const C = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
];
const D = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597, 4362.619090143247,
  3439.3676741437216, 1230.3393548037495,
];
const P = [
  0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
  0.0006587491615298378,
];
const Q = [1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918];
const ONE_OVER_SQRT_PI = 0.5641895835477563;
const LOG_SQRT_2PI = 0.9189385332046728;
const SQRT_HALF_PI = 1.2533141373155003;

function horner(coefficients: readonly number[], x: number): number {
  let y = 0;
  for (let i = 0; i < coefficients.length; i++) y = y * x + coefficients[i]!;
  return y;
}

/** exp(x²) erfc(x) for x ≥ 0.46875. */
function scaledTail(x: number): number {
  if (x <= 4) return horner(C, x) / horner(D, x);
  const y = 1 / (x * x);
  return (ONE_OVER_SQRT_PI - (y * horner(P, y)) / horner(Q, y)) / x;
}

/** exp(-x²) without the rounding of x²: x split into a part of few bits and the rest. */
function expMinusSquare(x: number): number {
  const high = Math.trunc(x * 16) / 16;
  return Math.exp(-high * high) * Math.exp(-(x - high) * (x + high));
}

/** 1 - erf(x), relative error about 1e-15 until it underflows near x = 26.6. */
export function erfc(x: number): number {
  const a = Math.abs(x);
  if (a <= 0.46875) {
    const y = x * x;
    return 1 - (x * horner(A, y)) / horner(B, y);
  }
  // Below 1e-308 there is nothing left; infinity would meet itself.
  const tail = a > 27 ? 0 : expMinusSquare(a) * scaledTail(a);
  return x < 0 ? 2 - tail : tail;
}

/** log erfc(x), finite for every finite x. */
export function logErfc(x: number): number {
  return x < 0.46875 ? Math.log(erfc(x)) : -x * x + Math.log(scaledTail(x));
}

/** Pr[N(0, 1) ≤ x]. */
export const normalCdf = (x: number): number => erfc(-x * Math.SQRT1_2) / 2;

/** log Pr[N(0, 1) ≤ x]. */
export const logNormalCdf = (x: number): number => logErfc(-x * Math.SQRT1_2) - Math.LN2;

/** Density of N(0, 1), as a logarithm. */
export const logNormalDensity = (x: number): number => -0.5 * x * x - LOG_SQRT_2PI;

/** Pr[N(0, 1) > x] over the density at x (Mills 1926), to 1e-15; Infinity below x = -37. */
export function millsRatio(x: number): number {
  const y = x * Math.SQRT1_2;
  return SQRT_HALF_PI * (y < 0.46875 ? Math.exp(y * y) * erfc(y) : scaledTail(y));
}

/** Pr[a < N(0, 1) ≤ b] for a ≤ b, computed in the tail where both lie, so that small masses keep their digits. */
export function normalMass(a: number, b: number): number {
  if (a > 0) return (erfc(a * Math.SQRT1_2) - erfc(b * Math.SQRT1_2)) / 2;
  return (erfc(-b * Math.SQRT1_2) - erfc(-a * Math.SQRT1_2)) / 2;
}
