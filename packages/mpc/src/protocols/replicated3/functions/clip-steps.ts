/** @file Constants of clipping: a function of the bound, the number of coordinates and the fraction bits alone. Checks read them without the parties' code. */

/** Largest shift of the wide truncation. */
const MOST_SHIFT = 46;
/** Fraction bits of a row's factor. */
export const FACTOR_BITS = 30;
/** Fraction bits of ‖x‖²/C². */
export const RATIO_BITS = 12;
/** What the factor leaves for its own error (below 2^-11.9), relative. */
const MARGIN = 2 ** -10;

export interface ClipSteps {
  /** Largest squared norm of a row that is added, in ring units: floor((C 2^f)²). */
  readonly most: bigint;
  /** Shift of a row's product with its factor. */
  readonly shift: number;
  /** Shift of the raw squared norm, then an integer and a shift that make it ‖x‖²/C_t² with RATIO_BITS. */
  readonly square: number;
  readonly ratio: bigint;
  readonly ratioShift: number;
}

/** The exponent e with 2^(e-1) < x ≤ 2^e. By comparisons: parties must agree to the last bit, and `Math.log2` is any engine's own. */
function ceilLog2(x: number): number {
  let e = 0;
  while (2 ** e < x) e++;
  while (2 ** (e - 1) >= x) e--;
  return e;
}

/**
 * For rows of `width` coordinates, a bound numerator / 2^down and f fraction bits; or why there are none.
 *
 * `shift`: p = min(46, 61 - f - K), 2^(K-1) < C ≤ 2^K. A truncation by p gives integers below 1.5 2^(63-p) in magnitude, *whatever
 * it is given* (README, "Clipping"), so that the squares of a row add up to less than 2^62 if width (1.5 2^(63-p))² is.
 */
export function clipSteps([numerator, down]: readonly [number, number], width: number, f: number): ClipSteps | string {
  const bound = numerator / 2 ** down;
  const target = (bound - (Math.sqrt(width) + 2) * 2 ** -f) * (1 - MARGIN);
  if (!(target >= bound / 2)) return `a clip norm above ${2 * (Math.sqrt(width) + 3)} units of 2^-${f} for ${width} coordinates`;
  const shift = Math.min(MOST_SHIFT, 61 - f - ceilLog2(bound));
  if (shift < FACTOR_BITS || width * (1.5 * 2 ** (63 - shift)) ** 2 >= 2 ** 62) {
    return `a smaller clip norm, or fewer coordinates than ${width}: squared norms would leave the ring`;
  }
  const area = target * target;
  const square = Math.min(31, Math.max(0, 2 * f - 14 + ceilLog2(area) - 1));
  const factor = 2 ** (RATIO_BITS - 2 * f + square) / area;
  const ratioShift = 14 - ceilLog2(factor);
  if (ratioShift < 0 || ratioShift > 31) return "a clip norm within the range of fixed point";
  const scaled = 2n * BigInt(f - down);
  const most = BigInt(numerator) ** 2n;
  return {
    most: scaled >= 0n ? most << scaled : most >> -scaled,
    shift,
    square,
    ratio: BigInt(Math.ceil(factor * 2 ** ratioShift)),
    ratioShift,
  };
}
