/**
 * @file Composition of privacy losses by FFT: losses add up, so their distributions convolve.
 *
 * The sum is computed modulo the window's length. The window holds all but 1e-14 of it on either side (Chernoff, over a grid of
 * exponents); what falls out above counts as infinite loss in a pessimistic estimate and as none in an optimistic one. What rounding
 * can do to any δ is bounded by `rounding`, and is added or taken off likewise.
 */
import { TacitError } from "@tacit/core/errors";
import { Fourier } from "./fft.ts";
import type { Estimate, LossGrid } from "./loss-grid.ts";

export interface Repeated {
  readonly grid: LossGrid;
  readonly count: number;
}

/** Mass that may wrap around on one side. */
const WRAPPED = 1e-14;
const MOST_POINTS = 2 ** 23;
const EXPONENTS = Array.from({ length: 49 }, (_, i) => 2 ** (i / 2 - 10));

/** log Σ p_j e^(λ ℓ_j). */
function logMoment({ step, first, masses }: LossGrid, lambda: number): number {
  const n = masses.length;
  const high = lambda > 0 ? (first + n - 1) * step * lambda : first * step * lambda;
  // Σ p_j e^(λ(ℓ_j - ℓ_end)) by Horner's rule, from the far end: each factor below 1.
  const factor = Math.exp(-Math.abs(lambda) * step);
  let sum = 0;
  for (let i = 0; i < n; i++) sum = sum * factor + masses[lambda > 0 ? i : n - 1 - i]!;
  // A sum that is too small for a double is not 0: from 1e-300 up it is a bound above, and the window is only wider.
  return high + Math.log(Math.max(sum, 1e-300));
}

/** A bound u with Pr[sum > u] ≤ WRAPPED for sign 1, or Pr[sum < -u] for -1; and whether nothing at all lies beyond. */
function bound(parts: readonly Repeated[], sign: 1 | -1): number {
  const end = ({ grid }: Repeated): number =>
    sign > 0 ? (grid.first + grid.masses.length - 1) * grid.step : -grid.first * grid.step;
  let least = parts.reduce((sum, p) => sum + p.count * end(p), 0);
  for (const lambda of EXPONENTS) {
    const moment = parts.reduce((sum, p) => sum + p.count * logMoment(p.grid, sign * lambda), 0);
    least = Math.min(least, (moment - Math.log(WRAPPED)) / lambda);
  }
  return least;
}

const nextPower = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(2, n)));

/** Writes `grid` into `out`, position (first + i) modulo its length. */
function place(grid: LossGrid, out: Float64Array): void {
  const n = out.length;
  for (let i = 0; i < grid.masses.length; i++) out[(((grid.first + i) % n) + n) % n]! += grid.masses[i]!;
}

/** e^-750 is 0 in double precision. */
const GONE = -750;

/** Multiplies (re, im) by the `count`-th power of the spectra of two real sequences that were transformed as one complex one. */
class Spectrum {
  readonly logRadius: Float64Array;
  readonly angle: Float64Array;

  constructor(size: number) {
    this.logRadius = new Float64Array(size / 2 + 1);
    this.angle = new Float64Array(size / 2 + 1);
  }

  add(k: number, re: number, im: number, count: number): void {
    // 0 already, as a double, and factors are at most 1: that is so for nearly all frequencies of many releases.
    if (this.logRadius[k]! < GONE) return;
    this.logRadius[k]! += count * 0.5 * Math.log(re * re + im * im);
    this.angle[k]! += count * Math.atan2(im, re);
  }
}

/** Adds to `total` the spectra of one or two parts, with one transform. */
function addSpectra(total: Spectrum, fourier: Fourier, a: Repeated, b: Repeated | undefined): void {
  const n = fourier.size;
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  place(a.grid, re);
  if (b !== undefined) place(b.grid, im);
  fourier.forward(re, im);
  for (let k = 0; k <= n / 2; k++) {
    const m = (n - k) % n;
    total.add(k, (re[k]! + re[m]!) / 2, (im[k]! - im[m]!) / 2, a.count);
    if (b !== undefined) total.add(k, (im[k]! + im[m]!) / 2, (re[m]! - re[k]!) / 2, b.count);
  }
}

/** 2^-53. */
const UNIT = Number.EPSILON / 2;
/** Error of a transform per level, in units of UNIT, relative in the 2-norm: 1 + 4√2 for exact twiddles, twice that to be safe. */
const LEVEL = 14;

const norm2 = (x: Float64Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

/**
 * How far rounding can move any sum of masses of the result, in four steps:
 *  1. a transform of N points errs by at most log2(N)·LEVEL·UNIT in the 2-norm, relative (Higham, Accuracy and Stability of Numerical
 *     Algorithms, 2nd edition, theorem 24.2); so X_i, the spectrum of part i, by e_i = that times √N·|x_i|₂;
 *  2. |X_i| ≤ 1 everywhere, masses adding up to 1 at most: the product Π X_i^(T_i) moves by Σ T_i e_i at most, in the 2-norm;
 *  3. its logarithms and exponential add a relative error of 8 UNIT for each release (their arguments are below 2^6 where the result is not 0
 *     in double precision), and the transform back another relative one as in 1; back in masses a 2-norm is divided by √N;
 *  4. a sum of at most N masses moves by √N times the 2-norm (Cauchy-Schwarz).
 */
function rounding(parts: readonly Repeated[], size: number, result: Float64Array): number {
  const transform = Math.log2(size) * LEVEL * UNIT;
  const count = parts.reduce((n, p) => n + p.count, 0);
  const forward = transform * parts.reduce((sum, p) => sum + p.count * norm2(p.grid.masses), 0);
  return Math.sqrt(size) * (forward + (8 * count * UNIT + transform) * norm2(result));
}

/** The loss of all `parts` together. All have one step. @throws TacitError PRIVACY_GRID when the window would not fit */
export function compose(parts: readonly Repeated[], estimate: Estimate): LossGrid {
  const { step } = parts[0]!.grid;
  const survive = parts.reduce((log, { grid, count }) => log + count * Math.log1p(-grid.infinite), 0);
  const [up, down] = [bound(parts, 1), bound(parts, -1)];
  const first = Math.floor(-down / step);
  const size = nextPower(Math.ceil(up / step) - first + 2);
  if (size > MOST_POINTS) {
    throw new TacitError("PRIVACY_GRID", `compose: expected losses that fit ${MOST_POINTS} points of ${step}, got a wider sum`, {
      hint: 'so many or so large losses: accountant: "rdp" adds them up without a grid',
    });
  }
  const fourier = new Fourier(size);
  const total = new Spectrum(size);
  for (let i = 0; i < parts.length; i += 2) addSpectra(total, fourier, parts[i]!, parts[i + 1]);
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  for (let k = 0; k <= size / 2; k++) {
    const radius = Math.exp(total.logRadius[k]!);
    re[k] = radius * Math.cos(total.angle[k]!);
    im[k] = radius * Math.sin(total.angle[k]!);
    if (k > 0 && k < size / 2) {
      re[size - k] = re[k]!;
      im[size - k] = -im[k]!;
    }
  }
  fourier.inverse(re, im);
  const masses = new Float64Array(size);
  for (let i = 0; i < size; i++) masses[i] = Math.max(0, re[(((first + i) % size) + size) % size]!);
  const bounded = parts.every((p) => p.grid.bounded);
  const slack = rounding(parts, size, masses) + 2 * WRAPPED;
  const infinite = -Math.expm1(survive) + (estimate === "pessimistic" ? slack : -slack);
  return { step, first, masses, infinite, bounded };
}
