/**
 * @file The normal distribution to full relative accuracy, in both tails.
 *
 * erfc by W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969), his coefficients: relative
 * error about 1e-15 where a plain 1 - erf(x) has lost all digits. Privacy curves are made of tails.
 */

const A = [1.85777706184603153e-1, 3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3];
const B = [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3];
const C = [
  2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.9863513819740013e2,
  8.8195222124176909e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
];
const D = [
  1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3,
  4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
];
const P = [
  1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2,
  6.58749161529837803e-4,
];
const Q = [1, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3];
const ONE_OVER_SQRT_PI = 0.5641895835477562869;
const LOG_SQRT_2PI = 0.91893853320467274178;

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

/** Pr[a < N(0, 1) ≤ b] for a ≤ b, computed in the tail where both lie, so that small masses keep their digits. */
export function normalMass(a: number, b: number): number {
  if (a > 0) return (erfc(a * Math.SQRT1_2) - erfc(b * Math.SQRT1_2)) / 2;
  return (erfc(-b * Math.SQRT1_2) - erfc(-a * Math.SQRT1_2)) / 2;
}
