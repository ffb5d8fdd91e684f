/** @file The special functions in f64: inverse error function, log of gamma, polygammas; and the series that they share. */
import { erfOf } from "../elementwise/scalar.ts";

/** erfc for x >= 2.5, where 1 - erf would cancel: the continued fraction of Abramowitz & Stegun 7.1.14 from 60 terms inwards. */
function erfcTail(x: number): number {
  let f = x;
  for (let k = 60; k >= 1; k--) f = x + k / 2 / f;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * f);
}

/** 1 - erf(x), with its digits where that is tiny. */
export const erfcOf = (x: number): number => (x >= 2.5 ? erfcTail(Math.min(x, 30)) : 1 - erfOf(x));

/** Inverse of erf by Newton's method, which is quadratic: from a start within 0.01 six steps are plenty. ±∞ at ±1, NaN beyond. */
export function erfinvOf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 1)) return a === 1 ? x * Number.POSITIVE_INFINITY : Number.NaN;
  // Winitzki's approximation ("A handy approximation for the error function and its inverse", 2008), a = 0.147.
  const l = Math.log((1 - a) * (1 + a));
  const m = 2 / (Math.PI * 0.147) + l / 2;
  let y = Math.sqrt(Math.sqrt(m * m - l / 0.147) - m);
  for (let k = 0; k < 6; k++) {
    const miss = y < 2.5 ? erfOf(y) - a : 1 - a - erfcTail(y);
    y -= (miss * Math.sqrt(Math.PI) * Math.exp(y * y)) / 2;
  }
  return Math.sign(x) * y;
}

/** Bernoulli numbers B_2, B_4, ..., B_16. */
export const BERNOULLI: readonly number[] = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510];

/** Arguments below are moved up by as much before the asymptotic series, whose last term is then below 1e-15. */
export const SHIFT = 10;

/** log Γ(x) for x > 0 (Stirling's series, A&S 6.1.40, above SHIFT; below by Γ(x + 1) = x Γ(x)). NaN for x < 0, ∞ at 0. */
export function lgammaOf(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  let product = 1;
  let z = x;
  if (x < SHIFT) for (let k = 0; k < SHIFT; k++) product *= z++;
  let series = 0;
  for (let k = BERNOULLI.length; k >= 1; k--) series = series / (z * z) + BERNOULLI[k - 1]! / (2 * k * (2 * k - 1));
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series / z - Math.log(product);
}

export function factorial(n: number): number {
  let f = 1;
  for (let k = 2; k <= n; k++) f *= k;
  return f;
}

/** Coefficient of 1/z^(2k + n) in the asymptotic series of the n-th polygamma, without its sign: B_2k (2k + n - 1)! / (2k)!. */
export const polygammaTerm = (n: number, k: number): number => (BERNOULLI[k - 1]! * factorial(2 * k + n - 1)) / factorial(2 * k);

/** The n-th derivative of the digamma function for x > 0 (A&S 6.3.18, 6.4.11); n = 0 is digamma itself. NaN for x < 0, ±∞ at 0. */
export function polygammaOf(n: number, x: number): number {
  const sign = n % 2 === 0 ? -1 : 1;
  if (!(x > 0)) return x === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  let z = x;
  let below = 0;
  if (x < SHIFT) for (let k = 0; k < SHIFT; k++) below += factorial(n) / (z++) ** (n + 1);
  let series = 0;
  for (let k = BERNOULLI.length; k >= 1; k--) series = series / (z * z) + polygammaTerm(n, k);
  const lead = n === 0 ? -Math.log(z) : factorial(n - 1) / z ** n;
  return sign * (lead + factorial(n) / (2 * z ** (n + 1)) + series / z ** (n + 2) + below);
}
